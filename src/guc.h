/*
 * guc.h
 *		Every bnai.* setting.
 */
#ifndef BNAI_GUC_H
#define BNAI_GUC_H

extern int	BnaiBackgroundTimeout;	/* seconds; 0: none */
extern int	BnaiFlushInterval;	/* milliseconds; 0: counts are rows at once */
extern int	BnaiKernels;
extern int	BnaiMaxParallelWorkers;
extern int	BnaiMaxWorkers;
extern int	BnaiModelMem;
extern int	BnaiProgressInterval;	/* milliseconds; 0: no notices */
extern int	BnaiRecalculateTimeout; /* milliseconds; 0: none */
extern int	BnaiRetryDelay;		/* seconds */
extern int	BnaiWorkMem;

extern void InitSettings(void);

#endif							/* BNAI_GUC_H */
