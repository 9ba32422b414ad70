"""Months, days and business days: every day of thirty years, against counts that are written out here once more."""

import csv
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from consent.law import periods
from consent.law.periods import act_by, business_day, last_day, local_day, minus, plus, start_of, window
from tests.law.histories import TOKYO, TORONTO, VANCOUVER, on

ONE = timedelta(days=1)
DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(10_958)]
TICK = timedelta(microseconds=1)
#: Zones that skip or repeat midnight or a whole day, lie far out, or are not a whole number of hours away.
ZONES = (
    "UTC", "America/Toronto", "America/Vancouver", "America/St_Johns", "America/Havana", "America/Santiago",
    "America/Sao_Paulo", "America/Asuncion", "America/Nuuk", "Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca",
    "Asia/Beirut", "Asia/Amman", "Asia/Damascus", "Asia/Tehran", "Asia/Kathmandu", "Asia/Gaza", "Australia/Lord_Howe",
    "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Chatham",
)  # fmt: skip


@cache
def months_from(day, months):
    """Return the day *months* after *day* (before it, if negative), stepping month by month and then back to a day."""
    year, month = day.year, day.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        if month in (0, 13):
            year, month = (year - 1, 12) if month == 0 else (year + 1, 1)
    number = day.day
    while number > monthrange(year, month)[1]:
        number -= 1
    return date(year, month, number)


def covered(anchor, sending, months):
    """Whether both counts put *anchor* into the months before *sending*."""
    back = months_from(sending, -months) <= anchor < sending
    forward = anchor < sending <= months_from(anchor, months)
    return back and forward


def test_the_days_walked_are_thirty_years():
    assert (DAYS[0], DAYS[-1]) == (date(2024, 1, 1), date(2053, 12, 31))


@pytest.mark.parametrize("months", [1, 6, 24])
def test_months_are_counted_alike_forwards_and_backwards(months):
    assert [d for d in DAYS if plus(d, months) != months_from(d, months)] == []
    assert [d for d in DAYS if minus(d, months) != months_from(d, -months)] == []


@pytest.mark.parametrize("months", [6, 24])
def test_the_last_day_is_the_last_that_both_counts_allow(months):
    wrong = []
    for anchor in DAYS:
        end = last_day(anchor, months)
        around = [end + timedelta(days=n) for n in range(-4, 5)]
        if [d for d in around if covered(anchor, d, months)] != [d for d in around if d <= end]:
            wrong.append(anchor)
    assert wrong == []


@pytest.mark.parametrize("months", [6, 24])
def test_stepping_day_by_day_a_period_is_one_stretch_from_the_day_after(months):
    anchors = [d for d in DAYS[:2000] if d.day in (1, 15) or (d + ONE).day == 1 or (d.month == 2 and d.day > 26)]
    for anchor in anchors:
        days = [d for n in range(-3, months * 31 + 3) if covered(anchor, d := anchor + timedelta(days=n), months)]
        assert days == [anchor + timedelta(days=n + 1) for n in range((last_day(anchor, months) - anchor).days)]


def test_a_period_that_begins_on_a_day_is_left_before_the_anniversary():
    for months in (6, 24):
        ends = {anchor: last_day(anchor, months, begins_on=True) for anchor in DAYS}
        assert [a for a, end in ends.items() if not end < months_from(a, months) <= end + ONE] == []


def test_counting_forwards_is_never_the_longer():
    for months in (6, 24):
        assert [a for a in DAYS if months_from(months_from(a, months), -months) > a] == []


def test_the_counts_differ_only_at_the_ends_of_short_months():
    def days_only_counted_back(anchor, months):
        return months_from(end := months_from(anchor, months) + ONE, -months) <= anchor < end

    differ = {(a.month, a.day) for a in DAYS if days_only_counted_back(a, 6)}
    assert differ == {(2, 28), (2, 29), (4, 30), (6, 30), (9, 30), (11, 30)}
    assert {(a.month, a.day, (a.year + 2) % 4) for a in DAYS if days_only_counted_back(a, 24)} == {(2, 28, 0)}


@pytest.mark.parametrize(
    ("anchor", "months", "end"),
    [
        ("2024-03-15", 24, "2026-03-15"),
        ("2024-02-29", 24, "2026-02-28"),
        ("2026-02-28", 24, "2028-02-28"),
        ("2023-06-10", 24, "2025-06-10"),
        ("2024-12-31", 24, "2026-12-31"),
        ("2025-08-28", 6, "2026-02-28"),
        ("2025-08-29", 6, "2026-02-28"),
        ("2025-08-30", 6, "2026-02-28"),
        ("2025-08-31", 6, "2026-02-28"),
        ("2026-02-28", 6, "2026-08-28"),
        ("2024-02-29", 6, "2024-08-29"),
        ("2025-12-31", 6, "2026-06-30"),
        ("2026-01-31", 6, "2026-07-31"),
        ("2026-04-02", 6, "2026-10-02"),
    ],
)
def test_known_last_days(anchor, months, end):
    assert last_day(date.fromisoformat(anchor), months) == date.fromisoformat(end)


@pytest.mark.parametrize(("anchor", "end"), [("2024-03-15", "2026-03-14"), ("2024-02-29", "2026-02-27")])
def test_known_last_days_of_what_begins_on_its_end(anchor, end):
    assert last_day(date.fromisoformat(anchor), 24, begins_on=True) == date.fromisoformat(end)


def test_beyond_the_calendar_a_period_ends_with_it():
    assert plus(date(9998, 5, 1), 24) == date.max
    assert window(datetime(9998, 5, 1, tzinfo=UTC), 24, (ZoneInfo("UTC"),))[1] == datetime(9999, 12, 31, tzinfo=UTC)


def test_a_window_opens_and_closes_at_midnights_of_the_organization():
    opens, closes = window(on("2024-03-15"), 24, (TORONTO,))
    assert opens.isoformat() == "2024-03-16T04:00:00+00:00"
    assert closes.isoformat() == "2026-03-16T04:00:00+00:00"


def test_a_window_is_where_both_zones_are_inside():
    opens, closes = window(on("2024-03-15", "23:30", VANCOUVER), 24, (TORONTO, VANCOUVER))
    assert opens.isoformat() == "2024-03-17T04:00:00+00:00"
    assert closes.isoformat() == "2026-03-16T07:00:00+00:00"


def test_a_window_that_begins_on_its_day_closes_a_day_earlier():
    anchor = on("2024-03-15")
    assert window(anchor, 24, (TORONTO,), begins_on=True)[1].isoformat() == "2026-03-15T04:00:00+00:00"


@pytest.mark.parametrize("zones", [(TORONTO,), (TORONTO, VANCOUVER), (TORONTO, TOKYO), (TOKYO, VANCOUVER)])
def test_every_window_is_the_days_that_each_zone_covers(zones):
    for n in range(0, 2000, 7):
        anchor = datetime(2024, 1, 1, n % 24, 30, tzinfo=UTC) + timedelta(days=n)
        opens, closes = window(anchor, 6, zones)
        for at in (opens - TICK, opens, closes - TICK, closes):
            inside = all(covered(local_day(anchor, z), local_day(at, z), 6) for z in zones)
            assert inside == (opens <= at < closes)


@pytest.mark.parametrize("name", ZONES)
def test_the_start_of_a_day_is_its_first_instant(name):
    zone = ZoneInfo(name)
    for day in DAYS[:1500]:
        start = start_of(day, zone)
        assert local_day(start, zone) == day
        assert local_day(start - TICK, zone) == day - ONE


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),  # midnight was skipped
        ("2024-04-26", "Africa/Cairo", "2024-04-25T22:00:00+00:00"),
        ("2025-11-02", "America/Havana", "2025-11-02T04:00:00+00:00"),  # midnight came twice
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),  # the day before was skipped
    ],
)
def test_a_midnight_that_is_missing_or_doubled_is_read_as_the_first_instant(day, zone, start):
    assert start_of(date.fromisoformat(day), ZoneInfo(zone)).isoformat() == start


def test_a_skipped_day_begins_where_the_next_one_does():
    apia = ZoneInfo("Pacific/Apia")
    assert start_of(date(2011, 12, 30), apia) == start_of(date(2011, 12, 31), apia)


def test_an_evening_in_toronto_is_not_yet_the_day_of_utc():
    assert local_day(datetime(2026, 5, 15, 2, tzinfo=UTC), TORONTO) == date(2026, 5, 14)


#: Day of sending; the tenth weekday; the tenth day if Saturdays count.
DEADLINES = """sent,weekdays,with_saturdays
2026-05-04,2026-05-18,2026-05-15
2026-05-09,2026-05-22,2026-05-21
2026-05-10,2026-05-22,2026-05-21
2026-06-30,2026-07-14,2026-07-11
2026-12-21,2027-01-04,2027-01-01
2028-02-18,2028-03-03,2028-03-01
"""


@pytest.mark.parametrize("row", list(csv.DictReader(DEADLINES.splitlines())), ids=lambda row: row["sent"])
def test_the_tenth_weekday_after_the_day_of_sending(row):
    sent = date.fromisoformat(row["sent"])
    assert act_by(sent) == date.fromisoformat(row["weekdays"])
    assert business_day(sent, 10, last_weekday=5) == date.fromisoformat(row["with_saturdays"])


def test_ten_weekdays_lie_after_every_day_of_sending_up_to_the_limit():
    for sent in DAYS[:3000]:
        between = [sent + timedelta(days=n) for n in range(1, (act_by(sent) - sent).days + 1)]
        assert sum(day.isoweekday() < 6 for day in between) == 10
        assert between[-1].isoweekday() < 6


def test_a_holiday_puts_the_day_off_and_one_on_a_sunday_does_not():
    sent = date(2026, 6, 22)
    assert business_day(sent, 10, frozenset({date(2026, 7, 1)})) == date(2026, 7, 7)
    assert business_day(sent, 10, frozenset({date(2026, 6, 28)})) == date(2026, 7, 6)


def test_our_limit_is_ten_weekdays():
    assert periods.INTERNAL_LIMIT_WEEKDAYS == 10
