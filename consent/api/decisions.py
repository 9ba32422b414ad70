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
from consent.law.kinds import KINDS
from consent.law.sentences import LANGUAGES
from consent.ledger.entries import when
from consent.sends import decide, many, wording
from consent.web import languages, visitor

blueprint = Resource("decisions", __name__, url_prefix="/api/v1", description="Decisions")


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


@blueprint.post("/decisions")
@needs("decisions", question=True)
@blueprint.arguments(DecisionBody)
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
