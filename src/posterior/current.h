/*
 * current.h
 *		What a network's name stands for when it is read: its current run.
 */
#ifndef BNAI_CURRENT_H
#define BNAI_CURRENT_H

/*
 * Returns the network's current run, after checking that the user may read it.
 * 0 if it has not been inferred; then a notice says so, once per statement.
 */
extern int64 ReadableRun(const char *network);

#endif							/* BNAI_CURRENT_H */
