/*
 * version.h
 *		The contract between the library and the objects of an install script.
 *
 * The two change at different times: the library for all databases at once,
 * the objects of a database when somebody says ALTER EXTENSION bnai UPDATE,
 * and sessions that are open keep the library that they have loaded.  So the
 * tables carry a number, and whoever meets another one than his own leaves
 * them alone.
 */
#ifndef BNAI_VERSION_H
#define BNAI_VERSION_H

/*
 * The number in table bnai_catalog_version: 1 more in each version whose tables
 * the library of the one before must not touch.  0.1.0, number 1, has no such
 * table.
 */
#define CATALOG_NUMBER 2

/* Raises an error with a hint if the tables are not this library's; nothing in a script of bnai's. */
extern void CheckCatalogVersion(void);

/* True if the tables are this library's. */
extern bool CatalogVersionFits(void);

/* True while bnai itself is being created or updated, whose tables may be half made. */
extern bool InOwnScript(void);

/*
 * True if triggers on users' tables are to do nothing: in a script of bnai's,
 * and with a warning where tables and library do not fit, for that is nothing
 * that the application's statements should fail by.
 */
extern bool TriggersRest(void);

#endif							/* BNAI_VERSION_H */
