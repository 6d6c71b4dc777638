/*
 * plot.c
 *		What the pictures of src/sql/70_plots.sql cannot say in SQL: errors.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "catalog/excerpt.h"
#include "posterior/posterior.h"

PG_FUNCTION_INFO_V1(bnai_plot_columns);
PG_FUNCTION_INFO_V1(bnai_plot_names);
PG_FUNCTION_INFO_V1(bnai_refuse_plot);

#define MAX_PLOT_COLUMNS 6 /* of a matrix: it has half of their square pictures */

/*
 * Returns the position, from 1, of an observed column; an error if there is none.
 */
static int
ColumnPosition(const Posterior *posterior, const char *name)
{
	int position = 1;

	for (int i = 0; i < posterior->nleaves; i++)
		for (int j = 0; j < PosteriorLeafColumns(&posterior->leaves[i]); j++, position++)
			if (strcmp(posterior->leaves[i].columns[j], name) == 0)
				return position;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("the network does not observe a column \"%s\"", Excerpt(name)),
					errhint("SELECT network, columns FROM bnai_networks lists what it observes.")));
}

/*
 * bnai_plot_columns(posterior, columns): the positions of the columns to draw;
 * of all, where none are given, as many as fit.  NULL where there is no posterior.
 */
Datum
bnai_plot_columns(PG_FUNCTION_ARGS)
{
	Posterior *posterior;
	Datum positions[MAX_PLOT_COLUMNS];
	Datum *names = NULL;
	int n;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	posterior = DatumGetPosterior(PG_GETARG_DATUM(0));
	n = Min(PosteriorColumns(posterior), MAX_PLOT_COLUMNS);
	if (posterior->selector == NULL)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("the network has no clusters to draw"),
						errhint("bnai_plot(network, 'posterior', node => ...) draws the posterior of a node.")));
	if (!PG_ARGISNULL(1))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	if (n < 1 || n > MAX_PLOT_COLUMNS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%d columns cannot be drawn", n),
						errhint("Choose from one to %d of the columns that the network observes.", MAX_PLOT_COLUMNS)));
	for (int i = 0; i < n; i++)
		positions[i] = Int32GetDatum(names == NULL ? i + 1 : ColumnPosition(posterior, TextDatumGetCString(names[i])));
	PG_RETURN_ARRAYTYPE_P(construct_array(positions, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/*
 * bnai_plot_names(posterior, leaf): the names of a leaf's columns, or of all.
 */
Datum
bnai_plot_names(PG_FUNCTION_ARGS)
{
	Posterior *posterior;
	Datum *names;
	char *only = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	int n = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	posterior = DatumGetPosterior(PG_GETARG_DATUM(0));
	names = palloc(sizeof(Datum) * (PosteriorColumns(posterior) + 1));
	for (int i = 0; i < posterior->nleaves; i++)
		for (int j = 0; j < PosteriorLeafColumns(&posterior->leaves[i]); j++)
			if (only == NULL || strcmp(posterior->leaves[i].name, only) == 0)
				names[n++] = CStringGetTextDatum(posterior->leaves[i].columns[j]);
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * bnai_refuse_plot(what): the error for what cannot be drawn.
 */
Datum
bnai_refuse_plot(PG_FUNCTION_ARGS)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no plot of \"%s\"", Excerpt(text_to_cstring(PG_GETARG_TEXT_PP(0)))),
					errhint("Plots are clusters, posterior, trace, sizes and changes.")));
}
