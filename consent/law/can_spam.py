"""The CAN-SPAM Act of the United States: mail may go until the person asks for it to stop, and not a day longer."""

from datetime import UTC, datetime

from consent.law import answers, express
from consent.law.citations import USC
from consent.law.decision import Allow, Basis, Decision, Reason
from consent.law.facts import Question, Seen

IN_FORCE = datetime(2004, 1, 1, tzinfo=UTC)


def commercial(question: Question, seen: Seen) -> Decision:
    """Return whether a commercial message may be sent, 15 U.S.C. 7704(a)(4)(A).

    No prior consent is needed. A request to stop that covers the topic denies at once (the Act's ten business days
    are an outer limit) and never lapses; only later affirmative consent ends it, 7704(a)(4)(B), which a purchase is
    not. A menu may let the person stop one topic and keep another, 7704(a)(3)(B).
    """
    consent, refusal = express.last_word(question, seen)
    if refusal:
        return answers.refused(question, refusal, cite=USC["7704(a)(4)(A)"])
    if consent:
        return answers.agreed(question, consent, "can_spam", cite=USC["7704(a)(4)(B)"])
    reason = Reason("opt_out_regime", USC["7704(a)(4)(A)"])
    return Allow(state="implied", code="opt_out_regime", basis=Basis("can_spam", "opt_out"), reasons=(reason,))


def windows(question: Question, seen: Seen) -> list[tuple[datetime, datetime | None]]:
    """Return the instants in which what is *seen* now allows commercial mail."""
    _, refusal = express.last_word(question, seen)
    return [] if refusal else [(IN_FORCE, None)]
