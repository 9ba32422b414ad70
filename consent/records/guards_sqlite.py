"""What guards the ledger on SQLite: the triggers of migrations 0001 and 0003."""

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
    "trigger ledger_leaf_contiguous": (
        "CREATE TRIGGER ledger_leaf_contiguous BEFORE INSERT ON ledger_leaf "
        "WHEN NEW.seq IS NULL OR NEW.seq <> (SELECT coalesce(max(seq) + 1, 0) FROM ledger_leaf) "
        "BEGIN SELECT RAISE(ABORT, 'ledger_leaf.seq must follow the last one'); END"
    ),
    "trigger ledger_entry_number": (
        "CREATE TRIGGER ledger_entry_number AFTER INSERT ON ledger_entry BEGIN "
        "INSERT INTO ledger_leaf (seq, entry_id, leaf_hash, sequenced_at) "
        "SELECT coalesce(max(seq) + 1, 0), NEW.entry_id, NEW.leaf_hash, NEW.recorded_at FROM ledger_leaf; END"
    ),
}
_FOUND = text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")


@cache
def expected() -> Mapping[str, str]:
    """Return what guards the ledger: the name of each trigger, and its SQL with single spaces."""
    wanted = dict(_NUMBERING)
    for table, exists in _REPLACED.items():
        events = {"UPDATE": "", "INSERT": f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {exists}) ", "DELETE": ""}
        if table == _DELETABLE:
            del events["DELETE"]
        for event, when in events.items():
            name = f"{table}_refuse_{event}"
            refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
            wanted[f"trigger {name}"] = f"CREATE TRIGGER {name} BEFORE {event} ON {table} {when}{refuse}"
    return wanted


def found(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return what is there, by name: the table that it is on, and its definition. One statement.

    On tables that are not guarded there may be triggers of the company's own: they are left out.
    """
    rows = connection.execute(_FOUND).all()
    return {
        f"trigger {row.name}": (row.tbl_name, " ".join(str(row.sql).split()))
        for row in rows
        if row.tbl_name in _REPLACED or f"trigger {row.name}" in expected()
    }
