"""Stretches of time ``[opens, closes)``, with None for no end: joined, intersected, and those still to come."""

from collections.abc import Iterable, Sequence
from datetime import datetime

Window = tuple[datetime, datetime | None]
Stretch = tuple[datetime | None, datetime | None]  # both None: no window at all
NONE: Stretch = (None, None)


def union(windows: Iterable[Window]) -> list[Window]:
    """Return the same instants as windows that neither touch nor overlap, the earliest first."""
    found: list[Window] = []
    for opens, closes in sorted((w for w in windows if w[1] is None or w[0] < w[1]), key=lambda window: window[0]):
        if found and (found[-1][1] is None or opens <= found[-1][1]):
            found[-1] = (found[-1][0], _later(found[-1][1], closes))
        else:
            found.append((opens, closes))
    return found


def both(some: Sequence[Window], others: Sequence[Window]) -> list[Window]:
    """Return the instants that are in one of *some* and in one of *others*."""
    met = [(max(a[0], b[0]), _earlier(a[1], b[1])) for a in some for b in others]
    return union(met)


def lasting(windows: Sequence[Window], now: datetime) -> tuple[Stretch, Stretch]:
    """Return the first two of *windows* that have not closed by *now*; if all have, the last one that did."""
    open_: list[Stretch] = [w for w in windows if w[1] is None or now < w[1]]
    first, second = [*(open_ or windows[-1:]), NONE, NONE][:2]
    return first, second


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((end for end in (one, other) if end), default=None)
