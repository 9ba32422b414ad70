"""Implied consent: what each relationship gives, from when, until when, and to whom."""

from datetime import date, datetime, timedelta

import pytest

from consent.law import implied
from consent.law.decide import decide
from consent.law.implied import RULES, RUNNING, TYPES, grounds, longest
from tests.law.histories import (
    MOMENT,
    TOKYO,
    TORONTO,
    VANCOUVER,
    ask,
    delivered,
    ended,
    erased,
    mailed,
    on,
    related,
    sold,
    withdrawn,
)

ONE = timedelta(days=1)
DATED = {t: r for t, r in RULES.items() if r.months and not r.runs}
GOOD = {
    "registered_charity": True,
    "by_recipient": True,
    "no_spam_notice": False,
    "role_relevant": True,
    "evidence": "url+snapshot",
}


def noon(day, zone=TORONTO):
    return datetime(day.year, day.month, day.day, 12, tzinfo=zone)


def best(at, *facts, **more):
    question = ask(at, **more)
    return longest(g for g in grounds(question, question.seen(facts)) if g.open_at(at))


def days_allowed(first, last, *facts):
    """Return the days from *first* to *last* on whose noon mail is allowed."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if decide(ask(noon(day)), facts)]


@pytest.mark.parametrize("type", DATED)
@pytest.mark.parametrize("anchor", ["2024-02-29", "2026-02-28", "2025-08-31", "2023-06-10", "2024-12-31"])
def test_the_last_day_told_agrees_with_stepping_day_by_day(type, anchor):
    day = date.fromisoformat(anchor)
    fact = related(on(anchor), type, **GOOD)
    allowed = days_allowed(day - 3 * ONE, day + timedelta(days=DATED[type].months * 31 + 5), fact)
    ground = best(noon(day + ONE), fact)
    assert (allowed[0], allowed[-1]) == (day + ONE, ground.until)
    assert len(allowed) == (ground.until - day).days


@pytest.mark.parametrize("type", sorted(RUNNING - {"contract"}))
@pytest.mark.parametrize("anchor", ["2024-02-29", "2024-03-15", "2026-02-28", "2024-12-31"])
def test_after_what_ran_on_the_last_day_told_agrees_with_stepping_day_by_day(type, anchor):
    day = date.fromisoformat(anchor)
    facts = related(on("2020-01-10"), type), ended(on(anchor), type)
    allowed = days_allowed(day - 3 * ONE, day + timedelta(days=745), *facts)
    until = best(noon(day + ONE), *facts).until
    assert (allowed[0], allowed[-1], len(allowed)) == (day - 3 * ONE, until, (until - day).days + 4)


@pytest.mark.parametrize("type", sorted(RUNNING - {"contract"}))
def test_two_years_begin_on_the_day_of_the_end(type):
    facts = related(on("2020-01-10"), type), ended(on("2024-03-15"), type)
    assert best(on("2026-03-14", "23:59"), *facts).until == date(2026, 3, 14)
    assert best(on("2026-03-15", "00:00"), *facts) is None


def test_after_a_contract_the_anniversary_is_inside_and_the_day_of_the_end_is_not():
    facts = related(on("2020-01-10"), "contract"), ended(on("2024-03-15"), "contract")
    assert best(on("2024-03-15", "09:59"), *facts).until is None
    assert best(on("2024-03-15", "23:59"), *facts) is None
    assert best(on("2024-03-16", "00:00"), *facts).until == date(2026, 3, 15)
    assert best(on("2026-03-15", "23:59"), *facts).until == date(2026, 3, 15)
    assert best(on("2026-03-16", "00:00"), *facts) is None


@pytest.mark.parametrize("type", sorted(RUNNING))
def test_what_runs_implies_consent_from_its_first_instant_and_tells_no_end(type):
    began = on("2026-05-14")
    ground = best(began, related(began, type))
    assert (ground.since, ground.until, ground.ended_on) == (date(2026, 5, 14), None, None)
    assert best(began + timedelta(days=20_000), related(began, type))


@pytest.mark.parametrize("type", DATED)
def test_on_its_own_day_a_relationship_with_a_period_implies_nothing(type):
    fact = related(on("2026-05-14", "00:00"), type, **GOOD)
    assert best(on("2026-05-15", "00:00") - MOMENT, fact) is None
    assert best(on("2026-05-15", "00:00"), fact)


@pytest.mark.parametrize("type", ["published_address", "business_card"])
def test_an_address_published_or_handed_over_has_no_time_limit_and_no_day_to_wait(type):
    fact = related(on("2026-05-14"), type, **GOOD)
    assert best(on("2026-05-14"), fact).until is None
    assert best(on("2066-05-14"), fact)


@pytest.mark.parametrize("lack", [{"by_recipient": False}, {"no_spam_notice": True}, {"role_relevant": False},
                                  {"evidence": "directory"}, {"evidence": None}])  # fmt: skip
def test_a_published_address_needs_everything(lack):
    assert best(on("2026-05-15"), related(on("2026-05-14"), "published_address", **GOOD | lack)) is None


@pytest.mark.parametrize("lack", [{"no_spam_notice": True}, {"role_relevant": False}])
def test_a_business_card_needs_relevance_and_no_refusal(lack):
    assert best(on("2026-05-15"), related(on("2026-05-14"), "business_card", **GOOD | lack)) is None


@pytest.mark.parametrize("type", ["donation", "volunteering"])
def test_only_a_registered_charity_may_count_donors_and_volunteers(type):
    assert best(on("2026-05-15"), related(on("2026-05-14"), type)) is None
    assert best(on("2026-05-15"), related(on("2026-05-14"), type, registered_charity=True))


def test_what_is_not_on_the_list_gives_nothing():
    assert best(on("2026-05-15"), related(on("2026-05-14"), "webinar", **GOOD)) is None
    assert best(on("2026-05-15"), related(on("2026-05-14"), "referral", **GOOD)) is None


def test_a_referral_is_the_one_type_that_is_no_ground():
    assert set(TYPES) - set(RULES) == {"referral"}


def test_an_inquiry_gives_six_months_and_everything_else_two_years():
    assert {t for t, rule in RULES.items() if rule.months == 6} == {"inquiry", "quote_request", "demo_request"}
    assert {rule.months for rule in RULES.values()} == {6, 24, None}


def test_a_second_purchase_opens_a_period_of_its_own():
    first, second = related(on("2023-01-10"), entry="1"), related(on("2024-08-08"), entry="2")
    assert best(on("2026-01-15"), first, second).fact is second
    assert best(on("2024-08-08", "20:00"), second, first).fact is first  # the second is not open on its own day


def test_our_own_mail_and_what_the_person_does_with_it_restart_nothing():
    facts = related(on("2023-03-03")), mailed(on("2025-02-02")), delivered(on("2025-02-03"))
    assert best(on("2025-03-04"), *facts) is None


def test_a_later_inquiry_never_shortens_a_purchase():
    purchase, inquiry = related(on("2025-01-15")), related(on("2025-02-01"), "inquiry")
    assert best(on("2025-06-01"), purchase, inquiry).fact is purchase


def test_a_ground_without_end_lasts_longest():
    purchase, card = related(on("2025-01-15")), related(on("2024-01-15"), "business_card", **GOOD)
    assert best(on("2025-06-01"), purchase, card).fact is card


def test_of_grounds_that_end_alike_the_newest_is_named():
    one, other = related(on("2026-08-28"), "inquiry", zone=TOKYO), related(on("2026-08-29"), "inquiry", zone=None)
    both = related(on("2026-08-29"), "inquiry", zone=TOKYO)
    assert best(on("2027-01-01"), one, both).fact is both
    assert longest([]) is None and best(on("2027-01-01"), other).fact is other


def test_the_window_must_be_open_where_the_organization_is_and_where_it_happened():
    fact = related(on("2024-05-14", "22:30", VANCOUVER), zone=VANCOUVER)
    assert best(on("2024-05-15", "23:59"), fact) is None
    ground = best(on("2024-05-16", "00:00"), fact)
    assert (ground.since, ground.until, ground.closes) == (
        date(2024, 5, 15),
        date(2026, 5, 14),
        on("2026-05-15", "00:00", VANCOUVER),
    )


def test_what_happened_in_the_zone_of_the_organization_is_counted_once():
    assert best(on("2024-06-01"), related(on("2024-05-14"), zone=TORONTO)).closes == on("2026-05-15", "00:00")


def test_the_end_is_counted_where_it_happened_or_else_where_it_began():
    began, later = related(on("2020-01-10"), "subscription", zone=TOKYO), on("2024-06-01")
    morning, night = on("2024-05-14", "06:00"), on("2024-05-14", "01:00")  # night is the 13th in Vancouver
    assert best(later, began, ended(morning)).closes == on("2026-05-14", "00:00", TOKYO)
    assert best(later, began, ended(morning, zone=VANCOUVER)).closes == on("2026-05-14", "00:00")
    assert best(later, began, ended(night, zone=VANCOUVER)).closes == on("2026-05-13", "00:00", VANCOUVER)
    assert best(later, began, ended(night, zone=VANCOUVER)).ended_on == date(2024, 5, 14)


@pytest.mark.parametrize("other", [ended(on("2024-05-14"), "loan"), ended(on("2024-05-14"), brand="zest"),
                                   ended(on("2019-05-14")), ended(on("2024-05-14"), ends="else")])  # fmt: skip
def test_the_end_of_something_else_ends_nothing(other):
    assert best(on("2026-06-01"), related(on("2020-01-10"), "subscription", entry="S"), other).ended_on is None


def test_an_end_that_names_its_entry_ends_that_one_alone():
    first, second = (related(on("2020-01-10"), "subscription", entry=entry) for entry in "AB")
    assert best(on("2026-06-01"), first, second, ended(on("2021-05-14"), ends="A")).fact is second


def test_the_first_of_several_ends_counts():
    facts = related(on("2020-01-10"), "subscription"), ended(on("2025-05-14")), ended(on("2024-05-14"))
    assert best(on("2025-06-01"), *facts).until == date(2026, 5, 13)


def test_who_comes_back_has_what_runs_anew():
    facts = (
        related(on("2015-01-10"), "subscription"),
        ended(on("2016-01-10")),
        related(on("2021-01-10"), "subscription"),
    )
    assert best(on("2026-06-01"), *facts).since == date(2021, 1, 10)


def test_a_relationship_belongs_to_the_brand_that_the_person_dealt_with():
    assert best(on("2026-05-15"), related(on("2026-05-14"), brand="zest")) is None


BOUGHT, MOVED = related(on("2024-05-14"), brand="rival"), sold(on("2025-02-01"), "rival", "acme")


def test_who_buys_a_business_takes_over_what_is_left_of_its_periods():
    assert best(on("2025-03-01"), BOUGHT, MOVED).until == date(2026, 5, 14)
    assert best(on("2026-05-15"), BOUGHT, MOVED) is None


def test_the_seller_has_nothing_left():
    assert best(on("2025-01-31"), BOUGHT, MOVED, topic="rival/newsletter")
    assert best(on("2025-02-01"), BOUGHT, MOVED, topic="rival/newsletter") is None


def test_what_begins_after_the_sale_is_the_sellers():
    later = related(on("2025-02-02"), brand="rival")
    assert best(on("2025-03-01"), later, MOVED) is None
    assert best(on("2025-03-01"), later, MOVED, topic="rival/newsletter")


def test_a_sale_of_another_business_moves_nothing():
    assert best(on("2025-03-01"), BOUGHT, sold(on("2025-02-01"), "other", "acme"), topic="rival/newsletter")


def test_a_business_may_be_sold_on_and_back():
    on_and_on = sold(on("2024-11-01"), "rival", "partner"), sold(on("2025-02-01"), "partner", "acme")
    assert best(on("2025-03-01"), BOUGHT, *on_and_on)
    assert best(on("2024-12-01"), BOUGHT, *on_and_on) is None
    back = sold(on("2025-04-01"), "acme", "rival")
    assert best(on("2025-05-01"), BOUGHT, *on_and_on, back, topic="rival/newsletter")


@pytest.mark.parametrize("type", sorted(t for t, rule in RULES.items() if not rule.business))
def test_what_is_no_business_relationship_is_not_sold(type):
    assert best(on("2025-03-01"), related(on("2024-05-14"), type, brand="rival", **GOOD), MOVED) is None


@pytest.mark.parametrize("scope", [{"brand": "rival"}, {"organization": "rival-inc"}, {}])
def test_who_had_left_the_seller_is_not_passed_on(scope):
    assert best(on("2025-03-01"), BOUGHT, MOVED, withdrawn(on("2025-01-10"), **scope)) is None


def test_who_had_left_a_holder_in_between_is_not_passed_on_either():
    chain = sold(on("2024-11-01"), "rival", "partner"), sold(on("2025-02-01"), "partner", "acme")
    assert best(on("2025-03-01"), BOUGHT, *chain, withdrawn(on("2025-01-10"), brand="partner")) is None


@pytest.mark.parametrize("scope", [{"topic": "rival/newsletter"}, {"brand": "zest"}, {"organization": "else"}])
def test_who_had_left_less_or_others_is_passed_on(scope):
    assert best(on("2025-03-01"), BOUGHT, MOVED, withdrawn(on("2025-01-10"), **scope))


def test_the_buyers_record_of_the_end_counts_as_the_sellers_would():
    began = related(on("2020-01-10"), "subscription", "rival")
    assert best(on("2025-06-01"), began, MOVED, ended(on("2025-03-01"))).until == date(2027, 2, 28)
    assert best(on("2025-06-01"), began, MOVED, ended(on("2025-03-01"), brand="zest")).until is None


def test_an_erasure_by_the_seller_leaves_nothing_to_pass_on():
    assert best(on("2025-03-01"), BOUGHT, MOVED, erased(on("2025-01-10"), "rival-inc")) is None
    assert best(on("2025-03-01"), BOUGHT, MOVED, erased(on("2025-01-10"), None)) is None
    assert best(on("2025-03-01"), BOUGHT, MOVED, erased(on("2025-01-10"), "else"))


def test_relationships_that_a_newer_open_one_outlasts_are_left_out():
    question = ask(on("2026-05-15"))
    facts = [related(on("2026-01-01") + n * ONE, entry=str(n)) for n in range(100)]
    assert len(grounds(question, question.seen(facts))) == 1


def test_two_sales_in_one_instant_mean_the_same_in_either_order():
    one, other = sold(on("2025-02-01"), "rival", "acme", entry="A"), sold(on("2025-02-01"), "rival", "zest", entry="B")
    question = ask(on("2025-03-01"))
    assert bool(decide(question, [BOUGHT, one, other])) == bool(decide(question, [BOUGHT, other, one]))


def test_two_ends_in_one_instant_mean_the_same_in_either_order():
    began, at = related(on("2020-01-10"), "subscription"), on("2024-05-14", "01:00")
    one, other = ended(at, entry="A"), ended(at, zone=VANCOUVER, entry="B")
    question = ask(on("2026-05-13", "12:00"))
    assert bool(decide(question, [began, one, other])) == bool(decide(question, [began, other, one]))


def test_two_purchases_in_one_instant_are_named_alike_in_either_order():
    one, other = related(on("2025-02-01"), entry="A"), related(on("2025-02-01"), entry="B")
    assert best(on("2025-03-01"), one, other) == best(on("2025-03-01"), other, one)


def test_the_running_types_are_those_with_an_end():
    assert {"contract", "subscription", "account", "loan", "membership"} == implied.RUNNING
