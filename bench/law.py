"""Measure one decision inside the pure core: ``python -m bench.law``. No database, no HTTP.

Three histories of twenty entries: one that ends in a withdrawal, one in implied consent, and twenty purchases.
*Cold* is with histories never seen before, *warm* the same one again (its days are remembered).
"""

import json
import statistics
import timeit
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bench import report
from consent.law import cases, decide
from consent.law.facts import Fact

ROUNDS, DECISIONS = 5, 1000
LIMIT = 60.0  # microseconds


def main() -> None:
    """Measure, print, write."""
    rows = []
    for name, history in (("withdrawn", _withdrawn()), ("implied", _implied()), ("twenty purchases", _purchases())):
        facts = cases.history(json.dumps(history))
        warm, cold = _warm(facts), _cold(facts)
        met = "reached" if cold <= LIMIT else "**missed**"
        rows.append(f"| {name} | {len(facts)} | {warm:.0f} | {cold:.0f} | {LIMIT:.0f} | {met} |")
    head = [
        f"`python -m bench.law`, {report.machine()}, medians of {ROUNDS} rounds of {DECISIONS} decisions.",
        "",
        "| history | entries | warm µs | cold µs | limit µs | |",
        "|---|---|---|---|---|---|",
    ]
    report.put("One decision in the pure core", "\n".join([*head, *rows]))


def _question() -> Any:
    row = dict.fromkeys(cases.COLUMNS, "") | {
        "id": "bench", "history": "[]", "asked_at": "2026-11-01T10:00:00-04:00", "brand": "acme", "expect": "deny",
        "topic": "acme/newsletter", "kind": "commercial", "sender_place": "CA", "recipient_place": "CA",
    }  # fmt: skip
    return cases.read(row).question


def _fact(kind: str, at: str, **more: object) -> dict[str, object]:
    return {"at": at, "kind": kind, "brand": "acme", **more}


def _mail(topic: str = "acme/newsletter") -> list[dict[str, object]]:
    return [
        _fact("consent.requested", "2026-01-10T10:00:00-05:00", topic=topic, notice_complete=True),
        _fact("confirmation.sent", "2026-01-10T10:00:05-05:00", topic=topic),
        _fact("welcome.sent", "2026-01-10T10:10:00-05:00"),
        _fact("welcome.opened", "2026-01-11T10:10:00-05:00"),
    ]


def _withdrawn() -> list[dict[str, object]]:
    given = _fact("confirmation.answered", "2026-01-10T10:10:00-05:00", topic="acme/newsletter")
    left = _fact("consent.withdrawn", "2026-02-10T10:10:00-05:00", scope="acme/newsletter")
    return [*_mail() * 3, given, given, *_purchases()[:4], left, left]


def _implied() -> list[dict[str, object]]:
    return [*_mail() * 3, *_purchases()[:8]]


def _purchases() -> list[dict[str, object]]:
    days = (f"202{n % 6}-0{1 + n % 9}-10T10:00:00-05:00" for n in range(20))
    return [_fact("relationship.recorded", day, type="purchase") for day in days]


def _timed(once: Callable[[], object]) -> float:
    return statistics.median(timeit.repeat(once, number=DECISIONS, repeat=ROUNDS)) / DECISIONS * 1e6


def _warm(facts: Sequence[Fact]) -> float:
    question = _question()
    return _timed(lambda: decide.decide(question, facts))


def _cold(facts: Sequence[Fact]) -> float:
    question, seconds = _question(), range(1, ROUNDS * DECISIONS + 1)
    fresh = [tuple(replace(f, occurred_at=f.occurred_at - timedelta(seconds=7 * n)) for f in facts) for n in seconds]
    histories = iter(fresh)
    return _timed(lambda: decide.decide(question, next(histories)))


if __name__ == "__main__":
    main()
