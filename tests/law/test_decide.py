"""The question as a whole: what stops everything, what is exempt, and what is cached as a standing."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from consent.law.decide import RULES, decide, standing
from consent.law.decision import STATES
from tests.law import histories
from tests.law.histories import (
    LAST_HOUR,
    MOMENT,
    PROMOTIONS,
    STEPS,
    TOPIC,
    answer,
    ask,
    contacted,
    converted,
    delivered,
    erased,
    given,
    hour,
    mailed,
    on,
    related,
    requested,
    sold,
    suppressed,
    through,
    voided,
    withdrawn,
)
from tests.people import CHLOE

FAR = 24 * 365 * 6


def codes(question, *facts):
    """Return the code of the answer, and of its reason if that is another."""
    decision = decide(question, facts)
    return decision.code, decision.reasons[0].key


def edges(history, question):
    """Return instants from the question's on: where the history's windows might open or close, and around."""
    cached = standing(question, history)
    found = {question.at}
    for edge in (cached.allowed_from, cached.allowed_until, cached.then_from, cached.then_until):
        found |= {edge + step for step in STEPS} if edge else set()
    for fact in history:
        found |= {fact.occurred_at + timedelta(hours=n) for n in (1, 24, 48)}
    return sorted(at for at in found if at >= question.at)


places = st.tuples(st.sampled_from(("CA", None, "US", "GB", "FR")), st.sampled_from(histories.PLACES))


@settings(max_examples=400)
@for_any(histories.without_referrals, histories.topics, places, st.integers(0, FAR))
def test_the_cached_windows_agree_with_the_answer_at_every_later_instant(history, topic, pair, later):
    at = max((fact.occurred_at for fact in history), default=hour(0))
    question = ask(at, topic, sender_place=pair[0], place=pair[1])
    cached = standing(question, history)
    for when in [*edges(history, question), at + timedelta(hours=later)]:
        assert cached.allows(when) == bool(decide(dataclasses.replace(question, at=when), history))


@for_any(histories.without_referrals, histories.topics)
def test_the_cached_windows_hold_at_the_instant_of_every_fact(history, topic):
    for fact in history:
        question = ask(fact.occurred_at, topic)
        assert standing(question, history).allows(question.at) == bool(decide(question, history))


@for_any(histories.histories, histories.topics)
def test_a_standing_names_the_state_its_beginning_and_its_entry(history, topic):
    question = ask(hour(LAST_HOUR), topic)
    cached, decision = standing(question, history), decide(question, history)
    fact = decision.reasons[0].fact
    assert cached.state == decision.state
    assert cached.basis == (str(decision.basis) if decision.basis else None)
    assert (cached.since, cached.entry) == ((fact.occurred_at, fact.entry) if fact else (None, None))


def test_a_standing_is_about_commercial_mail_whatever_was_asked():
    assert standing(ask(hour(2), kind="confirmation"), [requested(hour(1))]).allowed_from is None


def test_a_standing_has_a_second_window_where_the_first_ends_before_the_next_begins():
    evening = on("2026-05-10", "20:00")  # morning of the 11th in Tokyo, whose midnight is eleven o'clock in Toronto
    facts = [related(on("2025-11-10"), "inquiry"), related(evening, "purchase", zone=histories.TOKYO)]
    cached = standing(ask(evening), facts)
    assert (cached.allowed_from, cached.allowed_until) == (on("2025-11-11", "00:00"), on("2026-05-11", "00:00"))
    assert (cached.then_from, cached.then_until) == (on("2026-05-11", "11:00"), on("2028-05-11", "00:00"))


def test_a_standing_has_one_window_where_the_next_begins_as_the_first_ends():
    facts = [related(on("2025-11-10"), "inquiry"), related(on("2026-05-10"), "purchase")]
    cached = standing(ask(on("2026-05-10", "20:00")), facts)
    assert (cached.allowed_until, cached.then_from) == (on("2028-05-11", "00:00"), None)


def test_a_referral_allows_a_message_and_no_standing():
    referral = related(hour(1), "referral", relationships_ok=True, named_in_message=True)
    assert decide(ask(hour(2)), [referral])
    assert not standing(ask(hour(2)), [referral]).allows(hour(2))


@pytest.mark.parametrize("stop", [suppressed(hour(2)), suppressed(hour(2), "manual"), erased(hour(2))])
def test_what_stops_mail_leaves_no_window(stop):
    cached = standing(ask(hour(3)), [given(hour(1)), stop])
    assert (cached.state, cached.allowed_from, cached.then_from) == ("suppressed", None, None)


@for_any(histories.histories, histories.questions)
def test_a_decision_is_in_a_state_that_the_law_knows(history, question):
    assert decide(question, history).state in STATES


@for_any(histories.histories, histories.questions)
def test_what_occurred_later_than_the_instant_asked_about_is_left_out(history, question):
    earlier = [f for f in history if f.occurred_at <= question.at or isinstance(f, histories.Voiding)]
    assert decide(question, history) == decide(question, earlier)


@for_any(histories.histories, histories.questions, histories.hours)
def test_what_was_recorded_later_than_the_instant_known_at_is_left_out(history, question, number):
    known = dataclasses.replace(question, known_at=hour(number))
    earlier = [fact for fact in history if fact.recorded_at <= hour(number)]
    assert decide(known, history) == decide(dataclasses.replace(question, known_at=None), earlier)


def test_a_no_that_arrived_late_counts_today_and_not_in_what_was_known_then():
    history = [given(hour(1)), withdrawn(hour(5), recorded=hour(50), topic=TOPIC)]
    assert not decide(ask(hour(6)), history)
    assert decide(ask(hour(6), known_at=hour(49)), history)


@for_any(histories.histories, histories.questions)
def test_what_was_recorded_wrongly_counts_for_nothing(history, question):
    void = {fact.voids for fact in history if isinstance(fact, histories.Voiding)}
    if question.known_at is None:
        assert answer(decide(question, history)) == answer(
            decide(question, [f for f in history if f.entry not in void])
        )


def test_a_void_no_lifts_itself_from_when_it_is_known_to_be_void():
    history = [given(hour(1)), withdrawn(hour(5), entry="W"), voided(hour(9), "W", recorded=hour(9))]
    assert not decide(ask(hour(6), known_at=hour(8)), history)
    assert decide(ask(hour(6), known_at=hour(9)), history)


def test_an_unknown_kind_is_commercial():
    assert codes(ask(hour(2), kind="newsletter"), related(hour(1))) == ("implied_consent_not_yet",) * 2


@pytest.mark.parametrize("reason", ["hard_bounce", "invalid"])
@pytest.mark.parametrize(
    "kind", ["commercial", "receipt", "confirmation", "legal_notice", "address_transfer_to_processor"]
)
def test_an_address_that_refuses_mail_for_good_is_written_nothing(reason, kind):
    facts = given(hour(1)), related(hour(1)), requested(hour(1)), suppressed(hour(2), reason)
    assert codes(ask(hour(3), kind=kind), *facts) == ("undeliverable", "undeliverable")


@pytest.mark.parametrize("step", STEPS)
def test_a_confirmation_later_than_the_bounce_shows_that_mail_arrives(step):
    facts = [suppressed(hour(2)), given(hour(2) + step, PROMOTIONS)]
    assert bool(decide(ask(hour(9), PROMOTIONS), facts)) == (step > histories.NOW)


def test_the_latest_bounce_is_the_one_that_counts():
    facts = [suppressed(hour(2)), given(hour(3)), suppressed(hour(4))]
    assert codes(ask(hour(9)), *facts)[0] == "undeliverable"


@pytest.mark.parametrize("organization", ["acme-inc", None])
@pytest.mark.parametrize("kind", ["commercial", "receipt", "confirmation", "legal_notice"])
def test_an_erased_person_is_written_nothing(organization, kind):
    facts = related(hour(1)), erased(hour(2), organization), given(hour(3)), requested(hour(3))
    assert codes(ask(hour(4), kind=kind), *facts) == ("erased", "erased")


def test_what_another_organization_erased_is_its_own():
    assert decide(ask(hour(4)), [given(hour(1)), erased(hour(2), "rival-inc")])


def test_our_own_suppression_stops_commercial_mail_and_no_receipt():
    facts = related(hour(1)), given(hour(1)), suppressed(hour(2), "manual")
    assert codes(ask(hour(3)), *facts) == ("suppressed", "suppressed")
    assert decide(ask(hour(3), kind="receipt"), facts).state == "suppressed"


def test_a_confirmation_lifts_no_suppression_of_our_own():
    assert not decide(ask(hour(9)), [suppressed(hour(2), "manual"), given(hour(3))])


def test_chloe_who_opened_every_welcome_mail_for_a_year_is_still_not_written_to():
    history = [delivered(hour(24 * n), kind, entry=CHLOE.email) for n in range(365) for kind in histories.DELIVERIES]
    decision = decide(ask(hour(24 * 365)), history)
    assert answer(decision) == (False, "unknown", "no_consent")
    assert list(decision.not_consent) == history


@for_any(histories.histories, histories.questions)
def test_every_delivery_that_was_seen_is_listed_as_no_consent(history, question):
    seen = question.seen(history)
    assert list(decide(question, history).not_consent) == list(seen.of(histories.Delivery))


def test_consent_requests_may_rest_on_any_topic_of_the_brand_and_on_no_other_brand():
    question = ask(hour(9), None, "consent_request")
    assert decide(question, [given(hour(1), PROMOTIONS)])
    assert not decide(question, [given(hour(1), "zest/newsletter")])


def test_a_consent_request_may_rest_on_a_consent_that_names_the_brand():
    yes = given(hour(1), "zest/newsletter", on_behalf_of=("zest", "acme"))
    assert decide(ask(hour(9), None, "consent_request"), [yes])
    assert not decide(ask(hour(9), None, "consent_request"), [given(hour(1), on_behalf_of=("zest",))])


def test_a_consent_later_than_a_no_to_everything_is_a_basis_to_ask_for_more():
    facts = [withdrawn(hour(1), organization="acme-inc"), given(hour(2), PROMOTIONS)]
    assert decide(ask(hour(9), None, "consent_request"), facts)
    assert codes(ask(hour(9), TOPIC, "consent_request"), *facts)[0] == "withdrawn"


def test_no_topic_is_asked_about_after_a_no_to_everything():
    facts = [given(hour(1), PROMOTIONS), withdrawn(hour(2), organization="acme-inc")]
    assert codes(ask(hour(9), None, "consent_request"), *facts)[0] == "withdrawn"


def test_a_consent_request_is_refused_where_its_own_topic_was_left():
    facts = [given(hour(1), PROMOTIONS), withdrawn(hour(2), topic=TOPIC)]
    assert codes(ask(hour(9), TOPIC, "consent_request"), *facts) == ("withdrawn", "withdrawn")
    assert decide(ask(hour(9), None, "consent_request"), facts)


@pytest.mark.parametrize("act", ["withdrawn", "complained", "objected"])
def test_no_consent_request_wins_anybody_back(act):
    facts = [given(hour(1), PROMOTIONS), withdrawn(hour(2), topic=TOPIC, act=act)]
    assert codes(ask(hour(9), TOPIC, "consent_request"), *facts) == (act, act)


def test_a_suppressed_person_is_asked_for_nothing():
    facts = [given(hour(1), PROMOTIONS), suppressed(hour(2), "manual")]
    assert codes(ask(hour(9), TOPIC, "consent_request"), *facts)[0] == "suppressed"


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([], "unknown"),
        ([given(hour(1))], "given"),
        ([related(hour(1), "subscription")], "implied"),
        ([given(hour(1)), withdrawn(hour(2))], "withdrawn"),
        ([requested(hour(1))], "requested"),
    ],
)
def test_an_acknowledgement_and_a_transfer_tell_the_state_that_the_topic_is_in(facts, state):
    for kind in ("unsubscribe_ack", "address_transfer"):
        decision = decide(ask(hour(9), kind=kind), facts)
        assert (bool(decision), decision.state) == (False, state)


@pytest.mark.parametrize("scope", [*histories.SCOPES, {"topic": "zest/newsletter"}])
def test_an_address_is_not_passed_on_after_a_no_of_any_scope(scope):
    abroad = ask(hour(9), kind="address_transfer", sender_place="US", place="US")
    assert decide(abroad, [])
    assert codes(abroad, withdrawn(hour(2), **scope)) == ("no_transfer", "no_transfer")


def test_an_address_is_not_passed_on_after_a_no_along_a_chain():
    abroad = ask(hour(9), kind="address_transfer", sender_place="US", place="US")
    assert not decide(abroad, [through(hour(1)), withdrawn(hour(2), organization="listco")])
    assert decide(abroad, [withdrawn(hour(2), organization="listco")])


def test_a_no_to_another_organization_bars_no_transfer():
    abroad = ask(hour(9), kind="address_transfer", sender_place="US", place="US")
    assert decide(abroad, [withdrawn(hour(2), organization="rival-inc")])


@pytest.mark.parametrize("pair", [("CA", "CA"), ("US", "CA"), ("US", "GB"), ("GB", "US"), ("FR", "FR")])
def test_beyond_the_united_states_an_address_is_never_passed_on(pair):
    question = ask(hour(9), kind="address_transfer", sender_place=pair[0], place=pair[1])
    assert codes(question, given(hour(1))) == ("no_transfer", "no_transfer_consent")


def test_everything_that_is_no_consent_together_is_no_consent():
    facts = [delivered(hour(1)), converted(hour(1)), mailed(hour(1)), contacted(hour(1)), contacted(hour(1), "account")]
    assert answer(decide(ask(hour(2)), facts)) == (False, "unknown", "no_consent")


def test_after_a_sale_the_windows_are_the_buyers():
    facts = [related(on("2026-01-10"), "purchase", "rival"), sold(on("2026-02-10"), "rival", "acme")]
    assert standing(ask(on("2026-02-11")), facts).allowed_until == on("2028-01-11", "00:00")
    assert not standing(ask(on("2026-02-11"), "rival/newsletter"), facts).allows(on("2026-02-11") + MOMENT)


def test_the_rules_have_a_version():
    assert RULES.startswith("2026.")
