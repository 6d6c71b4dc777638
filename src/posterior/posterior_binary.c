/*
 * posterior_binary.c
 *		The stored form of a posterior, which is also what send and recv speak.
 *
 * Version 4, integers and doubles in network byte order, a string as its
 * length (int32) and UTF-8 bytes without terminator:
 *
 *		int32	version
 *		int8	network type (0 general, 1 clustering)
 *		int64	rows
 *		double	elbo
 *		int32	number of quantiles of the log density (0 or DENSITY_QUANTILES), and them: doubles
 *		int32	number of nodes, and for each
 *					string name, string distribution, int32 plates, int32 dim,
 *					the parameters: doubles, plate by plate
 *		int32	number of components
 *		int8	is there a selector?  If so: string name, parameter p
 *		for each component
 *					int8 live, int8 has a label, [string label], int64 size, double count
 *		int32	number of leaves, and for each
 *					string name, string distribution, int8 mixture, int32 dim,
 *					a string for each column, the parameters
 *		int8	did rows that lack columns take part?
 *		int32	number of choices of missing columns, and for each
 *					int32 number of them, their numbers: int32, from 0, over all leaves,
 *					DENSITY_QUANTILES quantiles: doubles
 *
 * where the parameter of a leaf or selector is an int32, the index of a node,
 * or -1 followed by the doubles of a constant.  Up to version 3 a parameter of a
 * node that spreads is one number.  Version 2 ends with the flag of the rows that
 * lack columns; version 1 has neither this one nor quantiles.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "compat.h"
#include "posterior/posterior.h"
#include "posterior/typicality.h"

PG_FUNCTION_INFO_V1(bnai_posterior_recv);
PG_FUNCTION_INFO_V1(bnai_posterior_send);

#define Malformed(...) \
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), \
					errmsg("invalid binary form of a posterior"), errdetail(__VA_ARGS__)))

/* --- writing --- */

/*
 * Appends a string.
 */
static void
WriteString(StringInfo out, const char *string)
{
	char	   *utf8 = pg_server_to_any(string, strlen(string), PG_UTF8);
	int			length = strlen(utf8);

	pq_sendint32(out, length);
	appendBinaryStringInfo(out, utf8, length);
}

/*
 * Appends doubles.  Adding 0 turns -0 into 0, so that the text form, which
 * knows no -0, round-trips exactly.
 */
static void
WriteDoubles(StringInfo out, const double *values, Size count)
{
	for (Size i = 0; i < count; i++)
		pq_sendfloat8(out, values[i] + 0.0);
}

/*
 * Appends a parameter of a leaf or selector.
 */
static void
WriteParam(StringInfo out, const PosteriorParam *param, const ParamSpec *spec, int dim)
{
	pq_sendint32(out, param->node);
	if (param->node < 0)
		WriteDoubles(out, param->values, ShapeSize(spec->shape, dim));
}

/*
 * Appends a global node.
 */
static void
WriteNode(StringInfo out, const PosteriorNode *node)
{
	const Distribution *distribution = node->distribution;

	WriteString(out, node->name);
	WriteString(out, distribution->name);
	pq_sendint32(out, node->plates);
	pq_sendint32(out, node->dim);
	WriteDoubles(out, node->params, (Size) node->plates * ParamsSize(distribution, node->dim));
}

/*
 * Appends a leaf.
 */
static void
WriteLeaf(StringInfo out, const PosteriorLeaf *leaf)
{
	const Distribution *distribution = leaf->distribution;

	WriteString(out, leaf->name);
	WriteString(out, distribution->name);
	pq_sendbyte(out, leaf->mixture);
	pq_sendint32(out, leaf->dim);
	for (int i = 0; i < PosteriorLeafColumns(leaf); i++)
		WriteString(out, leaf->columns[i]);
	for (int i = 0; i < distribution->nparams; i++)
		WriteParam(out, &leaf->params[i], &distribution->params[i], leaf->dim);
}

/*
 * Appends a component.
 */
static void
WriteCluster(StringInfo out, const PosteriorCluster *cluster)
{
	pq_sendbyte(out, cluster->live);
	pq_sendbyte(out, cluster->label != NULL);
	if (cluster->label != NULL)
		WriteString(out, cluster->label);
	pq_sendint64(out, cluster->size);
	WriteDoubles(out, &cluster->count, 1);
}

/*
 * Appends the quantiles for rows that lack some columns.
 */
static void
WritePattern(StringInfo out, const DensityPattern *pattern)
{
	pq_sendint32(out, pattern->nmissing);
	for (int i = 0; i < pattern->nmissing; i++)
		pq_sendint32(out, pattern->missing[i]);
	WriteDoubles(out, pattern->quantiles, DENSITY_QUANTILES);
}

/*
 * Appends the binary form of a posterior.
 */
void
EncodePosterior(StringInfo out, const Posterior *posterior)
{
	pq_sendint32(out, POSTERIOR_VERSION);
	pq_sendbyte(out, posterior->type == NETWORK_CLUSTERING);
	pq_sendint64(out, posterior->rows);
	WriteDoubles(out, &posterior->elbo, 1);
	pq_sendint32(out, posterior->quantiles ? DENSITY_QUANTILES : 0);
	if (posterior->quantiles)
		WriteDoubles(out, posterior->quantiles, DENSITY_QUANTILES);
	pq_sendint32(out, posterior->nnodes);
	for (int i = 0; i < posterior->nnodes; i++)
		WriteNode(out, &posterior->nodes[i]);
	pq_sendint32(out, posterior->components);
	pq_sendbyte(out, posterior->selector != NULL);
	if (posterior->selector != NULL)
	{
		WriteString(out, posterior->selector);
		WriteParam(out, &posterior->weights, &SelectorDistribution->params[0], posterior->components);
	}
	for (int k = 0; k < posterior->components; k++)
		WriteCluster(out, &posterior->clusters[k]);
	pq_sendint32(out, posterior->nleaves);
	for (int i = 0; i < posterior->nleaves; i++)
		WriteLeaf(out, &posterior->leaves[i]);
	pq_sendbyte(out, posterior->marginalize);
	pq_sendint32(out, posterior->npatterns);
	for (int p = 0; p < posterior->npatterns; p++)
		WritePattern(out, &posterior->patterns[p]);
}

/* --- reading: pq_getmsg… raise an error at the end of the data --- */

/*
 * Reads a count of things that take at least `width` bytes each.
 */
static int
ReadCount(StringInfo in, int width)
{
	int32		count = (int32) pq_getmsgint(in, 4);

	if (count < 0 || count > (in->len - in->cursor) / width)
		Malformed("A count of %d exceeds the data.", count);
	return count;
}

/*
 * Reads a string.
 */
static char *
ReadString(StringInfo in)
{
	int			length = ReadCount(in, 1);
	char	   *utf8 = pnstrdup(pq_getmsgbytes(in, length), length);

	/* Checks the encoding too; a zero byte is refused there or here. */
	if (strlen(utf8) != length)
		Malformed("A string holds a zero byte.");
	return pg_any_to_server(utf8, length, PG_UTF8);
}

/*
 * Reads a flag.
 */
static bool
ReadFlag(StringInfo in)
{
	int			byte = pq_getmsgbyte(in);

	if (byte != 0 && byte != 1)
		Malformed("A flag is %d instead of 0 or 1.", byte);
	return byte == 1;
}

/*
 * Reads doubles, after looking whether they are there.
 */
static double *
ReadDoubles(StringInfo in, int count)
{
	double	   *values;

	if (count > (in->len - in->cursor) / (int) sizeof(double))
		Malformed("The data end within %d numbers.", count);
	values = palloc(sizeof(double) * count);
	for (int i = 0; i < count; i++)
		values[i] = pq_getmsgfloat8(in);
	return values;
}

/*
 * Reads the quantiles of the log density, NULL if there are none.
 */
static double *
ReadQuantiles(StringInfo in)
{
	int			count = (int32) pq_getmsgint(in, 4);

	if (count != 0 && count != DENSITY_QUANTILES)
		Malformed("There are %d quantiles of the density instead of %d.", count, DENSITY_QUANTILES);
	return count == 0 ? NULL : ReadDoubles(in, count);
}

/*
 * Reads the name of a distribution.
 */
static const Distribution *
ReadDistribution(StringInfo in)
{
	char	   *name = ReadString(in);
	const Distribution *distribution = FindDistribution(name);

	if (distribution == NULL)
		Malformed("There is no distribution \"%s\".", name);
	return distribution;
}

/*
 * Reads a parameter of a leaf or selector.
 */
static void
ReadParam(StringInfo in, const char *owner, const ParamSpec *spec, int dim, PosteriorParam *param)
{
	param->node = (int32) pq_getmsgint(in, 4);
	param->shape = spec->shape;
	param->values = NULL;
	if (param->node == -1)
		param->values = ReadDoubles(in, CheckedConstantSize(owner, spec, dim));
}

/*
 * Reads the parameters of a node, of which some versions have one number for
 * all elements of those that spread.
 */
static void
ReadSpreadParams(StringInfo in, const Distribution *distribution, PosteriorNode *node)
{
	double	   *to = node->params;

	for (int k = 0; k < node->plates; k++)
		for (int i = 0; i < distribution->nparams; i++)
		{
			const ParamSpec *spec = &distribution->params[i];
			int			size = ShapeSize(spec->shape, node->dim);
			int			given = spec->spreads ? 1 : size;
			double	   *values = ReadDoubles(in, given);

			for (int j = 0; j < size; j++)
				*to++ = values[spec->spreads ? 0 : j];
			pfree(values);
		}
}

/*
 * Returns whether a parameter of the distribution may be written as one number
 * for all elements.
 */
static bool
HasSpread(const Distribution *distribution)
{
	for (int i = 0; i < distribution->nparams; i++)
		if (distribution->params[i].spreads)
			return true;
	return false;
}

/*
 * Reads a global node.
 */
static void
ReadNode(StringInfo in, int version, PosteriorNode *node)
{
	const Distribution *distribution;
	int			size;

	node->name = ReadString(in);
	distribution = ReadDistribution(in);
	node->distribution = distribution;
	node->plates = (int32) pq_getmsgint(in, 4);
	node->dim = (int32) pq_getmsgint(in, 4);
	size = CheckedParamsSize(node->name, distribution, node->plates, node->dim);
	if (version > POSTERIOR_VERSION_WITH_ONE_SHAPE || !HasSpread(distribution))
	{
		node->params = ReadDoubles(in, size);
		return;
	}
	if (size / 2 > (in->len - in->cursor) / (int) sizeof(double))
		Malformed("The data end within the parameters of \"%s\".", node->name);
	node->params = palloc(sizeof(double) * size);
	ReadSpreadParams(in, distribution, node);
}

/*
 * Reads a leaf.
 */
static void
ReadLeaf(StringInfo in, PosteriorLeaf *leaf)
{
	const Distribution *distribution;
	int			ncolumns;

	leaf->name = ReadString(in);
	distribution = ReadDistribution(in);
	leaf->distribution = distribution;
	leaf->mixture = ReadFlag(in);
	leaf->dim = (int32) pq_getmsgint(in, 4);
	ncolumns = PosteriorLeafColumns(leaf);
	if (ncolumns < 1 || ncolumns > (in->len - in->cursor) / 4)
		Malformed("Leaf \"%s\" has %d columns.", leaf->name, ncolumns);
	leaf->columns = palloc(sizeof(char *) * ncolumns);
	for (int i = 0; i < ncolumns; i++)
		leaf->columns[i] = ReadString(in);
	for (int i = 0; i < distribution->nparams; i++)
		ReadParam(in, leaf->name, &distribution->params[i], leaf->dim, &leaf->params[i]);
}

/*
 * Reads a component.
 */
static void
ReadCluster(StringInfo in, PosteriorCluster *cluster)
{
	cluster->live = ReadFlag(in);
	cluster->label = ReadFlag(in) ? ReadString(in) : NULL;
	cluster->size = pq_getmsgint64(in);
	cluster->count = pq_getmsgfloat8(in);
}

/*
 * Reads components, selector and leaves.
 */
static void
ReadComponents(StringInfo in, Posterior *posterior)
{
	posterior->components = ReadCount(in, 18);
	CheckComponents(posterior->components);
	if (ReadFlag(in))
	{
		posterior->selector = ReadString(in);
		ReadParam(in, posterior->selector, &SelectorDistribution->params[0], posterior->components,
				  &posterior->weights);
	}
	posterior->clusters = palloc(sizeof(PosteriorCluster) * posterior->components);
	for (int k = 0; k < posterior->components; k++)
		ReadCluster(in, &posterior->clusters[k]);
	posterior->nleaves = ReadCount(in, 13);
	posterior->leaves = palloc0(sizeof(PosteriorLeaf) * posterior->nleaves);
	for (int i = 0; i < posterior->nleaves; i++)
		ReadLeaf(in, &posterior->leaves[i]);
}

/*
 * Reads the quantiles for rows that lack columns.
 */
static void
ReadPatterns(StringInfo in, Posterior *posterior)
{
	posterior->npatterns = ReadCount(in, DENSITY_QUANTILES * sizeof(double));
	if (posterior->npatterns > MAX_DENSITY_PATTERNS)
		Malformed("There are quantiles for %d choices of missing columns, more than %d.", posterior->npatterns,
				  MAX_DENSITY_PATTERNS);
	posterior->patterns = palloc(sizeof(DensityPattern) * posterior->npatterns);
	for (int p = 0; p < posterior->npatterns; p++)
	{
		DensityPattern *pattern = &posterior->patterns[p];

		pattern->nmissing = ReadCount(in, 4);
		pattern->missing = palloc(sizeof(int) * pattern->nmissing);
		for (int i = 0; i < pattern->nmissing; i++)
			pattern->missing[i] = (int32) pq_getmsgint(in, 4);
		pattern->quantiles = ReadDoubles(in, DENSITY_QUANTILES);
	}
}

/*
 * Reads the binary form of a posterior; what it says is checked by the caller.
 */
Posterior *
DecodePosterior(const char *data, int length)
{
	Posterior  *posterior = palloc0(sizeof(Posterior));
	StringInfoData in;
	int			version;

	in.data = unconstify(char *, data);
	in.len = length;
	in.maxlen = length;
	in.cursor = 0;
	version = pq_getmsgint(&in, 4);
	if (version < POSTERIOR_VERSION_WITHOUT_QUANTILES || version > POSTERIOR_VERSION)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("version %d of a posterior is not supported", version),
						errhint("This version of bnai reads versions 1 to %d.", POSTERIOR_VERSION)));
	posterior->type = ReadFlag(&in) ? NETWORK_CLUSTERING : NETWORK_GENERAL;
	posterior->rows = pq_getmsgint64(&in);
	posterior->elbo = pq_getmsgfloat8(&in);
	if (version != POSTERIOR_VERSION_WITHOUT_QUANTILES)
		posterior->quantiles = ReadQuantiles(&in);
	posterior->nnodes = ReadCount(&in, 16);
	posterior->nodes = palloc0(sizeof(PosteriorNode) * posterior->nnodes);
	for (int i = 0; i < posterior->nnodes; i++)
		ReadNode(&in, version, &posterior->nodes[i]);
	ReadComponents(&in, posterior);
	posterior->marginalize = version != POSTERIOR_VERSION_WITHOUT_QUANTILES && ReadFlag(&in);
	if (version > POSTERIOR_VERSION_WITHOUT_PATTERNS)
		ReadPatterns(&in, posterior);
	pq_getmsgend(&in);
	return posterior;
}

/* --- the value --- */

/*
 * Makes a value of a posterior.
 */
Datum
PosteriorGetDatum(const Posterior *posterior)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	EncodePosterior(&out, posterior);
	SET_VARSIZE(out.data, out.len);
	return PointerGetDatum(out.data);
}

/*
 * Reads a value, which has been checked in full when it came in.
 */
Posterior *
DatumGetPosterior(Datum datum)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);
	Posterior  *posterior = DecodePosterior(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));

	CheckPosterior(posterior, false);
	if ((Pointer) value != DatumGetPointer(datum))
		pfree(value);
	return posterior;
}

/*
 * Reads the binary form from a client.
 */
Datum
bnai_posterior_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			length = message->len - message->cursor;
	Posterior  *posterior = DecodePosterior(pq_getmsgbytes(message, length), length);

	CheckPosterior(posterior, true);

	/* Written anew, not copied: a value has one form only. */
	PG_RETURN_DATUM(PosteriorGetDatum(posterior));
}

/*
 * Sends the stored bytes.
 */
Datum
bnai_posterior_send(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	appendBinaryStringInfo(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
