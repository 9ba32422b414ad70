"""``POST /decisions``: may this be sent to this person, and why? And by the ten thousand, and to everybody."""

from typing import Any

from flask import Response, stream_with_context
from flask.typing import ResponseReturnValue
from marshmallow import fields, validate

from consent import addresses, clock
from consent.addresses import Address
from consent.api.bodies import Resource, large
from consent.api.fields import Email, Instant, Place, Strict, Topic
from consent.api.keys import actor, needs
from consent.law.decision import STATES
from consent.law.kinds import KINDS
from consent.law.sentences import LANGUAGES
from consent.ledger.entries import when
from consent.sends import decide, many, wording
from consent.web import languages, visitor

blueprint = Resource("decisions", __name__, url_prefix="/api/v1", description="Decisions")


_VERDICTS = ("allow", "deny")
_LINES = {"type": "string", "format": "binary"}


class DecisionBody(Strict):
    """The question."""

    email = Email(required=True)
    topic = Topic(required=True)
    kind = fields.String(load_default="commercial", validate=validate.OneOf(KINDS))
    at = Instant(format="iso")
    known_at = Instant(format="iso")
    place = Place(metadata={"description": "Where the person is; by default what is on record, and else Canada."})
    language = fields.String(
        validate=validate.OneOf(LANGUAGES), metadata={"description": "Of the sentences; by default Accept-Language."}
    )


class BasisAnswer(Strict):
    """Why it is allowed."""

    regime = fields.String(required=True)
    ground = fields.String(required=True)
    since = fields.String(required=True, allow_none=True)
    until = fields.String(required=True, allow_none=True, metadata={"description": "The last day on which it allows."})


class ReasonAnswer(Strict):
    """A sentence, the section of law, and the entry that proves it."""

    text = fields.String(required=True)
    citation = fields.String(required=True)
    entry = fields.String(required=True, allow_none=True)
    sequence = fields.Integer(required=True, allow_none=True)


class NotConsentAnswer(Strict):
    """A fact about delivery that was not taken for consent."""

    kind = fields.String(required=True)
    at = fields.String(required=True)
    text = fields.String(required=True)


class ReadingAnswer(Strict):
    """A reading of the law that the answer rests on."""

    reading = fields.String(required=True)
    chosen = fields.String(required=True)
    text = fields.String(required=True)
    citation = fields.String(required=True)


class LedgerAnswer(Strict):
    """The ledger that was asked."""

    size = fields.Integer(required=True)


class DecisionAnswer(Strict):
    """Whether the message may go, and why."""

    email = fields.String(required=True)
    topic = fields.String(required=True)
    kind = fields.String(required=True)
    at = fields.String(required=True)
    place = fields.String(required=True, allow_none=True)
    decision = fields.String(required=True, validate=validate.OneOf(_VERDICTS))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    code = fields.String(required=True, metadata={"description": "See docs/api.md."})
    basis = fields.Nested(BasisAnswer, required=True, allow_none=True)
    reasons = fields.List(fields.Nested(ReasonAnswer), required=True)
    not_consent = fields.List(fields.Nested(NotConsentAnswer), required=True)
    unsettled = fields.List(fields.Nested(ReadingAnswer), required=True)
    remedy = fields.String(required=True, allow_none=True)
    rules = fields.String(required=True)
    ledger = fields.Nested(LedgerAnswer, required=True)
    cacheable_until = fields.String(required=True)


class VerdictAnswer(Strict):
    """One address of many."""

    email = fields.String(required=True)
    decision = fields.String(required=True, validate=validate.OneOf(_VERDICTS))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    basis = fields.String(required=True, allow_none=True)
    allowed_until = fields.String(required=True, allow_none=True)
    error = fields.String(metadata={"description": "Only if the address cannot be read."})


class BatchAnswer(Strict):
    """The verdicts, in the order of the addresses."""

    topic = fields.String(required=True)
    at = fields.String(required=True)
    results = fields.List(fields.Nested(VerdictAnswer), required=True)
    cacheable_until = fields.String(required=True)


@blueprint.post("/decisions")
@needs("decisions", question=True)
@blueprint.arguments(DecisionBody)
@blueprint.alt_response(200, schema=DecisionAnswer, description="The decision.")
def decide_one(body: dict[str, Any]) -> dict[str, Any]:
    """Answer allow or deny, with reasons, citations, the entries relied on, and what was *not* consent."""
    answer = decide.ask(
        body["email"],
        body["topic"],
        body["kind"],
        clock.now(),
        at=body.get("at"),
        known_at=body.get("known_at"),
        place=body.get("place"),
    )
    return wording.as_json(answer, body.get("language") or languages.accepted())


class BatchBody(Strict):
    """One topic, many addresses."""

    topic = Topic(required=True)
    emails = fields.List(fields.String(), required=True, validate=validate.Length(1, many.MOST))


class PermittedBody(Strict):
    """One topic."""

    topic = Topic(required=True)


@blueprint.post("/decisions/batch")
@large
@needs("decisions", question=True)
@blueprint.arguments(BatchBody)
@blueprint.alt_response(200, schema=BatchAnswer, description="The verdicts.")
def decide_many(body: dict[str, Any]) -> dict[str, Any]:
    """Answer for up to 10,000 addresses whether commercial mail may go now; from the standings, without sentences."""
    now = clock.now()
    parsed = [_parsed(text) for text in body["emails"]]
    found = many.ask(body["topic"], [address for address in parsed if address], now)
    results = [
        _result(text, found.get(address.consent_key, many.NOBODY)) if address else _unreadable(text)
        for text, address in zip(body["emails"], parsed, strict=True)
    ]
    return {
        "topic": body["topic"].slug,
        "at": when(now),
        "results": results,
        "cacheable_until": when(now + wording.CACHEABLE),
    }


@blueprint.post("/decisions/export")
@needs("decisions", question=True)
@blueprint.arguments(PermittedBody)
@blueprint.alt_response(200, schema=_LINES, content_type="application/x-ndjson", description="One object a line.")
def export_permitted(body: dict[str, Any]) -> ResponseReturnValue:
    """Stream everybody who may be sent commercial mail now, a JSON object a line, with links and headers.

    Recorded as ``export.made`` before the first byte leaves.
    """
    settings = visitor.settings()
    lines = many.permitted(body["topic"], settings.base_url, settings.secret_keys[0], visitor.origin(), actor())
    return Response(stream_with_context(lines), mimetype="application/x-ndjson")


def _parsed(text: str) -> Address | None:
    try:
        return addresses.parse(text)
    except addresses.BadAddress:
        return None


def _result(text: str, verdict: many.Verdict) -> dict[str, Any]:
    return {
        "email": text,
        "decision": "allow" if verdict.allowed else "deny",
        "state": verdict.state,
        "basis": verdict.basis,
        "allowed_until": when(verdict.until) if verdict.until else None,
    }


def _unreadable(text: str) -> dict[str, Any]:
    return _result(text, many.NOBODY) | {"error": "This is no e-mail address."}
