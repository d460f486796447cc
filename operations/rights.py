"""What the role that the application serves with may do in the database: all its work, but nothing to undo a record.

Another role owns the database, its tables and functions, and migrates. The lists name tables; one that does not exist
yet is simply not there.
"""

from typing import Any, NamedTuple

from django.db import connection, transaction
from psycopg import sql

NOTHING: frozenset[str] = frozenset()
READ = frozenset({"SELECT"})
ADD = READ | {"INSERT"}
KEEP = ADD | {"UPDATE"}
ORDINARY = KEEP | {"DELETE"}
USAGE = frozenset({"USAGE"})

# Every table that is not here is an ordinary one.
LIMITED = {
    "django_migrations": READ,
    "journal_event": READ,  # written by trigger functions, with their owner's rights
    "journal_seal": ADD,
    "payments_reversal": ADD,
    "payments_payment": KEEP,
    "payments_receipt": KEEP,
    "payments_refund": KEEP,
    "subscriptions_subscription": KEEP,
}
# What trigger functions call with their owner's rights, and nobody else may.
INNER_FUNCTIONS = ["journal_write", "journal_lock_floor"]
# Temporary tables stand before all others in the search path, and triggers can be put on them: with those, a role could
# have trigger functions work for it that were not meant to.
BESIDE_TABLES = {
    "schema": USAGE,
    "database": NOTHING,
    "function": NOTHING,
    "parameter": NOTHING,
    "new tables": ORDINARY,
    "new sequences": USAGE,
}

HERE = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
# Who made the first table of all.
OWNER = "(SELECT relowner FROM pg_class WHERE oid = 'django_migrations'::regclass)"
OUR_OWN = "NOT EXISTS (SELECT FROM pg_depend WHERE objid = {0}.oid AND classid = '{1}'::regclass AND deptype = 'e')"

# For each right there is: on what (for a sequence, of which table), and whether the role holds it on all or on a part.
HELD = f"""
    SELECT 'table' AS kind, c.relname::text AS name, c.relname::text AS of_table, r.name AS "right",
           has_table_privilege(%(role)s, c.oid, r.name) AS whole,
           CASE WHEN r.name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                THEN has_any_column_privilege(%(role)s, c.oid, r.name)
                ELSE has_table_privilege(%(role)s, c.oid, r.name) END AS part
    FROM pg_class c CROSS JOIN unnest(%(table_rights)s::text[]) r(name)
    WHERE c.relnamespace = {HERE} AND c.relkind IN ('r', 'p') AND {OUR_OWN.format("c", "pg_class")}
    UNION ALL
    SELECT 'sequence', c.relname, d.refobjid::regclass::text, r.name, held, held
    FROM pg_class c
    JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    CROSS JOIN unnest(ARRAY['USAGE', 'UPDATE']) r(name)
    CROSS JOIN LATERAL has_sequence_privilege(%(role)s, c.oid, r.name) held
    WHERE c.relnamespace = {HERE} AND c.relkind = 'S'
    UNION ALL
    SELECT 'schema', current_schema(), NULL, r.name, held, held
    FROM unnest(ARRAY['USAGE', 'CREATE']) r(name)
    CROSS JOIN LATERAL has_schema_privilege(%(role)s, {HERE}, r.name) held
    UNION ALL
    SELECT 'database', current_database(), NULL, r.name, held, held
    FROM unnest(ARRAY['CREATE', 'TEMPORARY']) r(name)
    CROSS JOIN LATERAL has_database_privilege(%(role)s, current_database(), r.name) held
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, NULL, 'EXECUTE', held, held
    FROM pg_proc p CROSS JOIN LATERAL has_function_privilege(%(role)s, p.oid, 'EXECUTE') held
    WHERE p.pronamespace = {HERE} AND {OUR_OWN.format("p", "pg_proc")}
        AND (p.prorettype = 'trigger'::regtype OR p.proname = ANY (%(inner_functions)s::text[]))
    UNION ALL
    SELECT 'new ' || o.name, current_schema(), NULL, r.name, held, held
    FROM (VALUES ('r', 'tables'), ('S', 'sequences')) o(type, name)
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'USAGE']) r(name)
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) a
            WHERE d.defaclrole = {OWNER} AND d.defaclnamespace = {HERE} AND d.defaclobjtype = o.type::"char"
            AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = %(role)s) AND a.privilege_type = r.name
        ) AS held
    ) found
"""  # noqa: S608 - made of constants
TABLE_RIGHTS = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
# It switches triggers off for a whole session.
HELD_SINCE_15 = """
    UNION ALL
    SELECT 'parameter', 'session_replication_role', NULL, 'SET', held, held
    FROM has_parameter_privilege(%(role)s, 'session_replication_role', 'SET') held
"""
# What grants cannot take away: the role, or one that it can become, stands above them.
POWERS = f"""
    SELECT r.rolname, power
    FROM pg_roles r
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN r.rolsuper THEN 'is a superuser'
            WHEN r.oid = {OWNER} THEN 'owns the tables'
            WHEN r.oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) THEN 'owns the database'
            WHEN EXISTS (SELECT FROM pg_class WHERE relowner = r.oid AND relnamespace = {HERE}) THEN 'owns a table'
            WHEN EXISTS (SELECT FROM pg_proc WHERE proowner = r.oid AND pronamespace = {HERE}) THEN 'owns a function'
            WHEN r.rolcreaterole THEN 'can make roles'
            WHEN r.rolname IN ('pg_execute_server_program', 'pg_write_server_files') THEN 'reaches beyond the database'
        END AS power
    ) found
    WHERE pg_has_role(%(role)s, r.oid, 'MEMBER') AND power IS NOT NULL
    ORDER BY r.rolname <> %(role)s, r.rolname
"""  # noqa: S608 - made of constants


class Power(NamedTuple):
    """What puts a role above all rights: its own, or that of another role which it can become."""

    role: str
    holder: str
    power: str

    def __str__(self) -> str:
        """Return it as the end of a sentence about the role."""
        return self.power if self.role == self.holder else f"can become {self.holder}, which {self.power}"


class Difference(NamedTuple):
    """A right that a role lacks, or holds and should not."""

    kind: str
    name: str
    right: str
    lacking: bool

    def __str__(self) -> str:
        """Return it as the end of a sentence about the role."""
        return f"{'lacks' if self.lacking else 'has'} {self.right} on {self.kind} {self.name}"

    def mend(self, role: str) -> str:
        """Return the statement that makes it right, as far as grants to the role itself or to everybody go."""
        begin, on = "", f"{self.kind.upper()} {{name}}"
        if self.kind.startswith("new "):
            begin, on = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name} ", self.kind[4:].upper()
        act = f"GRANT {self.right} ON {on} TO" if self.lacking else f"REVOKE {self.right} ON {on} FROM PUBLIC,"
        # A function's name comes with its arguments, as PostgreSQL writes it.
        name = sql.SQL(self.name) if self.kind == "function" else sql.Identifier(self.name)
        others = {"owner": sql.Identifier(owner()), "role": sql.Identifier(role)}
        return sql.SQL(f"{begin}{act} {{role}}").format(name=name, **others).as_string()


def exists(role: str) -> bool:
    """Return whether there is such a role."""
    return bool(rows("SELECT rolname FROM pg_roles WHERE rolname = %(role)s", role=role))


def owner() -> str:
    """Return the role that owns the tables."""
    return rows(f"SELECT pg_get_userbyid({OWNER})")[0][0]


def is_ours() -> bool:
    """Return whether this connection may act as the owner."""
    return rows(f"SELECT pg_has_role({OWNER}, 'USAGE')")[0][0]


def powers(role: str) -> list[Power]:
    """Return what puts `role` above all rights; its own first."""
    return [Power(role, *row) for row in rows(POWERS, role=role)]


def differences(role: str) -> list[Difference]:
    """Return where the rights of `role` are not what they should be, in the order of kinds and names."""
    found = []
    held = HELD + (HELD_SINCE_15 if version() >= 15 else "")
    lists = {"table_rights": TABLE_RIGHTS + ["MAINTAIN"] * (version() >= 17), "inner_functions": INNER_FUNCTIONS}
    for kind, name, of_table, right, whole, part in rows(held, role=role, **lists):
        due = right in rightful(kind, of_table)
        if due != (whole if due else part):
            found.append(Difference(kind, name, right, lacking=due))
    return sorted(found)


def rightful(kind: str, table: str | None) -> frozenset[str]:
    """Return the rights that the application has on a thing of this kind; a sequence is as good as its table."""
    on_table = LIMITED.get(table or "", ORDINARY)
    if kind == "table":
        return on_table
    if kind == "sequence":
        return USAGE if "INSERT" in on_table else NOTHING
    return BESIDE_TABLES[kind]


def mend(role: str) -> list[Difference]:
    """Make the rights of `role` what they should be, as the owner, in one transaction; return what is different still.

    What remains is held in another way: through another role, or granted by another.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for difference in differences(role):
            if difference.kind != "parameter":
                cursor.execute(difference.mend(role))
        return differences(role)


def version() -> int:
    """Return the major version of the server."""
    return rows("SELECT current_setting('server_version_num')::int / 10000")[0][0]


def rows(query: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return what the database answers."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
