"""Whether the database still refuses to change the ledger: the triggers of migrations 0001 and 0003 on SQLite.

Triggers are a seat belt: whoever has the file can drop them, and put them back. So that they are in place proves
nothing about the past, and the tree is the evidence. But a service that runs without them is not guarded.
"""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Connection, text

#: The tables that are guarded, and the rows that an INSERT would replace.
_REPLACED = {
    "ledger_entry": "entry_id = NEW.entry_id OR (contact = NEW.contact AND cseq = NEW.cseq)",
    "ledger_leaf": "seq = NEW.seq OR entry_id = NEW.entry_id",
    "evidence": "entry_id = NEW.entry_id AND field = NEW.field",
    "ledger_tile": "level = NEW.level AND idx = NEW.idx",
    "ledger_checkpoint": "size = NEW.size",
    "ledger_key": "vkey = NEW.vkey AND status = NEW.status",
    "erased_address": "digest = NEW.digest AND entry_id = NEW.entry_id",
}
_DELETABLE = "evidence"  # erasure deletes it
_NUMBERING = {
    "ledger_leaf_contiguous": (
        "CREATE TRIGGER ledger_leaf_contiguous BEFORE INSERT ON ledger_leaf "
        "WHEN NEW.seq IS NULL OR NEW.seq <> (SELECT coalesce(max(seq) + 1, 0) FROM ledger_leaf) "
        "BEGIN SELECT RAISE(ABORT, 'ledger_leaf.seq must follow the last one'); END"
    ),
    "ledger_entry_number": (
        "CREATE TRIGGER ledger_entry_number AFTER INSERT ON ledger_entry BEGIN "
        "INSERT INTO ledger_leaf (seq, entry_id, leaf_hash, sequenced_at) "
        "SELECT coalesce(max(seq) + 1, 0), NEW.entry_id, NEW.leaf_hash, NEW.recorded_at FROM ledger_leaf; END"
    ),
}


def looked_at(connection: Connection) -> bool:
    """Whether :func:`problems` knows what to look for in this kind of database."""
    return connection.dialect.name == "sqlite"


def problems(connection: Connection) -> list[str]:
    """Return a sentence for each trigger that is missing, was altered, or is none of ours. One statement."""
    if not looked_at(connection):
        return []
    rows = connection.execute(text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    found = {row.name: " ".join(str(row.sql).split()) for row in rows}
    wanted = expected()
    missing = [f"The trigger {name} is missing." for name in wanted if name not in found]
    altered = [f"The trigger {name} was altered." for name in wanted if name in found and found[name] != wanted[name]]
    foreign = [row for row in rows if row.name not in wanted and row.tbl_name in _REPLACED]
    return missing + altered + [f"The trigger {row.name} on {row.tbl_name} is none of ours." for row in foreign]


@cache
def expected() -> Mapping[str, str]:
    """Return the triggers that guard the ledger: the name of each, and its SQL with single spaces."""
    wanted = dict(_NUMBERING)
    for table, exists in _REPLACED.items():
        events = {"UPDATE": "", "INSERT": f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {exists}) ", "DELETE": ""}
        if table == _DELETABLE:
            del events["DELETE"]
        for event, when in events.items():
            name = f"{table}_refuse_{event}"
            refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
            wanted[name] = f"CREATE TRIGGER {name} BEFORE {event} ON {table} {when}{refuse}"
    return wanted
