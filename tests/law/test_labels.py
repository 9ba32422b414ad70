"""Labels: what counsel's short words for a basis mean in the words of the decisions."""

import pytest

from consent.law import cases
from consent.law.decide import decide
from consent.law.labels import LABELS, agrees
from tests.law.histories import ask, ended, given, hour, on, related, requested, through, withdrawn
from tests.law.test_cases import ROWS

DECISIONS = [decide(case.question, case.facts) for case in map(cases.read, ROWS)]
SEEN = {(d.code, d.basis.ground if d.basis else None) for d in DECISIONS}


@pytest.mark.parametrize("label", LABELS)
def test_a_label_means_codes_and_grounds_that_decisions_have(label):
    meaning = LABELS[label]
    assert meaning.codes <= {code for code, _ in SEEN}
    assert all((code, ground) in SEEN for code in meaning.codes for ground in meaning.grounds)


@pytest.mark.parametrize(
    ("label", "facts"),
    [
        ("express", [given(on("2026-01-10"))]),
        ("express_unknown_third_party", [through(on("2026-01-10"))]),
        ("implied_purchase_2y", [related(on("2026-01-10"))]),
        ("implied_inquiry_6m", [related(on("2026-01-10"), "inquiry")]),
        ("implied_ongoing", [related(on("2020-01-10"), "loan"), ended(on("2026-01-10"), "loan")]),
        ("implied_contract_2y", [related(on("2020-01-10"), "contract")]),
        ("implied_expired", [related(on("2020-01-10"))]),
        ("unconfirmed", [requested(on("2026-01-10"))]),
        ("withdrawn", [withdrawn(on("2026-01-10"))]),
        ("withdrawn", [withdrawn(on("2026-01-10"), act="complained")]),
        ("none", []),
    ],
)
def test_a_label_agrees_with_what_it_means_and_with_nothing_else(label, facts):
    decision = decide(ask(on("2026-03-10")), facts)
    agreeing = {name for name in LABELS if agrees(name, decision)}
    assert label in agreeing
    assert agreeing <= {name for name, meaning in LABELS.items() if decision.code in meaning.codes}


def test_one_implied_ground_is_not_another():
    decision = decide(ask(on("2026-03-10")), [related(on("2026-01-10"))])
    assert not agrees("implied_inquiry_6m", decision)
    assert not agrees("express", decision)


def test_a_consent_through_a_collector_is_not_one_that_was_given_to_us():
    decision = decide(ask(hour(9)), [through(hour(1))])
    assert not agrees("express", decision)


def test_a_label_that_is_none_of_ours_is_a_note():
    assert agrees("see the memo of May", decide(ask(hour(9)), []))
    assert agrees("", decide(ask(hour(9)), []))
