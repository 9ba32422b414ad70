"""`consent api-key`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from consent import clock
from consent.setup import keys
from tests.cli.calling import Run, runner


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> Run:
    return runner(tmp_path, "api-key")


def listed(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in run("list", "--json").stdout.splitlines()]


def test_a_key_is_listed_with_all_but_its_secret_and_can_be_revoked(run: Run) -> None:
    key = run("create", "crm", "--scope", "signups", "--scope", "decisions", "--expires", "90").stdout.strip()
    _, id, secret = key.split("_", 2)
    (row,) = listed(run)
    assert (row["id"], row["name"], row["scopes"]) == (id, "crm", ["decisions", "signups"])
    assert row["last used"] is row["revoked"] is None
    words = run("list").stdout
    assert id in words and "decisions, signups" in words and secret not in words
    assert run("revoke", id).stdout == f"The key {id} is revoked.\n"
    assert listed(run)[0]["revoked"]
    with pytest.raises(keys.Ended):
        keys.check(key)


@pytest.mark.parametrize("days", [1, 90])
def test_a_key_ends_after_so_many_days(run: Run, days: int) -> None:
    run("create", "crm", "--scope", "signups", "--expires", str(days))
    (found,) = keys.listed()
    assert found.expires_at and abs(found.expires_at - clock.now() - timedelta(days=days)) < timedelta(minutes=1)


def test_a_date_is_the_last_day_on_which_a_key_works(run: Run) -> None:
    run("create", "crm", "--scope", "signups", "--expires", "2090-01-31")
    assert keys.listed()[0].expires_at == datetime(2090, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("end", ["0", "-1", "soon", "2020-01-31", "9999-12-31", "99999999999", "2027-02-30", ""])
def test_an_end_that_is_none_or_over_makes_no_key(run: Run, end: str) -> None:
    assert run("create", "crm", "--scope", "signups", "--expires", end).exit_code == 2
    assert keys.listed() == []


def test_without_any_key_the_list_says_how_to_make_one(run: Run) -> None:
    assert run("list").stdout.startswith("There is no key yet")
    assert run("list", "--json").stdout == ""
