"""``consent law``: run dated cases through the rules, and tell when a withdrawal must have been acted on."""

import csv
import io
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click

from consent.law import cases, decide, labels
from consent.law.cases import BadCase, Case
from consent.law.periods import act_by
from consent.sends import deadlines


class BadCaseFile(Exception):
    """The file of cases cannot be read; the message names the file and the line."""


@click.group()
def law() -> None:
    """Ask the rules themselves: dated cases, and deadlines."""


@law.command("cases")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def run_cases(file: Path) -> None:
    """Run the dated cases of FILE (CSV) through the rules; exit status 1 if any disagrees."""
    agreed = total = 0
    for line, case in _read(file):
        answer = decide.decide(case.question, case.facts)
        total += 1
        said = "allow" if answer else "deny"
        if said == case.expect:
            agreed += 1
            if not labels.agrees(case.basis, answer):
                click.echo(
                    f"{case.id} (line {line}): agrees, but its basis is {answer.code}, not {case.basis}.", err=True
                )
            continue
        reason = answer.reasons[0]
        click.echo(f"{case.id} (line {line}): the case expects {case.expect}, the rules {said} ({answer.code}).")
        click.echo(f"  {reason.text()} {reason.citation}")
    click.echo(f"{agreed} of {total} agree")
    sys.exit(0 if agreed == total else 1)


@law.command("deadline")
@click.argument("sent", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE")
def deadline(sent: date) -> None:
    """Say by when a withdrawal that was sent on DATE must have been acted on, by everybody who was told."""
    day = date(sent.year, sent.month, sent.day)
    if day.year not in cases.YEARS:
        raise click.BadParameter("the rules count with the years 1900 to 9000.", param_hint="DATE")
    click.echo(f"{act_by(day)}  ten weekdays, our limit (withdrawals recorded here take effect at once)")
    for place, last in deadlines.by_place(day).items():
        click.echo(f"{last}  {place}")


def _read(file: Path) -> Iterator[tuple[int, Case]]:
    """Yield each case with the line that it begins on. Raises BadCaseFile."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise BadCaseFile(f"{file.name} is not UTF-8: save the spreadsheet as CSV in UTF-8.") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(rows, [])
        _check_header(file, names)
        line = rows.line_num + 1
        for cells in rows:
            if cells and len(cells) != len(names):
                raise BadCaseFile(f"{file.name}, line {line}: not one cell for each column.")
            if cells:
                yield line, _case(file, line, dict(zip(names, cells, strict=True)))
            line = rows.line_num + 1
    except csv.Error as error:
        raise BadCaseFile(f"{file.name}, line {rows.line_num}: {error}") from None


def _check_header(file: Path, names: list[str]) -> None:
    if unknown := [name for name in names if name not in cases.COLUMNS]:
        raise BadCaseFile(f"{file.name}, line 1: no case has a column {', '.join(map(repr, unknown))}.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadCaseFile(f"{file.name}, line 1: the column {', '.join(twice)} stands twice.")
    if missing := sorted(cases.NEEDED - set(names)):
        raise BadCaseFile(f"{file.name}, line 1: the column {', '.join(missing)} is missing.")


def _case(file: Path, line: int, row: dict[str, str]) -> Case:
    try:
        return cases.read(row)
    except BadCase as error:
        raise BadCaseFile(f"{file.name}, line {line}: {error}") from None
