/*
 * worker.h
 *		Background workers.
 */
#ifndef BNAI_WORKER_H
#define BNAI_WORKER_H

/* Entry points, by name. */
extern PGDLLEXPORT void BnaiInferringWorker(Datum database);
extern PGDLLEXPORT void BnaiFlushingWorker(Datum database);
extern PGDLLEXPORT void BnaiLauncher(Datum unused);

/* Registers the launcher where the library is preloaded. */
extern void InitWorkers(void);

#endif							/* BNAI_WORKER_H */
