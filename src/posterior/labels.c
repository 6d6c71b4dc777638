/*
 * labels.c
 *		Names of clusters, stable from run to run.
 */
#include "postgres.h"

#include "numerics/assignment.h"
#include "posterior/labels.h"
#include "storage/shmem.h"

/* A pair that shares less than this part of the smaller cluster has nothing in common */
#define MINIMAL_SHARE 0.01

/* nor one that shares less than this part of all that is shared: the traces of a group that is gone are in all rows */
#define MINIMAL_TRACE 1e-9

/* A cluster is what another component was, whose place is its own still, if it shares more than this part of its rows */
#define MOVED_SHARE 0.5

#define ALPHABET 26

/* No more letters than the ordinal of a component can need */
#define MAX_LABEL_LENGTH 5

/*
 * Returns the n-th label in bijective base 26.
 */
char *
LabelName(int n)
{
	char		reversed[16];
	char	   *label;
	int			length = 0;

	for (int64 rest = (int64) n + 1; rest > 0; rest = (rest - 1) / ALPHABET)
		reversed[length++] = 'A' + (rest - 1) % ALPHABET;
	label = palloc(length + 1);
	for (int i = 0; i < length; i++)
		label[i] = reversed[length - 1 - i];
	label[length] = '\0';
	return label;
}

/*
 * Returns the ordinal of a label, -1 if the text is none.
 */
int
LabelOrdinal(const char *label)
{
	int			n = 0;
	int			length = strlen(label);

	if (length < 1 || length > MAX_LABEL_LENGTH)
		return -1;
	for (int i = 0; i < length; i++)
	{
		if (label[i] < 'A' || label[i] > 'Z')
			return -1;
		n = n * ALPHABET + (label[i] - 'A') + 1;
	}
	return n - 1;
}

/* A new cluster that has no label yet, with what orders it */
typedef struct Candidate
{
	int			component;
	double		norm;
} Candidate;

/*
 * Returns the squared Euclidean norm of the mean of a component of the first
 * leaf; 0 where its distribution has no location.
 */
static double
ComponentNorm(const Posterior *posterior, int component)
{
	const PosteriorLeaf *leaf = &posterior->leaves[0];
	const Distribution *distribution = leaf->distribution;
	double		norm = 0;

	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];
		int			size = ShapeSize(spec->shape, leaf->dim);
		double	   *mean;

		if (spec->role != ROLE_LOCATION)
			continue;
		mean = palloc(sizeof(double) * size);
		PosteriorParamMean(posterior, &leaf->params[i], spec, leaf->dim, component, mean);
		for (int j = 0; j < size; j++)
			norm += mean[j] * mean[j];
		pfree(mean);
	}
	return norm;
}

/*
 * Orders candidates by norm, ties by component.
 */
static int
CompareCandidates(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	if (x->norm != y->norm)
		return x->norm < y->norm ? -1 : 1;
	return x->component - y->component;
}

/*
 * Returns whether a label stands on a cluster.
 */
static bool
LabelTaken(const Posterior *posterior, const char *label)
{
	for (int k = 0; posterior != NULL && k < posterior->components; k++)
		if (posterior->clusters[k].label != NULL && strcmp(posterior->clusters[k].label, label) == 0)
			return true;
	return false;
}

/*
 * Gives every cluster that holds rows and has no label the next one that
 * neither the old nor the new clusters have, in order of the norm of the mean.
 */
static void
AssignFreshLabels(Posterior *fitted, const Posterior *previous)
{
	Candidate  *candidates = palloc(sizeof(Candidate) * fitted->components);
	int			ncandidates = 0;
	int			next = 0;

	for (int k = 0; k < fitted->components; k++)
		if (fitted->clusters[k].size > 0 && fitted->clusters[k].label == NULL)
		{
			candidates[ncandidates].component = k;
			candidates[ncandidates++].norm = ComponentNorm(fitted, k);
		}
	qsort(candidates, ncandidates, sizeof(Candidate), CompareCandidates);
	for (int i = 0; i < ncandidates; i++)
	{
		char	   *label = LabelName(next++);

		while (LabelTaken(fitted, label) || LabelTaken(previous, label))
			label = LabelName(next++);
		fitted->clusters[candidates[i].component].label = label;
	}
	pfree(candidates);
}

/*
 * Hands the labels of the old clusters on to the new ones that share most
 * probability mass with them.
 */
static void
InheritLabels(Posterior *fitted, const Posterior *previous, const double *shared, const bool *located)
{
	int			nold = previous->components;
	int			nnew = fitted->components;
	double	   *old_mass = palloc0(sizeof(double) * nold);
	double	   *new_mass = palloc0(sizeof(double) * nnew);
	double	   *gain = palloc0(mul_size(sizeof(double) * nold, nnew));
	int		   *assignment = palloc(sizeof(int) * nold);
	double		total = 0.0;

	for (int i = 0; i < nold; i++)
		for (int j = 0; j < nnew; j++)
		{
			total += shared[i * nnew + j];
			old_mass[i] += shared[i * nnew + j];
			new_mass[j] += shared[i * nnew + j];
		}
	for (int i = 0; i < nold; i++)
		for (int j = 0; j < nnew; j++)
		{
			double		mass = shared[i * nnew + j];

			if (located && located[i] && i != j && mass <= MOVED_SHARE * fitted->clusters[j].count)
				continue;
			if (previous->clusters[i].label != NULL && fitted->clusters[j].size > 0 &&
				mass > MINIMAL_SHARE * Min(old_mass[i], new_mass[j]) && mass > MINIMAL_TRACE * total)
				gain[i * nnew + j] = mass;
		}
	OptimalAssignment(nold, nnew, gain, assignment);
	for (int i = 0; i < nold; i++)
		if (assignment[i] >= 0 && gain[i * nnew + assignment[i]] > 0)
			fitted->clusters[assignment[i]].label = pstrdup(previous->clusters[i].label);
	pfree(old_mass);
	pfree(new_mass);
	pfree(gain);
	pfree(assignment);
}

/*
 * Lets located components keep their labels, unless others have inherited
 * these.
 */
static void
KeepLabels(Posterior *fitted, const Posterior *previous, const bool *located)
{
	for (int k = 0; k < fitted->components; k++)
	{
		PosteriorCluster *cluster = &fitted->clusters[k];
		const char *label = previous->clusters[k].label;

		if (located[k] && cluster->live && cluster->label == NULL && label != NULL && !LabelTaken(fitted, label))
			cluster->label = pstrdup(label);
	}
}

/*
 * Labels the clusters of a fitted posterior; see the header.
 */
void
AssignLabels(Posterior *fitted, const Posterior *previous, const double *shared, const bool *located)
{
	for (int k = 0; k < fitted->components; k++)
		fitted->clusters[k].label = NULL;
	if (fitted->selector == NULL || fitted->nleaves == 0)
		return;
	if (previous != NULL)
		InheritLabels(fitted, previous, shared, located);
	if (previous != NULL && located != NULL)
		KeepLabels(fitted, previous, located);
	AssignFreshLabels(fitted, previous);
}
