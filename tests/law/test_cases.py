"""The tables that a lawyer can read: each line is a history, a question and the answer."""

import csv
import json
from datetime import datetime
from pathlib import Path

import pytest

from consent.law.decide import decide
from tests.law import histories

CASES = [
    row
    for path in sorted((Path(__file__).parent / "cases").glob("*.csv"))
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_law_answers_as_the_table_says(case):
    history = [histories.from_case(row, number) for number, row in enumerate(json.loads(case["history"]))]
    question = histories.ask(datetime.fromisoformat(case["asked_at"]), case["topic"], case["kind"])
    decision = decide(question, history)
    expected = (case["expect"], case["code"], case["citation"])
    assert ("allow" if decision else "deny", decision.code, str(decision.reasons[0].citation)) == expected


def test_every_case_has_a_name_of_its_own_and_a_note():
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert all(case["note"] for case in CASES)
