"""``consent ledger key``."""

from pathlib import Path

import pytest
from flask import Flask

from consent.ledger import checkpoint
from consent.records.signing import KeyTrouble
from tests.cli.calling import Run, runner


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> Run:
    return runner(tmp_path, "ledger", "key")


def test_a_new_key_is_shown_as_its_public_line(run: Run) -> None:
    made = run("new").stdout.strip()
    assert checkpoint.read_vkey(made).name == "consent.example.com/ledger"
    assert run("show").stdout.strip() == made


def test_without_a_key_there_is_a_line_that_says_what_to_do(run: Run) -> None:
    assert isinstance(run("show").exception, KeyTrouble)
    assert isinstance(run("rotate").exception, KeyTrouble)


def test_the_key_of_another_signed_note_program_can_be_put_in_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ledger.key").write_bytes(bytes([7]) * 32)
    vkey = run("show").stdout.strip()
    assert vkey == checkpoint.signer("consent.example.com/ledger", bytes([7]) * 32).verifier.vkey


def test_a_rotation_signs_one_head_with_both_keys_before_the_old_one_can_go(run: Run, tmp_path: Path) -> None:
    old = run("new").stdout.strip()
    new = run("rotate").stdout.strip()
    assert run("show").stdout.split() == [new, old]
    note = (tmp_path / "ledger.key.signed").read_text()
    for vkey in (old, new):
        assert checkpoint.open_note(note, [checkpoint.read_vkey(vkey)]).size > 0
    assert run("rotate", "--finish").stdout.strip() == new
    assert run("show").stdout.split() == [new]
    assert not (tmp_path / "ledger.key.retiring").exists()
