/*
 * excerpt.c
 *		Cutting long texts for messages.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "catalog/excerpt.h"

const char *
Excerpt(const char *text)
{
	int			length = strlen(text);
	int			kept;

	if (length < 2 * NAMEDATALEN)
		return text;
	kept = pg_mbcliplen(text, length, NAMEDATALEN);
	return psprintf("%.*s... (%d bytes)", kept, text, length);
}
