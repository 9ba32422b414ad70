"""``POST /contacts/{id}/erasure``: everything that names the person goes; the "no" stays."""

from typing import Any

from flask import abort as stop
from flask_smorest import abort
from marshmallow import fields, validate

from consent.api.bodies import RecordedAnswer, Resource, answer
from consent.api.fields import Strict
from consent.api.keys import actor, needs
from consent.records import erase
from consent.subscriptions.recording import recorded
from consent.web import visitor

blueprint = Resource("erasures", __name__, url_prefix="/api/v1", description="Erasure")
CODE = r"[a-z][a-z0-9_]{0,39}"


class ErasureBody(Strict):
    """Why, and where the request is on file."""

    reason = fields.String(
        required=True,
        validate=validate.Regexp(CODE + r"\Z", error="Write a code such as request, objection or retention."),
        metadata={"description": "A code that is kept in the ledger for good, such as request."},
    )
    reference = fields.String(
        validate=validate.Length(1, 200), metadata={"description": "Such as a ticket's number; no personal data."}
    )


@blueprint.post("/contacts/<id>/erasure")
@needs("contacts")
@blueprint.arguments(ErasureBody)
@blueprint.response(202, RecordedAnswer)
@blueprint.alt_response(404, description="There is no such contact.")
@blueprint.alt_response(409, description="The contact was erased before.")
def erase_contact(body: dict[str, Any], id: str) -> dict[str, Any]:
    """Erase the person's data, under every spelling of the address. It is done when this answers."""
    try:
        row = erase.erase(id, body["reason"], body.get("reference"), visitor.origin(), actor())
    except erase.NotKnown:
        stop(404)
    except erase.ErasedAlready:
        abort(409, message="This contact was erased before; nothing is left to erase.")
    return answer(recorded(row))
