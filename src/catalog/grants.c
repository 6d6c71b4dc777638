/*
 * grants.c
 *		Granting others to read or to infer a network.
 *
 * Roles are held by OID: a right does not come back with a role that is dropped
 * and made again under its name.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog/build.h"
#include "catalog/define.h"
#include "catalog/grants.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/role.h"

PG_FUNCTION_INFO_V1(bnai_grant);
PG_FUNCTION_INFO_V1(bnai_revoke);
PG_FUNCTION_INFO_V1(bnai_may_read);
PG_FUNCTION_INFO_V1(bnai_failure_text);

/* Names of what can be granted; infer includes read */
static const char *const GrantNames[] = {"read", "infer"};

/* Returns the role of a row, which lives as long as the row. */
static Role *
GrantedRole(const CatalogScan *scan, HeapTuple tuple)
{
	bool		isnull;

	return DatumGetRole(CatalogValue(scan, tuple, GRANTED_ROLE, &isnull));
}

/* Returns what a row grants. */
static GrantKind
GrantedKind(const CatalogScan *scan, HeapTuple tuple)
{
	bool		isnull;
	char	   *name = TextDatumGetCString(CatalogValue(scan, tuple, GRANTED_PRIVILEGE, &isnull));

	return strcmp(name, GrantNames[GRANT_INFER]) == 0 ? GRANT_INFER : GRANT_READ;
}

/* Returns true if the current user has the rights of a role that something is granted to. */
static bool
IsGrantee(const Role *role)
{
	Oid			oid = RoleOf(role);

	return IsPublicRole(role) || (OidIsValid(oid) && has_privs_of_role(GetUserId(), oid));
}

/* Returns true for values that mean the same role, of those that exist. */
static bool
SameRole(const Role *a, const Role *b)
{
	return IsPublicRole(a) ? IsPublicRole(b) : a->role == b->role;
}

/* Looks for a grant that gives the current user a right. */
bool
HasGrant(int network, GrantKind kind)
{
	CatalogScan scan = BeginCatalogScan("bnai_granted", "bnai_granted_network", GRANTED_NETWORK,
										Int32GetDatum(network));
	bool		granted = false;
	HeapTuple	tuple;

	while (!granted && (tuple = NextCatalogTuple(&scan)) != NULL)
		granted = GrantedKind(&scan, tuple) >= kind && IsGrantee(GrantedRole(&scan, tuple));
	EndCatalogScan(&scan);
	return granted;
}

/* Returns true if exactly that was granted already. */
static bool
IsGranted(int network, const Role *role, GrantKind kind)
{
	CatalogScan scan;
	bool		granted = false;
	HeapTuple	tuple;

	PushActiveSnapshot(GetLatestSnapshot());
	scan = BeginCatalogScan("bnai_granted", "bnai_granted_network", GRANTED_NETWORK, Int32GetDatum(network));
	while (!granted && (tuple = NextCatalogTuple(&scan)) != NULL)
		granted = GrantedKind(&scan, tuple) == kind && SameRole(GrantedRole(&scan, tuple), role);
	EndCatalogScan(&scan);
	PopActiveSnapshot();
	return granted;
}

/* Reads what is to be granted or revoked. */
static GrantKind
KindArgument(FunctionCallInfo fcinfo, int i)
{
	char	   *name = TextArgument(fcinfo, i, "privilege");

	for (int kind = 0; kind < lengthof(GrantNames); kind++)
		if (pg_strcasecmp(name, GrantNames[kind]) == 0)
			return kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown privilege \"%s\"", name),
			 errhint("Privileges are: read, infer; infer includes read.")));
}

/* Reads the name of a role, or of all roles, who are called public in any case, but for a role of that very name. */
static Role *
RoleArgument(FunctionCallInfo fcinfo, int i)
{
	char	   *name = TextArgument(fcinfo, i, "role");
	Oid			role = get_role_oid(name, true);

	if (OidIsValid(role))
		return MakeRole(role);
	if (pg_strcasecmp(name, "public") == 0)
		return PublicRole();
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("role \"%s\" does not exist", name),
			 errhint("All roles are called public.")));
}

/* bnai_grant(network, role, privilege) */
Datum
bnai_grant(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	Role	   *role = RoleArgument(fcinfo, 1);
	GrantKind	kind = KindArgument(fcinfo, 2);
	Oid			types[] = {INT4OID, ExtensionType("bnai_role"), TEXTOID};
	Datum		values[] = {Int32GetDatum(network->id), RoleGetDatum(role), CStringGetTextDatum(GrantNames[kind])};

	if (!IsGranted(network->id, role, kind))
		WriteCatalog(psprintf("INSERT INTO %s.bnai_granted (network, role, privilege) VALUES ($1, $2, $3)",
							  ExtensionSchema()), lengthof(types), types, values, NULL);
	PG_RETURN_VOID();
}

/* bnai_revoke(network, role, privilege): without read there is no infer. */
Datum
bnai_revoke(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	Role	   *role = RoleArgument(fcinfo, 1);
	GrantKind	kind = PG_ARGISNULL(2) ? GRANT_READ : KindArgument(fcinfo, 2);
	Oid			types[] = {INT4OID, ExtensionType("bnai_role"), BOOLOID};
	Datum		values[] = {Int32GetDatum(network->id), RoleGetDatum(role), BoolGetDatum(kind == GRANT_READ)};

	/* roles that exist have different names, and none is called public */
	WriteCatalog(psprintf("DELETE FROM %s.bnai_granted WHERE network OPERATOR(pg_catalog.=) $1 "
						  "AND (role::pg_catalog.regrole IS NULL) OPERATOR(pg_catalog.=) ($2::pg_catalog.regrole IS NULL) "
						  "AND role::pg_catalog.text OPERATOR(pg_catalog.=) $2::pg_catalog.text "
						  "AND ($3 OR privilege OPERATOR(pg_catalog.=) 'infer')",
						  ExtensionSchema()), lengthof(types), types, values, NULL);
	PG_RETURN_VOID();
}

/* bnai_may_read(network id): the predicate of the views. */
Datum
bnai_may_read(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);

	PG_RETURN_BOOL(network != NULL && MayReadNetwork(network));
}

/*
 * bnai_failure_text(network id, error, sqlstate): what a view shows of a
 * failure.  A message may hold a row's values, or what a trigger says of them.
 */
Datum
bnai_failure_text(PG_FUNCTION_ARGS)
{
	Network    *network;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);
	if (network != NULL && MayModifyNetwork(network))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(2))
		PG_RETURN_TEXT_P(cstring_to_text("the inference failed"));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("the inference failed (SQLSTATE class %.2s)",
											  text_to_cstring(PG_GETARG_TEXT_PP(2)))));
}
