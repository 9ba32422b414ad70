"""How statutes count months, days and business days (Interpretation Act, R.S.C. 1985, c. I-21, ss. 26-30, 37).

A period of *n* months after an anchor day covers the days D for which **both** counts agree: back from the day of
sending, ``minus(D, n) <= anchor < D``, and forward from the anchor, ``anchor < D <= plus(anchor, n)``. Counting
forward is never the longer (a test walks every day of thirty years), so the covered days are anchor + 1 to
``plus(anchor, n)``. A period that *begins on* a day includes that day, s. 27(3), and so ends a day earlier.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

INTERNAL_LIMIT_WEEKDAYS = 10  # CASL s. 11(3) and 15 U.S.C. 7704(a)(4)(A), counted without taking holidays out
_DAY = timedelta(days=1)
_SATURDAY = 5


def plus(day: date, months: int) -> date:
    """Return the same-numbered day *months* later, or that month's last, s. 28; the last day there is, beyond it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def minus(day: date, months: int) -> date:
    """Return the same-numbered day *months* earlier, or that month's last, s. 28."""
    return plus(day, -months)


def last_day(anchor: date, months: int, *, begins_on: bool = False) -> date:
    """Return the last day that a period of *months* covers, which follows *anchor*, or *begins on* it, s. 27(3)."""
    end = plus(anchor, months)
    return end - _DAY if begins_on else end


def local_day(at: datetime, zone: tzinfo) -> date:
    """Return the calendar day that *at* is, where clocks show *zone*."""
    return at.astimezone(zone).date()


@lru_cache(maxsize=4096)
def start_of(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of *day* in *zone*, in UTC.

    Where clocks jump over midnight, Python reads midnight as the instant of the jump, which is what follows it.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=65536)
def window(
    anchor: datetime, months: int, zones: tuple[tzinfo, ...], *, begins_on: bool = False
) -> tuple[datetime, datetime]:
    """Return the instants ``[opens, closes)`` between which every one of *zones* is inside the period.

    The days are those of the organization's legal zone and of the zone where the fact happened: both must agree, since
    the Act does not say whose calendar counts. Express consent and withdrawals have no days; they compare instants.
    """
    opens, closes = [], []
    for zone in zones:
        day = local_day(anchor, zone)
        opens.append(start_of(_next(day), zone))
        closes.append(start_of(_next(last_day(day, months, begins_on=begins_on)), zone))
    return max(opens), min(closes)


def _next(day: date) -> date:
    return day if day == date.max else day + _DAY


def act_by(sent_on: date) -> date:
    """Return the tenth weekday after *sent_on*: our own limit for acting on a withdrawal.

    The day of sending is left out and the tenth counted, s. 27(2). No holiday is taken out, so the limit is never
    later than that of any province or of the United States; only a count that takes Saturdays for business days
    would end earlier. Withdrawals take effect at once, so it is a limit for others who must be told.
    """
    return business_day(sent_on, INTERNAL_LIMIT_WEEKDAYS)


def business_day(
    start: date, number: int, holidays: frozenset[date] = frozenset(), last_weekday: int = _SATURDAY - 1
) -> date:
    """Return the *number*-th business day after *start*: Monday to *last_weekday* (4 is Friday), no *holidays*."""
    day = start
    while number:
        day += _DAY
        number -= day.weekday() <= last_weekday and day not in holidays
    return day
