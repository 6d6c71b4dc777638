/*
 * distribution.h
 *		What the engine knows of a distribution: one constant table each.
 *
 * A distribution of the conjugate-exponential family is
 *
 *		log p(x | parents) = phi(parents) . u(x) + g(parents) + f(x)
 *
 * (Winn & Bishop 2005, "Variational message passing").  Everything below is
 * stateless and works on flat arrays of doubles; "moments" are E[u(x)].  With
 * these operations updates and ELBO are written once, in engine/update.c.
 *
 * Parameters of a node ("parents") are given as moments too: those of the
 * family that the slot is conjugate to (ParamSpec.family), be it a node or a
 * constant; or plain numbers where no family is (family = NULL).
 */
#ifndef BNAI_DISTRIBUTION_H
#define BNAI_DISTRIBUTION_H

typedef struct Distribution Distribution;
typedef struct LeafKernel LeafKernel;

/* How many numbers a value has, for dimension d */
typedef enum ValueShape
{
	SHAPE_SCALAR,				/* 1 */
	SHAPE_VECTOR,				/* d */
	SHAPE_MATRIX				/* d x d, symmetric positive definite */
} ValueShape;

/*
 * How a parameter changes with the units of the variable: with x' = (x-c)/h a
 * location follows x, a precision is multiplied by h h^T, an inverse scale
 * (rate) goes against the variable it belongs to.  INVARIANT ones stay.
 */
typedef enum ParamRole
{
	ROLE_LOCATION,
	ROLE_PRECISION,
	ROLE_RATE,
	ROLE_TAILS,					/* how far out values may lie; stays */
	ROLE_INVARIANT
} ParamRole;

#define MAX_PARAMS 4

typedef struct ParamSpec
{
	const char *name;
	ParamRole	role;
	ValueShape	shape;
	const Distribution *family; /* family whose moments the slot takes; NULL: constants only */
	bool		positive;		/* values (or eigenvalues) must be > 0 */
	double		above;			/* where they are positive: numbers must be greater than this */
	bool		sums_to_one;	/* numbers are probabilities */
	bool		spreads;		/* of a vector: it may be written as one number, which all elements are */
} ParamSpec;

/* A part of the moments u, as bnai_moments shows it */
typedef struct MomentSpec
{
	const char *name;
	ValueShape	shape;
} MomentSpec;

#define MAX_MOMENTS 2

struct Distribution
{
	const char *name;			/* as in SQL; compared case-insensitively */
	const LeafKernel *leaf;		/* NULL: it cannot be observed */
	bool		selects;		/* unobserved it is the selector of a row */
	bool		mixes;			/* it has other distributions as components */
	ValueShape	shape;			/* of the variable */
	int			nparams;
	ParamSpec	params[MAX_PARAMS];
	const char *signature;		/* for error hints: "Gaussian(mu, Lambda)" */
	const char *proper;			/* for error hints: what its parameters must be */
	int			nmoments;
	MomentSpec	moment_specs[MAX_MOMENTS];	/* u, part by part */

	/* Length of phi and of u, which is the same. */
	int			(*size) (int dim);

	/* Writes phi from the parents' moments. */
	void		(*natural) (int dim, const double *const *parents, double *phi);

	/* Returns g from the parents' moments. */
	double		(*log_partition) (int dim, const double *const *parents);

	/* The next, and those after `message`, are NULL where the variable can only be observed. */

	/* Writes u = E[u(x)] and g = -log normaliser of the distribution with natural parameters phi; false if it is not proper. */
	bool		(*moments) (int dim, const double *phi, double *u, double *g);

	/*
	 * Adds to `message` the natural-parameter message to parent `param`, from
	 * `count` children whose moments sum to u.
	 */
	void		(*message) (int dim, int param, const double *const *parents, const double *u, double count,
							double *message);

	/* Writes u(x) of a fixed value. */
	void		(*fixed) (int dim, const double *value, double *u);

	/* Writes the usual parameters, in the order of params[], one after the other, from phi. */
	void		(*parameters) (int dim, const double *phi, double *params);

	/* Writes E[x], a value of `shape`. */
	void		(*mean) (int dim, const double *phi, const double *u, double *mean);
};

/* All there are, in the order in which they are listed. */
extern const Distribution *const Distributions[];
extern const int NDistributions;

/* What says which component a row comes from; its one parameter are their probabilities. */
extern const Distribution *const SelectorDistribution;

extern const Distribution *FindDistribution(const char *name);
extern int	ShapeSize(ValueShape shape, int dim);
extern int	ParamsSize(const Distribution *distribution, int dim);

/* The shape that numbers of a parameter are written in: a scalar, where one number says all. */
extern ValueShape WrittenShape(const ParamSpec *spec, int dim, const double *values);

/* Raises the error for a distribution whose numbers cannot be computed with; of a posterior that was not made here, say. */
extern void RaiseImproper(const char *what) __attribute__((noreturn));

#endif
