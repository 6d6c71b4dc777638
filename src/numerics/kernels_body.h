/*
 * kernels_body.h
 *		The vector kernels, written once for any vector width.
 *
 * Included by one file for each instruction set, which defines VECTOR_WIDTH,
 * KERNEL_SET and KERNEL_NAME.  The dimension is a literal in the specialised
 * instances, so that their loops unroll whole and all sums stay in registers.
 */
typedef double Vec __attribute__((vector_size(VECTOR_WIDTH * 8)));
typedef int64 VecInt __attribute__((vector_size(VECTOR_WIDTH * 8)));

/* Vectors that are loaded from and stored to arrays of doubles */
typedef Vec VecMem __attribute__((aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define SPLAT(s) ((Vec){0} + (s))
#define LOAD(p) (*(const VecMem *) (p))
#define STORE(p, v) (*(VecMem *) (p) = (v))

/* Register tiles: TILE rows or columns of a matrix by BLOCK vectors of rows */
#define TILE (VECTOR_WIDTH == 8 ? 4 : 2)
#define BLOCK 4

INLINE Vec
MaxVec(Vec a, Vec b)
{
	VecInt		mask = b > a;

	return (Vec) (((VecInt) b & mask) | ((VecInt) a & ~mask));
}

/* Below this exp is 0: a responsibility times squares of x must not be a denormal number, which slows a processor down */
#define LEAST_EXPONENT -600.0

/*
 * exp(x) for x <= 0, to within 1 unit in the last place: x = n log 2 + r,
 * |r| <= log(2)/2, Taylor polynomial of degree 12 (its remainder is below
 * 2e-16), 2^n through the exponent bits.
 */
INLINE Vec
ExpNegative(Vec x)
{
	const double round = 0x1.8p52;	/* adding it rounds to an integer in the low bits */
	Vec			t,
				n,
				r,
				p;
	VecInt		nonzero = x > LEAST_EXPONENT;

	x = MaxVec(SPLAT(LEAST_EXPONENT), x);
	t = x * 1.4426950408889634074 + round;
	n = t - round;
	r = x - n * 6.93147180369123816490e-01 - n * 1.90821492927058770002e-10;	/* log 2 in two parts */
	p = SPLAT(1.0 / 479001600);
	p = p * r + 1.0 / 39916800;
	p = p * r + 1.0 / 3628800;
	p = p * r + 1.0 / 362880;
	p = p * r + 1.0 / 40320;
	p = p * r + 1.0 / 5040;
	p = p * r + 1.0 / 720;
	p = p * r + 1.0 / 120;
	p = p * r + 1.0 / 24;
	p = p * r + 1.0 / 6;
	p = p * r + 0.5;
	p = p * (r * r) + r;		/* 1 + this last, so that its rounding errors are small against 1 */
	p = p + 1.0;
	return (Vec) (((VecInt) p + ((VecInt) t << 52)) & nonzero);
}

static void
ExpNegativeArray(int rows, double *values)
{
	for (int n = 0; n < rows; n += VECTOR_WIDTH)
		STORE(values + n, ExpNegative(LOAD(values + n)));
}

/*
 * log(x) = e log 2 + log(m), sqrt(1/2) <= m < sqrt(2): by the series of
 * 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172, whose remainder is below
 * 1e-17.
 */
INLINE Vec
LogPositive(Vec x)
{
	const double round = 0x1.8p52;
	VecInt		bits = (VecInt) x;
	VecInt		exponent = (bits - 0x3fe6a09e667f3bcdLL) >> 52;
	Vec			m = (Vec) (bits - (exponent << 52));
	Vec			e = (Vec) (exponent + (int64) 0x4338000000000000LL) - round;
	Vec			s = (m - 1.0) / (m + 1.0);
	Vec			z = s * s;
	Vec			p = SPLAT(1.0 / 21);

	p = p * z + 1.0 / 19;
	p = p * z + 1.0 / 17;
	p = p * z + 1.0 / 15;
	p = p * z + 1.0 / 13;
	p = p * z + 1.0 / 11;
	p = p * z + 1.0 / 9;
	p = p * z + 1.0 / 7;
	p = p * z + 1.0 / 5;
	p = p * z + 1.0 / 3;
	return e * 6.93147180369123816490e-01 + (2.0 * s + (2.0 * s * z * p + e * 1.90821492927058770002e-10));
}

static void
LogPositiveArray(int rows, double *values)
{
	for (int n = 0; n < rows; n += VECTOR_WIDTH)
		STORE(values + n, LogPositive(LOAD(values + n)));
}

static void
Fill(double value, int rows, double *out)
{
	for (int n = 0; n < rows; n += VECTOR_WIDTH)
		STORE(out + n, SPLAT(value));
}

static double
Dot(int rows, const double *a, const double *b)
{
	Vec			products = SPLAT(0.0);
	double		sum = 0.0;

	for (int n = 0; n < rows; n += VECTOR_WIDTH)
		products += LOAD(a + n) * LOAD(b + n);
	for (int l = 0; l < VECTOR_WIDTH; l++)
		sum += products[l];
	return sum;
}

/* Scores with all of a row's differences in registers. */
INLINE void
QuadraticScoreSmall(const int dim, const double *constants, const double *const *x, int rows, double *out)
{
	const double *m = constants + 1;
	const double *u = m + dim;

	for (int n = 0; n < rows; n += VECTOR_WIDTH)
	{
		Vec			d[8];
		Vec			score = LOAD(out + n) + constants[0];
		int			p = 0;

		for (int j = 0; j < dim; j++)
			d[j] = LOAD(x[j] + n) - m[j];
		for (int i = 0; i < dim; i++)
		{
			Vec			y = d[i] * u[p++];

			for (int j = i + 1; j < dim; j++)
				y += d[j] * u[p++];
			score -= y * y;
		}
		STORE(out + n, score);
	}
}

/* Writes x_j - m_j of one block of rows; columns beyond dim are 0. */
INLINE void
BlockDifferences(int dim, int padded, const double *m, const double *const *x, int n, int width, double *d)
{
	for (int j = 0; j < padded; j++)
		for (int b = 0; b < width; b += VECTOR_WIDTH)
		{
			Vec			difference = SPLAT(0.0);

			if (j < dim)
				difference = LOAD(x[j] + n + b) - m[j];
			STORE(d + j * width + b, difference);
		}
}

/* Scores in tiles of TILE rows of U by BLOCK vectors of differences. */
INLINE void
QuadraticScoreTile(int dim, int padded, const double *u, const double *d, int width, int blocks, double *out)
{
	Vec			score[BLOCK];

	for (int b = 0; b < blocks; b++)
		score[b] = LOAD(out + b * VECTOR_WIDTH);
	for (int i0 = 0; i0 < padded; i0 += TILE)
	{
		Vec			y[TILE][BLOCK];
		const double *row[TILE];

		/* row i of U starts at its column i, so column j lies at row[i] + j */
		for (int i = 0; i < TILE; i++)
		{
			int			k = Min(i0 + i, dim - 1);

			row[i] = u + k * dim - k * (k - 1) / 2 - k;
			for (int b = 0; b < blocks; b++)
				y[i][b] = SPLAT(0.0);
		}
		for (int j = i0; j < Min(i0 + TILE, dim); j++)	/* the diagonal tile */
			for (int i = 0; i <= j - i0; i++)
				for (int b = 0; b < blocks; b++)
					y[i][b] += LOAD(d + j * width + b * VECTOR_WIDTH) * row[i][j];
		for (int j = i0 + TILE; j < dim; j++)
		{
			Vec			dj[BLOCK];

			for (int b = 0; b < blocks; b++)
				dj[b] = LOAD(d + j * width + b * VECTOR_WIDTH);
			for (int i = 0; i < TILE; i++)
				for (int b = 0; b < blocks; b++)
					y[i][b] += dj[b] * row[i][j];
		}
		for (int i = 0; i < TILE; i++)
			for (int b = 0; b < blocks; b++)
				score[b] -= y[i][b] * y[i][b];
	}
	for (int b = 0; b < blocks; b++)
		STORE(out + b * VECTOR_WIDTH, score[b]);
}

/* Scores for any dimension. */
static void
QuadraticScoreTiled(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	enum
	{
		width = BLOCK * VECTOR_WIDTH
	};
	const double *m = constants + 1;
	int			padded = (dim + TILE - 1) / TILE * TILE;
	static double d[(KERNEL_MAX_DIM + TILE) * width];	/* a backend has one thread */

	for (int n = 0; n < rows; n += VECTOR_WIDTH)
		STORE(out + n, LOAD(out + n) + constants[0]);
	for (int n = 0; n < rows; n += width)
	{
		int			blocks = Min(width, rows - n) / VECTOR_WIDTH;

		BlockDifferences(dim, padded, m, x, n, blocks * VECTOR_WIDTH, d);
		if (blocks == BLOCK)
			QuadraticScoreTile(dim, padded, m + dim, d, width, BLOCK, out + n);
		else
			QuadraticScoreTile(dim, padded, m + dim, d, blocks * VECTOR_WIDTH, blocks, out + n);
	}
}

/* Adds a vector to the lanes of one sum. */
#define ADD_LANES(lanes, i, v) STORE((lanes) + (i) * KERNEL_LANES, LOAD((lanes) + (i) * KERNEL_LANES) + (v))

/* Sums with all accumulators in registers. */
INLINE void
QuadraticSumsSmall(const int dim, const double *const *x, const double *r, int rows, double *lanes)
{
	Vec			count = SPLAT(0.0);
	Vec			s[8];
	Vec			ss[36];

	for (int i = 0; i < dim; i++)
		s[i] = SPLAT(0.0);
	for (int i = 0; i < dim * (dim + 1) / 2; i++)
		ss[i] = SPLAT(0.0);
	for (int n = 0; n < rows; n += VECTOR_WIDTH)
	{
		Vec			rn = LOAD(r + n);
		Vec			xn[8];
		int			p = 0;

		count += rn;
		for (int i = 0; i < dim; i++)
		{
			Vec			w;

			xn[i] = LOAD(x[i] + n);
			w = rn * xn[i];
			s[i] += w;
			for (int j = 0; j <= i; j++)
				ss[p++] += w * xn[j];
		}
	}
	ADD_LANES(lanes, 0, count);
	for (int i = 0; i < dim; i++)
		ADD_LANES(lanes, 1 + i, s[i]);
	for (int i = 0; i < dim * (dim + 1) / 2; i++)
		ADD_LANES(lanes, 1 + dim + i, ss[i]);
}

/* Adds one tile of sums r x_i x_j: rows i0 .. i0 + ni, columns j0 .. j0 + nj. */
INLINE void
QuadraticSumsTile(const double *const *x, const double *w, int rows, int i0, int ni, int j0, int nj, double *lanes)
{
	Vec			sums[TILE][TILE];

	for (int i = 0; i < ni; i++)
		for (int j = 0; j < nj; j++)
			sums[i][j] = SPLAT(0.0);
	for (int n = 0; n < rows; n += VECTOR_WIDTH)
	{
		Vec			xn[TILE];

		for (int j = 0; j < nj; j++)
			xn[j] = LOAD(x[j0 + j] + n);
		for (int i = 0; i < ni; i++)
		{
			Vec			wn = LOAD(w + i * KERNEL_MAX_ROWS + n);

			for (int j = 0; j < nj; j++)
				sums[i][j] += wn * xn[j];
		}
	}
	for (int i = 0; i < ni; i++)
		for (int j = 0; j < nj; j++)
			if (j0 + j <= i0 + i)
				ADD_LANES(lanes, (i0 + i) * (i0 + i + 1) / 2 + j0 + j, sums[i][j]);
}

/* Sums for any dimension. */
static void
QuadraticSumsTiled(int dim, const double *const *x, const double *r, int rows, double *lanes)
{
	double		w[TILE * KERNEL_MAX_ROWS];
	double	   *products = lanes + (1 + dim) * KERNEL_LANES;
	Vec			count = SPLAT(0.0);

	for (int n = 0; n < rows; n += VECTOR_WIDTH)
		count += LOAD(r + n);
	ADD_LANES(lanes, 0, count);
	for (int i0 = 0; i0 < dim; i0 += TILE)
	{
		int			ni = Min(TILE, dim - i0);

		for (int i = 0; i < ni; i++)
		{
			Vec			s = SPLAT(0.0);

			for (int n = 0; n < rows; n += VECTOR_WIDTH)
			{
				Vec			wn = LOAD(r + n) * LOAD(x[i0 + i] + n);

				STORE(w + i * KERNEL_MAX_ROWS + n, wn);
				s += wn;
			}
			ADD_LANES(lanes, 1 + i0 + i, s);
		}
		for (int j0 = 0; j0 <= i0; j0 += TILE)
		{
			int			nj = Min(TILE, dim - j0);

			if (ni == TILE && nj == TILE)
				QuadraticSumsTile(x, w, rows, i0, TILE, j0, TILE, products);
			else
				QuadraticSumsTile(x, w, rows, i0, ni, j0, nj, products);
		}
	}
}

/* Chooses the instance for a dimension: a literal up to 8, tiles beyond. */
static void
QuadraticScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	switch (dim)
	{
		case 1:
			QuadraticScoreSmall(1, constants, x, rows, out);
			break;
		case 2:
			QuadraticScoreSmall(2, constants, x, rows, out);
			break;
		case 3:
			QuadraticScoreSmall(3, constants, x, rows, out);
			break;
		case 4:
			QuadraticScoreSmall(4, constants, x, rows, out);
			break;
		case 8:
			QuadraticScoreSmall(8, constants, x, rows, out);
			break;
		default:
			QuadraticScoreTiled(dim, constants, x, rows, out);
	}
}

static void
QuadraticSums(int dim, const double *const *x, const double *r, int rows, double *lanes)
{
	switch (dim)
	{
		case 1:
			QuadraticSumsSmall(1, x, r, rows, lanes);
			break;
		case 2:
			QuadraticSumsSmall(2, x, r, rows, lanes);
			break;
		case 3:
			QuadraticSumsSmall(3, x, r, rows, lanes);
			break;
		case 4:
			QuadraticSumsSmall(4, x, r, rows, lanes);
			break;
		default:
			QuadraticSumsTiled(dim, x, r, rows, lanes);
	}
}

/* Scores of one strip of rows: `blocks` vectors of them at a time, so that their sums stay in registers. */
INLINE void
DiagonalScoreStrip(int dim, const double *constants, const double *const *x, int n, int blocks, double *out)
{
	const double *m = constants + 1;
	const double *w = m + dim;
	Vec			score[BLOCK];

	for (int b = 0; b < blocks; b++)
		score[b] = LOAD(out + n + b * VECTOR_WIDTH) + constants[0];
	for (int j = 0; j < dim; j++)
		for (int b = 0; b < blocks; b++)
		{
			Vec			d = LOAD(x[j] + n + b * VECTOR_WIDTH) - m[j];

			score[b] -= d * w[j] * d;
		}
	for (int b = 0; b < blocks; b++)
		STORE(out + n + b * VECTOR_WIDTH, score[b]);
}

static void
DiagonalScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	int			n = 0;

	for (; n + BLOCK * VECTOR_WIDTH <= rows; n += BLOCK * VECTOR_WIDTH)
		DiagonalScoreStrip(dim, constants, x, n, BLOCK, out);
	for (; n < rows; n += VECTOR_WIDTH)
		DiagonalScoreStrip(dim, constants, x, n, 1, out);
}

static void
DiagonalSums(int dim, const double *const *x, const double *r, int rows, double *lanes)
{
	Vec			count = SPLAT(0.0);

	for (int n = 0; n < rows; n += VECTOR_WIDTH)
		count += LOAD(r + n);
	ADD_LANES(lanes, 0, count);
	for (int j = 0; j < dim; j++)
	{
		Vec			s = SPLAT(0.0);
		Vec			ss = SPLAT(0.0);

		for (int n = 0; n < rows; n += VECTOR_WIDTH)
		{
			Vec			xn = LOAD(x[j] + n);
			Vec			w = LOAD(r + n) * xn;

			s += w;
			ss += w * xn;
		}
		ADD_LANES(lanes, 1 + j, s);
		ADD_LANES(lanes, 1 + dim + j, ss);
	}
}

/* How many rows' normalisers are multiplied before one log: each is at most the number of components, so this cannot overflow below 2^31 of them */
#define LOG_EVERY 32

/* Writes exp(score - max) of one vector of rows in place of the scores; returns their sum. */
INLINE Vec
ExpScores(int components, int rows, int n, Vec max, double *scores)
{
	Vec			sum = SPLAT(0.0);

	for (int k = 0; k < components; k++)
	{
		Vec			e = ExpNegative(LOAD(scores + k * rows + n) - max);

		STORE(scores + k * rows + n, e);
		sum += e;
	}
	return sum;
}

INLINE Vec
MaxScores(int components, int rows, int n, const double *scores)
{
	Vec			max = LOAD(scores + n);

	for (int k = 1; k < components; k++)
		max = MaxVec(max, LOAD(scores + k * rows + n));
	return max;
}

/* Softmax of weighted rows: each normaliser needs its own log. */
static double
SoftmaxWeighted(int components, int rows, int valid, const double *weights, double *scores)
{
	double		total = 0.0;

	for (int n = 0; n < rows; n += VECTOR_WIDTH)
	{
		Vec			max = MaxScores(components, rows, n, scores);
		Vec			sum = ExpScores(components, rows, n, max, scores);
		Vec			factor = SPLAT(0.0);

		for (int l = 0; l < VECTOR_WIDTH && n + l < valid; l++)
		{
			factor[l] = weights[n + l] / sum[l];
			total += weights[n + l] * (max[l] + log(sum[l]));
		}
		for (int k = 0; k < components; k++)
			STORE(scores + k * rows + n, LOAD(scores + k * rows + n) * factor);
	}
	return total;
}

/*
 * Softmax over components with the largest score subtracted.  The logs of the
 * normalisers are taken of their product: one log for LOG_EVERY vectors.
 */
static double
Softmax(int components, int rows, int valid, const double *weights, double *scores)
{
	double		total = 0.0;
	Vec			product = SPLAT(1.0);
	int			pending = 0;

	if (weights != NULL)
		return SoftmaxWeighted(components, rows, valid, weights, scores);
	for (int n = 0; n < rows; n += VECTOR_WIDTH)
	{
		Vec			max = MaxScores(components, rows, n, scores);
		Vec			sum = ExpScores(components, rows, n, max, scores);
		Vec			inverse;
		int			lanes = Min(VECTOR_WIDTH, valid - n);

		inverse = 1.0 / sum;
		if (unlikely(lanes < VECTOR_WIDTH))
			for (int l = Max(lanes, 0); l < VECTOR_WIDTH; l++)
			{
				max[l] = 0.0;
				sum[l] = 1.0;
				inverse[l] = 0.0;
			}
		for (int k = 0; k < components; k++)
			STORE(scores + k * rows + n, LOAD(scores + k * rows + n) * inverse);
		for (int l = 0; l < VECTOR_WIDTH; l++)
			total += max[l];
		product *= sum;
		if (++pending == LOG_EVERY || n + VECTOR_WIDTH >= rows)
		{
			for (int l = 0; l < VECTOR_WIDTH; l++)
				total += log(product[l]);
			product = SPLAT(1.0);
			pending = 0;
		}
	}
	return total;
}

const Kernels KERNEL_SET = {
	.name = KERNEL_NAME,
	.fill = Fill,
	.dot = Dot,
	.quadratic_score = QuadraticScore,
	.quadratic_sums = QuadraticSums,
	.diagonal_score = DiagonalScore,
	.diagonal_sums = DiagonalSums,
	.softmax = Softmax,
	.log_positive = LogPositiveArray,
	.exp_negative = ExpNegativeArray,
};
