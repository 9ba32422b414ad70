"""What guards the ledger on PostgreSQL: the triggers, functions and CHECK of migration 0003."""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Connection, text

_TABLES = ("ledger_entry", "ledger_leaf", "ledger_tile", "ledger_checkpoint", "ledger_key", "erased_address")
_DELETABLE = "evidence"  # erasure deletes it
#: The tables whose rows nobody may change.
GUARDED = (*_TABLES, _DELETABLE)
_TRIGGER = "CREATE TRIGGER {name} {when} ON {table}{rows} FOR EACH STATEMENT EXECUTE FUNCTION {function}() fires always"
_FUNCTION = "plpgsql search_path=pg_catalog {body}"
_REFUSE = "BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END"
_CONTIGUOUS = """
DECLARE first_new bigint; last_new bigint; new_rows bigint; before bigint;
BEGIN
  SELECT min(seq), max(seq), count(*) INTO first_new, last_new, new_rows FROM added;
  IF new_rows = 0 THEN RETURN NULL; END IF;
  EXECUTE format('SELECT coalesce(max(seq) + 1, 0) FROM %I.%I WHERE seq < $1', TG_TABLE_SCHEMA, TG_TABLE_NAME)
    INTO before USING first_new;
  IF first_new <> before OR last_new - first_new + 1 <> new_rows THEN
    RAISE EXCEPTION 'ledger_leaf.seq must follow the last one' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END"""
# bytea_output may say \000; a trigger that is not ENABLE ALWAYS sleeps where changes are replayed, or always
_FOUND = text(r"""
WITH guarded AS (SELECT to_regclass(name) AS id, name FROM unnest(CAST(:tables AS text[])) AS name)
SELECT 'trigger ' || tgname AS name, guarded.name AS "on",
  pg_get_triggerdef(t.oid, true) || CASE tgenabled WHEN 'A' THEN ' fires always' ELSE ' does not fire always' END AS sql
  FROM pg_trigger t JOIN guarded ON t.tgrelid = guarded.id WHERE NOT tgisinternal
UNION ALL SELECT 'rule ' || rulename, guarded.name, pg_get_ruledef(r.oid)
  FROM pg_rewrite r JOIN guarded ON r.ev_class = guarded.id
UNION ALL SELECT 'function ' || proname, 'all', concat_ws(' ', lanname, array_to_string(proconfig, ','), prosrc)
  FROM pg_proc p JOIN pg_language l ON l.oid = prolang
  WHERE p.oid IN (to_regproc('consent_refuse'), to_regproc('consent_contiguous'))
UNION ALL SELECT 'check ' || conname, guarded.name, replace(pg_get_constraintdef(c.oid, true), '\000', '\x00')
  FROM pg_constraint c JOIN guarded ON c.conrelid = guarded.id WHERE conname = 'ck_ledger_entry_leaf' AND convalidated
""")


@cache
def expected() -> Mapping[str, str]:
    """Return what guards the ledger: the name of each piece, and its definition with single spaces."""
    wanted = {
        "function consent_refuse": _FUNCTION.format(body=_REFUSE),
        "function consent_contiguous": _FUNCTION.format(body=_CONTIGUOUS),
        "check ck_ledger_entry_leaf": r"CHECK (leaf_hash = sha256('\x00'::bytea || body))",
        "trigger ledger_leaf_contiguous": _trigger(
            "ledger_leaf_contiguous", "AFTER INSERT", "ledger_leaf", "consent_contiguous",
            " REFERENCING NEW TABLE AS added",
        ),
    }  # fmt: skip
    for table in GUARDED:
        when = "BEFORE UPDATE OR TRUNCATE" if table == _DELETABLE else "BEFORE DELETE OR UPDATE OR TRUNCATE"
        wanted[f"trigger {table}_refuse"] = _trigger(f"{table}_refuse", when, table, "consent_refuse")
    return {name: " ".join(definition.split()) for name, definition in wanted.items()}


def _trigger(name: str, when: str, table: str, function: str, rows: str = "") -> str:
    return _TRIGGER.format(name=name, when=when, table=table, function=function, rows=rows)


def found(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return what is there, by name: the table that it is on, and its definition. One statement."""
    rows = connection.execute(_FOUND, {"tables": list(GUARDED)}).all()
    return {row.name: (row.on, " ".join(str(row.sql).split())) for row in rows}
