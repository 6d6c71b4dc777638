/*
 * running.h
 *		Which networks are being inferred.
 */
#ifndef BNAI_RUNNING_H
#define BNAI_RUNNING_H

/* Follows the inferences of this session. */
extern void InitRunning(void);

#endif							/* BNAI_RUNNING_H */
