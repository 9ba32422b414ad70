"""``consent audit``: what it prints, and its exit status."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from flask import Flask
from sqlalchemy import text

from consent import clock
from consent.cli import audit
from consent.ledger import checkpoint
from consent.ledger.checkpoint import Checkpoint
from consent.records import signing
from consent.records.append import Origin
from consent.records.publish import publish
from consent.store import database
from tests.cli.calling import Run, runner
from tests.house import House
from tests.people import ANNE, BOB
from tests.records.tampering import unguarded

LOG = "consent.example.com/ledger"


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> Run:
    return runner(tmp_path, "audit")


@pytest.fixture
def kept(house: House, tmp_path: Path) -> Path:
    """What an auditor kept: the head of a ledger that has grown since."""
    publisher = signing.create(tmp_path / "ledger.key", LOG)
    house.confirm(ANNE.email)
    publish(publisher, Origin(LOG, clock.now()))
    path = tmp_path / "kept@home.txt"
    path.write_text(publisher.note(), "utf-8")
    house.confirm(BOB.email)
    publish(publisher, Origin(LOG, clock.now()))
    return path


def edit_an_entry() -> None:
    with unguarded() as raw:
        raw.execute("UPDATE ledger_entry SET brand = 'zest' WHERE kind LIKE 'consent.%'")


@pytest.mark.sqlite
def test_a_trigger_that_is_missing_is_named(run: Run, kept: Path) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TRIGGER ledger_entry_refuse_UPDATE"))
    answer = run()
    assert answer.exit_code == 1
    assert "    enforcement: database: The trigger ledger_entry_refuse_UPDATE is missing." in answer.stdout


def test_a_sound_ledger_says_so_and_what_nobody_could_see(run: Run, kept: Path) -> None:
    answer = run()
    assert answer.exit_code == 0, answer.output
    *lines, last = answer.stdout.splitlines()
    assert last == "SOUND"
    assert "whoever has the signing key could have rebuilt" in lines[-2]
    assert lines[-1] == "It cannot show what was never recorded."
    checks = lines[:-2]
    assert {line.split()[0] for line in checks} >= {"SIGNATURE", "ROOT", "CONTACT-CHAINS", "STANDINGS", "SIGNER"}
    assert all(line.endswith((" ok", " not claimed")) for line in checks)
    assert len({len(line.removesuffix("not claimed").removesuffix("ok")) for line in checks}) == 1  # aligned


def test_a_kept_checkpoint_is_a_line_of_its_own_and_can_have_a_time(run: Run, kept: Path) -> None:
    size = checkpoint.parse(kept.read_text("utf-8").partition("\n\n")[0] + "\n").size
    answer = run("--checkpoint", str(kept))
    assert answer.exit_code == 0, answer.output
    assert f"CONSISTENT-WITH {size}" in answer.stdout and f"checkpoint you hold (size {size})" in answer.stdout
    timed = run("--checkpoint", f"{kept}@2020-01-01T00:00:00Z")
    assert timed.exit_code == 1 and "    time: entry " in timed.stdout


def test_what_was_changed_is_named_and_never_an_address(run: Run, kept: Path) -> None:
    edit_an_entry()
    answer = run("--checkpoint", str(kept))
    assert answer.exit_code == 1
    assert answer.stdout.splitlines()[-1] == "TAMPERED"
    assert "    column: entry " in answer.stdout and "say something else: brand." in answer.stdout
    assert "@" not in answer.stdout.replace(str(kept), "")


def test_of_many_findings_ten_are_printed_and_the_rest_counted(run: Run, kept: Path, house: House) -> None:
    for number in range(12):
        house.sign_up(f"person{number}@example.com")
    house.number()
    edit_an_entry()
    answer = run()
    assert answer.stdout.count("    column: ") == 10
    assert "\n    and 6 more\n" in answer.stdout


def test_the_answer_in_json_has_the_keys_of_the_offline_verifier(run: Run, kept: Path) -> None:
    sound = json.loads(run("--json").stdout)
    assert (sound["verdict"], sound["exit"], sound["findings"]) == ("SOUND", 0, [])
    assert sound["origin"] == LOG and sound["size"] > 0 and len(sound["root"]) == 44
    assert {"line", "result", "text", "found"} == sound["lines"][0].keys()
    edit_an_entry()
    tampered = json.loads(run("--json").stdout)
    assert (tampered["verdict"], tampered["exit"]) == ("TAMPERED", 1)
    assert {one["finding"] for one in tampered["findings"]} == {"column"}
    assert tampered["findings"][0].keys() == {"finding", "line", "row", "text"}


def test_a_host_without_the_key_claims_nothing_about_the_signer(run: Run, house: House) -> None:
    answer = run()
    assert answer.exit_code == 0
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith("SIGNER")]
    assert "no signing key" in line and line.endswith("not claimed")


@pytest.mark.parametrize("content", [b"", b"\xff", b"consent.example.com/ledger\n1\n"])
def test_what_cannot_be_read_ends_with_status_2(run: Run, kept: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    for words in (("--checkpoint", f"{tmp_path}/bad"), ("--checkpoint", f"{tmp_path}/none"), ("--key", "no key")):
        answer = run(*words)
        assert answer.exit_code == 2 and isinstance(answer.exception, SystemExit)
        assert words[0] in answer.stderr and "Traceback" not in answer.stderr


def test_a_database_that_is_broken_ends_with_a_line_and_status_2(run: Run, kept: Path) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TABLE ledger_tile"))
    answer = run()
    assert answer.exit_code == 2 and isinstance(answer.exception, SystemExit)
    assert answer.stderr.startswith("Error: The database cannot be read (") and "ledger_tile" in answer.stderr


def test_a_checkpoint_of_a_foreign_key_is_refused_until_that_key_is_given(run: Run, kept: Path) -> None:
    other = checkpoint.signer(LOG, bytes(32))
    kept.write_text(checkpoint.sign(Checkpoint(LOG, 3, bytes(32)), [other]), "utf-8")
    refused = run("--checkpoint", str(kept))
    assert refused.exit_code == 2 and "--key" in refused.stderr
    answer = run("--checkpoint", str(kept), "--key", other.verifier.vkey)
    assert answer.exit_code == 1 and "    inconsistent: " in answer.stdout


def test_a_large_ledger_shows_how_far_it_is_on_a_terminal_only(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_MANY", 1)
    with database.reading() as connection, audit._progress(connection) as watch:
        watch(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with database.reading() as connection, audit._progress(connection) as watch:
        watch(1)
    assert "Auditing" in capsys.readouterr().err
    assert isinstance(audit.audit, click.Command)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("no note"), lambda path: path.chmod(0)])
def test_a_signer_that_cannot_be_read_fails_and_the_database_is_audited_all_the_same(
    run: Run, kept: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / "ledger.key.signed")
    if (tmp_path / "ledger.key.signed").exists() and os.access(tmp_path / "ledger.key.signed", os.R_OK):
        (tmp_path / "ledger.key.signed").write_text("no note")  # root reads everything
    answer = run("--checkpoint", str(kept))
    assert answer.exit_code == 1 and answer.stdout.splitlines()[-1] == "TAMPERED"
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith("SIGNER")]
    assert line.endswith("FAIL") and "    signer: signer: " in answer.stdout
    assert "CONSISTENT-WITH" in answer.stdout and answer.stdout.count("FAIL") == 1


@pytest.mark.parametrize("name", ["ledger.key", "ledger.key.retiring"])
def test_a_signing_key_that_is_none_fails_as_the_signer(run: Run, kept: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    answer = run()
    assert answer.exit_code == 1 and "    signer: signer: " in answer.stdout


def test_an_unforeseen_fault_ends_with_status_2_and_one_line(
    run: Run, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("anne@example.com")

    for name in ("audit", "keys"):
        with monkeypatch.context() as patch:
            patch.setattr(f"consent.records.audit.{name}", fail)
            answer = run()
        assert answer.exit_code == 2 and isinstance(answer.exception, SystemExit)
        assert answer.stderr.startswith("Error: The audit broke off (RuntimeError in test_audit.py, line ")
        assert len(answer.stderr.splitlines()) == 1 and "@" not in answer.stderr
