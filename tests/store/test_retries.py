"""A transaction that lost against another one is done again, a few times; what is wrong otherwise is said at once."""

import sqlite3
import threading
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from consent.store import database, trouble
from consent.store.catalogue import Organization
from tests.house import House
from tests.people import ANNE
from tests.test_races import at_once


def failing(path: str, *statements: str) -> OperationalError:
    """Return the error of the last of *statements* on the SQLite file *path*, as SQLAlchemy hands it on."""
    connection = sqlite3.connect(path, timeout=0)
    try:
        for statement in statements:
            connection.execute(statement)
    except sqlite3.Error as error:
        return OperationalError(statement, None, error)
    finally:
        connection.close()
    raise AssertionError("it did not fail")


@pytest.mark.postgresql
def test_two_transactions_that_wait_for_each_other_both_succeed_in_the_end(house: House) -> None:
    house.sign_up(ANNE.email)
    house.sign_up("bob@example.com")
    barrier, tries = threading.Barrier(2), list[str]()

    def lock(first: str, second: str) -> None:
        met = threading.Event()

        @database.retried
        def both() -> None:
            tries.append(first)
            with database.writing() as connection:
                row = text("SELECT 1 FROM contact WHERE consent_key = :key FOR UPDATE")
                connection.execute(row, {"key": first})
                if not met.is_set():
                    met.set()
                    barrier.wait(10)  # each holds what the other wants
                connection.execute(row, {"key": second})

        both()

    mine, theirs = ANNE.email, "bob@example.com"
    assert at_once(house, [lambda: lock(mine, theirs), lambda: lock(theirs, mine)]) == [None, None]
    assert len(tries) == 3  # PostgreSQL ended one of them, which was done again


@pytest.mark.postgresql
def test_it_is_tried_a_few_times_and_then_the_error_is_raised(house: House) -> None:
    house.sign_up(ANNE.email)
    tries = list[int]()

    @database.retried
    def never() -> None:
        tries.append(1)
        with database.writing() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '10ms'"))
            connection.execute(text("SELECT 1 FROM contact FOR UPDATE"))

    with database.writing() as connection:
        connection.execute(text("SELECT 1 FROM contact FOR UPDATE"))
        with house.app.app_context(), pytest.raises(OperationalError):
            never()
    assert len(tries) == database.MOST_TRIES


@pytest.mark.postgresql
def test_the_session_waits_for_the_disk_and_forgets_no_transaction(app: Flask) -> None:
    wanted = ("synchronous_commit", "transaction_isolation", "idle_in_transaction_session_timeout", "lock_timeout")
    with database.writing() as connection:
        found = [connection.execute(text(f"SHOW {name}")).scalar() for name in wanted]
    assert found == ["on", "read committed", "30s", "5s"]
    with database.reading() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "on"
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"


@pytest.mark.sqlite
def test_every_connection_to_sqlite_waits_for_the_disk_and_begins_as_a_writer(app: Flask) -> None:
    with database.writing() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("synchronous", "journal_mode")
        }
        path = str(connection.execute(text("PRAGMA database_list")).all()[0][2])
        assert trouble.beaten(failing(path, "BEGIN IMMEDIATE"))  # nobody else can begin meanwhile
    assert pragmas == {"synchronous": 2, "journal_mode": "wal"}


def test_what_only_a_fault_of_ours_brings_about_is_not_tried_again(house: House) -> None:
    house.sign_up(ANNE.email)
    tries = list[int]()

    @database.retried
    def twice() -> None:
        tries.append(1)
        with database.writing() as connection:
            connection.execute(text("INSERT INTO contact SELECT * FROM contact"))

    with pytest.raises(DBAPIError) as caught:
        twice()
    assert len(tries) == 1 and not trouble.passes(caught.value)


def test_a_lost_round_leaves_nothing_of_its_first_try(house: House) -> None:
    tries = list[int]()
    lost = OperationalError("", None, _Lost())

    @database.retried
    def work() -> None:
        tries.append(1)
        with database.writing() as connection:
            seen = connection.execute(select(Organization.settings)).scalar_one().get("tries", 0)
            connection.execute(update(Organization).values(settings={"tries": seen + 1}))
            if len(tries) < 3:
                raise lost

    work()
    with database.reading() as connection:
        assert connection.execute(select(Organization.settings)).scalar_one() == {"tries": 1}


class _Lost(Exception):
    """What a driver raises when a transaction lost."""

    sqlstate = "40001"
    sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["PRAGMA query_only = ON", "CREATE TABLE x (y)"], "cannot be written"),
        (["PRAGMA max_page_count = 1", "CREATE TABLE x (y)", "INSERT INTO x VALUES (randomblob(100000))"], "full"),
    ],
)
def test_sqlite_says_by_number_what_is_wrong(tmp_path: Path, statements: list[str], said: str) -> None:
    error = failing(str(tmp_path / "x.db"), *statements)
    assert said in trouble.sentence(error) and trouble.passes(error) and not trouble.beaten(error)


def test_a_file_that_is_no_database_is_named_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    assert "is not a database" in trouble.sentence(failing(str(tmp_path / "x.db"), "SELECT * FROM sqlite_master"))


def test_a_failed_write_is_remembered_until_one_succeeds(app: Flask) -> None:
    with pytest.raises(DBAPIError), database.writing() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))
    assert trouble.recent()
    with database.writing() as connection:
        connection.execute(select(1))
    assert trouble.recent() is None
