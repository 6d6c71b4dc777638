/*
 * special.h
 *		Special functions of the exponential family that libm does not have.
 */
#ifndef BNAI_SPECIAL_H
#define BNAI_SPECIAL_H

#define LOG_2PI 1.8378770664093454836

extern double Digamma(double x);
extern double LogGamma(double x);
extern double MultivariateDigamma(double a, int dim);
extern double MultivariateLogGamma(double a, int dim);
extern double LogStudentT(double quadratic, double log_det_scale, double nu, int dim);

#endif
