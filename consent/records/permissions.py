"""What the login of the service may do on PostgreSQL, and what it must not be able to do.

Whoever owns the ledger's tables can switch its triggers off. So the service signs in as somebody who does not, with
the roles of ``migrations/postgresql_roles.sql``. On SQLite whoever can write the file can do everything.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from sqlalchemy import Connection, text

from consent.records.guards_postgresql import GUARDED
from consent.store.base import Base

_SEQUENCE = "ledger_pending_id_seq"  # of which every new row that waits for its number takes one


class Role(StrEnum):
    """A part that the service plays, by the name of its role in the database."""

    WEB = "consent_web"
    SEQUENCER = "consent_sequencer"
    PUBLISHER = "consent_publisher"
    AUDIT = "consent_audit"


_TO_CHANGE = (
    "answered", "api_key", "brand", "contact", "export", "form", "mail_report", "notice", "organization", "outbox",
    "signup", "standing", "told", "topic",
)  # fmt: skip
_TO_ADD = {
    Role.WEB: ("ledger_entry", "evidence", "ledger_pending", "erased_address"),
    Role.SEQUENCER: ("ledger_leaf", "ledger_tile"),
    Role.PUBLISHER: ("ledger_checkpoint", "ledger_key"),
    Role.AUDIT: (),
}
_TO_DELETE = {Role.WEB: ("evidence",), Role.SEQUENCER: ("ledger_pending",)}
_LACKING = text("""
SELECT name, privilege FROM unnest(CAST(:names AS text[]), CAST(:privileges AS text[])) AS wanted (name, privilege)
WHERE NOT CASE WHEN name LIKE '%_seq' THEN has_sequence_privilege(name, privilege)
  ELSE has_table_privilege(name, privilege) END ORDER BY 1, 2
""")
_WHO = text("""
SELECT current_user AS login, rolsuper AS super, array(
  SELECT name FROM unnest(CAST(:tables AS text[])) AS name JOIN pg_class ON oid = to_regclass(name)
  WHERE pg_has_role(relowner, 'USAGE') ORDER BY name) AS owned, array(
  SELECT name || ': ' || privilege
  FROM unnest(CAST(:tables AS text[])) AS name, unnest(array['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
  WHERE (name, privilege) <> ('evidence', 'DELETE') AND CASE privilege
    WHEN 'UPDATE' THEN has_any_column_privilege(name, privilege) ELSE has_table_privilege(name, privilege) END
  ORDER BY 1) AS allowed
FROM pg_roles WHERE rolname = current_user
""")


def needed(role: Role) -> Mapping[str, frozenset[str]]:
    """Return what *role* must be able to do, by table or sequence: reading everything, and its own part."""
    own = dict[str, set[str]]({name: {"SELECT"} for name in (*Base.metadata.tables, "alembic_version", _SEQUENCE)})
    for name in _TO_ADD[role]:
        own[name].add("INSERT")
    for name in _TO_DELETE.get(role, ()):
        own[name].add("DELETE")
    if role is Role.WEB:
        own[_SEQUENCE].add("USAGE")
        for name in _TO_CHANGE:
            own[name] |= {"INSERT", "UPDATE", "DELETE"}
    return {name: frozenset(privileges) for name, privileges in own.items()}


def lacking(connection: Connection, roles: Iterable[Role]) -> str | None:
    """Return what the login may not do and one of *roles* must, with what to do about it; None if all is well."""
    if connection.dialect.name == "sqlite":
        return None
    wanted = sorted({pair for role in roles for pair in _pairs(needed(role))})
    names, privileges = [name for name, _ in wanted], [privilege for _, privilege in wanted]
    rows = connection.execute(_LACKING, {"names": names, "privileges": privileges}).all()
    if not rows:
        return None
    some = ", ".join(f"{row.privilege} on {row.name}" for row in rows[:3])
    more = " and more" if rows[3:] else ""
    return f"The database's login may not {some}{more}: run migrations/postgresql_roles.sql as the owner of the tables."


def _pairs(wanted: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    return ((name, privilege) for name, privileges in wanted.items() for privilege in privileges)


def excess(connection: Connection) -> str | None:
    """Return how the login could change what is recorded, with what to do about it; None if it cannot."""
    if connection.dialect.name == "sqlite":
        return None
    who = connection.execute(_WHO, {"tables": list(GUARDED)}).one()
    if who.super:
        how = "is a superuser"
    elif who.owned:
        how = f"owns {', '.join(who.owned)}"
    elif who.allowed:
        how = f"has more than it needs ({', '.join(who.allowed)})"
    else:
        return None
    return (
        f"The database's login {who.login} {how}, and so could change the ledger: see migrations/postgresql_roles.sql."
    )
