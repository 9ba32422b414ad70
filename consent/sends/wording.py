"""A decision as the API answers it, and as a person reads it on a terminal, in English and French."""

from datetime import timedelta
from typing import Any

from consent.law import sentences
from consent.law.decide import RULES
from consent.law.decision import Allow, Reason
from consent.law.facts import Delivery
from consent.law.readings import READINGS
from consent.ledger.entries import when
from consent.sends.decide import Answer

CACHEABLE = timedelta(seconds=30)  # so long a caller may keep an answer; a "no" must be seen after that
_LABELS = {
    "en": {"allow": "ALLOW", "deny": "DENY", "because": "because", "until": "until", "entry": "entry", "not": "not",
           "do": "do", "unsettled": "reading", "about": "{kind} mail about {topic} to {email}, at {at}"},
    "fr": {"allow": "PERMIS", "deny": "REFUSÉ", "because": "car", "until": "jusqu’au", "entry": "écriture",
           "not": "sans", "do": "à faire", "unsettled": "lecture",
           "about": "message du type {kind} sur {topic} à {email}, le {at}"},
}  # fmt: skip


def as_json(answer: Answer, language: str = "en") -> dict[str, Any]:
    """Return the answer in the form of ``POST /decisions``, its sentences in *language*."""
    decision, question = answer.decision, answer.question
    return {
        "email": answer.address.typed,
        "topic": question.topic,
        "kind": question.kind,
        "at": when(question.at),
        "place": question.place,
        "decision": "allow" if decision else "deny",
        "state": decision.state,
        "code": decision.code,
        "basis": _basis(answer),
        "reasons": [_reason(reason, language) for reason in decision.reasons],
        "not_consent": [_not_consent(delivery, language) for delivery in decision.not_consent],
        "unsettled": [_reading(name, language) for name in decision.unsettled],
        "remedy": None if isinstance(decision, Allow) else sentences.say(decision.remedy, language),
        "rules": RULES,
        "ledger": {"size": answer.ledger_size},
        "cacheable_until": when(answer.asked_at + CACHEABLE),
    }


def as_text(answer: Answer, language: str = "en") -> str:
    """Return the answer in lines for a terminal, in *language*."""
    said, labels = as_json(answer, language), _LABELS[language]
    lines = [f"{labels[said['decision']]}  {labels['about'].format(**said)}"]
    for reason in said["reasons"]:
        entry = f", {labels['entry']} {reason['entry']}" if reason["entry"] else ""
        lines += [_line(labels["because"], reason["text"]), _line("", f"{reason['citation']}{entry}")]
    if said["decision"] == "allow" and said["basis"] and said["basis"]["until"]:
        lines.append(_line(labels["until"], said["basis"]["until"]))
    lines += [_line(labels["not"], f"{item['text']} ({item['at']})") for item in said["not_consent"]]
    lines += [_line(labels["unsettled"], item["text"]) for item in said["unsettled"]]
    if said["remedy"]:
        lines.append(_line(labels["do"], said["remedy"]))
    return "\n".join(lines)


def _line(label: str, text: str) -> str:
    return f"  {label:<8} {text}"


def _basis(answer: Answer) -> dict[str, Any] | None:
    basis = answer.decision.basis
    if basis is None:
        return None
    return {
        "regime": basis.regime,
        "ground": basis.ground,
        "since": basis.since.isoformat() if basis.since else None,
        "until": basis.until.isoformat() if basis.until else None,
    }


def _reason(reason: Reason, language: str) -> dict[str, Any]:
    return {
        "text": reason.text(language),
        "citation": reason.citation.cite(language),
        "entry": reason.fact.entry if reason.fact else None,
        "sequence": reason.fact.sequence if reason.fact else None,
    }


def _reading(name: str, language: str) -> dict[str, str]:
    reading = READINGS[name]
    return {
        "reading": name,
        "chosen": reading.chosen,
        "text": reading.says(language),
        "citation": reading.citation.cite(language),
    }


def _not_consent(delivery: Delivery, language: str) -> dict[str, Any]:
    key = f"not_consent.{delivery.kind}"
    text = sentences.say(key if key in sentences.SENTENCES else "not_consent", language)
    return {"kind": delivery.kind, "at": when(delivery.occurred_at), "text": text}
