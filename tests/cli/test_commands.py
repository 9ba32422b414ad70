"""The `consent` command, run as people run it: in a process of its own."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from flask import Flask

from consent.resources import folder
from consent.store import database, trouble
from tests.conftest import SECRET

ACME = str(folder("examples") / "acme.toml")


def environment(path: Path, **more: str) -> dict[str, str]:
    plain = {
        "PATH": os.environ["PATH"],
        "CONSENT_DATABASE_URL": f"sqlite:///{path}/data/consent.db",
        "CONSENT_BASE_URL": "https://consent.example.com",
        "CONSENT_SECRET_KEYS": SECRET,
        "CONSENT_SMTP_URL": f"file:{path}/mail",
    }
    return plain | more


def run(path: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("consent")), *words]
    return subprocess.run(
        command, env=environment(path, **more), cwd=path, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    assert run(tmp_path, "migrate").returncode == 0
    assert run(tmp_path, "setup", ACME).returncode == 0
    return tmp_path


def test_migrate_and_setup_can_be_run_again(ready: Path) -> None:
    assert "schema 0009" in run(ready, "migrate").stdout
    assert run(ready, "setup", ACME).stdout == "Nothing to change.\n"


def test_an_api_key_is_printed_once_and_not_kept(ready: Path) -> None:
    made = run(ready, "api-key", "create", "crm", "--scope", "signups", "--scope", "decisions")
    key = made.stdout.strip()
    assert key.startswith("ck_") and made.returncode == 0
    secret = key.split("_", 2)[2]
    assert secret.encode() not in (ready / "data" / "consent.db").read_bytes()


def test_decide_answers_in_words_and_in_json(ready: Path) -> None:
    words = run(ready, "decide", "anne@example.com", "--topic", "acme/newsletter")
    assert words.stdout.startswith("DENY") and "S.C. 2010, c. 23" in words.stdout
    data = json.loads(run(ready, "decide", "anne@example.com", "--topic", "acme/newsletter", "--json").stdout)
    assert (data["decision"], data["code"]) == ("deny", "no_consent")


@pytest.mark.parametrize("out", ["folder", "one.csv", "all.zip"])
def test_export_writes_where_it_is_told(ready: Path, out: str) -> None:
    made = run(ready, "export", "--format", "csv", "--out", out)
    assert made.returncode == 0, made.stderr
    path = ready / out
    if out == "all.zip":
        assert zipfile.ZipFile(path).namelist() == ["records.csv"]
    else:
        text = (path / "records.csv" if path.is_dir() else path).read_text("utf-8")
        assert text.count(",notice.published,") == 4


def test_the_worker_drains_and_exits(ready: Path) -> None:
    assert run(ready, "worker", "--once").stdout == "0 delivered or ended.\n"


@pytest.mark.parametrize(
    ("words", "more", "says"),
    [
        (("decide", "anne"), {}, "--topic"),
        (("decide", "anne", "--topic", "acme/newsletter"), {}, "@"),
        (("decide", "a@example.com", "--topic", "acme/none"), {}, "no topic"),
        (("decide", "a@example.com", "--topic", "acme/newsletter", "--at", "soon"), {}, "not a time"),
        (("decide", "a@example.com", "--topic", "acme/newsletter", "--at", "2026-01-01"), {}, "no zone"),
        (("setup", "nowhere.toml"), {}, "nowhere.toml"),
        (("serve",), {"CONSENT_SECRET_KEYS": ""}, "CONSENT_SECRET_KEYS"),
        (("serve",), {"CONSENT_BASE_URL": "http://consent.example.com"}, "CONSENT_BASE_URL"),
        (("worker",), {"CONSENT_SMTP_URL": "mailbox:x"}, "CONSENT_SMTP_URL"),
        (("serve",), {"CONSENT_DATABASE_URL": "sqlite:///empty.db"}, "consent migrate"),
        (("nonsense",), {}, "No such command"),
    ],
)
def test_a_mistake_is_said_in_words_with_exit_status_two(
    ready: Path, words: tuple[str, ...], more: dict[str, str], says: str
) -> None:
    found = run(ready, *words, **more)
    assert found.returncode == 2
    assert says in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.postgresql
def test_a_database_that_takes_no_writes_is_said_in_one_line(app: Flask, tmp_path: Path) -> None:
    url = database.db.engine.url.render_as_string(hide_password=False)
    with database.writing() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    done = run(tmp_path, "api-key", "create", "website", "--scope", "records", CONSENT_DATABASE_URL=url)
    assert (done.returncode, done.stderr) == (2, f"consent: {trouble.READ_ONLY}\n")
