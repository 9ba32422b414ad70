"""A decision as the API answers it, and as a person reads it on a terminal."""

from datetime import timedelta
from typing import Any

from consent.law.decide import RULES
from consent.law.decision import Allow, Reason
from consent.law.facts import Delivery
from consent.ledger.entries import when
from consent.sends.decide import Answer

CACHEABLE = timedelta(seconds=30)  # so long a caller may keep an answer; a "no" must be seen after that
_NOT_CONSENT = {
    "welcome.sent": "Sending a welcome e-mail is not consent.",
    "welcome.delivered": "Receiving a welcome e-mail is not consent.",
    "welcome.opened": "Opening a welcome e-mail is not consent.",
}


def as_json(answer: Answer) -> dict[str, Any]:
    """Return the answer in the form of ``POST /decisions``."""
    decision, question = answer.decision, answer.question
    return {
        "email": answer.address.typed,
        "topic": question.topic,
        "kind": question.kind,
        "at": when(question.at),
        "decision": "allow" if decision else "deny",
        "state": decision.state,
        "code": decision.code,
        "basis": _basis(answer),
        "reasons": [_reason(reason) for reason in decision.reasons],
        "not_consent": [_not_consent(delivery) for delivery in decision.not_consent],
        "remedy": None if isinstance(decision, Allow) else decision.remedy,
        "rules": RULES,
        "ledger": {"size": answer.ledger_size},
        "cacheable_until": when(answer.asked_at + CACHEABLE),
    }


def as_text(answer: Answer) -> str:
    """Return the answer in lines for a terminal."""
    decision, question = answer.decision, answer.question
    verdict = "ALLOW" if decision else "DENY"
    lines = [
        f"{verdict}  {question.kind} mail about {question.topic} to {answer.address.typed}, at {when(question.at)}"
    ]
    for reason in decision.reasons:
        entry = f", entry {reason.fact.entry}" if reason.fact else ""
        lines += [f"  because  {reason.text}", f"           {reason.citation}{entry}"]
    lines += [
        f"  not      {_not_consent(delivery)['text']} ({when(delivery.occurred_at)})"
        for delivery in decision.not_consent
    ]
    if not isinstance(decision, Allow):
        lines.append(f"  do       {decision.remedy}")
    return "\n".join(lines)


def _basis(answer: Answer) -> dict[str, Any] | None:
    decision = answer.decision
    if not isinstance(decision, Allow) or decision.basis is None:
        return None
    basis = decision.basis
    return {
        "regime": basis.regime,
        "ground": basis.ground,
        "since": basis.since.astimezone(answer.zone).date().isoformat(),
        "until": basis.until.astimezone(answer.zone).date().isoformat() if basis.until else None,
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "text": reason.text,
        "citation": str(reason.citation),
        "entry": reason.fact.entry if reason.fact else None,
        "sequence": reason.fact.sequence if reason.fact else None,
    }


def _not_consent(delivery: Delivery) -> dict[str, Any]:
    text = _NOT_CONSENT.get(delivery.kind, "A fact about delivery is not consent.")
    return {"kind": delivery.kind, "at": when(delivery.occurred_at), "text": text}
