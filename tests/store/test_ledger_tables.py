"""Promise 7: nothing in the ledger is ever changed; the database itself refuses."""

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from consent.store import database, schema
from tests.house import House
from tests.people import ANNE, BOB

BAD = [
    "UPDATE ledger_entry SET kind = 'consent.given'",
    "UPDATE ledger_entry SET body = x'7b7d'",
    "DELETE FROM ledger_entry",
    "UPDATE ledger_leaf SET leaf_hash = zeroblob(32)",
    "DELETE FROM ledger_leaf",
    "UPDATE evidence SET value = x'00'",
    "REPLACE INTO ledger_entry SELECT * FROM ledger_entry",
    "REPLACE INTO ledger_leaf SELECT seq, entry_id, zeroblob(32), sequenced_at FROM ledger_leaf",
    "REPLACE INTO evidence SELECT entry_id, field, salt, x'00' FROM evidence",
    "INSERT OR REPLACE INTO ledger_entry SELECT * FROM ledger_entry LIMIT 1",
    "INSERT INTO ledger_leaf SELECT seq + 5, 'x', leaf_hash, sequenced_at FROM ledger_leaf LIMIT 1",
    "INSERT INTO ledger_leaf SELECT NULL, 'x', leaf_hash, sequenced_at FROM ledger_leaf LIMIT 1",
]


@pytest.mark.sqlite
@pytest.mark.parametrize("statement", BAD)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_the_database_refuses_to_change_a_record(house: House, statement: str, recursive: str) -> None:
    house.sign_up(ANNE.email)
    before = house.rows()
    with database.db.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA recursive_triggers={recursive}")
        connection.commit()
        with pytest.raises(IntegrityError, match=r"insert-only|must follow"), connection.begin():
            connection.execute(text(statement))
        connection.rollback()
        connection.exec_driver_sql("PRAGMA recursive_triggers=ON")
    assert house.rows() == before


GUARDED = {
    "ledger_entry": "kind", "ledger_leaf": "seq", "ledger_tile": "root", "ledger_checkpoint": "note",
    "ledger_key": "status", "erased_address": "digest", "evidence": "value",
}  # fmt: skip
LEAF = "INSERT INTO ledger_leaf SELECT {}, id, leaf_hash, sequenced_at FROM ledger_leaf, {} WHERE seq = 0"


def refused(statement: str, why: str) -> None:
    """Try *statement*, also as a replica that applies the changes of another server, where most triggers sleep."""
    for role in ("origin", "replica"):
        with pytest.raises(DBAPIError, match=why), database.writing() as connection:
            connection.exec_driver_sql(f"SET LOCAL session_replication_role = {role}")
            connection.exec_driver_sql(statement)


@pytest.mark.postgresql
@pytest.mark.parametrize(("table", "column"), GUARDED.items())
def test_postgresql_refuses_to_update_delete_or_empty_a_record(house: House, table: str, column: str) -> None:
    house.sign_up(ANNE.email)
    house.number()
    before = house.rows()
    refused(f"UPDATE {table} SET {column} = {column}", f"{table} is insert-only")
    refused(f"TRUNCATE {table} CASCADE", "is insert-only")
    if table != "evidence":  # which erasure deletes
        refused(f"DELETE FROM {table}", f"{table} is insert-only")
    assert house.rows() == before


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_entry SELECT * FROM ledger_entry ON CONFLICT (entry_id) DO UPDATE SET kind = 'x'",
        "MERGE INTO ledger_entry e USING ledger_leaf l USING_ON WHEN MATCHED THEN UPDATE SET kind = 'x'",
        "MERGE INTO ledger_entry e USING ledger_leaf l USING_ON WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM ledger_leaf RETURNING *) SELECT * FROM gone",
    ],
)
def test_postgresql_refuses_a_change_in_disguise(house: House, statement: str) -> None:
    house.sign_up(ANNE.email)
    before = house.rows()
    refused(statement.replace("USING_ON", "ON e.entry_id = l.entry_id"), "is insert-only")
    assert house.rows() == before


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "statement",
    [
        LEAF.format("top.next + 1 + n", "(SELECT max(seq) + 1 AS next FROM ledger_leaf) top, waiting"),
        LEAF.format("-1 - n", "waiting"),
        LEAF.format("top.next + 2 * n", "(SELECT max(seq) + 1 AS next FROM ledger_leaf) top, waiting"),
    ],
    ids=["after a gap", "before the first", "with gaps between them"],
)
def test_postgresql_refuses_a_number_that_does_not_follow_the_last(house: House, statement: str) -> None:
    house.sign_up(ANNE.email)
    house.sign_up(BOB.email)
    before = house.rows()
    waiting = "(SELECT entry_id AS id, row_number() OVER () - 1 AS n FROM ledger_pending) waiting"
    refused(statement.replace("waiting", waiting), "must follow the last one")
    assert house.rows() == before


@pytest.mark.postgresql
def test_postgresql_takes_the_numbers_that_follow_the_last(house: House) -> None:
    house.sign_up(ANNE.email)
    house.sign_up(BOB.email)
    before = len(house.rows()["ledger_leaf"])
    house.number()
    assert len(house.rows()["ledger_leaf"]) == before + 2


@pytest.mark.postgresql
def test_postgresql_refuses_an_entry_whose_hash_is_not_its_bodys(house: House) -> None:
    house.sign_up(ANNE.email)
    copied = "contact, 99, kind, brand, topic, occurred_at, recorded_at, body"
    refused(
        f"INSERT INTO ledger_entry SELECT 'x', {copied}, sha256(body) FROM ledger_entry LIMIT 1", "ledger_entry_leaf"
    )


@pytest.mark.postgresql
def test_what_was_acknowledged_is_on_postgresqls_disk_whatever_its_default(house: House) -> None:
    with database.writing() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    database.db.engine.dispose()
    with database.writing() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"


def test_every_entry_has_a_number_and_the_numbers_have_no_gap(house: House) -> None:
    house.confirm(ANNE.email)
    house.letters()
    with database.reading() as connection:
        numbers = connection.execute(text("SELECT seq FROM ledger_leaf ORDER BY seq")).scalars().all()
        unnumbered = connection.execute(
            text("SELECT count(*) FROM ledger_entry WHERE entry_id NOT IN (SELECT entry_id FROM ledger_leaf)")
        ).scalar()
    assert list(numbers) == list(range(len(numbers)))
    assert unnumbered == 0


def test_evidence_can_be_deleted_and_the_ledger_stays_whole(house: House) -> None:
    house.sign_up(ANNE.email)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM evidence"))
    assert house.rows()["evidence"] == []
    assert house.kinds(ANNE.email) == ["consent.requested"]


@pytest.mark.sqlite
def test_what_was_acknowledged_survives_a_power_cut(app: Flask) -> None:
    with database.writing() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "secure_delete")
        }
    assert pragmas == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1, "secure_delete": 1,
    }  # fmt: skip


def test_the_models_are_what_the_migrations_made(app: Flask) -> None:
    with database.writing() as connection:
        command.check(schema.alembic_config(connection))
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == schema.head()


def test_migrating_again_changes_nothing(house: House) -> None:
    house.sign_up(ANNE.email)
    before = house.rows()
    schema.migrate()
    assert house.rows() == before
