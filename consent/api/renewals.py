"""``GET /expiring`` and ``POST /renewals``: implied consents that end soon, and the mail that asks to go on."""

from datetime import timedelta
from typing import Any

from marshmallow import fields, validate

from consent import catalogue, clock
from consent.api import keys
from consent.api.bodies import MOST_ITEMS, Resource, large, unprocessable
from consent.api.fields import Email, Form, PageQuery, Strict, Topic
from consent.api.keys import needs
from consent.catalogue import Form as CollectingForm
from consent.ledger.entries import when
from consent.subscriptions import renewals

blueprint = Resource("renewals", __name__, url_prefix="/api/v1", description="Implied consents that end soon")
MOST_DAYS = 366


class ExpiringQuery(PageQuery):
    """Which implied consents."""

    topic = Topic(required=True)
    within = fields.Integer(
        load_default=renewals.AHEAD.days,
        validate=validate.Range(1, MOST_DAYS),
        metadata={"description": "Days from now."},
    )


class RenewalBody(Strict):
    """Whom to ask, about what, in which form's words."""

    topic = Topic(required=True)
    form = Form(metadata={"description": "By default the topic's renewal_form."})
    emails = fields.List(Email(), required=True, validate=validate.Length(1, MOST_ITEMS))


class ExpiringLine(Strict):
    """One implied consent that ends."""

    contact = fields.String(required=True)
    email = fields.String(required=True)
    topic = fields.String(required=True)
    basis = fields.String(required=True, allow_none=True)
    allowed_until = fields.String(required=True)
    renewal_offered_at = fields.String(required=True, allow_none=True)


class ExpiringAnswer(Strict):
    """A page of them; *next* is null on the last one."""

    expiring = fields.List(fields.Nested(ExpiringLine), required=True)
    next = fields.String(required=True, allow_none=True)


class RenewalLine(Strict):
    """What became of one address: queued, already, no_end, or the code of the decision by which it may not go."""

    email = fields.String(required=True)
    outcome = fields.String(required=True)


class RenewalsAnswer(Strict):
    """What became of each address, in their order."""

    results = fields.List(fields.Nested(RenewalLine), required=True)


@blueprint.get("/expiring")
@needs("records", "contacts")
@blueprint.arguments(ExpiringQuery, location="query")
@blueprint.response(200, ExpiringAnswer)
def list_expiring(query: dict[str, Any]) -> dict[str, Any]:
    """List the people whose implied consent stands now and ends within so many days."""
    within = timedelta(days=query["within"])
    found = renewals.ending(query["topic"], clock.now(), within, query["after"], query["limit"])
    rows = [
        {
            "contact": line.contact,
            "email": line.email,
            "topic": line.topic,
            "basis": line.basis,
            "allowed_until": when(line.until),
            "renewal_offered_at": when(line.offered_at) if line.offered_at else None,
        }
        for line in found
    ]
    return {"expiring": rows, "next": found[-1].contact if len(found) == query["limit"] else None}


@blueprint.post("/renewals")
@large
@needs("records", "contacts")
@blueprint.arguments(RenewalBody)
@blueprint.response(202, RenewalsAnswer)
def offer_renewals(body: dict[str, Any]) -> dict[str, Any]:
    """Queue the mail that asks for express consent, for everybody to whom it is still lawful, once for each ending."""
    form = _form(body)
    return {
        "results": [
            {"email": email.typed, "outcome": renewals.offer(email, body["topic"], form, keys.act())}
            for email in body["emails"]
        ]
    }


def _form(body: dict[str, Any]) -> CollectingForm:
    """Return the form whose words ask; 422 if it does not offer the topic, or none is named."""
    topic = body["topic"]
    form: CollectingForm | None = body.get("form") or catalogue.current().forms.get(topic.renewal_form or "")
    if form is None or topic not in form.topics:
        raise unprocessable({"form": [f"Name a form that offers {topic.slug}; its words will ask."]})
    return form
