/*
 * compat.h
 *		What differs between PostgreSQL 14 and 18.
 */
#ifndef BNAI_COMPAT_H
#define BNAI_COMPAT_H

#if PG_VERSION_NUM < 140000
#error "bnai needs PostgreSQL 14 or newer"
#endif

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#define RelationHasSecurityInvoker(relation) false
#endif

#if PG_VERSION_NUM < 160000
#define StringToQualifiedNameList(name) stringToQualifiedNameList(name)
#else
#define StringToQualifiedNameList(name) stringToQualifiedNameList(name, NULL)
#endif

#endif							/* BNAI_COMPAT_H */
