"""The audit: honest databases are sound whatever happened and however long ago, and no change of a byte is missed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from consent import catalogue, clock, resources
from consent.records import append, audit, audit_standings, enforcement, publish, rotate, signing, standing
from consent.records.append import Draft, Origin
from consent.records.audit import SOUND
from consent.records.findings import SHOWN
from consent.setup import apply, read
from consent.store import catalogue as tables
from consent.store import database
from consent.store.base import Base
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB
from tests.records import tampering
from tests.records.tampering import LOG, SIZE, Log, look, taken_back, unguarded
from tests.records.test_erase import gone
from tests.records.test_standing import stories, tell

MUCH_LATER = [timedelta(days=days) for days in (1, 2, 92, 184, 735, 1100)]
IN_THE_END = datetime(2100, 1, 1, tzinfo=UTC)  # each story begins anew, and the times of numbers never go back
_number = iter(range(10**9))
once = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check_sound(numbered_at: datetime | None = None) -> None:
    """Hold the whole database against itself, and the standings, which alone know of time, at later instants too."""
    publish.number_all(numbered_at or clock.now())
    with database.reading() as connection:
        found = look(connection)
        assert found.verdict == SOUND, found.findings.kept
        topics = catalogue.load(connection).topics
        for later in MUCH_LATER:
            for _ in audit_standings.check(connection, topics, clock.now() + later, found.findings):
                assert found.findings.kept == [], later


@settings(once, max_examples=6)
@given(st.lists(stories, min_size=4, max_size=4), st.lists(st.integers(0, 200 * 24), min_size=8, max_size=8))
def test_in_every_story_an_honest_database_is_sound_now_and_much_later(
    api: Caller, house: House, later: Callable[..., None], told: list[list[tuple[Any, ...]]], hours: list[int]
) -> None:
    for story in told:
        entries: list[str] = []
        name = f"Somebody{next(_number)}"
        for turn, act in enumerate(story):  # two spellings of one address, each with a history of its own
            later(hours=sum(hours[:turn]))
            tell(api, house, f"{name if turn % 3 else name.lower()}@example.com", act, entries)
    check_sound(numbered_at=IN_THE_END)


def test_after_journeys_renewals_and_erasures_the_database_is_sound(
    api: Caller, house: House, later: Callable[..., None]
) -> None:
    house.press_unsubscribe(house.confirm(ANNE.email))
    house.confirm(BOB.email, topics=("acme/newsletter", "acme/promotions"))
    sale = {"brand": "acme", "kind": "purchase", "occurred_at": (clock.now() - timedelta(days=710)).isoformat()}
    api.post("/relationships", email="Buyer@example.com", **sale)
    api.post("/relationships", email="buyer@example.com", **sale)
    later(days=3)
    house.letters()
    later(days=30)
    house.sign_up("buyer@example.com")
    gone(house, ANNE.email)
    house.sign_up(ANNE.email)
    api.post("/withdrawals", email=ANNE.email, scope="all", channel="phone")
    house.letters()
    check_sound()


def test_standings_that_a_changed_set_up_made_anew_are_sound(
    api: Caller, house: House, tmp_path: Path, later: Callable[..., None]
) -> None:
    sale = {"brand": "acme", "kind": "inquiry", "occurred_at": (clock.now() - timedelta(days=150)).isoformat()}
    api.post("/relationships", email="buyer@example.com", **sale)
    api.post("/relationships", email="american@example.com", **sale | {"place": "US"})
    with database.writing() as connection:
        row = {"slug": "acme/events", "brand": "acme", "settings": {"name": {"en": "Events", "fr": "Événements"}}}
        connection.execute(insert(tables.Topic), [row])
    catalogue.reload()
    later(days=60)
    assert standing.fill_in(clock.now()) == 2  # when the inquiry had run out
    check_sound()
    acme = (resources.folder("examples") / "acme.toml").read_text("utf-8")
    (tmp_path / "moved.toml").write_text(acme.replace('country = "CA"', 'country = "GB"'), "utf-8")
    apply.apply(read.read(tmp_path / "moved.toml"), Origin(LOG, clock.now()))
    check_sound()


def test_an_audit_changes_no_row(log: Log, house: House) -> None:
    before = house.rows()
    log.audit(300, 500, at=clock.now(), state=True)
    assert house.rows() == before


def test_an_empty_database_is_sound(log: Log) -> None:
    with unguarded() as raw:
        for table in Base.metadata.sorted_tables:
            raw.execute(f"DELETE FROM {table.name}")
    assert log.found() == set()
    assert log.found(state=True) == {"rollback"}


def test_a_rotated_key_is_known(house: House, tmp_path: Path) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    house.confirm(ANNE.email)
    key, origin = tmp_path / "ledger.key", Origin(LOG, clock.now())
    rotate.begin(key, origin)
    house.sign_up(BOB.email)
    house.letters()  # and a head that both keys sign
    check_sound()
    rotate.finish(key, origin)
    house.letters()
    check_sound()


def test_evidence_that_was_erased_or_rectified_by_a_later_entry_is_not_missing(log: Log) -> None:
    contact, other = list(log.heads)[:2]
    with unguarded() as raw:
        for whom, fields in ((contact, "'email', 'ip'"), (other, "'ip'")):
            raw.execute(
                f"DELETE FROM evidence WHERE field IN ({fields}) AND entry_id IN "
                "(SELECT entry_id FROM ledger_entry WHERE contact = ?)",
                (whom,),
            )
        refs = [id for (id,) in raw.execute("SELECT entry_id FROM ledger_entry WHERE contact = ?", (other,))]
    assert log.found() == {"evidence"}
    rectified = Draft("evidence.rectified", "officer:dana", {"refs": refs, "details": {"removed": ["ip"]}})
    with database.writing() as connection:
        origin = Origin(LOG, clock.now())
        (row,) = append.about(connection, origin, contact, log.heads[contact], [Draft("contact.erased", "system")])
        tampering.remember_erasure(connection, row)
        append.about(connection, origin, other, log.heads[other], [rectified])
    log.grow(SIZE)  # which numbers them
    tampering.forget(contact)
    assert log.found() == set()
    with unguarded() as raw:
        raw.execute("DELETE FROM evidence WHERE entry_id = ?", (refs[1],))  # its address, which nobody took away
    assert log.found() == {"evidence"}


def test_evidence_of_no_entry_and_a_field_that_no_entry_commits_to_are_found(log: Log) -> None:
    with unguarded() as raw:
        id, _ = tampering.entry_at(raw, 100)
        for entry, field in ((id, "name"), ("nobody", "email")):
            raw.execute("INSERT INTO evidence VALUES (?, ?, zeroblob(32), x'00')", (entry, field))
    found = log.audit()
    assert found.names == {"evidence"} and found.findings.counts["EVIDENCE"] == 2


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE notice SET words = words || '.' WHERE language = 'fr'", "notice"),
        ("UPDATE ledger_checkpoint SET size = 301 WHERE size = 300", "signature"),
        ("UPDATE ledger_checkpoint SET key_id = '00000000' WHERE size = 300", "signature"),
        ("UPDATE ledger_key SET vkey = 'x'", "signature"),
        ("UPDATE ledger_key SET status = 'retired'", "signature"),
        ("UPDATE ledger_key SET from_size = 7", "signature"),
        pytest.param(  # when it was recorded, on SQLite; on PostgreSQL, when the worker came by
            "UPDATE ledger_leaf SET sequenced_at = '2020-01-01T00:00:00.000Z' WHERE seq = 300",
            "column",
            marks=pytest.mark.sqlite,
        ),
        ("INSERT INTO ledger_tile SELECT 0, 2, root, hashes FROM ledger_tile WHERE idx = 0", "tile"),
        ("INSERT INTO ledger_tile SELECT 9, 0, root, hashes FROM ledger_tile WHERE idx = 0", "tile"),
        (
            "INSERT INTO ledger_leaf SELECT 1000000000000, 'x', leaf_hash, sequenced_at FROM ledger_leaf LIMIT 1",
            "complete",
        ),
        ("INSERT INTO ledger_leaf SELECT -1, 'x', leaf_hash, sequenced_at FROM ledger_leaf LIMIT 1", "complete"),
        ("UPDATE standing SET allowed_until = '2999-01-01T00:00:00.000Z' WHERE state = 'given'", "standing"),
        ("UPDATE standing SET since = 'yesterday'", "standing"),
        ("DELETE FROM standing WHERE state = 'withdrawn'", "standing"),
    ],
)
def test_a_row_beside_the_entries_is_changed(log: Log, statement: str, name: str) -> None:
    with unguarded() as raw:
        raw.execute(statement)
    assert name in log.found()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER ledger_entry_refuse_UPDATE",
        "DROP TRIGGER evidence_refuse_INSERT",
        "CREATE TRIGGER mine AFTER INSERT ON evidence BEGIN DELETE FROM evidence; END",
    ],
)
def test_a_trigger_that_is_missing_or_none_of_ours_is_found(log: Log, statement: str) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert log.found() == {"enforcement"}


@pytest.mark.sqlite
def test_a_trigger_that_was_altered_is_found_and_the_migrations_make_those_that_are_expected(app: object) -> None:
    with database.writing() as connection:
        assert enforcement.problems(connection) == []
        sql = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'ledger_leaf_refuse_UPDATE'")
        weak = str(sql.scalar_one()).replace("BEGIN", "WHEN 0 BEGIN")
        connection.exec_driver_sql("DROP TRIGGER ledger_leaf_refuse_UPDATE")
        connection.exec_driver_sql(weak)
        assert enforcement.problems(connection) == ["The trigger ledger_leaf_refuse_UPDATE was altered."]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TRIGGER ledger_tile_refuse ON ledger_tile", "The trigger ledger_tile_refuse is missing."),
        ("ALTER TABLE evidence DISABLE TRIGGER evidence_refuse", "The trigger evidence_refuse was altered."),
        ("ALTER TABLE ledger_key ENABLE TRIGGER ledger_key_refuse", "The trigger ledger_key_refuse was altered."),
        (
            "CREATE OR REPLACE FUNCTION consent_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "The function consent_refuse was altered.",
        ),
        (
            "ALTER FUNCTION consent_contiguous() SET search_path = public",
            "The function consent_contiguous was altered.",
        ),
        (
            "ALTER TABLE ledger_entry DROP CONSTRAINT ck_ledger_entry_leaf",
            "The check ck_ledger_entry_leaf is missing.",
        ),
        (
            "CREATE RULE mine AS ON INSERT TO evidence DO INSTEAD NOTHING",
            "The rule mine on evidence is none of ours.",
        ),
        (
            "CREATE TRIGGER mine AFTER INSERT ON evidence EXECUTE FUNCTION consent_refuse()",
            "The trigger mine on evidence is none of ours.",
        ),
    ],
)
def test_a_guard_of_postgresql_that_sleeps_or_is_missing_altered_or_foreign_is_named(
    app: object, statement: str, said: str
) -> None:
    with database.writing() as connection:
        assert enforcement.problems(connection) == []
        connection.exec_driver_sql(statement)
        assert enforcement.problems(connection) == [said]


@pytest.mark.postgresql
def test_the_guards_are_recognized_whatever_the_database_prefers_to_print(app: object) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("SET LOCAL bytea_output = 'escape'")
        assert enforcement.problems(connection) == []


def test_of_many_findings_the_first_are_kept_and_all_are_counted(log: Log) -> None:
    with unguarded() as raw:
        raw.execute("UPDATE ledger_entry SET brand = 'zest' WHERE brand = 'acme' AND kind LIKE 'welcome.%'")
    found = log.audit()
    (line,) = [line for line in found.lines if line.line == "COLUMNS"]
    shown, more = found.below(line)
    assert found.names == {"column"} and len(shown) == SHOWN and more > 200


def names_of(connection: Connection) -> set[str]:
    return set(look(connection).names) - {"enforcement"}


BYTES = [
    ("ledger_entry", "body"),
    ("ledger_entry", "leaf_hash"),
    ("ledger_leaf", "leaf_hash"),
    ("ledger_tile", "hashes"),
    ("ledger_tile", "root"),
    ("ledger_checkpoint", "root"),
    ("evidence", "value"),
    ("evidence", "salt"),
]


@settings(once, max_examples=32)
@given(st.sampled_from(BYTES), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 255))
def test_any_change_of_one_byte_is_found(log: Log, where: tuple[str, str], row: int, byte: int, change: int) -> None:
    table, column = where
    with taken_back() as (connection, raw):
        rows = raw.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").all()
        id, value = rows[row % len(rows)]
        changed = bytearray(value)
        changed[byte % len(changed)] ^= change
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(changed), id))
        assert names_of(connection) & {"root", "tile", "evidence"}


@settings(once, max_examples=24)
@given(st.sampled_from(["ledger_entry", "ledger_leaf", "ledger_tile", "evidence", "standing"]), st.integers(0, 10**6))
def test_any_row_that_is_deleted_is_found(log: Log, table: str, row: int) -> None:
    with taken_back() as (connection, raw):
        rows = raw.execute(f"SELECT rowid FROM {table} ORDER BY rowid").scalars().all()
        raw.execute(f"DELETE FROM {table} WHERE rowid = ?", (rows[row % len(rows)],))
        assert names_of(connection) & {"complete", "pending", "tile", "evidence", "standing"}


@settings(once, max_examples=12)
@given(st.integers(0, 1), st.sampled_from(["given", "withdrawn", "implied", "expired", "unknown", "suppressed"]))
def test_any_standing_whose_state_is_flipped_is_found(log: Log, row: int, state: str) -> None:
    with taken_back() as (connection, raw):
        id, before = raw.execute("SELECT rowid, state FROM standing ORDER BY rowid").all()[row]
        raw.execute("UPDATE standing SET state = ? WHERE rowid = ?", (state, id))
        assert names_of(connection) == (set() if before == state else {"standing"})


def test_the_watcher_is_told_of_as_much_work_as_was_announced(log: Log) -> None:
    done: list[int] = []
    with database.reading() as connection:
        found = audit.audit(connection, log=LOG, state=None, kept=[], now=clock.now(), watch=done.append)
        assert sum(done) == audit.work(connection) == SIZE + 102 + 2
    assert (found.size, found.verdict) == (SIZE, SOUND)


def test_an_erased_persons_standing_turned_back_is_found(house: House) -> None:
    house.confirm(ANNE.email)
    columns = "state, basis, allowed_from, since, entry_id"
    with database.reading() as connection:
        before = connection.exec_driver_sql(f"SELECT {columns} FROM standing").one()
    gone(house, ANNE.email)
    house.number()
    with taken_back() as (connection, raw):
        assert names_of(connection) == set()
        sql = "UPDATE standing SET state = ?, basis = ?, allowed_from = ?, since = ?, entry_id = ?"
        raw.execute(sql, tuple(before))
        assert names_of(connection) == {"standing"}
