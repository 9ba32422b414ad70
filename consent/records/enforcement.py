"""Whether the database still refuses to change the ledger.

Triggers are a seat belt: whoever owns the tables, or has the file, can drop them, and put them back. So that they are
in place proves nothing about the past, and the tree is the evidence. But a service that runs without them is not
guarded.
"""

from types import ModuleType

from sqlalchemy import Connection

from consent.records import guards_postgresql, guards_sqlite


def problems(connection: Connection) -> list[str]:
    """Return a sentence for each guard that is missing, was altered, or is none of ours. One statement."""
    guards = _guards(connection)
    found, wanted = guards.found(connection), guards.expected()
    missing = [f"The {name} is missing." for name in wanted if name not in found]
    altered = [f"The {name} was altered." for name in wanted if name in found and found[name][1] != wanted[name]]
    foreign = [f"The {name} on {table} is none of ours." for name, (table, _) in found.items() if name not in wanted]
    return missing + altered + foreign


def count(connection: Connection) -> int:
    """Return how many guards there should be."""
    return len(_guards(connection).expected())


def _guards(connection: Connection) -> ModuleType:
    return guards_sqlite if connection.dialect.name == "sqlite" else guards_postgresql
