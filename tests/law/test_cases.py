"""The tables that a lawyer can read: each line is a history, a question and the answer, with its section."""

import csv
from pathlib import Path

import pytest

from consent.law import cases
from consent.law.decide import decide
from consent.law.kinds import KINDS

ROWS = [
    row
    for path in sorted((Path(__file__).parent / "cases").glob("*.csv"))
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_law_answers_as_the_table_says(row):
    case = cases.read(row)
    decision = decide(case.question, case.facts)
    said = ("allow" if decision else "deny", decision.code, str(decision.reasons[0].citation))
    assert said == (case.expect, case.basis, row["citation"])


def test_every_case_has_an_id_of_its_own_a_note_and_a_word_on_how_settled_it_is():
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert all(row["note"] and row["settled"] in ("yes", "no", "policy") for row in ROWS)


def test_no_case_is_there_twice():
    asked = {tuple(value for name, value in row.items() if name not in ("id", "note")) for row in ROWS}
    assert len(asked) == len(ROWS)


def test_every_kind_of_message_and_every_kind_of_fact_is_in_some_case():
    assert {row["kind"] for row in ROWS} == set(KINDS)
    histories = "".join(row["history"] for row in ROWS)
    assert [kind for kind in cases.FIELDS if f'"{kind}"' not in histories] == []
