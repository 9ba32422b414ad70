"""``consent ledger key``."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from consent.cli import consent
from consent.ledger import checkpoint
from consent.records.signing import KeyTrouble
from tests.conftest import SECRET


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> object:
    environment = {
        "CONSENT_ENV": "development",
        "CONSENT_DATABASE_URL": f"sqlite:///{tmp_path}/consent.db",
        "CONSENT_BASE_URL": "https://consent.example.com",
        "CONSENT_SECRET_KEYS": SECRET,
        "CONSENT_LEDGER_KEY": f"{tmp_path}/ledger.key",
    }

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(consent, ["ledger", "key", *arguments], env=environment)

    return run


def test_a_new_key_is_shown_as_its_public_line(run: object) -> None:
    made = run("new").stdout.strip()  # type: ignore[operator]
    assert checkpoint.read_vkey(made).name == "consent.example.com/ledger"
    assert run("show").stdout.strip() == made  # type: ignore[operator]


def test_without_a_key_there_is_a_line_that_says_what_to_do(run: object) -> None:
    assert isinstance(run("show").exception, KeyTrouble)  # type: ignore[operator]
    assert isinstance(run("rotate").exception, KeyTrouble)  # type: ignore[operator]


def test_the_key_of_another_signed_note_program_can_be_put_in_place(run: object, tmp_path: Path) -> None:
    (tmp_path / "ledger.key").write_bytes(bytes([7]) * 32)
    vkey = run("show").stdout.strip()  # type: ignore[operator]
    assert vkey == checkpoint.signer("consent.example.com/ledger", bytes([7]) * 32).verifier.vkey


def test_a_rotation_signs_one_head_with_both_keys_before_the_old_one_can_go(run: object, tmp_path: Path) -> None:
    old = run("new").stdout.strip()  # type: ignore[operator]
    new = run("rotate").stdout.strip()  # type: ignore[operator]
    assert run("show").stdout.split() == [new, old]  # type: ignore[operator]
    note = (tmp_path / "ledger.key.signed").read_text()
    for vkey in (old, new):
        assert checkpoint.open_note(note, [checkpoint.read_vkey(vkey)]).size > 0
    assert run("rotate", "--finish").stdout.strip() == new  # type: ignore[operator]
    assert run("show").stdout.split() == [new]  # type: ignore[operator]
    assert not (tmp_path / "ledger.key.retiring").exists()
