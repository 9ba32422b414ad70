"""``POST /messages/preflight``: does this message carry what it must before it goes out?"""

from typing import Any

from flask import request
from marshmallow import fields, validate

from consent.api.bodies import Resource, large, loaded
from consent.api.fields import Place, Strict, Topic
from consent.api.keys import needs
from consent.law.findings import LEVELS
from consent.law.kinds import KINDS
from consent.law.likeness import FINGERPRINT
from consent.law.sentences import LANGUAGES
from consent.sends import preflight
from consent.web import languages, visitor

blueprint = Resource("messages", __name__, url_prefix="/api/v1", description="Messages")
MESSAGE = "message/rfc822"
_EARLIER, _NAMES = 100, 20


class PreflightQuery(Strict):
    """What a message of the type message/rfc822 is about."""

    topic = Topic(required=True)
    kind = fields.String(load_default="commercial", validate=validate.OneOf(KINDS))
    place = Place(metadata={"description": "Where the recipient is; CA-QC reads French."})
    language = fields.String(
        validate=validate.OneOf(LANGUAGES), metadata={"description": "Of the sentences; by default Accept-Language."}
    )


class PreflightBody(PreflightQuery):
    """The same, with the message as text."""

    raw = fields.String(required=True, metadata={"description": "The whole message, header first (RFC 5322)."})
    on_behalf = fields.List(
        fields.String(validate=validate.Length(1, 200)),
        load_default=list,
        validate=validate.Length(max=_NAMES),
        metadata={"description": "Whom it must name beside the brand: for whom it is sent, a referrer, a collector."},
    )
    earlier = fields.List(
        fields.String(validate=validate.Regexp(rf"{FINGERPRINT.pattern}\Z", error="This is no fingerprint.")),
        load_default=list,
        validate=validate.Length(max=_EARLIER),
        metadata={"description": "The fingerprints of earlier messages about the topic."},
    )


class FoundBody(Strict):
    """One thing that is wrong."""

    id = fields.String(required=True)
    level = fields.String(required=True, validate=validate.OneOf(LEVELS))
    message = fields.String(required=True)
    citation = fields.String(required=True)


class PreflightAnswer(Strict):
    """What was found; *ok* if nothing of it is an error."""

    ok = fields.Boolean(required=True)
    findings = fields.List(fields.Nested(FoundBody), required=True)
    fingerprint = fields.String(required=True)


_DESCRIBED = {
    "parameters": [{"in": "query", "name": name, "schema": {"type": "string"}} for name in PreflightQuery().fields],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": PreflightBody},
            MESSAGE: {"schema": {"type": "string", "format": "binary"}},
        },
    },
}


@blueprint.post("/messages/preflight")
@large
@needs("sends", "decisions", question=True)
@blueprint.doc(**_DESCRIBED)
@blueprint.response(200, PreflightAnswer)
def preflight_message() -> dict[str, Any]:
    """Say what is wrong with a message before it is sent, how to mend it, and under which rule. Nothing is recorded."""
    if request.mimetype == MESSAGE:
        asked = loaded(PreflightQuery(), "query")
        raw = request.get_data()
    else:
        asked = loaded(PreflightBody())
        raw = asked["raw"].encode("utf-8", "surrogateescape")
    base_url, others = visitor.settings().base_url, asked.get("on_behalf", ())
    known = preflight.about(asked["topic"], base_url, asked["kind"], asked.get("place"), others)
    checked = preflight.check(raw, known, asked.get("earlier", ()))
    return preflight.as_json(checked, asked.get("language") or languages.accepted())
