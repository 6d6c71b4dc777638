/*
 * sort.c
 *		Sorting of numbers: PostgreSQL's sort, without a call for each comparison.
 */
#include "postgres.h"

#include "numerics/sort.h"

#define ST_SORT SortDoubles
#define ST_ELEMENT_TYPE double
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE
#define ST_DEFINE
#include "lib/sort_template.h"
