"""Promise 7: nothing in the ledger is ever changed; the database itself refuses."""

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from consent.store import database, schema
from tests.house import House
from tests.people import ANNE

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
