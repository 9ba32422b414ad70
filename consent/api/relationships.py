"""``POST /relationships``: what is between a person and a brand, from which consent may be implied."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from consent.api import keys
from consent.api.bodies import Resource, large, one_or_many, record_body
from consent.api.evidence import Evidence
from consent.api.fields import Brand, Email, Past, Place, Strict, Zone
from consent.api.keys import needs
from consent.subscriptions import relationships
from consent.subscriptions.recording import Told
from consent.subscriptions.relationships import Relationship

blueprint = Resource("relationships", __name__, url_prefix="/api/v1", description="Relationships")
_MARKS = (
    "opt_out_offered", "similar", "by_recipient", "no_spam_notice", "role_relevant", "relationships_ok",
    "named_in_message",
)  # fmt: skip


class RelationshipBody(Strict):
    """One relationship; or, with ``voids``, that an entry was recorded wrongly."""

    email = Email(required=True)
    brand = Brand(required=True)
    kind = fields.String(validate=validate.OneOf(relationships.KINDS))
    occurred_at = Past(format="iso")
    ended_at = Past(format="iso", metadata={"description": "When what runs (a contract, a subscription) ended."})
    zone = Zone(metadata={"description": "Where it happened, if not where the organization is."})
    place = Place(metadata={"description": "Where the person is."})
    reference = fields.String(validate=validate.Length(1, 200), metadata={"description": "Your order or case number."})
    evidence = Evidence()
    voids = fields.String(metadata={"description": "The entry that was recorded wrongly; then kind is left out."})
    opt_out_offered = fields.Boolean(truthy={True}, falsy={False})
    similar = fields.Boolean(truthy={True}, falsy={False})
    by_recipient = fields.Boolean(truthy={True}, falsy={False})
    no_spam_notice = fields.Boolean(truthy={True}, falsy={False})
    role_relevant = fields.Boolean(truthy={True}, falsy={False})
    relationships_ok = fields.Boolean(truthy={True}, falsy={False})
    named_in_message = fields.Boolean(truthy={True}, falsy={False})

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        """Demand a kind and its time, or the entry that is voided."""
        if "voids" in data:
            if extra := sorted(data.keys() - {"email", "brand", "voids"}):
                raise ValidationError("An entry is voided by email, brand and voids alone.", extra[0])
            return
        for name in ("kind", "occurred_at"):
            if name not in data:
                raise ValidationError("Missing data for required field.", name)


@blueprint.post("/relationships")
@large
@needs("records", "contacts")
@blueprint.doc(**one_or_many(RelationshipBody))
def take_relationships() -> tuple[dict[str, Any], int]:
    """Record a relationship, its end, or that one was recorded wrongly. One entry each; up to 1,000 as ``items``."""
    return record_body(RelationshipBody(), _told, keys.act())


def _told(body: dict[str, Any]) -> Told:
    if "voids" in body:
        return relationships.voiding(body["email"], body["brand"], body["voids"])
    marks = {name: body[name] for name in _MARKS if name in body}
    evidence = {"reference": body["reference"]} if "reference" in body else {}
    if "evidence" in body:
        kind, texts = body["evidence"].told_of(body["kind"])
        marks["evidence"] = kind
        evidence = {**texts, **evidence}
    return relationships.told(
        Relationship(
            address=body["email"],
            brand=body["brand"],
            kind=body["kind"],
            occurred_at=body["occurred_at"],
            ended_at=body.get("ended_at"),
            zone=body.get("zone"),
            place=body.get("place"),
            marks=marks,
            evidence=evidence,
        )
    )
