"""``consent doctor``: one line each, and the exit status says whether all is well."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from consent.records import signing
from consent.store import database
from tests.cli.calling import Run, runner
from tests.conftest import SECRET, free_port
from tests.house import House
from tests.people import ANNE
from tests.test_statements import on

LOG = "consent.example.com/ledger"


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> Run:
    return runner(tmp_path, "doctor")


def failing(done: Result) -> list[str]:
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAIL")]


def test_all_is_well_once_the_head_is_signed(house: House, run: Run, tmp_path: Path) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    house.sign_up(ANNE.email)
    house.drain()
    done = run()
    assert (done.exit_code, failing(done)) == (0, []), done.stdout
    assert len(done.stdout.splitlines()) == 8


def test_a_ledger_without_a_key_is_not_well(run: Run) -> None:
    done = run()
    assert (done.exit_code, failing(done)) == (1, ["ledger"])
    assert "consent ledger key new" in done.stdout


def test_a_trigger_that_was_dropped_is_named(house: House, run: Run) -> None:
    name = on(sqlite="ledger_entry_refuse_UPDATE", postgresql="ledger_entry_refuse")
    with database.writing() as connection:
        connection.execute(text(f"DROP TRIGGER {name}{on(sqlite='', postgresql=' ON ledger_entry')}"))
    done = run()
    assert "guards" in failing(done) and f"The trigger {name} is missing." in done.stdout


def test_a_mail_server_that_does_not_answer_is_named(run: Run) -> None:
    done = run(CONSENT_SMTP_URL=f"smtp://127.0.0.1:{free_port()}")
    assert "mail" in failing(done) and "does not answer" in done.stdout


def test_a_database_rolled_back_behind_the_last_note_is_not_well(house: House, run: Run, tmp_path: Path) -> None:
    publisher = signing.create(tmp_path / "ledger.key", LOG)
    house.drain()
    last = publisher.last()
    publisher.keep(publisher.sign(type(last)(last.origin, last.size + 5, last.root)))
    assert "does not continue" in run().stdout


def test_bad_settings_are_one_line(run: Run) -> None:
    done = run(CONSENT_SECRET_KEYS="short")
    assert (done.exit_code, failing(done)) == (1, ["settings"])


def test_no_secret_is_printed(house: House, run: Run, tmp_path: Path) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    house.drain()
    assert SECRET not in run().stdout
