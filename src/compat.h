/*
 * compat.h
 *		What differs between PostgreSQL 14 and 18.
 */
#ifndef BNAI_COMPAT_H
#define BNAI_COMPAT_H

#include "funcapi.h"
#include "miscadmin.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 140000
#error "bnai needs PostgreSQL 14 or newer"
#endif

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#define RelationHasSecurityInvoker(relation) false
#endif

/*
 * Has `request` called when a preloaded library may ask for shared memory, which
 * before 15 is at once; `next` is then to be called first.
 */
#if PG_VERSION_NUM < 150000
typedef void (*shmem_request_hook_type) (void);
#define HookSharedMemoryRequest(request, next) (request)()
#else
#define HookSharedMemoryRequest(request, next) \
	do { \
		(next) = shmem_request_hook; \
		shmem_request_hook = (request); \
	} while (0)
#endif

#if PG_VERSION_NUM < 160000
#define StringToQualifiedNameList(name) stringToQualifiedNameList(name)
#else
#define StringToQualifiedNameList(name) stringToQualifiedNameList(name, NULL)
#endif

#if PG_VERSION_NUM < 160000
#define OwnsRelation(relation, role) pg_class_ownercheck(relation, role)
#else
#define OwnsRelation(relation, role) object_ownercheck(RelationRelationId, relation, role)
#endif

#if PG_VERSION_NUM < 160000
#define SetTriggerFiring(relation, name, fires) EnableDisableTrigger(relation, name, fires, false, ShareRowExclusiveLock)
#else
#define SetTriggerFiring(relation, name, fires) \
	EnableDisableTrigger(relation, name, InvalidOid, fires, false, false, ShareRowExclusiveLock)
#endif

/* Whether a role could SET ROLE to another one: a membership may have been given without that right since 16. */
#if PG_VERSION_NUM < 160000
#define CanSetRole(member, role) is_member_of_role(member, role)
#define NamespaceAclCheck(schema, user, mode) pg_namespace_aclcheck(schema, user, mode)
#define RelationOwnerCheck(relation, user) pg_class_ownercheck(relation, user)
#else
#define CanSetRole(member, role) member_can_set_role(member, role)
#define NamespaceAclCheck(schema, user, mode) object_aclcheck(NamespaceRelationId, schema, user, mode)
#define RelationOwnerCheck(relation, user) object_ownercheck(RelationRelationId, relation, user)
#endif

#if PG_VERSION_NUM < 170000
#define InBackgroundWorker() (IsBackgroundWorker)
#define HoldsLock(tag, mode) LockHeldByMe(tag, mode)
#else
#define InBackgroundWorker() AmBackgroundWorkerProcess()
#define HoldsLock(tag, mode) LockHeldByMe(tag, mode, false)
#endif

#if PG_VERSION_NUM < 150001

/*
 * Prepares a set-returning function that fills a tuplestore, as 15.1 does.
 */
static inline void
InitMaterializedSRF(FunctionCallInfo fcinfo, bits32 flags)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller;

	if (result == NULL || !IsA(result, ReturnSetInfo) || !(result->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));
	caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &result->setDesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	MemoryContextSwitchTo(caller);
}
#endif

#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/*
 * Files shared by the processes of a parallel run.
 */
#if PG_VERSION_NUM < 150000
#define CreateSharedFile(fileset, name) BufFileCreateShared(fileset, name)
#define ExportSharedFile(file) BufFileExportShared(file)
#define OpenSharedFile(fileset, name) BufFileOpenShared(fileset, name, O_RDONLY)
#else
#define CreateSharedFile(fileset, name) BufFileCreateFileSet(&(fileset)->fs, name)
#define ExportSharedFile(file) BufFileExportFileSet(file)
#define OpenSharedFile(fileset, name) BufFileOpenFileSet(&(fileset)->fs, name, O_RDONLY, false)
#endif

#endif							/* BNAI_COMPAT_H */
