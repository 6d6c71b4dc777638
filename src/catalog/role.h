/*
 * role.h
 *		The type bnai_role: a role that is known by its OID, and written by its
 *		present name.
 */
#ifndef BNAI_ROLE_H
#define BNAI_ROLE_H

typedef struct Role
{
	int32		vl_len_;		/* varlena header */
	Oid			role;			/* InvalidOid: not bound */
	char		name[FLEXIBLE_ARRAY_MEMBER];	/* as it was last known, not quoted; ends with a zero byte */
} Role;

#define DatumGetRole(datum) ((Role *) PG_DETOAST_DATUM(datum))
#define RoleGetDatum(role) PointerGetDatum(role)

/* The value for an existing role; an error if there is none with that OID. */
extern Role *MakeRole(Oid role);

/*
 * Binds a value that holds a name only to the role that has that name now; one
 * that is bound already is returned as it is.  NULL if there is no such role.
 * The one place where a name is looked up: whoever calls it has checked that
 * the current user may choose that role.
 */
extern Role *BindRole(Role *role);

/* The role as it exists now; InvalidOid if it is not bound or gone, whoever has its name today. */
extern Oid	RoleOf(const Role *role);

/* Its present name, or the last one and that it is gone. */
extern char *RoleName(const Role *role);

/* The value that stands for everybody. */
extern Role *PublicRole(void);

/* True for the value that is written "public", which no role can be called: everybody. */
extern bool IsPublicRole(const Role *role);

#endif							/* BNAI_ROLE_H */
