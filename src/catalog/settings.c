/*
 * settings.c
 *		The settings of a network: names, types and allowed values.
 */
#include "postgres.h"

#include <errno.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/boundcolumn.h"
#include "catalog/excerpt.h"
#include "catalog/build.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/settings.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_set);

static const char *const StartChoices[] = {"kmeans++", "random", "results", "posterior", NULL};
static const char *const MissingChoices[] = {"marginalize", "skip", "error", NULL};
static const char *const RefitChoices[] = {"auto", "warm", "full", NULL};
static const char *const ActionChoices[] = {"none", "recalculate", "background", NULL};

/* Ranges are those of the constraints in 10_catalog.sql, which would say less. */
static const Setting Settings[] = {
	{"counter_threshold", INT8OID, 1, INFINITY, NULL, "a positive integer, or NULL for none"},
	{"history", INT4OID, 1, PG_INT32_MAX, NULL, "a positive number of runs"},
	{"max_iterations", INT4OID, 1, 1e9, NULL, "an integer from 1 to 1000000000"},
	{"missing", TEXTOID, 0, 0, MissingChoices, "marginalize, skip or error, or NULL to choose by the type of the network"},
	{"moves", BOOLOID, 0, 1, NULL, "true or false"},
	{"owner", NAMEOID, 0, 0, NULL, "the name of a role"},
	{"priors", TEXTOID, 0, 0, PriorChoices, "data or vague, or NULL for data"},
	{"prune", BOOLOID, 0, 1, NULL, "true or false"},
	{"refit", TEXTOID, 0, 0, RefitChoices, "auto, warm or full"},
	{"refit_margin", FLOAT8OID, 0, 1e300, NULL, "a number of nats that is not negative"},
	{"resolution", FLOAT8OID, 0, 1, NULL, "a number from 0 to 1, in standard deviations of a column"},
	{"restart_sample", INT4OID, 0, PG_INT32_MAX, NULL, "a number of rows; 0 for all"},
	{"restarts", INT4OID, 1, 10000, NULL, "an integer from 1 to 10000, or NULL to choose by the number of rows"},
	{"results_column", NAMEOID, 0, 0, NULL, "the name of a column of the source, or NULL for none"},
	{"seed", INT8OID, -INFINITY, INFINITY, NULL, "an integer"},
	{"start", TEXTOID, 0, 0, StartChoices, "kmeans++, random, results or posterior"},
	{"threshold_action", TEXTOID, 0, 0, ActionChoices, "none, recalculate or background"},
	{"tolerance", FLOAT8OID, 0, 1e300, NULL, "a number of nats; 0 never stops early"},
	{"weight_column", NAMEOID, 0, 0, NULL, "the name of a column of the source, or NULL for none"},
};

/* Returns a setting by name. */
const Setting *
FindSetting(const char *name)
{
	StringInfoData names;

	for (int i = 0; i < lengthof(Settings); i++)
		if (strcmp(Settings[i].name, name) == 0)
			return &Settings[i];
	initStringInfo(&names);
	for (int i = 0; i < lengthof(Settings); i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", Settings[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("setting \"%s\" is unknown", Excerpt(name)),
			 errhint("Settings are: %s.", names.data)));
}

/* Raises an error about a value. */
pg_noreturn static void
InvalidSetting(const Setting *setting, const char *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for setting \"%s\": \"%s\"", setting->name, Excerpt(value)),
			 errdetail("Allowed is %s.", setting->allowed)));
}

/* Raises an error unless a number is in the setting's range. */
static void
CheckRange(const Setting *setting, double value)
{
	if (!(value >= setting->min && value <= setting->max))
		InvalidSetting(setting, psprintf("%.15g", value));
}

/* Raises an error unless a text is one of the setting's. */
static void
CheckChoice(const Setting *setting, const char *value)
{
	for (int i = 0; setting->choices[i] != NULL; i++)
		if (strcmp(setting->choices[i], value) == 0)
			return;
	InvalidSetting(setting, value);
}

/* Raises an error unless a value is allowed; names are checked by whoever uses them. */
void
CheckSetting(const Setting *setting, Datum value)
{
	switch (setting->type)
	{
		case INT4OID:
			CheckRange(setting, DatumGetInt32(value));
			break;
		case INT8OID:
			CheckRange(setting, DatumGetInt64(value));
			break;
		case FLOAT8OID:
			CheckRange(setting, DatumGetFloat8(value));
			break;
		case TEXTOID:
			CheckChoice(setting, TextDatumGetCString(value));
			break;
		default:
			break;
	}
}

/* Reads an integer within the range of the setting. */
static int64
ParseInteger(const Setting *setting, const char *text)
{
	char	   *end;
	int64		value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0)
		InvalidSetting(setting, text);
	CheckRange(setting, value);
	return value;
}

/* Reads a number within the range of the setting. */
static double
ParseDouble(const Setting *setting, const char *text)
{
	char	   *end;
	double		value = strtod(text, &end);

	/* strtod takes more than SQL does, such as 0x10 */
	if (end == text || *end != '\0' || !isfinite(value) || strpbrk(text, "xXpP") != NULL)
		InvalidSetting(setting, text);
	CheckRange(setting, value);
	return value;
}

/* Reads a name, which must not be cut off. */
static Datum
ParseNameValue(const Setting *setting, const char *text)
{
	if (*text == '\0' || strlen(text) >= NAMEDATALEN)
		InvalidSetting(setting, text);
	return DirectFunctionCall1(namein, CStringGetDatum(text));
}

/* Reads a value from its text. */
Datum
ParseSetting(const Setting *setting, const char *text)
{
	bool		flag;

	switch (setting->type)
	{
		case INT4OID:
			return Int32GetDatum((int32) ParseInteger(setting, text));
		case INT8OID:
			return Int64GetDatum(ParseInteger(setting, text));
		case FLOAT8OID:
			return Float8GetDatum(ParseDouble(setting, text));
		case BOOLOID:
			if (!parse_bool(text, &flag))
				InvalidSetting(setting, text);
			return BoolGetDatum(flag);
		case TEXTOID:
			CheckChoice(setting, text);
			return CStringGetTextDatum(text);
		case NAMEOID:
			return ParseNameValue(setting, text);
		default:
			elog(ERROR, "unexpected type of setting \"%s\"", setting->name);
	}
}

/* Returns the role that a network is given to; what ALTER … OWNER asks for: one must be able to become it. */
static Oid
NewOwner(const char *name)
{
	Oid			role = get_role_oid(name, false);

	if (!CanSetRole(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be able to SET ROLE \"%s\"", name)));
	return role;
}

/* Writes one setting; its default if there is no value. */
static void
StoreSetting(int network, const Setting *setting, bool isnull, Datum value)
{
	Oid			types[] = {INT4OID, setting->type};
	Datum		values[] = {Int32GetDatum(network), value};

	WriteCatalog(psprintf("UPDATE %s.bnai_network SET %s = %s WHERE id OPERATOR(pg_catalog.=) $1",
						  ExtensionSchema(), setting->name, isnull ? "DEFAULT" : "$2"),
				 isnull ? 1 : 2, types, values, NULL);
}

/* Writes one setting that is of another type in the table. */
static void
StoreValue(int network, const Setting *setting, Oid type, Datum value)
{
	Setting		stored = *setting;

	stored.type = type;
	StoreSetting(network, &stored, false, value);
}

/* Changes a setting that is a column of the source: it is bound where the source is known, else when it is. */
static void
SetColumn(Network *network, const Setting *setting, const char *name)
{
	bool		results = strcmp(setting->name, "results_column") == 0;
	Oid			source = NetworkSource(network);
	SourceColumn column = {.name = unconstify(char *, name), .width = 0};

	if (name == NULL)
	{
		StoreSetting(network->id, setting, true, (Datum) 0);
		return;
	}
	if (OidIsValid(source))
	{
		LockRelationOid(source, AccessShareLock);
		column.attribute = get_attnum(source, name);
	}
	if (results)
	{
		network->settings.results_column = column.name;
		network->settings.results_attribute = column.attribute;
		CheckResultsColumn(network);
	}
	else
	{
		network->settings.weight_column = column.name;
		network->settings.weight_attribute = column.attribute;
		CheckWeightColumn(network);
		CheckSourcePrivileges(network, false);
	}
	StoreValue(network->id, setting, ExtensionType("bnai_column"),
			   PointerGetDatum(MakeBoundColumn(source, &column)));
}

/* bnai_set(network, setting, value): changes a setting of a network. */
Datum
bnai_set(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	const Setting *setting = FindSetting(TextArgument(fcinfo, 1, "setting"));
	char	   *text = PG_ARGISNULL(2) ? NULL : TextArgument(fcinfo, 2, "value");
	Datum		value = text != NULL ? ParseSetting(setting, text) : (Datum) 0;

	if (strcmp(setting->name, "priors") == 0)
	{
		value = Float8GetDatum(ResetPriors(network->name, text == NULL ? PriorChoices[0] : text));
		StoreSetting(network->id, FindSetting("resolution"), false, value);
		PG_RETURN_VOID();
	}
	if (strcmp(setting->name, "owner") == 0)
	{
		if (text == NULL)
			InvalidSetting(setting, "NULL");
		StoreValue(network->id, setting, REGROLEOID, ObjectIdGetDatum(NewOwner(text)));
		PG_RETURN_VOID();
	}
	if (setting->type == NAMEOID)
	{
		SetColumn(network, setting, text);
		PG_RETURN_VOID();
	}
	StoreSetting(network->id, setting, text == NULL, value);
	PG_RETURN_VOID();
}
