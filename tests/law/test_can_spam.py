"""The rules of the United States: mail may go until the person says no, and then for good."""

from datetime import datetime

import pytest

from consent.law import can_spam
from consent.law.citations import USC
from tests.law.histories import PROMOTIONS, SCOPES, STEPS, TOPIC, ask, given, hour, related, withdrawn


def commercial(at, *facts, **more):
    question = ask(at, place="US", **more)
    return can_spam.commercial(question, question.seen(facts))


def windows(*facts):
    question = ask(hour(99), place="US")
    return can_spam.windows(question, question.seen(facts))


def test_without_a_word_from_the_person_mail_may_go():
    decision = commercial(hour(9))
    assert (decision.state, decision.code, str(decision.basis)) == ("implied", "opt_out_regime", "can_spam.opt_out")
    assert decision.reasons[0].citation == USC["7704(a)(4)(A)"]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("hours", [0, 1, 24 * 365 * 40])
def test_a_request_to_stop_works_at_once_and_never_lapses(scope, hours):
    decision = commercial(hour(5 + hours), withdrawn(hour(5), **scope))
    assert (bool(decision), decision.code, decision.reasons[0].citation) == (False, "withdrawn", USC["7704(a)(4)(A)"])


def test_a_menu_may_stop_one_topic_and_keep_another():
    assert commercial(hour(9), withdrawn(hour(5), topic=PROMOTIONS))
    assert not commercial(hour(9), withdrawn(hour(5), topic=PROMOTIONS), topic=PROMOTIONS)


@pytest.mark.parametrize("step", STEPS)
def test_only_later_affirmative_consent_ends_it(step):
    decision = commercial(hour(9), withdrawn(hour(5)), given(hour(5) + step, method="checkbox_unticked"))
    assert bool(decision) == (step == STEPS[-1])
    assert decision.reasons[0].citation == USC["7704(a)(4)(B)" if decision else "7704(a)(4)(A)"]


@pytest.mark.parametrize("type", ["purchase", "subscription", "contract", "inquiry"])
def test_no_relationship_is_affirmative_consent(type):
    assert not commercial(hour(9), withdrawn(hour(5)), related(hour(6), type))


def test_an_invalid_consent_is_not_needed_and_not_enough():
    invalid = given(hour(6), method="prechecked_box")
    assert commercial(hour(9), invalid).code == "opt_out_regime"
    assert not commercial(hour(9), withdrawn(hour(5)), invalid)


def test_affirmative_consent_is_named_where_there_is_some():
    decision = commercial(hour(9), given(hour(1)))
    assert (decision.state, str(decision.basis)) == ("given", "can_spam.express")


def test_mail_may_go_in_one_window_or_in_none():
    ((opens, closes),) = windows()
    assert opens < datetime(2005, 1, 1, tzinfo=opens.tzinfo) and closes is None
    assert windows(withdrawn(hour(5), topic=TOPIC)) == []
    assert windows(withdrawn(hour(5)), given(hour(6))) == [(opens, None)]
