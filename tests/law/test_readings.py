"""The readings of the law: each is named by the decisions that rest on it, and by no others."""

import pytest

from consent.law.decide import decide
from consent.law.readings import READINGS
from tests.law.histories import (
    PROMOTIONS,
    TOPIC,
    VANCOUVER,
    ask,
    converted,
    ended,
    given,
    on,
    related,
    requested,
    sent,
    withdrawn,
)

CONFIRM = {"kind": "confirmation"}
PURCHASE = related(on("2024-05-14"))
RUNNING = related(on("2015-04-09"), "subscription")
WEST = related(on("2024-05-14", "22:30", VANCOUVER), zone=VANCOUVER)
ASKED = requested(on("2026-05-01"), entry="S")
#: The reading, a history on which it bears, when that is asked about, and what else is asked.
BEARS = [
    ("same_day_counts", [related(on("2026-05-14"))], "2026-05-14", {}),
    ("month_end", [related(on("2022-02-28"))], "2024-02-29", {}),
    ("month_end", [related(on("2025-04-30"), "inquiry")], "2025-10-31", {}),
    ("ongoing_end_inclusive", [RUNNING, ended(on("2024-06-20"))], "2026-06-20", {}),
    ("zones", [WEST], "2026-05-15", {}),
    ("purchase_revives", [withdrawn(on("2026-01-10")), related(on("2026-02-10"))], "2026-05-14", {}),
    ("consent_scope", [given(on("2026-01-10"))], "2026-05-14", {"topic": "zest/newsletter"}),
    ("consent_scope", [related(on("2026-01-10"))], "2026-05-14", {"topic": "zest/newsletter"}),
    (
        "unsubscribe_all_scope",
        [withdrawn(on("2026-01-10"), organization="acme-inc", told="acme")],
        "2026-05-14",
        {"topic": "zest/newsletter"},
    ),
    ("unspecified_scope", [withdrawn(on("2026-01-10"), organization="acme-inc", unspecified=True)], "2026-05-14", {}),
    ("download_is_inquiry", [converted(on("2026-01-10"))], "2026-05-14", {}),
    ("confirm_required", [ASKED], "2026-05-14", {}),
    ("confirm_after_complaint", [withdrawn(on("2026-01-10"), act="complained"), ASKED], "2026-05-14", CONFIRM),
    ("reminders", [ASKED, sent(on("2026-05-01"), "S")], "2026-05-14", CONFIRM),
    ("unknown_place", [], "2026-05-14", {"place": None}),
    ("unknown_place", [], "2026-05-14", {"place": "MX"}),
    ("foreign_state", [], "2026-05-14", {"place": "US"}),
    ("foreign_state", [], "2026-05-14", {"place": "AU"}),
    ("temporary", [given(on("2026-01-10"))], "2026-05-14", {"place": "CA-QC"}),
]
#: Much the same, where the reading makes no difference.
BEARS_NOT = [
    ("same_day_counts", [related(on("2026-05-14"))], "2026-05-15", {}),
    ("month_end", [related(on("2022-02-28"))], "2024-03-01", {}),
    ("month_end", [PURCHASE], "2026-05-15", {}),
    ("ongoing_end_inclusive", [RUNNING, ended(on("2024-06-20"))], "2026-06-21", {}),
    ("ongoing_end_inclusive", [PURCHASE], "2026-05-15", {}),
    ("zones", [WEST], "2026-05-16", {}),
    ("purchase_revives", [related(on("2026-01-10")), withdrawn(on("2026-02-10"))], "2026-05-14", {}),
    ("purchase_revives", [withdrawn(on("2020-01-10")), related(on("2020-02-10"))], "2026-05-14", {}),
    ("consent_scope", [given(on("2026-01-10"))], "2026-05-14", {"topic": "rival/newsletter"}),
    ("consent_scope", [given(on("2026-01-10"))], "2026-05-14", {"topic": PROMOTIONS}),
    ("unsubscribe_all_scope", [withdrawn(on("2026-01-10"), organization="acme-inc", told="acme")], "2026-05-14", {}),
    ("unsubscribe_all_scope", [withdrawn(on("2026-01-10"), organization="acme-inc")], "2026-05-14", {}),
    ("unspecified_scope", [withdrawn(on("2026-01-10"), organization="acme-inc")], "2026-05-14", {}),
    ("download_is_inquiry", [converted(on("2026-01-10"), "zest")], "2026-05-14", {}),
    ("confirm_required", [requested(on("2026-05-01"), PROMOTIONS)], "2026-05-14", {}),
    ("confirm_after_complaint", [ASKED, withdrawn(on("2026-05-02"))], "2026-05-14", CONFIRM),
    ("reminders", [ASKED], "2026-05-14", CONFIRM),
    ("unknown_place", [], "2026-05-14", {"place": "CA-ON"}),
    ("unknown_place", [given(on("2026-01-10"))], "2026-05-14", {"place": None}),
    ("foreign_state", [], "2026-05-14", {"place": "US", "sender_place": "US"}),
    ("foreign_state", [], "2026-05-14", {"place": "MX"}),
    ("temporary", [given(on("2026-01-10"))], "2026-05-14", {"place": "CA-ON"}),
    ("temporary", [PURCHASE], "2026-05-14", {"place": "CA-QC"}),
]


def unsettled(history, day, more):
    more = dict(more)
    return decide(ask(on(day, "20:00"), more.pop("topic", TOPIC), **more), history).unsettled


@pytest.mark.parametrize(("name", "history", "day", "more"), BEARS)
def test_a_decision_names_the_reading_that_it_rests_on(name, history, day, more):
    assert name in unsettled(history, day, more)


@pytest.mark.parametrize(("name", "history", "day", "more"), BEARS_NOT)
def test_a_decision_on_which_a_reading_does_not_bear_does_not_name_it(name, history, day, more):
    assert name not in unsettled(history, day, more)


def test_every_reading_is_among_those():
    assert {name for name, *_ in BEARS} == {name for name, *_ in BEARS_NOT} == set(READINGS)


def test_two_readings_may_bear_on_one_decision():
    no = withdrawn(on("2026-01-10"), organization="acme-inc", unspecified=True, told="acme")
    facts = [no, related(on("2026-02-10"), brand="zest")]
    assert unsettled(facts, "2026-05-14", {"topic": "zest/newsletter"}) == (
        "unspecified_scope",
        "purchase_revives",
        "unsubscribe_all_scope",
    )


def test_a_settled_answer_names_none():
    assert unsettled([given(on("2026-01-10"))], "2026-05-14", {}) == ()


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_explained_in_both_languages(name):
    reading = READINGS[name]
    english, french = reading.says(), reading.says("fr")
    assert english.endswith(".") and french.endswith(".") and english != french
    assert "'" not in french
    assert reading.says("en") == english


def test_each_choice_is_the_one_by_which_less_mail_is_sent():
    assert {name: reading.chosen for name, reading in READINGS.items()} == {
        "same_day_counts": "false",
        "month_end": "both",
        "ongoing_end_inclusive": "false",
        "zones": "sender_and_recipient",
        "purchase_revives": "false",
        "consent_scope": "brand",
        "unsubscribe_all_scope": "organization",
        "unspecified_scope": "organization",
        "download_is_inquiry": "false",
        "confirm_required": "true",
        "confirm_after_complaint": "false",
        "reminders": "0",
        "unknown_place": "CA",
        "foreign_state": "its_law_if_we_hold_it",
        "temporary": "while_the_purpose_lasts",
    }
