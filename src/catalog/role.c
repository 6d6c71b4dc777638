/*
 * role.c
 *		The type bnai_role.
 *
 * A regrole that does not resolve fails the COPY of its whole table, and a name
 * means another role once it is dropped and somebody else gets it.  A bnai_role
 * is a role by its OID with the name that it had last: reading a text keeps the
 * name only, and who may choose the role binds it (see guard.c).
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "catalog/gone.h"
#include "catalog/role.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_role_in);
PG_FUNCTION_INFO_V1(bnai_role_out);
PG_FUNCTION_INFO_V1(bnai_role_from_regrole);
PG_FUNCTION_INFO_V1(bnai_role_to_regrole);

/* Builds a value from its two parts. */
static Role *
BuildRole(Oid oid, const char *name)
{
	Size		length = strlen(name) + 1;
	Role	   *role = palloc0(offsetof(Role, name) + length);

	SET_VARSIZE(role, offsetof(Role, name) + length);
	role->role = oid;
	memcpy(role->name, name, length);
	return role;
}

/* Makes the value for an existing role. */
Role *
MakeRole(Oid role)
{
	return BuildRole(role, GetUserNameFromId(role, false));
}

/* Makes the value that stands for everybody. */
Role *
PublicRole(void)
{
	return BuildRole(InvalidOid, "public");
}

/* Looks the name up. */
Role *
BindRole(Role *role)
{
	Oid			oid = OidIsValid(role->role) ? role->role :
		SaysGone(role->name) ? InvalidOid : get_role_oid(role->name, true);

	return OidIsValid(oid) ? oid == role->role ? role : BuildRole(oid, role->name) : NULL;
}

/* Returns the role that a value means, by its OID alone. */
Oid
RoleOf(const Role *role)
{
	return OidIsValid(role->role) && SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role->role)) ?
		role->role : InvalidOid;
}

/* Returns the name to show. */
char *
RoleName(const Role *role)
{
	char	   *name = OidIsValid(role->role) ? GetUserNameFromId(role->role, true) : NULL;

	return name != NULL ? name : OidIsValid(role->role) ? GoneText(role->name) : pstrdup(role->name);
}

/* Returns true for everybody. */
bool
IsPublicRole(const Role *role)
{
	return !OidIsValid(role->role) && strcmp(role->name, "public") == 0;
}

/* Reads a name, and does not ask who has it. */
Datum
bnai_role_in(PG_FUNCTION_ARGS)
{
	char	   *name = PG_GETARG_CSTRING(0);

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a role is empty")));
	PG_RETURN_POINTER(BuildRole(InvalidOid, name));
}

/* Writes the present name, not quoted. */
Datum
bnai_role_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(RoleName(DatumGetRole(PG_GETARG_DATUM(0))));
}

/* Casts a regrole. */
Datum
bnai_role_from_regrole(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(MakeRole(PG_GETARG_OID(0)));
}

/* Casts to a regrole; NULL if the role is gone or nobody has bound it. */
Datum
bnai_role_to_regrole(PG_FUNCTION_ARGS)
{
	Oid			role = RoleOf(DatumGetRole(PG_GETARG_DATUM(0)));

	if (!OidIsValid(role))
		PG_RETURN_NULL();
	PG_RETURN_OID(role);
}
