"""What the client asked and what it was told, in the order in which it happened.

A line is written before each request (``invoke``) and one after it: ``ok`` for a 2xx; ``fail`` for an answer that says
"not done", and for a connection that was refused; ``info`` if nobody can know, such as a connection that broke.
"""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

#: The requests that change something, and the kind of entry that each leaves.
CHANGES = {
    "sign_up": "consent.requested",
    "confirm": "consent.given",
    "one_click": "consent.withdrawn",
    "relate": "relationship.recorded",
    "withdraw": "consent.withdrawn",
}
#: Those of them that do it once, however often they are sent.
ONCE = ("sign_up", "confirm", "one_click")


class Answer(NamedTuple):
    """What became of a request: *result* is ok, fail or info; *body* is the API's answer."""

    result: str
    status: int = 0
    body: Any = None
    retry_after: str | None = None
    why: str = ""


@dataclass(frozen=True)
class Call:
    """One request and its answer. *begun* and *ended* are line numbers: smaller is earlier."""

    operation: str
    address: str
    begun: int
    ended: int
    answer: Answer
    at: float  # when it was sent, by the monotonic clock
    took: float  # seconds

    @property
    def result(self) -> str:
        """ok, fail or info."""
        return self.answer.result


@dataclass
class History:
    """The file, line by line; several threads write to it."""

    path: Path
    lines: int = 0
    changed: int = 0  # how many changes were acknowledged
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._file = self.path.open("a", buffering=1)

    def invoke(self, operation: str, address: str) -> int:
        """Write that the request is about to be sent, and return the line's number."""
        return self._write({"type": "invoke", "operation": operation, "address": address, "at": time.monotonic()})

    def done(self, begun: int, operation: str, answer: Answer) -> None:
        """Write what became of the request of the line *begun*."""
        self._write({"type": answer.result, "of": begun, "at": time.monotonic(), "answer": answer})
        with self._lock:
            self.changed += answer.result == "ok" and operation in CHANGES

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def calls(self) -> list[Call]:
        """Read the file: every request, in the order of sending; one without an answer is ``info``."""
        lines = [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]
        ends = {line["of"]: (number, line) for number, line in enumerate(lines) if line["type"] != "invoke"}
        return list(_calls(lines, ends))

    def _write(self, line: dict[str, Any]) -> int:
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self.lines += 1
            return self.lines - 1


def _calls(lines: list[dict[str, Any]], ends: dict[int, tuple[int, dict[str, Any]]]) -> Iterator[Call]:
    never = (len(lines), {"answer": ["info"], "at": float("inf")})
    for begun, line in enumerate(lines):
        if line["type"] == "invoke":
            ended, end = ends.get(begun, never)
            yield Call(
                line["operation"], line["address"], begun, ended, Answer(*end["answer"]), line["at"],
                end["at"] - line["at"],
            )  # fmt: skip
