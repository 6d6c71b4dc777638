/*
 * excerpt.h
 *		What users have written, as far as it has room in a message.
 */
#ifndef BNAI_EXCERPT_H
#define BNAI_EXCERPT_H

/* Returns a text as it is, or its beginning if it is longer than any name. */
extern const char *Excerpt(const char *text);

#endif
