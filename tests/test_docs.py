"""The documents tell the truth of this commit."""

import importlib.util
import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
from flask import Flask
from flask.testing import FlaskClient

from consent import cli, config
from consent.law import cases, citations, decide, labels
from consent.law.kinds import KINDS
from consent.law.readings import READINGS
from consent.ledger import entries
from consent.records import export, signing
from consent.records.export import Filters
from consent.store import database
from tests.api.test_decisions import ask
from tests.cli.test_commands import ACME, run
from tests.house import House
from tests.law.test_cases import ROWS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
API = (ROOT / "docs" / "api.md").read_text("utf-8")
LAW = (ROOT / "docs" / "law.md").read_text("utf-8")
LEDGER = (ROOT / "docs" / "ledger-format.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def test_every_setting_is_documented() -> None:
    names = set(re.findall(r"CONSENT_[A-Z_]+", inspect.getsource(config)))
    assert {name for name in names if f"| `{name}` |" not in OPERATING} == set()


def test_the_examples_for_production_set_what_there_is_and_name_each_other() -> None:
    texts = {path.name: path.read_text("utf-8") for path in (ROOT / "examples" / "production").iterdir()}
    known = set(re.findall(r"CONSENT_[A-Z_]+", inspect.getsource(config)))
    assert {name for text in texts.values() for name in re.findall(r"CONSENT_[A-Z_]+", text)} <= known
    assert set(re.findall(r"^EnvironmentFile=/etc/consent/(.*)$", "\n".join(texts.values()), re.M)) <= set(texts)


def test_every_command_and_its_options_are_documented() -> None:
    for name, command in cli.consent.commands.items():
        assert f"`consent {name}" in OPERATING or f"`consent {name} " in OPERATING, name
        for option in command.params:
            if isinstance(option, click.Option) and name not in ("export", "api-key"):
                assert option.opts[0] in OPERATING, (name, option.opts)


def test_every_kind_of_entry_and_every_key_is_documented() -> None:
    assert [kind for kind in entries.KINDS if f"`{kind}`" not in LEDGER] == []
    assert [field for field in entries._NAMES if f"`{field}`" not in LEDGER] == []


def test_every_api_path_kind_and_code_is_documented(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            assert re.sub(r"<(\w+)>", r"{\1}", rule.rule) in API
        if rule.rule.startswith("/ledger/"):
            assert f"`GET {rule.rule.partition('<')[0]}" in API
    assert [kind for kind in KINDS if kind not in API] == []
    codes = {decide.decide(case.question, case.facts).code for case in map(cases.read, ROWS)}
    exempt = {code for code in codes if code.startswith("exempt_")}
    assert {code for code in codes - exempt if f"`{code}`" not in API} == set()
    assert {code for code in exempt if code.removeprefix("exempt_") not in API} == set()


def test_the_page_for_lawyers_is_what_the_rules_say() -> None:
    spec = importlib.util.spec_from_file_location("make_law", ROOT / "docs" / "make_law.py")
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert (ROOT / "docs" / "law.md").read_text("utf-8") == maker.page(), "run `make docs`"


def test_every_rule_provision_reading_and_case_is_on_the_page_for_lawyers() -> None:
    for table in citations.TABLES:
        assert [str(found) for found in table.values() if str(found) not in LAW] == []
    assert [name for name in (*READINGS, *KINDS, *labels.LABELS) if f"`{name}`" not in LAW] == []
    assert [row["id"] for row in ROWS if f"| {row['id']} |" not in LAW] == []


def test_the_readmes_command_says_what_it_says(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    run(tmp_path, "setup", ACME)
    command, _, said = blocks(README, "console")[0].partition("\n")
    words = command.removeprefix("$ consent ").split()
    assert without_time(run(tmp_path, *words).stdout) == without_time(said)


def test_the_readmes_answer_is_what_the_api_answers(house: House, client: FlaskClient, api_key: str) -> None:
    house.confirm("anne@example.com")
    house.letters()
    shown = json.loads(blocks(README, "json")[0])
    given = ask(client, api_key, email="anne@example.com").get_json()
    assert shape(given) == shape(shown)
    same = ("email", "topic", "kind", "decision", "state", "code", "remedy", "rules")
    assert [given[key] for key in same] == [shown[key] for key in same]
    assert given["reasons"][0]["citation"] == shown["reasons"][0]["citation"]
    assert given["not_consent"][0]["text"] == shown["not_consent"][0]["text"]


def test_the_ledger_documents_checker_accepts_an_export_and_finds_an_edit(house: House, tmp_path: Path) -> None:
    house.press_unsubscribe(house.confirm("anne@example.com"))
    content, _ = export.content("jsonl", Filters())
    (program,) = blocks(LEDGER, "python")

    def check(lines: bytes) -> subprocess.CompletedProcess[str]:
        (tmp_path / "records.jsonl").write_bytes(lines)
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)

    assert "1 contacts, every chain whole" in check(content).stdout
    assert "was edited" in check(content.replace(b"acme-news@1", b"acme-news@2")).stderr
    lines = content.splitlines(keepends=True)
    assert "a gap before" in check(b"".join(lines[:-2] + lines[-1:])).stderr


def test_every_local_link_leads_somewhere() -> None:
    for file in [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", file.read_text("utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"
    for path in re.findall(r"`(tests/[\w/.]+)`", (ROOT / "SECURITY.md").read_text("utf-8")):
        assert (ROOT / path).exists(), path


def test_the_readmes_bundle_is_written_and_sound(house: House, tmp_path: Path) -> None:
    vkey = signing.create(tmp_path / "ledger.key", "consent.example.com/ledger").signers[0].verifier.vkey
    house.confirm("anne@example.com")
    house.number()
    words = next(block for block in blocks(README, "console") if "consent verify" in block)
    for line in words.splitlines():
        command = shlex.split(re.sub(r"--key '[^']*'", f"--key {vkey}", line.removeprefix("$ consent ")))
        done = run(
            tmp_path,
            *command,
            CONSENT_DATABASE_URL=database.db.engine.url.render_as_string(hide_password=False),
            CONSENT_BASE_URL="https://consent.example.com",
            CONSENT_LEDGER_KEY=str(tmp_path / "ledger.key"),
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "SOUND"


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert [t for t in re.findall(r"^make (\w+)$", README, re.M) if f"\n{t}:" not in makefile] == []


def without_time(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__
