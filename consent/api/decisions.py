"""``POST /decisions``: may this be sent to this person, and why?"""

from typing import Any

from marshmallow import fields, validate

from consent import clock
from consent.api.bodies import Resource
from consent.api.fields import Email, Instant, Strict, Topic
from consent.api.keys import needs
from consent.law.decide import KINDS
from consent.sends import decide, wording

blueprint = Resource("decisions", __name__, url_prefix="/api/v1", description="Decisions")


class DecisionBody(Strict):
    """The question."""

    email = Email(required=True)
    topic = Topic(required=True)
    kind = fields.String(load_default="commercial", validate=validate.OneOf(KINDS))
    at = Instant(format="iso")
    known_at = Instant(format="iso")
    place = fields.String(
        validate=validate.Regexp(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z"),
        metadata={"description": "Where the person is; unknown is Canada, the strictest."},
    )


@blueprint.post("/decisions")
@needs("decisions")
@blueprint.arguments(DecisionBody)
def decide_one(body: dict[str, Any]) -> dict[str, Any]:
    """Answer allow or deny, with reasons, citations, the entries relied on, and what was *not* consent."""
    answer = decide.ask(body["email"], body["topic"], body["kind"], clock.now(), body.get("at"), body.get("known_at"))
    return wording.as_json(answer)
