/*
 * writable.h
 *		What a table's owner has put between an UPDATE and the rows.
 */
#ifndef BNAI_WRITABLE_H
#define BNAI_WRITABLE_H

/* Raises an error if a rule does something else instead of updating the table. */
extern void CheckNoUpdateRule(Oid relation);

/* True if a row trigger of the table, or of a part of it, may change or refuse what an UPDATE writes. */
extern bool HasUpdateTriggers(Oid relation);

#endif							/* BNAI_WRITABLE_H */
