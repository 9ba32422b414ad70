"""Files of cases: what a row means, and that a bad one is refused with a message that names the field."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from consent.law import cases, facts
from consent.law.cases import BadCase, history, read
from tests.law.histories import TORONTO, VANCOUVER

AT = "2026-05-14T10:00:00-04:00"
INSTANT = datetime(2026, 5, 14, 14, tzinfo=UTC)
ROW = {
    "id": "A-1",
    "sender_place": "CA",
    "recipient_place": "CA-QC",
    "history": "[]",
    "asked_at": AT,
    "brand": "acme",
    "topic": "acme/newsletter",
    "kind": "commercial",
    "expect": "deny",
    "basis": "none",
    "citation": "",
    "settled": "yes",
    "note": "Nothing is on record",
}


def fact(kind, **more):
    """Return the one fact that a history of one line makes."""
    (made,) = history(json.dumps([{"at": AT, "kind": kind, "brand": "acme"} | more]))
    return made


def refusal(**more):
    """Return the message with which a history of one line is refused."""
    with pytest.raises(BadCase) as refused:
        history(json.dumps([{"at": AT, "kind": "consent.requested", "brand": "acme", "topic": "acme/news"} | more]))
    return str(refused.value)


def test_a_row_is_read_whole():
    case = read(ROW)
    assert (case.id, case.expect, case.basis, case.note) == ("A-1", "deny", "none", "Nothing is on record")
    assert case.facts == ()
    question = case.question
    assert (question.organization, question.brand, question.topic, question.kind) == (
        "acme-inc", "acme", "acme/newsletter", "commercial",
    )  # fmt: skip
    assert (question.at, question.zone, question.sender_place, question.place) == (INSTANT, TORONTO, "CA", "CA-QC")


def test_an_empty_place_is_unknown_and_an_empty_topic_is_none():
    question = read(ROW | {"sender_place": "", "recipient_place": " ", "topic": ""}).question
    assert (question.sender_place, question.place, question.topic) == (None, None, None)


def test_columns_that_are_not_needed_may_be_missing():
    needed = {name: ROW[name] for name in cases.NEEDED}
    assert read(needed).basis == ""
    assert read(needed | {"note": None}).note == ""


@pytest.mark.parametrize("name", sorted(cases.NEEDED))
@pytest.mark.parametrize("empty", ["", "  ", None])
def test_a_column_that_is_needed_is_named_if_it_is_empty(name, empty):
    with pytest.raises(BadCase, match=f"^{name}: empty"):
        read(ROW | {name: empty})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("expect", "maybe"),
        ("kind", "newsletter"),
        ("sender_place", "Canada"),
        ("sender_place", "ca"),
        ("recipient_place", "CA-"),
        ("recipient_place", "CA-QC-1"),
        ("asked_at", "yesterday"),
        ("asked_at", "2026-05-14"),
        ("asked_at", "2026-05-14T10:00:00"),
        ("asked_at", "1899-12-31T10:00:00Z"),
        ("asked_at", "9999-12-31T23:59:59-12:00"),
        ("asked_at", "0001-01-01T00:00:00+14:00"),
        ("brand", "Acme"),
        ("topic", "newsletter"),
        ("topic", "acme/"),
        ("history", "nothing"),
        ("history", "{}"),
        ("history", "[1]"),
        ("history", "[" * 100_000),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_column(name, value):
    with pytest.raises(BadCase) as refused:
        read(ROW | {name: value})
    assert name in str(refused.value).split(":")[0]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"kind": "consent.bought"}, "fact 1: 'consent.bought'"),
        ({"kind": None}, "fact 1: None"),
        ({"kind": ["consent.given"]}, "fact 1: ['consent.given']"),
        ({"colour": "red"}, "consent.requested has no field colour"),
        ({"method": "paper", "evidence": "x"}, "has no field evidence, method"),
        ({"brand": None}, "names no brand"),
        ({"brand": "Acme Inc."}, "names no brand"),
        ({"notice_complete": "yes"}, "fact 1, notice_complete"),
        ({"notice_complete": 1}, "fact 1, notice_complete"),
        ({"at": None}, "fact 1, at"),
        ({"at": "2026-05-14"}, "fact 1, at"),
        ({"at": 5}, "fact 1, at"),
        ({"recorded_at": "later"}, "fact 1, recorded_at"),
        ({"zone": "Mars/Olympus"}, "fact 1, zone"),
        ({"zone": ""}, "fact 1, zone"),
        ({"zone": "America"}, "fact 1, zone"),
        ({"zone": "../etc"}, "fact 1, zone"),
        ({"topic": "newsletter"}, "fact 1, topic"),
        ({"topic": None}, "fact 1, topic"),
        ({"topic": 7}, "fact 1, topic"),
    ],
)
def test_a_bad_field_of_any_fact_is_named(more, named):
    assert named in refusal(**more)


@pytest.mark.parametrize(
    ("kind", "more", "named"),
    [
        ("consent.given", {"method": None, "topic": "acme/n"}, "fact 1, method"),
        ("consent.given", {"method": "paper"}, "fact 1, topic"),
        ("consent.given", {"method": "paper", "topic": "acme/n", "on_behalf_of": "acme"}, "fact 1, on_behalf_of"),
        ("consent.given", {"method": "paper", "topic": "acme/n", "on_behalf_of": ["Acme"]}, "fact 1, on_behalf_of"),
        ("consent.given", {"method": "paper", "topic": "acme/n", "imported": "no"}, "fact 1, imported"),
        ("confirmation.answered", {}, "fact 1, topic"),
        ("confirmation.answered", {"topic": "acme/n", "link_age_days": "7"}, "fact 1, link_age_days"),
        ("confirmation.answered", {"topic": "acme/n", "link_age_days": True}, "fact 1, link_age_days"),
        ("confirmation.sent", {"topic": "acme"}, "fact 1, topic"),
        ("consent.withdrawn", {}, "fact 1, scope"),
        ("consent.withdrawn", {"scope": "Everything!"}, "fact 1, scope"),
        ("relationship.recorded", {"type": "friendship"}, "fact 1, type"),
        ("relationship.recorded", {}, "fact 1, type"),
        ("relationship.recorded", {"type": "purchase", "similar": "yes"}, "fact 1, similar"),
        ("relationship.ended", {"type": None}, "fact 1, type"),
        ("relationship.ended", {"type": "subscription", "similar": True}, "has no field similar"),
        ("business.sold", {}, "fact 1, to"),
        ("business.sold", {"to": "Acme"}, "fact 1, to"),
    ],
)
def test_a_bad_field_of_one_kind_of_fact_is_named(kind, more, named):
    with pytest.raises(BadCase) as refused:
        fact(kind, **more)
    assert named in str(refused.value)


def test_a_collector_must_be_a_name():
    with pytest.raises(BadCase, match="collector"):
        fact("consent.given", method="unknown_third_party", collector=["listco"])


def test_evidence_must_be_a_text():
    with pytest.raises(BadCase, match="evidence"):
        fact("consent.given", method="oral", topic="acme/n", evidence=["full_recording"])


def test_the_second_fact_is_called_the_second():
    good = {"at": AT, "kind": "account.created", "brand": "acme"}
    with pytest.raises(BadCase, match="fact 2, at"):
        history(json.dumps([good, good | {"at": ""}]))


def test_a_fact_that_was_told_later_says_so():
    told = fact("account.created", recorded_at="2026-06-01T00:00:00Z")
    assert (told.occurred_at, told.recorded_at, told.entry) == (INSTANT, datetime(2026, 6, 1, tzinfo=UTC), "E1")


def test_acme_and_zest_are_one_organization_and_others_their_own():
    assert [cases.organization_of(name) for name in ("acme", "zest", "acme-us")] == ["acme-inc", "acme-inc", "acme-us"]


@pytest.mark.parametrize("kind", ["link.clicked", "unsubscribe.fetched", "contact.imported", "confirmation.fetched"])
def test_what_no_rule_may_use_makes_no_fact(kind):
    assert history(json.dumps([{"at": AT, "kind": kind, "brand": "acme"}])) == ()


@pytest.mark.parametrize(
    ("kind", "more", "made"),
    [
        ("account.created", {}, facts.Contacted),
        ("question.received", {}, facts.Contacted),
        ("conversion.recorded", {"type": "webinar_registration"}, facts.Conversion),
        ("message.sent", {"topic": "acme/n"}, facts.MessageSent),
        ("business.sold", {"to": "zest"}, facts.BusinessSold),
        ("contact.erased", {}, facts.Erasure),
        ("welcome.opened", {"link": "blog"}, facts.Delivery),
        ("bounce.received", {}, facts.Suppression),
        ("confirmation.sent", {"topic": "acme/n"}, facts.ConfirmationSent),
        ("relationship.ended", {"type": "loan"}, facts.RelationshipEnded),
    ],
)
def test_every_kind_makes_its_fact(kind, more, made):
    assert type(fact(kind, **more)) is made


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ("all", (None, None, "acme-inc", False, "acme")),
        ("unspecified", (None, None, "acme-inc", True, "acme")),
        ("zest", (None, "zest", "acme-inc", False, None)),
        ("partner/news", ("partner/news", None, "partner", False, None)),
    ],
)
def test_a_scope_says_what_was_left(scope, left):
    no = fact("consent.withdrawn", scope=scope, channel="one_click_post")
    assert (no.topic, no.brand, no.organization, no.unspecified, no.told) == left


@pytest.mark.parametrize(("kind", "act"), [("complaint.received", "complained"), ("objection.received", "objected")])
def test_complaints_and_objections_are_to_the_organization(kind, act):
    no = fact(kind)
    assert (no.act, no.organization, no.topic, no.brand) == (act, "acme-inc", None, None)


def test_a_consent_keeps_what_is_told_of_it():
    yes = fact("consent.given", topic="zest/n", brand="zest", method="oral", evidence="full_recording", imported=True,
               notice_complete=True, on_behalf_of=["zest", "partner"])  # fmt: skip
    assert (yes.brand, yes.organization, yes.topic, yes.collector) == ("zest", "acme-inc", "zest/n", None)
    assert (yes.evidence, yes.imported, yes.notice_complete, yes.on_behalf_of) == (
        "full_recording", True, True, ("zest", "partner"),
    )  # fmt: skip


def test_a_consent_of_which_little_is_told_was_asked_for_badly():
    assert fact("consent.given", topic="acme/n", method="paper").notice_complete is False


def test_a_consent_for_senders_unknown_needs_no_topic():
    yes = fact("consent.given", method="unknown_third_party", collector="zest", conditions_met=True)
    assert (yes.topic, yes.collector, yes.conditions_met) == (None, "acme-inc", True)


def test_a_confirmation_answers_the_last_sign_up_before_it():
    told = [
        {"at": "2026-05-01T10:00:00Z", "kind": "consent.requested", "brand": "acme", "topic": "acme/n"},
        {"at": "2026-05-03T10:00:00Z", "kind": "confirmation.answered", "brand": "acme", "topic": "acme/n"},
        {"at": "2026-05-02T10:00:00Z", "kind": "consent.requested", "brand": "acme", "topic": "acme/n",
         "notice_complete": False},
        {"at": "2026-05-02T11:00:00Z", "kind": "consent.requested", "brand": "acme", "topic": "acme/other"},
        {"at": "2026-05-04T10:00:00Z", "kind": "consent.requested", "brand": "acme", "topic": "acme/n"},
    ]  # fmt: skip
    yes = history(json.dumps(told))[1]
    assert (yes.method, yes.notice_complete, yes.asked_at) == (
        "confirm_button",
        False,
        datetime(2026, 5, 2, 10, tzinfo=UTC),
    )


def test_a_confirmation_without_a_sign_up_on_record_stands_alone():
    assert fact("confirmation.answered", topic="acme/n").asked_at is None


@pytest.mark.parametrize(("days", "counts"), [(None, True), (0, True), (7, True), (7.01, False), (8, False)])
def test_a_confirmation_link_works_for_seven_days(days, counts):
    told = {"at": AT, "kind": "confirmation.answered", "brand": "acme", "topic": "acme/n", "link_age_days": days}
    assert len(history(json.dumps([told]))) == counts


def test_a_relationship_keeps_its_zone_and_its_marks():
    sale = fact("relationship.recorded", type="purchase", zone="America/Vancouver", similar=True)
    assert (sale.zone, sale.similar, sale.opt_out_offered, sale.no_spam_notice) == (VANCOUVER, True, False, True)
    assert fact("relationship.recorded", type="purchase", zone=None).zone is None


def test_a_link_that_is_older_than_the_sign_up_on_record_answers_an_older_one():
    yes = fact("confirmation.answered", topic="acme/n", link_age_days=3)
    assert yes.asked_at == INSTANT - timedelta(days=3)


def test_a_referral_names_who_made_it():
    told = {"type": "referral", "relationships_ok": True, "named_in_message": True}
    assert fact("relationship.recorded", referrer="Jo Roy", **told).named_in_message is True
    assert fact("relationship.recorded", **told).named_in_message is False


def test_a_relationship_that_was_undone_is_none():
    told = {"at": AT, "kind": "relationship.recorded", "brand": "acme", "type": "purchase", "voided": True}
    assert history(json.dumps([told])) == ()
    assert len(history(json.dumps([told | {"voided": False}]))) == 1


@pytest.mark.parametrize(
    ("code", "hard"),
    [
        ("5.1.1", True), ("5.1.0", True), ("5.1.6", True), ("5.1.10", True), ("5.2.1", True), ("5.0.0", True),
        ("5.2.2", False), ("5.7.1", False), ("5.7.515", False), ("5.1.8", False), ("4.1.1", False), ("hard", False),
    ],
)  # fmt: skip
def test_only_a_refusal_for_good_of_the_mailbox_itself_stops_mail(code, hard):
    told = {"at": AT, "kind": "bounce.received", "brand": "acme", "code": code}
    assert len(history(json.dumps([told]))) == hard


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "history: not JSON."),
        ('["\\ud800"]', "history: not JSON."),
        ("{}", "history: not a JSON list of objects."),
        ("[1]", "history: not a JSON list of objects."),
    ],
)
def test_a_history_that_is_no_list_of_objects_is_told_in_these_words(text, says):
    with pytest.raises(cases.BadCase) as refused:
        cases.history(text)
    assert str(refused.value) == says


def test_a_relationship_that_is_none_is_named_beside_those_that_are():
    with pytest.raises(cases.BadCase) as refused:
        cases.history('[{"at":"2026-01-01T00:00Z","kind":"relationship.recorded","brand":"acme","type":"pen pals"}]')
    assert "type: 'pen pals' is no relationship; one of purchase, lease, barter," in str(refused.value)


def test_a_confirmation_in_the_instant_of_its_sign_up_takes_over_what_that_says():
    at = '"at":"2026-01-01T00:00Z","brand":"zest","topic":"zest/newsletter"'
    asked = f'{{{at},"kind":"consent.requested","notice_complete":false}}'
    for first, complete in ((asked, False), (asked.replace(',"notice_complete":false', ""), True)):
        _, answered = cases.history(f'[{first},{{{at},"kind":"confirmation.answered"}}]')
        assert (answered.notice_complete, answered.organization, answered.asked_at) == (
            complete,
            "acme-inc",
            answered.occurred_at,
        )
