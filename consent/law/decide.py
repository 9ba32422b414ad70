"""The question "may I send this message to this person now?", and the window that is cached as a standing.

Which regimes apply follows from the sender's and the recipient's place; every one must allow. A place that is
unknown is Canada, and so far the rules of Canada alone are applied to everyone: none of the others is
stricter on consent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.law import casl
from consent.law.decision import Decision
from consent.law.facts import Fact, Question

RULES = "2026.11"

#: Every message is ``commercial`` unless it is one of the kinds that may need no consent, and its fact is on
#: record (s. 6(6); SOR/2013-221 s. 3). Without its fact a kind is judged as commercial.
KINDS = (
    "commercial", "receipt", "quote", "recall", "account_notice", "employment", "delivery", "confirmation", "reply",
    "legal_notice", "fundraising", "consent_request", "receipt_with_offer",
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """What the facts add up to for a topic: commercial mail is allowed in ``[allowed_from, allowed_until)``.

    An *allowed_until* of None is no end; an *allowed_from* of None is no window at all. *since* is when the
    state began and *entry* the one that it rests on.
    """

    state: str
    basis: str | None
    allowed_from: datetime | None
    allowed_until: datetime | None
    since: datetime | None
    entry: str | None


def decide(question: Question, facts: Sequence[Fact]) -> Decision:
    """Return the answer to *question* in the light of *facts*, in whatever order they come."""
    if question.kind == "confirmation" and (exempt := casl.confirmation(question, facts)):
        return exempt
    return casl.commercial(question, facts)


def standing(question: Question, facts: Sequence[Fact]) -> Standing:
    """Return the window in which commercial mail about the question's topic is allowed, as known at its instant."""
    answer = casl.commercial(question, facts)
    fact = answer.reasons[0].fact
    basis = answer.basis if answer else None
    return Standing(
        state=answer.state,
        basis=f"{basis.regime}.{basis.ground}" if basis else None,
        allowed_from=basis.since if basis else None,
        allowed_until=basis.until if basis else None,
        since=fact.occurred_at if fact else None,
        entry=fact.entry if fact else None,
    )
