/*
 * background.h
 *		An inference in transactions of its own.
 */
#ifndef BNAI_BACKGROUND_H
#define BNAI_BACKGROUND_H

/*
 * Infers a network whose counter is at its threshold, as its owner: loads in
 * one transaction, iterates in none and stores in another one.  To be called
 * outside of a transaction.  What goes wrong is recorded and logged.  False if
 * it cannot be inferred now, because another session does.
 */
extern bool InferInBackground(int network);

#endif							/* BNAI_BACKGROUND_H */
