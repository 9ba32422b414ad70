"""What an audit finds: each finding under the line of the check that found it, named as the offline verifier names it.

A broken database may be broken in every row. So of each check only the first findings are kept, and all are counted.
"""

from collections import Counter
from typing import NamedTuple

SHOWN = 10  # findings that are kept of each check
OK, FAIL, NOT_CLAIMED = "ok", "FAIL", "not claimed"


class Finding(NamedTuple):
    """Something that is wrong: *line* is the check, *name* what it is called, *row* where, *text* a sentence."""

    line: str
    name: str
    row: str
    text: str


class Line(NamedTuple):
    """One check: what was looked at, and how it came out."""

    line: str
    result: str
    text: str


class Findings:
    """Collects what is found."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.names: set[str] = set()
        self.kept: list[Finding] = []

    def add(self, line: str, name: str, row: str, text: str) -> None:
        """Note that the check *line* found *name* in *row*, which names table and key."""
        self.counts[line] += 1
        self.names.add(name)
        if self.counts[line] <= SHOWN:
            self.kept.append(Finding(line, name, row, text))

    def of(self, line: str) -> list[Finding]:
        """Return the findings of the check *line* that were kept."""
        return [finding for finding in self.kept if finding.line == line]

    def judge(self, line: str, text: str, *, claimed: bool = True) -> Line:
        """Return how the check *line* came out; one that is not *claimed* had nothing to look at."""
        if self.counts[line]:
            return Line(line, FAIL, text)
        return Line(line, OK if claimed else NOT_CLAIMED, text)
