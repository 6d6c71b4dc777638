/*
 * definition.h
 *		Whether a network is still what it was.
 */
#ifndef BNAI_DEFINITION_H
#define BNAI_DEFINITION_H

#include "catalog/network.h"

/* Raises an error if the network, as it is now, has another definition than when it was loaded. */
extern Network *CheckSameDefinition(const Network *loaded);

#endif							/* BNAI_DEFINITION_H */
