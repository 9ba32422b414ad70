"""`consent law`: dated cases and deadlines, run as a lawyer's assistant would, without a database or settings."""

import csv
from pathlib import Path

import pytest

from consent.law.cases import COLUMNS
from tests.cli.test_commands import run

CASES = sorted((Path(__file__).parents[1] / "law" / "cases").glob("*.csv"))
GOOD = {
    "id": "T-1", "sender_place": "CA", "recipient_place": "CA", "asked_at": "2026-06-01T10:00:00-04:00", "brand": "acme",
    "topic": "acme/newsletter", "kind": "commercial", "expect": "deny", "basis": "", "citation": "", "settled": "yes", "note": "",
    "history": "[]",
}  # fmt: skip


def write(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    with (path / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    return "cases.csv"


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_our_own_cases_all_agree(tmp_path: Path, file: Path) -> None:
    done = run(tmp_path, "law", "cases", str(file))
    total = len(list(csv.DictReader(file.read_text("utf-8").splitlines())))
    assert (done.returncode, done.stdout) == (0, f"{total} of {total} agree\n")


def test_a_mismatch_is_shown_with_its_line_and_the_rules_reason(tmp_path: Path) -> None:
    done = run(tmp_path, "law", "cases", write(tmp_path, GOOD, GOOD | {"id": "T-2", "expect": "allow"}))
    assert done.returncode == 1
    assert "T-2 (line 3): the case expects allow, the rules deny (no_consent)." in done.stdout
    assert "S.C. 2010, c. 23, s. 6(1)(a)" in done.stdout
    assert done.stdout.endswith("1 of 2 agree\n")


BAD = [
    ({"kind": "newsletter"}, "line 3: kind: 'newsletter' is no kind of message"),
    ({"expect": "maybe"}, "line 3: expect: 'maybe' is neither allow nor deny"),
    ({"asked_at": "2026-06-01T10:00:00"}, "line 3: asked_at:"),
    ({"history": "{"}, "line 3: history: not JSON"),
    (
        {"history": '[{"at":"2026-01-01T00:00Z","kind":"contact.imported","brand":"acme","source":"\\ud800"}]'},
        "line 3: history: not JSON",
    ),
    (
        {"history": '[{"at":"2026-01-01T00:00Z","kind":"moon.landed","brand":"acme"}]'},
        "'moon.landed' is no kind of fact",
    ),
    (
        {"history": '[{"at":"2026-01-01T00:00Z","kind":"question.received","brand":"acme","mood":"blue"}]'},
        "has no field mood",
    ),
    ({"history": '[{"at":"yesterday","kind":"question.received","brand":"acme"}]'}, "line 3: history, fact 1, at:"),
    ({"recipient_place": "Canada"}, "line 3: recipient_place:"),
    ({"brand": ""}, "line 3: brand: empty"),
]


@pytest.mark.parametrize(("wrong", "says"), BAD)
def test_a_case_that_cannot_be_read_is_named_by_its_line_with_exit_status_two(
    tmp_path: Path, wrong: dict[str, str], says: str
) -> None:
    done = run(tmp_path, "law", "cases", write(tmp_path, GOOD, GOOD | wrong))
    assert done.returncode == 2
    assert says in done.stderr and "cases.csv" in done.stderr and "Traceback" not in done.stderr


def test_the_line_is_that_of_the_file_also_when_a_cell_has_many_lines(tmp_path: Path) -> None:
    long = GOOD | {"note": "one\ntwo\nthree"}
    done = run(tmp_path, "law", "cases", write(tmp_path, long, GOOD | {"kind": "x"}))
    assert "line 5: kind" in done.stderr


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ((*COLUMNS, "colour"), "line 1: no case has a column 'colour'"),
        (COLUMNS[1:], "line 1: the column id is missing"),
    ],
)
def test_a_table_with_other_columns_is_refused(tmp_path: Path, columns: tuple[str, ...], says: str) -> None:
    done = run(tmp_path, "law", "cases", write(tmp_path, GOOD, columns=columns))
    assert done.returncode == 2 and says in done.stderr


@pytest.mark.parametrize("content", [b"", b"id,history\nx\n", b"\xff\xfei\x00d\x00", b'id,history\n"x'])
def test_what_is_no_table_is_refused_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cases.csv").write_bytes(content)
    done = run(tmp_path, "law", "cases", "cases.csv")
    assert done.returncode == 2 and done.stderr and "Traceback" not in done.stderr


def test_blank_lines_do_not_shift_the_line_that_is_named(tmp_path: Path) -> None:
    write(tmp_path, GOOD, GOOD | {"kind": "x"})
    header, first, second = (tmp_path / "cases.csv").read_text("utf-8").splitlines()
    (tmp_path / "cases.csv").write_text("\n".join([header, "", first, "", second]), "utf-8")
    assert "line 5: kind" in run(tmp_path, "law", "cases", "cases.csv").stderr


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("id,history,asked_at,brand,kind,expect,expect\n", "utf-8")
    done = run(tmp_path, "law", "cases", "cases.csv")
    assert done.returncode == 2 and "the column expect stands twice" in done.stderr


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "soon"])
def test_a_day_that_no_rule_counts_with_is_refused(tmp_path: Path, day: str) -> None:
    done = run(tmp_path, "law", "deadline", day)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_deadline_is_printed_for_our_limit_and_for_each_place(tmp_path: Path) -> None:
    done = run(tmp_path, "law", "deadline", "2026-06-29")
    assert done.stdout.splitlines()[0].startswith("2026-07-13  ten weekdays")
    assert "2026-07-14  Ontario" in done.stdout
