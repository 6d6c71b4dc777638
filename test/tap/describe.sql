-- Everything that there is to know about extension bnai's objects, a line for each fact: for two databases to be compared.
-- Numbers that PostgreSQL puts into the names of internal triggers and types, and into columns, are left out.
WITH member AS (
	SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS name
	FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
	WHERE e.extname = 'bnai'
), relation AS (
	SELECT m.name, c.* FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
), part AS (
	-- what belongs to members without being one
	SELECT classid, objid, name FROM member
	UNION ALL SELECT 'pg_constraint'::regclass, oid, pg_describe_object('pg_constraint'::regclass, oid, 0)
	FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relation)
	UNION ALL SELECT 'pg_class'::regclass, indexrelid, pg_describe_object('pg_class'::regclass, indexrelid, 0)
	FROM pg_index WHERE indrelid IN (SELECT oid FROM relation)
	UNION ALL SELECT 'pg_trigger'::regclass, oid, pg_describe_object('pg_trigger'::regclass, oid, 0)
	FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM relation)
	UNION ALL SELECT 'pg_rewrite'::regclass, oid, pg_describe_object('pg_rewrite'::regclass, oid, 0)
	FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM relation)
	UNION ALL SELECT 'pg_attrdef'::regclass, oid, pg_describe_object('pg_attrdef'::regclass, oid, 0)
	FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM relation)
), acl AS (
	SELECT classid, objid, 0 AS objsubid, name, 'rights'::text AS kind, proacl AS acl, 'f'::"char" AS type, proowner AS owner
	FROM member JOIN pg_proc p ON classid = 'pg_proc'::regclass AND objid = p.oid
	UNION ALL SELECT classid, objid, 0, name, 'rights', typacl, 'T', typowner
	FROM member JOIN pg_type t ON classid = 'pg_type'::regclass AND objid = t.oid
	UNION ALL SELECT 'pg_class'::regclass, oid, 0, name, 'rights', relacl, (CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", relowner FROM relation
	UNION ALL SELECT 'pg_class'::regclass, r.oid, attnum, r.name || ' column ' || attname, 'rights', attacl, 'c', relowner
	FROM relation r JOIN pg_attribute a ON attrelid = r.oid AND attnum > 0
), fact (name, what) AS (
	SELECT 'extension', format('version %s, relocatable %s, schema %s', extversion, extrelocatable, extnamespace::regnamespace) FROM pg_extension WHERE extname = 'bnai'
	UNION ALL SELECT 'extension', 'needs ' || pg_describe_object(refclassid, refobjid, 0)
	FROM pg_depend JOIN pg_extension e ON classid = 'pg_extension'::regclass AND objid = e.oid AND extname = 'bnai'
	UNION ALL SELECT 'extension', format('dumps %s %s', c.config::regclass, extcondition[i])
	FROM pg_extension, unnest(extconfig) WITH ORDINALITY c (config, i) WHERE extname = 'bnai'
	UNION ALL SELECT name, 'is a member' FROM member
	UNION ALL SELECT m.name, pg_get_functiondef(p.oid) || format('-- %s, prosrc %s, probin %s, support %s, owner %s', p.prokind, p.prosrc, p.probin, p.prosupport::regproc, proowner::regrole)
	FROM member m JOIN pg_proc p ON classid = 'pg_proc'::regclass AND objid = p.oid AND prokind <> 'a'
	UNION ALL SELECT m.name, format('aggregate (%s) returns %s, %s, %s, %s, rows and cost %s %s: %s', pg_get_function_arguments(p.oid), prorettype::regtype, provolatile, proisstrict,
		proparallel, prorows, procost, to_jsonb(a) - 'aggfnoid' - 'aggtranstype')
	FROM member m JOIN pg_proc p ON classid = 'pg_proc'::regclass AND objid = p.oid JOIN pg_aggregate a ON aggfnoid = p.oid
	UNION ALL SELECT m.name, 'type ' || (to_jsonb(t) - 'oid' - 'typname' - 'typnamespace' - 'typrelid' - 'typelem' - 'typarray' - 'typbasetype' - 'typacl')::text
	FROM member m JOIN pg_type t ON classid = 'pg_type'::regclass AND objid = t.oid
	UNION ALL SELECT m.name, format('cast by %s, %s, %s', castfunc::regprocedure, castcontext, castmethod)
	FROM member m JOIN pg_cast c ON classid = 'pg_cast'::regclass AND objid = c.oid
	UNION ALL SELECT m.name, format('operator of %s: %s', oprcode::regprocedure, to_jsonb(o) - 'oid' - 'oprnamespace' - 'oprleft' - 'oprright' - 'oprresult' - 'oprcom' - 'oprnegate')
	FROM member m JOIN pg_operator o ON classid = 'pg_operator'::regclass AND objid = o.oid
	UNION ALL SELECT m.name, format('event trigger on %s for %s, %s, runs %s, enabled %s', evtevent, evttags, evtowner::regrole, evtfoid::regprocedure, evtenabled)
	FROM member m JOIN pg_event_trigger t ON classid = 'pg_event_trigger'::regclass AND objid = t.oid
	UNION ALL SELECT name, format('relation of kind %s, options %s, persistence %s, owner %s, access method %s, row security %s %s, replica identity %s, rules %s, triggers %s', relkind, reloptions,
		relpersistence, relowner::regrole, relam, relrowsecurity, relforcerowsecurity, relreplident, relhasrules, relhastriggers) FROM relation
	UNION ALL SELECT name, format('column %s %s %s', row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname, to_jsonb(a) - 'attrelid' - 'attname' - 'attnum' - 'atttypid'
		- 'attcacheoff' - 'attacl' - 'attmissingval' - 'atthasmissing' || jsonb_build_object('type', format_type(atttypid, atttypmod)))
	FROM relation r JOIN pg_attribute a ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT name, format('column %s defaults to %s', attname, pg_get_expr(adbin, adrelid))
	FROM relation r JOIN pg_attrdef ON adrelid = r.oid JOIN pg_attribute a ON attrelid = r.oid AND attnum = adnum
	UNION ALL SELECT name, format('constraint %s %s %s', conname, pg_get_constraintdef(c.oid), convalidated) FROM relation r JOIN pg_constraint c ON conrelid = r.oid
	UNION ALL SELECT name, format('index %s %s', pg_get_indexdef(indexrelid), to_jsonb(i) - 'indexrelid' - 'indrelid' - 'indclass' - 'indcollation' - 'indpred' - 'indexprs' - 'indcheckxmin')
	FROM relation r JOIN pg_index i ON indrelid = r.oid
	UNION ALL SELECT name, format('trigger %s, enabled %s', CASE WHEN tgisinternal THEN tgfoid::regproc::text ELSE pg_get_triggerdef(t.oid) END, tgenabled) FROM relation r JOIN pg_trigger t ON tgrelid = r.oid
	UNION ALL SELECT name, pg_get_viewdef(oid) FROM relation WHERE relkind IN ('v', 'm')
	UNION ALL SELECT name, (to_jsonb(s) - 'seqrelid')::text FROM relation r JOIN pg_sequence s ON seqrelid = r.oid
	UNION ALL SELECT pg_describe_object(d.classoid, d.objoid, d.objsubid), 'comment ' || description
	FROM pg_description d JOIN part p ON d.classoid = p.classid AND d.objoid = p.objid
	UNION ALL SELECT a.name, format('%s %s grants %s to %s, may pass it on: %s', kind, grantor::regrole, privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, is_grantable)
	FROM acl a, aclexplode(coalesce(acl, CASE WHEN type <> 'c' THEN acldefault(type, owner) END))
	UNION ALL SELECT a.name, format('initial %s grants %s to %s', grantor::regrole, privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
	FROM acl a LEFT JOIN pg_init_privs i ON i.classoid = a.classid AND i.objoid = a.objid AND i.objsubid = a.objsubid AND privtype = 'e',
		aclexplode(coalesce(initprivs, CASE WHEN type <> 'c' THEN acldefault(type, owner) END))
	UNION ALL SELECT name, format('%s depends on %s (%s)', pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), deptype)
	FROM part p JOIN pg_depend d ON d.classid = p.classid AND d.objid = p.objid
	WHERE refclassid <> 'pg_namespace'::regclass
)
SELECT line FROM (SELECT regexp_replace(name || ': ' || what, '(RI_ConstraintTrigger_[ac]_|pg_toast_|pg_attver=)\d+', '\1', 'g') AS line FROM fact) f
GROUP BY line ORDER BY line COLLATE "C";
