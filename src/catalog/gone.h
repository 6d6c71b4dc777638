/*
 * gone.h
 *		How the types write what was dropped: its last name, and that it is gone.
 *
 * A dump holds that, too.  What it says is never bound to something that has
 * the name today: who restores a dump may be allowed to bind anything, but
 * cannot know that the name has changed hands.
 */
#ifndef BNAI_GONE_H
#define BNAI_GONE_H

#define GONE_SUFFIX " (dropped)"

/* True for a text that says so. */
static inline bool
SaysGone(const char *text)
{
	Size		length = strlen(text);

	return length > strlen(GONE_SUFFIX) && strcmp(text + length - strlen(GONE_SUFFIX), GONE_SUFFIX) == 0;
}

/* The last name of what is gone, as it is to be written. */
static inline char *
GoneText(const char *name)
{
	return SaysGone(name) ? pstrdup(name) : psprintf("%s%s", name, GONE_SUFFIX);
}

/* The name in a text, whether or not it says so. */
static inline char *
NameInText(const char *text)
{
	return SaysGone(text) ? pnstrdup(text, strlen(text) - strlen(GONE_SUFFIX)) : pstrdup(text);
}

#endif							/* BNAI_GONE_H */
