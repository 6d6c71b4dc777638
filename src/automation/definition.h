/*
 * definition.h
 *		Whether a network is still what it was.
 */
#ifndef BNAI_DEFINITION_H
#define BNAI_DEFINITION_H

#include "automation/counter.h"
#include "catalog/network.h"

/*
 * Raises an error if the network, as it is now, has another definition than when
 * it was loaded, or went with the extension that its counter was found in.
 */
extern Network *CheckSameDefinition(const Network *loaded, Counter counter);

#endif							/* BNAI_DEFINITION_H */
