/*
 * labels.c
 *		Names of clusters, stable from run to run.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "posterior/labels.h"

/* A pair that shares less than this part of the smaller cluster has nothing in common */
#define MINIMAL_SHARE 0.01

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

/*
 * Maximises the sum of gains for at most as many rows as columns: shortest
 * augmenting paths on cost = -gain with potentials u, v (Jonker & Volgenant
 * 1987 is this with better starting values).  Arrays count from 1, 0 is the
 * root of a path.  row_step and column_step make the matrix or its transpose.
 */
static void
AssignRows(int rows, int columns, const double *gain, Size row_step, Size column_step, int *row_of)
{
	double	   *u = palloc0(sizeof(double) * (rows + 1));
	double	   *v = palloc0(sizeof(double) * (columns + 1));
	double	   *shortest = palloc(sizeof(double) * (columns + 1));
	int		   *before = palloc(sizeof(int) * (columns + 1));
	bool	   *visited = palloc(sizeof(bool) * (columns + 1));

	for (int j = 0; j <= columns; j++)
		row_of[j] = 0;
	for (int i = 1; i <= rows; i++)
	{
		int			column = 0;

		CHECK_FOR_INTERRUPTS();
		row_of[0] = i;
		for (int j = 0; j <= columns; j++)
		{
			shortest[j] = INFINITY;
			visited[j] = false;
		}
		do
		{
			int			row = row_of[column];
			int			next = 0;
			double		delta = INFINITY;

			visited[column] = true;
			for (int j = 1; j <= columns; j++)
			{
				double		reduced;

				if (visited[j])
					continue;
				reduced = -gain[(row - 1) * row_step + (j - 1) * column_step] - u[row] - v[j];
				if (reduced < shortest[j])
				{
					shortest[j] = reduced;
					before[j] = column;
				}
				if (next == 0 || shortest[j] < delta)
				{
					delta = shortest[j];
					next = j;
				}
			}
			for (int j = 0; j <= columns; j++)
				if (visited[j])
				{
					u[row_of[j]] += delta;
					v[j] -= delta;
				}
				else
					shortest[j] -= delta;
			column = next;
		} while (row_of[column] != 0);

		/* Turn the path round: each column takes the row of the one before. */
		for (; column != 0; column = before[column])
			row_of[column] = row_of[before[column]];
	}
	pfree(u);
	pfree(v);
	pfree(shortest);
	pfree(before);
	pfree(visited);
}

/*
 * Assigns each row a column of its own such that the sum of gains is greatest;
 * where there are more rows than columns the rest gets -1.
 */
void
OptimalAssignment(int rows, int columns, const double *gain, int *assignment)
{
	bool		transposed = rows > columns;
	int			n = Min(rows, columns);
	int			m = Max(rows, columns);
	int		   *row_of = palloc(sizeof(int) * (m + 1));

	if (transposed)
		AssignRows(n, m, gain, 1, columns, row_of);
	else
		AssignRows(n, m, gain, columns, 1, row_of);
	for (int i = 0; i < rows; i++)
		assignment[i] = -1;
	for (int j = 1; j <= m; j++)
	{
		if (row_of[j] == 0)
			continue;
		if (transposed)
			assignment[j - 1] = row_of[j] - 1;
		else
			assignment[row_of[j] - 1] = j - 1;
	}
	pfree(row_of);
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
	const Distribution *distribution = Distributions[leaf->distribution];
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
InheritLabels(Posterior *fitted, const Posterior *previous, const double *shared)
{
	int			nold = previous->components;
	int			nnew = fitted->components;
	double	   *old_mass = palloc0(sizeof(double) * nold);
	double	   *new_mass = palloc0(sizeof(double) * nnew);
	double	   *gain = palloc0(mul_size(sizeof(double) * nold, nnew));
	int		   *assignment = palloc(sizeof(int) * nold);

	for (int i = 0; i < nold; i++)
		for (int j = 0; j < nnew; j++)
		{
			old_mass[i] += shared[i * nnew + j];
			new_mass[j] += shared[i * nnew + j];
		}
	for (int i = 0; i < nold; i++)
		for (int j = 0; j < nnew; j++)
		{
			double		mass = shared[i * nnew + j];

			if (previous->clusters[i].label != NULL && fitted->clusters[j].size > 0 &&
				mass > MINIMAL_SHARE * Min(old_mass[i], new_mass[j]))
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
 * Labels the clusters of a fitted posterior; see the header.
 */
void
AssignLabels(Posterior *fitted, const Posterior *previous, const double *shared)
{
	for (int k = 0; k < fitted->components; k++)
		fitted->clusters[k].label = NULL;
	if (fitted->selector == NULL || fitted->nleaves == 0)
		return;
	if (previous != NULL)
		InheritLabels(fitted, previous, shared);
	AssignFreshLabels(fitted, previous);
}
