/*
 * settings.h
 *		The settings of a network: names, types and allowed values.
 */
#ifndef BNAI_SETTINGS_H
#define BNAI_SETTINGS_H

#include "fmgr.h"

typedef struct Setting
{
	const char *name;			/* of the setting and of its column in bnai_network; priors has none, it is what nodes say */
	Oid			type;			/* of that column */
	double		min;			/* numbers */
	double		max;
	const char *const *choices; /* texts: the allowed ones, ends with NULL */
	const char *allowed;		/* in words, for error messages */
} Setting;

typedef struct SettingValue
{
	const Setting *setting;
	Datum		value;			/* of its type */
} SettingValue;

/* Raises an error if there is no setting of that name. */
extern const Setting *FindSetting(const char *name);

/* Raises an error unless the value is allowed. */
extern void CheckSetting(const Setting *setting, Datum value);

/* Reads a value from its text, and checks it. */
extern Datum ParseSetting(const Setting *setting, const char *text);

#endif							/* BNAI_SETTINGS_H */
