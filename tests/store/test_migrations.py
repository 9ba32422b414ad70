"""Migrations: up and down while people are served, on a ledger of some size, which they never touch."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import inspect, text

from consent import clock
from consent.store import database, schema
from consent.store.schema import NoSuchSchema
from tests.house import House
from tests.people import ANNE
from tests.postgres import Postgres
from tests.test_races import at_once

ENTRIES = 100_000
_FILL = {
    "sqlite": """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO ledger_entry SELECT '00bulk' || i, NULL, NULL, 'export.made', NULL, NULL,
          '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', CAST('body' || i AS BLOB), randomblob(32) FROM n""",
    "postgresql": """
        INSERT INTO ledger_entry SELECT '00bulk' || i, NULL, NULL, 'export.made', NULL, NULL, now(), now(),
          convert_to('body' || i, 'UTF8'), sha256('\\x00'::bytea || convert_to('body' || i, 'UTF8'))
        FROM generate_series(1, {count}) AS i""",
}


def fill() -> None:
    """Put ENTRIES entries into the ledger: nobody reads them here, so their bodies say nothing."""
    with database.writing() as connection:
        connection.execute(text(_FILL[connection.dialect.name].format(count=ENTRIES).replace(":", "\\:")))


def ledger_hash() -> str:
    """Return a digest over every row of the ledger's entries and leaves, in their order."""
    digest = hashlib.sha256()
    with database.reading() as connection:
        for table, order in (("ledger_entry", "entry_id"), ("ledger_leaf", "seq"), ("evidence", "entry_id, field")):
            for row in connection.execute(
                text(f"SELECT * FROM {table} WHERE {order.split(',')[0]} <= :end ORDER BY {order}"), {"end": END[table]}
            ):
                digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


END: dict[str, Any] = {}


def remember_the_end() -> None:
    """Let :func:`ledger_hash` cover what there is now, and not what is added meanwhile."""
    with database.reading() as connection:
        for table, column in (("ledger_entry", "entry_id"), ("ledger_leaf", "seq"), ("evidence", "entry_id")):
            END[table] = connection.execute(text(f"SELECT max({column}) FROM {table}")).scalar()


def shape() -> dict[str, Any]:
    """Return the tables, columns, indexes and constraints of the database."""
    found = inspect(database.db.engine)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(name)],
            sorted(str(i["name"]) + str(i["column_names"]) for i in found.get_indexes(name)),
            sorted(str(c["name"]) for c in found.get_check_constraints(name)),
        )
        for name in sorted(found.get_table_names())
    }


def move(to: str) -> float:
    """Migrate to the revision *to*, and return the seconds that it took."""
    begun = clock.monotonic()
    schema.migrate(to)
    return clock.monotonic() - begun


@contextmanager
def requests(house: House, api_key: str) -> Iterator[tuple[Counter[int], list[float]]]:
    """Serve people meanwhile: give the status codes and the seconds of each answer."""
    stop, codes, times = threading.Event(), Counter[int](), list[float]()
    headers = {"Authorization": f"Bearer {api_key}"}
    told = {"brand": "acme", "kind": "purchase", "occurred_at": "2026-01-10T10:00:00Z"}

    def ask(name: str) -> None:
        client, number = house.app.test_client(use_cookies=False), 0
        while not stop.is_set():
            number, begun = number + 1, clock.monotonic()
            body = {"email": f"{name}{number}@example.com", **told}
            codes[client.post("/api/v1/relationships", json=body, headers=headers).status_code] += 1
            times.append(clock.monotonic() - begun)

    def live(name: str) -> None:
        with house.app.app_context():
            ask(name)

    threads = [threading.Thread(target=live, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    yield codes, times
    stop.set()
    for thread in threads:
        thread.join()


def test_the_newest_migration_goes_down_and_up_while_people_are_served_and_the_ledger_stays_as_it_is(
    house: House, api_key: str
) -> None:
    house.confirm(ANNE.email)
    house.drain()
    fill()
    remember_the_end()
    before, made = ledger_hash(), shape()
    with requests(house, api_key) as (codes, times):
        took = [move("0003"), move("head"), move("0003"), move("head")]
        enough(lambda: sum(codes.values()) > 20)
    assert set(codes) == {201}, codes
    assert max(times) < 2 and max(took) < 2
    assert ledger_hash() == before and shape() == made
    house.drain()
    assert house.allows(ANNE.email)


def enough(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError("nobody was served")


def test_the_previous_release_works_on_the_new_schema(house: House) -> None:
    """It names its columns, and does not know the newest one; what it puts in waits under no domain, and is sent."""
    house.sign_up(ANNE.email)
    columns = "id, kind, contact_id, entry_id, payload, state, attempts, created_at, run_at, leased_until"
    with database.writing() as connection:
        connection.execute(text(f"CREATE TABLE kept AS SELECT {columns} FROM outbox"))
        connection.execute(text("DELETE FROM outbox"))
        connection.execute(text(f"INSERT INTO outbox ({columns}) SELECT {columns} FROM kept"))
        connection.execute(text("DROP TABLE kept"))
    assert len(house.letters()) == 1


def test_what_waits_in_the_outbox_of_an_old_schema_is_sent_after_the_migration(house: House) -> None:
    house.sign_up(ANNE.email)
    move("0003")
    move("head")
    assert len(house.letters()) == 1


@pytest.mark.postgresql
def test_several_hosts_that_migrate_an_empty_database_at_once_all_succeed(house: House, postgres: Postgres) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    assert at_once(house, [schema.migrate] * 4) == [None] * 4
    with database.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == schema.head()


@pytest.mark.parametrize(("revision", "said"), [("9999", "the first is 0001"), ("", "There is no schema")])
def test_a_schema_that_nobody_made_is_refused_and_nothing_is_changed(app: object, revision: str, said: str) -> None:
    before = shape()
    with pytest.raises(NoSuchSchema, match=said):
        schema.migrate(revision)
    assert shape() == before


def test_a_database_of_a_newer_version_is_left_alone(app: object) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(NoSuchSchema, match="0999, which this version does not know"):
        schema.migrate()
