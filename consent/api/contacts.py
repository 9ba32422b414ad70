"""``GET /contacts``: who somebody is to us, how every topic stands, and what was recorded about them."""

from typing import Any

from marshmallow import fields, validate
from werkzeug.exceptions import HTTPException, NotFound

from consent import clock
from consent.api.bodies import Resource, unprocessable
from consent.api.entries import EntriesAnswer, told
from consent.api.fields import Email, PageQuery, Strict
from consent.api.keys import needs
from consent.law.decision import STATES
from consent.ledger.entries import when
from consent.records import contact_card
from consent.records.contact_card import BadCursor, Card
from consent.web.answers import explained

blueprint = Resource("contacts", __name__, url_prefix="/api/v1", description="Contacts")


class ContactQuery(Strict):
    """Whom."""

    email = Email(required=True, metadata={"description": "The exact address."})


class StandingAnswer(Strict):
    """How one topic stands now; a null end of what is allowed is no end."""

    topic = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    basis = fields.String(allow_none=True)
    allowed_from = fields.String(allow_none=True)
    allowed_until = fields.String(allow_none=True)
    entry = fields.String(allow_none=True)


class ContactAnswer(Strict):
    """One contact; after an erasure without address and place."""

    id = fields.String()
    email = fields.String(allow_none=True)
    language = fields.String()
    place = fields.String(allow_none=True)
    created_at = fields.String()
    standings = fields.List(fields.Nested(StandingAnswer))


@blueprint.get("/contacts")
@needs("contacts")
@blueprint.arguments(ContactQuery, location="query")
@blueprint.response(200, ContactAnswer)
@blueprint.alt_response(404, description="Nobody is on record under exactly this address.")
def find_contact(query: dict[str, Any]) -> dict[str, Any]:
    """Return the contact of an address. It is the exact address: another spelling is another contact."""
    return _card(contact_card.by_address(query["email"], clock.now()))


@blueprint.get("/contacts/<id>")
@needs("contacts")
@blueprint.response(200, ContactAnswer)
@blueprint.alt_response(404, description="There is no such contact.")
def show_contact(id: str) -> dict[str, Any]:
    """Return a contact; after an erasure its address is null, and every standing says no."""
    return _card(contact_card.by_id(id, clock.now()))


@blueprint.get("/contacts/<id>/entries")
@needs("contacts", "records")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, EntriesAnswer)
@blueprint.alt_response(404, description="There is no such contact.")
def list_entries(query: dict[str, Any], id: str) -> dict[str, Any]:
    """List what was recorded about a contact, oldest first, each entry with where its proof is found."""
    try:
        found = contact_card.entries(id, query["after"], query["limit"])
    except BadCursor:
        raise unprocessable({"after": ["This is no entry of this contact."]}) from None
    if found is None:
        raise _unknown()
    return {"entries": [told(line) for line in found], "next": found[-1].id if len(found) == query["limit"] else None}


def _card(found: Card | None) -> dict[str, Any]:
    if found is None:
        raise _unknown()
    return {
        "id": found.id,
        "email": found.email,
        "language": found.language,
        "place": found.place,
        "created_at": when(found.created_at),
        "standings": [
            {
                "topic": topic.slug,
                "state": standing.state,
                "basis": standing.basis,
                "allowed_from": when(standing.allowed_from) if standing.allowed_from else None,
                "allowed_until": when(standing.allowed_until) if standing.allowed_until else None,
                "entry": standing.entry,
            }
            for topic, standing in found.standings
        ],
    }


def _unknown() -> HTTPException:
    return explained(NotFound(), "There is no such contact.")
