"""The United Kingdom (PECR reg. 22) and the EU and EEA (ePrivacy Directive Art. 13, GDPR): consent, or a customer.

Companies are treated as individuals (policy). A consent must be specific and informed, GDPR Art. 4(11), so one
that was given to a collector for senders unknown does not count.
"""

from datetime import datetime

from consent.law import answers, express
from consent.law.citations import EPRIVACY, GDPR, PECR
from consent.law.decision import Allow, Basis, Decision, Reason
from consent.law.express import latest
from consent.law.facts import Question, Relationship, Seen
from consent.law.implied import holders, sales_of
from consent.law.periods import local_day

#: A sale, or negotiations for one, in whose course the address was given (PECR reg. 22(3)(a)).
SALES = frozenset({"purchase", "lease", "barter", "quote_request"})


def in_the_uk(question: Question, seen: Seen) -> Decision:
    """Return whether a marketing message may be sent to somebody in the United Kingdom, PECR reg. 22(2) and (3)."""
    return _commercial(question, seen, "uk")


def in_the_eu(question: Question, seen: Seen) -> Decision:
    """Return whether a marketing message may be sent to somebody in the EU or EEA, ePrivacy Art. 13(1) and (2)."""
    return _commercial(question, seen, "eu")


_FLAWS = dict.fromkeys(("invalid_method", "request_incomplete", "conditions_not_met"), GDPR["4(11)"])
_FLAWS["evidence_missing"] = GDPR["7(1)"]
_CITATIONS = {
    "uk": (PECR["22(2)"], PECR["22(3)"]),
    "eu": (EPRIVACY["13(1)"], EPRIVACY["13(2)"]),
}


def _commercial(question: Question, seen: Seen, regime: str) -> Decision:
    """Judge by the person's last word, and else by the "soft opt-in" of customers.

    Prior consent allows, PECR reg. 22(2), ePrivacy Art. 13(1), and must be specific and informed, GDPR Art. 4(11).
    Objecting to marketing is absolute, GDPR Art. 21(3). Without either, a customer may be mailed (the "soft opt-in",
    PECR reg. 22(3), ePrivacy Art. 13(2)): that asks for an own sale or negotiations for one, similar products, and a
    simple refusal that was offered at the sale; what is not on record was not offered. It has no end.
    """
    prior, customer = _CITATIONS[regime]
    consent, refusal = express.last_word(question, seen, express.specific)
    if consent:
        return answers.agreed(question, consent, regime, cite=prior)
    if refusal:
        return answers.refused(question, refusal, cite=GDPR["21(3)"])
    if sale := latest(_sales(question, seen)):
        on = local_day(sale.occurred_at, question.zone)
        reason = Reason("soft_opt_in", customer, sale, {"day": on})
        return Allow(state="implied", code="soft_opt_in", basis=Basis(regime, customer.section, on), reasons=(reason,))
    return answers.first_of(
        answers.unconfirmed(question, seen, GDPR["7(1)"]),
        answers.flawed(question, seen, _FLAWS, express.specific),
        otherwise=answers.unrelated(question, seen, prior, GDPR["4(11)"], GDPR["4(11)"]),
    )


def windows(question: Question, seen: Seen) -> list[tuple[datetime, datetime | None]]:
    """Return the instants in which what is *seen* now allows commercial mail."""
    consent, refusal = express.last_word(question, seen, express.specific)
    if consent:
        return [(consent.occurred_at, None)]
    return [] if refusal else [(sale.occurred_at, None) for sale in _sales(question, seen)]


def _sales(question: Question, seen: Seen) -> list[Relationship]:
    sold = sales_of(seen)
    own = (fact for fact in seen.of(Relationship) if fact.brand == question.brand and not holders(fact, sold))
    return [fact for fact in own if fact.type in SALES and fact.opt_out_offered and fact.similar]
