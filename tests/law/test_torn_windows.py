"""Where zones tear two periods apart for some hours, a standing keeps both, and says no in between."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from consent.law.decide import decide, standing
from tests.law.histories import MOMENT, ask, related

EAST = timezone(timedelta(hours=-5))  # Toronto in winter
#: An inquiry whose six months end with 20 January in Toronto; and a purchase in Honolulu on that day, whose first day
#: begins there when it is five in the morning in Toronto.
INQUIRY = related(datetime(2025, 7, 20, 12, tzinfo=EAST), "inquiry", entry="I")
PURCHASE = related(datetime(2026, 1, 20, 8, tzinfo=EAST), "purchase", zone=ZoneInfo("Pacific/Honolulu"), entry="P")
ENDS = datetime(2026, 1, 21, 0, tzinfo=EAST)
BEGINS = datetime(2026, 1, 21, 5, tzinfo=EAST)
LAST = datetime(2028, 1, 21, 0, tzinfo=EAST)
NOW = datetime(2026, 1, 20, 9, tzinfo=EAST)


def test_the_two_windows_are_told_apart():
    found = standing(ask(NOW), [INQUIRY, PURCHASE])
    assert (found.allowed_from < NOW, found.allowed_until) == (True, ENDS)
    assert (found.then_from, found.then_until) == (BEGINS, LAST)


def test_the_standing_says_at_each_edge_what_the_law_says():
    found = standing(ask(NOW), [INQUIRY, PURCHASE])
    edges = [(NOW, True), (ENDS - MOMENT, True), (ENDS, False), (BEGINS - MOMENT, False), (BEGINS, True), (LAST - MOMENT, True), (LAST, False)]  # fmt: skip
    for at, allowed in edges:
        assert found.allows(at) is allowed, at
        assert bool(decide(ask(at), [INQUIRY, PURCHASE])) is allowed, at


def test_in_the_hours_between_the_answer_is_that_it_begins_soon():
    answer = decide(ask(ENDS), [INQUIRY, PURCHASE])
    assert (answer.state, answer.code, answer.reasons[0].fact) == ("implied", "implied_consent_not_yet", PURCHASE)


def test_windows_that_touch_are_one():
    found = standing(ask(NOW), [INQUIRY, related(datetime(2026, 1, 20, 8, tzinfo=EAST), entry="P")])
    assert (found.allowed_until, found.then_from, found.then_until) == (LAST, None, None)
