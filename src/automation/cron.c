/*
 * cron.c
 *		When a schedule in cron's notation comes next: "minute hour day month
 *		weekday", each *, a number, a name, a range, a list, or one of those
 *		with a step.
 *
 * If both day and weekday are restricted, either will do (crontab(5)).
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "automation/cron.h"

/* How far to look: a leap day can be eight years away */
#define HORIZON_DAYS (8 * 366 + 1)

typedef struct CronField
{
	const char *name;
	int			min;
	int			max;
	const char *const *names;	/* of the values, from `first_name` on; NULL: none */
	int			first_name;
} CronField;

static const char *const MonthNames[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL
};
static const char *const DayNames[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum
{
	CRON_MINUTE,
	CRON_HOUR,
	CRON_DAY,
	CRON_MONTH,
	CRON_WEEKDAY,
	CRON_FIELDS
};

static const CronField Fields[CRON_FIELDS] = {
	{"minute", 0, 59, NULL, 0},
	{"hour", 0, 23, NULL, 0},
	{"day", 1, 31, NULL, 0},
	{"month", 1, 12, MonthNames, 1},
	{"weekday", 0, 7, DayNames, 0},
};

/* Values of each field, as bits */
typedef struct CronSchedule
{
	uint64		values[CRON_FIELDS];
	bool		any[CRON_FIELDS];	/* begins with * */
} CronSchedule;

/* Reads a number or a name; -1 if there is none. */
static int
ParseValue(const CronField *field, const char **at)
{
	int			value = 0;

	for (int i = 0; field->names != NULL && field->names[i] != NULL; i++)
		if (pg_strncasecmp(*at, field->names[i], 3) == 0)
		{
			*at += 3;
			return i + field->first_name;
		}
	if (!isdigit((unsigned char) **at))
		return -1;
	while (isdigit((unsigned char) **at) && value < 1000)
		value = value * 10 + *(*at)++ - '0';
	return value >= field->min && value <= field->max ? value : -1;
}

/* Reads one part of a list: a value or a range, with or without a step. */
static bool
ParsePart(const CronField *field, const char **at, uint64 *values)
{
	int			from = field->min;
	int			to = field->max;
	int			step = 1;

	if (**at == '*')
		(*at)++;
	else
	{
		from = to = ParseValue(field, at);
		if (from < 0)
			return false;
		if (**at == '-')
		{
			(*at)++;
			to = ParseValue(field, at);
			if (to < from)
				return false;
		}
	}
	if (**at == '/')
	{
		char	   *end;

		step = strtol(*at + 1, &end, 10);
		if (end == *at + 1 || step <= 0)
			return false;
		*at = end;
	}
	for (int value = from; value <= to; value += step)
		*values |= UINT64CONST(1) << value;
	return true;
}

/* Reads a field. */
static bool
ParseField(const CronField *field, const char **at, uint64 *values)
{
	*values = 0;
	do
	{
		if (!ParsePart(field, at, values))
			return false;
	} while (*(*at)++ == ',');
	(*at)--;
	return true;
}

/* Replaces @daily and the like. */
static const char *
ExpandNickname(const char *schedule)
{
	static const char *const nicknames[][2] = {
		{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
		{"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
	};

	for (int i = 0; i < lengthof(nicknames); i++)
		if (pg_strcasecmp(schedule, nicknames[i][0]) == 0)
			return nicknames[i][1];
	return schedule;
}

/* Reads a schedule; false if it is not understood. */
static bool
ParseSchedule(const char *text, CronSchedule *schedule)
{
	const char *at = ExpandNickname(text);

	for (int i = 0; i < CRON_FIELDS; i++)
	{
		while (isspace((unsigned char) *at))
			at++;
		schedule->any[i] = *at == '*';
		if (!ParseField(&Fields[i], &at, &schedule->values[i]))
			return false;
		if (*at != '\0' && !isspace((unsigned char) *at))
			return false;
	}
	while (isspace((unsigned char) *at))
		at++;
	/* Sunday is 0 and 7 */
	if (schedule->values[CRON_WEEKDAY] & (UINT64CONST(1) << 7))
		schedule->values[CRON_WEEKDAY] |= 1;
	return *at == '\0';
}

/* Returns true if a field has that value. */
static bool
Has(const CronSchedule *schedule, int field, int value)
{
	return (schedule->values[field] >> value) & 1;
}

/* Returns true if a schedule names a day. */
static bool
NamesDay(const CronSchedule *schedule, const struct pg_tm *day)
{
	bool		by_date = Has(schedule, CRON_DAY, day->tm_mday);
	bool		by_weekday = Has(schedule, CRON_WEEKDAY, j2day(date2j(day->tm_year, day->tm_mon, day->tm_mday)));

	if (!Has(schedule, CRON_MONTH, day->tm_mon))
		return false;
	return schedule->any[CRON_DAY] || schedule->any[CRON_WEEKDAY] ? by_date && by_weekday : by_date || by_weekday;
}

/* Returns the first time of a day that a schedule names and that is after `now`; 0 if there is none. */
static TimestampTz
NextOfDay(const CronSchedule *schedule, struct pg_tm *day, TimestampTz now, pg_tz *zone)
{
	for (day->tm_hour = 0; day->tm_hour < 24; day->tm_hour++)
		for (day->tm_min = 0; day->tm_min < 60; day->tm_min++)
		{
			TimestampTz time;
			int			offset;

			if (!Has(schedule, CRON_HOUR, day->tm_hour) || !Has(schedule, CRON_MINUTE, day->tm_min))
				continue;
			offset = DetermineTimeZoneOffset(day, zone);
			if (tm2timestamp(day, 0, &offset, &time) == 0 && time > now)
				return time;
		}
	return 0;
}

/* Finds the next time. */
TimestampTz
NextCronTime(const char *text, TimestampTz now, pg_tz *zone)
{
	CronSchedule schedule;
	struct pg_tm day;
	fsec_t		fraction;
	int			offset;
	int			first;

	if (!ParseSchedule(text, &schedule) || timestamp2tm(now, &offset, &day, &fraction, NULL, zone) != 0)
		return 0;
	first = date2j(day.tm_year, day.tm_mon, day.tm_mday);
	day.tm_sec = 0;
	for (int i = 0; i < HORIZON_DAYS; i++)
	{
		TimestampTz time = 0;

		j2date(first + i, &day.tm_year, &day.tm_mon, &day.tm_mday);
		if (NamesDay(&schedule, &day))
			time = NextOfDay(&schedule, &day, now, zone);
		if (time != 0)
			return time;
	}
	return 0;
}
