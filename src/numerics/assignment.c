/*
 * assignment.c
 *		The linear assignment problem.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "numerics/assignment.h"

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
