/*
 * typicality.h
 *		How typical a row is: quantiles of the log density of the rows of a fit.
 */
#ifndef BNAI_TYPICALITY_H
#define BNAI_TYPICALITY_H

/* Number of quantiles that a posterior keeps */
#define DENSITY_QUANTILES 121

/* For so many choices of missing columns it keeps quantiles of their own */
#define MAX_DENSITY_PATTERNS 32

/* It is that of so many rows at most; where these are more, of a sample */
#define DENSITY_ROWS 20000

/* The share of the rows below quantile i; ascending from 0 to 1, log-spaced up to 0.01. */
extern double DensityLevel(int i);

/*
 * Collects log densities in bounded memory, in any order.  `centre` is a guess
 * of where most of them are: bins are narrow there and wider further out.
 */
typedef struct DensitySketch DensitySketch;

extern DensitySketch *CreateDensitySketch(double centre);
extern void AddDensity(DensitySketch *sketch, double log_density, double weight);

/* Writes the DENSITY_QUANTILES quantiles; false if nothing was added. */
extern bool DensityQuantiles(const DensitySketch *sketch, double *quantiles);

/*
 * Returns the share of the rows that are at most as dense, within rounding; `rows`
 * is how many there were: the least dense one has 1 / rows, and less is 0.
 */
extern double DensityRank(const double *quantiles, double rows, double log_density);

#endif							/* BNAI_TYPICALITY_H */
