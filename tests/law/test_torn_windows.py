"""Where zones tear two periods apart for some hours, a standing keeps both, and says no in between."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from consent.law.decide import decide, standing
from tests.law.histories import MOMENT, ask, related, suppressed

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


def test_a_standing_is_named_by_the_ground_that_lasts_longest_in_its_window():
    touching = [INQUIRY, related(datetime(2026, 1, 20, 8, tzinfo=EAST), entry="P")]
    assert (standing(ask(NOW), touching).basis, standing(ask(NOW), touching).entry) == ("casl.10(10)(a)", "P")
    assert (standing(ask(NOW), [INQUIRY, PURCHASE]).basis, standing(ask(NOW), [INQUIRY]).entry) == (
        "casl.10(10)(e)",
        "I",
    )


def test_a_standing_is_about_commercial_mail_whatever_kind_was_asked_about():
    for kind in ("receipt", "unsubscribe_ack", "confirmation", "address_transfer"):
        assert standing(ask(NOW, kind=kind), [INQUIRY, PURCHASE]) == standing(ask(NOW), [INQUIRY, PURCHASE])


def test_what_the_company_put_aside_is_not_passed_on_nor_asked():
    aside = suppressed(NOW - MOMENT, "manual")
    for kind in ("address_transfer", "consent_request", "commercial"):
        answer = decide(ask(NOW, kind=kind, place="US"), [INQUIRY, aside])
        assert (bool(answer), answer.state, answer.code) == (False, "suppressed", "suppressed"), kind
