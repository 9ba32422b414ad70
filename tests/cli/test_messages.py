"""``consent preflight``."""

import json
from pathlib import Path

from flask import Flask

from tests.cli.calling import runner
from tests.law.letters import letter


def test_findings_are_printed_and_an_error_is_status_1(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.eml").write_bytes(letter())
    (tmp_path / "in" / "bad.eml").write_bytes(letter(From=None))
    run = runner(tmp_path, "preflight", "--topic", "acme/newsletter")
    both = run(str(tmp_path / "in"))
    assert both.exit_code == 1 and "from_truth" in both.output and "RFC 5322 s. 3.6" in both.output
    assert "1 of 2 messages must not go out as they are." in both.output
    good = run(str(tmp_path / "in" / "good.eml"), "--json")
    assert good.exit_code == 0 and json.loads(good.output)["findings"] == []
    again = run(str(tmp_path / "in" / "good.eml"), "--earlier", str(tmp_path / "in"), "--language", "fr")
    assert again.exit_code == 0 and "repeats_earlier" in again.output and "conforme" in again.output


def test_what_cannot_be_checked_is_status_2(app: Flask, tmp_path: Path) -> None:
    assert runner(tmp_path, "preflight")(str(tmp_path / "none.eml"), "--topic", "acme/newsletter").exit_code == 2
