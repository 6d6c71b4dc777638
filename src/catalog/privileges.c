/*
 * privileges.c
 *		Who may do what with a network.
 *
 * Whoever has the rights of a network's owner may change it.  Whoever that was
 * granted to may read what was inferred, or infer.  Nobody else sees it, what
 * rights they may have on the rows: such rights change, and views and row
 * security make them say little.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/grants.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "compat.h"

/* Kinds of locks on the tables' own names and numbers */
#define NETWORK_LOCK 0
#define NAME_LOCK 1
#define INFERENCE_LOCK 2
#define RESTORE_LOCK 3

/* The lock of LockInferenceForSession */
static LOCKTAG session_lock;

/* Returns true if the current user has the rights of that role; nobody has those of a role that is gone. */
bool
HasOwnerRights(Oid owner)
{
	return superuser() || (OidIsValid(owner) && has_privs_of_role(GetUserId(), owner));
}

/* Returns true if the current user may change the network, infer and reset. */
bool
MayModifyNetwork(const Network *network)
{
	return HasOwnerRights(network->owner);
}

/* Returns true if the current user may see the network and what was inferred. */
bool
MayReadNetwork(const Network *network)
{
	return MayModifyNetwork(network) || HasGrant(network->id, GRANT_READ);
}

/* Raises an error unless the current user may change the network. */
void
CheckMayModifyNetwork(const Network *network)
{
	if (MayModifyNetwork(network))
		return;
	if (!OidIsValid(network->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to change network \"%s\"", network->name),
				 errdetail("Its owner, role \"%s\", does not exist.", network->owner_name),
				 errhint("A superuser can give it a new owner: SELECT bnai_set('%s', 'owner', '...').",
						 network->name)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be owner of network \"%s\"", network->name)));
}

/* Raises an error unless the current user may see the network. */
void
CheckMayReadNetwork(const Network *network)
{
	if (!MayReadNetwork(network))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for network \"%s\"", network->name),
				 errdetail("The right to SELECT what it reads does not give the right to read it."),
				 errhint("Its owner can grant that: SELECT bnai_grant(%s, 'role', 'read').",
						 quote_literal_cstr(network->name))));
}

/* Raises an error unless the current user may infer the network, from all of its rows. */
void
CheckMayInferNetwork(const Network *network)
{
	char	   *relation;

	if (MayModifyNetwork(network))
		return;
	if (!HasGrant(network->id, GRANT_INFER))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of network \"%s\"", network->name),
				 errdetail("It can be inferred by its owner, and by whom the owner lets."),
				 errhint("Its owner can grant that: SELECT bnai_grant(%s, 'role', 'infer').",
						 quote_literal_cstr(network->name))));
	relation = RowSecurityBelow(NetworkSource(network));
	if (relation != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to infer network \"%s\" under row security", network->name),
				 errdetail("Row security of relation %s is active for role \"%s\", which may not see all of its rows.",
						   relation, GetUserNameFromId(GetUserId(), false)),
				 errhint("Its owner can infer it.")));
}

/* Raises an error unless the current user may do something with a column. */
static void
CheckColumnPrivilege(Oid relation, AttrNumber attribute, const char *column, AclMode mode)
{
	if (pg_class_aclcheck(relation, GetUserId(), mode) == ACLCHECK_OK)
		return;
	if (attribute > 0 && pg_attribute_aclcheck(relation, attribute, GetUserId(), mode) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for column \"%s\" of relation \"%s\"", column, get_rel_name(relation)),
			 errdetail("%s is needed.", mode == ACL_UPDATE ? "UPDATE" : "SELECT")));
}

/* Raises an error unless the current user may read what the network reads (and write its results). */
void
CheckSourcePrivileges(const Network *network, bool update)
{
	const char *results = network->settings.results_column;
	const char *weight = network->settings.weight_column;

	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *node = &network->nodes[i];

		if (!OidIsValid(node->source))
			continue;
		for (int j = 0; j < node->nsource_columns; j++)
			CheckColumnPrivilege(node->source, node->source_columns[j].attribute, node->source_columns[j].name, ACL_SELECT);
		if (weight != NULL)
			CheckColumnPrivilege(node->source, network->settings.weight_attribute, weight, ACL_SELECT);
		if (update && results != NULL)
			CheckColumnPrivilege(node->source, network->settings.results_attribute, results, ACL_UPDATE);
	}
}

/*
 * Becomes the owner of bnai's tables.  What runs with his rights finds nothing
 * by the search path of who called, who may have put anything there; an error
 * takes the settings back as it takes the user back.
 */
CatalogAccess
BeginCatalogAccess(void)
{
	CatalogAccess access;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(CatalogRelation("bnai_network")));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for table bnai_network");
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	GetUserIdAndSecContext(&access.user, &access.security_context);
	SetUserIdAndSecContext(owner, access.security_context | SECURITY_LOCAL_USERID_CHANGE);
	access.guc_level = NewGUCNestLevel();
	SetSafeSearchPath();
	return access;
}

/* Makes names be looked for among the server's own, until the GUC nest level ends. */
void
SetSafeSearchPath(void)
{
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Becomes who one was before. */
void
EndCatalogAccess(CatalogAccess access)
{
	AtEOXact_GUC(false, access.guc_level);
	SetUserIdAndSecContext(access.user, access.security_context);
}

/*
 * Runs a statement with its values as parameters of a generic plan: a posterior
 * is in no plan, which a setting of whoever is there may have printed.
 */
int
ExecuteParameterized(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, nargs, types, CURSOR_OPT_GENERIC_PLAN);
	int			code;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	code = SPI_execute_plan(plan, values, nulls, false, 0);
	if (code < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(code));
	SPI_freeplan(plan);
	return code;
}

/* Runs one statement on bnai's own tables as their owner. */
uint64
WriteCatalog(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	CatalogAccess access = BeginCatalogAccess();
	uint64		rows;

	SPI_connect();
	(void) ExecuteParameterized(sql, nargs, types, values, nulls);
	rows = SPI_processed;
	SPI_finish();
	EndCatalogAccess(access);
	return rows;
}

/*
 * Runs an INSERT into bnai's catalogs that returns an integer; returns it, 0 if
 * nothing was inserted.
 */
int
InsertIntoCatalog(const char *sql, int nargs, Oid *types, Datum *values)
{
	CatalogAccess access = BeginCatalogAccess();
	int			id = 0;
	bool		isnull;

	SPI_connect();
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) != SPI_OK_INSERT_RETURNING)
		elog(ERROR, "not an INSERT that returns something: %s", sql);
	if (SPI_processed > 0)
		id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	EndCatalogAccess(access);
	return id;
}

/*
 * Makes DROP EXTENSION wait until the transaction has ended.  Without it both
 * would be in the middle of their work, and wait for each other's tables.
 */
bool
LockExtension(bool nowait)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, get_extension_oid("bnai", false), 0);
	if (LockAcquire(&tag, AccessShareLock, false, nowait) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	return true;
}

/*
 * Returns true if nobody is dropping the tables.  DROP EXTENSION has a lock on
 * the extension first, then on the tables; who rewrites a table has none on
 * the extension, and is waited for.
 */
bool
MayReadCatalog(void)
{
	static const char *const tables[] = {"bnai_network", "bnai_node", "bnai_watched", "bnai_run"};

	for (int i = 0; i < lengthof(tables); i++)
		if (!ConditionalLockRelationOid(CatalogRelation(tables[i]), AccessShareLock))
			return LockExtension(true);
	return true;
}

/*
 * Locks an object of the class of networks; advisory locks would collide with
 * the users' own keys.
 */
static bool
LockObject(uint32 id, uint16 kind, bool session, bool nowait)
{
	LOCKTAG		tag;

	if (!LockExtension(nowait))
		return false;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, CatalogRelation("bnai_network"), id, kind);
	if (LockAcquire(&tag, ExclusiveLock, session, nowait) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	return true;
}

/* Gives such a lock back before the transaction ends: nothing was changed under it. */
static void
UnlockObject(uint32 id, uint16 kind)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, CatalogRelation("bnai_network"), id, kind);
	LockRelease(&tag, ExclusiveLock, false);
}

/*
 * Networks that the present transaction has created.  Nobody else sees them, so
 * there is nobody to lock out, and a transaction may create more of them than
 * the server has room for locks.
 */
static TransactionId creator = InvalidTransactionId;
static List *created = NIL;

/* Remembers a network that has just been created. */
void
NoteNewNetwork(int network)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	if (creator != GetTopTransactionId())
		created = NIL;
	creator = GetTopTransactionId();
	created = lappend_int(created, network);
	MemoryContextSwitchTo(old);
}

/* Returns whether the present transaction has created a network; most often it is the latest one that is asked for. */
static bool
IsNewNetwork(int network)
{
	if (!TransactionIdIsValid(creator) || creator != GetTopTransactionIdIfAny())
		return false;
	for (int i = list_length(created) - 1; i >= 0; i--)
		if (list_nth_int(created, i) == network)
			return true;
	return false;
}

/* Takes the lock that allows one change per network; an inference takes it to load and to store. */
bool
LockNetwork(int network, bool nowait)
{
	if (IsNewNetwork(network))
		return LockExtension(nowait);
	return LockObject(network, NETWORK_LOCK, false, nowait);
}

/* Gives it back. */
void
UnlockNetwork(int network)
{
	if (!IsNewNetwork(network))
		UnlockObject(network, NETWORK_LOCK);
}

/* Waits for others that create a network of that name. */
void
LockNetworkName(const char *name)
{
	LockObject(string_hash(name, NAMEDATALEN), NAME_LOCK, false, false);
}

/* Gives that lock back when the network is there: from now on others wait for its row. */
void
UnlockNetworkName(const char *name)
{
	UnlockObject(string_hash(name, NAMEDATALEN), NAME_LOCK);
}

/* Waits for others that restore networks, or what belongs to them. */
void
LockRestore(void)
{
	LockObject(0, RESTORE_LOCK, false, false);
}

/* Takes the lock that allows one inference per network, until the end of the transaction. */
bool
LockInference(int network, bool nowait)
{
	return LockObject(network, INFERENCE_LOCK, false, nowait);
}

/* Gives it back. */
void
UnlockInference(int network)
{
	UnlockObject(network, INFERENCE_LOCK);
}

/*
 * Gives the lock of a session back when its process ends between transactions:
 * the server releases such locks by aborting a transaction, if there is one.
 */
static void
UnlockAtExit(int code, Datum arg)
{
	if (!IsTransactionState())
		UnlockInferenceForSession();
}

/* The same for an inference of several transactions; one at a time in a session. */
bool
LockInferenceForSession(int network, bool nowait)
{
	static bool registered = false;

	if (!registered)
		before_shmem_exit(UnlockAtExit, (Datum) 0);
	registered = true;
	SET_LOCKTAG_OBJECT(session_lock, MyDatabaseId, CatalogRelation("bnai_network"), network, INFERENCE_LOCK);
	return LockObject(network, INFERENCE_LOCK, true, nowait);
}

/* Gives that lock back, also when the tables are gone; the abort of a transaction has done it already. */
void
UnlockInferenceForSession(void)
{
	if (HoldsLock(&session_lock, ExclusiveLock))
		LockRelease(&session_lock, ExclusiveLock, true);
}
