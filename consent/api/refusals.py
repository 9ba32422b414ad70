"""``POST /withdrawals`` and ``/suppressions``: a "no" that came in another way, and stops of delivery."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from consent import catalogue
from consent.api import keys
from consent.api.bodies import Resource, large, one_or_many, record_body
from consent.api.evidence import Evidence
from consent.api.fields import Brand, Email, PageQuery, Past, Strict
from consent.api.keys import needs
from consent.catalogue import SLUG
from consent.ledger.entries import when
from consent.subscriptions import refusals
from consent.subscriptions.recording import Refused, Told
from consent.subscriptions.refusals import Refusal
from consent.web import visitor

blueprint = Resource("refusals", __name__, url_prefix="/api/v1", description="Withdrawals and suppressions")
_OTHERS = "other_authorized_user"


class WithdrawalBody(Strict):
    """One withdrawal."""

    email = Email(required=True)
    scope = fields.String(required=True, metadata={"description": "all, unspecified, a brand, or brand/topic."})
    brand = fields.String(
        metadata={"description": "Who was told. With all: that brand's organization, else everybody."}
    )
    channel = fields.String(required=True, validate=validate.OneOf(list(refusals.CHANNELS)))
    occurred_at = Past(format="iso", metadata={"description": "When the person said so; by default now."})
    objection = fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "An objection to marketing, GDPR Art. 21."}
    )


class SuppressionBody(Strict):
    """One suppression; or, with ``lifts``, that an entry was a mistake."""

    email = Email(required=True)
    reason = fields.String(validate=validate.OneOf(refusals.REASONS))
    brand = Brand(metadata={"description": "For a complaint: whose message it was about."})
    occurred_at = Past(format="iso")
    evidence = Evidence()
    lifts = fields.String(metadata={"description": "The entry of the suppression to lift; then reason is left out."})

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        """Demand a reason, or the entry that is lifted, and not both."""
        if ("reason" in data) == ("lifts" in data):
            raise ValidationError("Send a reason, or the entry that this lifts.", "reason")
        if extra := sorted(data.keys() - {"email", "lifts"}) if "lifts" in data else []:
            raise ValidationError("An entry is lifted by email and lifts alone.", extra[0])


class SuppressedAnswer(Strict):
    """That an address was suppressed, or that this was lifted; the address as a keyed digest."""

    entry = fields.String(required=True)
    digest = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    lifted = fields.Boolean(required=True)
    occurred_at = fields.String(required=True)


class SuppressionsAnswer(Strict):
    """A page of them; *next* is null on the last one."""

    suppressions = fields.List(fields.Nested(SuppressedAnswer), required=True)
    next = fields.String(required=True, allow_none=True)


@blueprint.post("/withdrawals")
@large
@needs("records", "contacts")
@blueprint.doc(**one_or_many(WithdrawalBody))
def take_withdrawals() -> tuple[dict[str, Any], int]:
    """Record a withdrawal; it works at once, also for an address that is not known. Up to 1,000 as ``items``."""
    return record_body(WithdrawalBody(), _withdrawal, keys.act())


@blueprint.post("/suppressions")
@large
@needs("records", "contacts")
@blueprint.doc(**one_or_many(SuppressionBody))
def take_suppressions() -> tuple[dict[str, Any], int]:
    """Record that an address must not be written to, or that a suppression was a mistake. Up to 1,000 as ``items``."""
    return record_body(SuppressionBody(), _suppression, keys.act())


@blueprint.get("/suppressions")
@needs("records", "contacts")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, SuppressionsAnswer)
def list_suppressions(query: dict[str, Any]) -> dict[str, Any]:
    """List what was suppressed and lifted, oldest first, each address as a keyed digest."""
    secret = visitor.settings().secret_keys[-1]  # the oldest key, so that digests outlive a rotation
    found = refusals.listed(query["after"], query["limit"], secret)
    rows = [
        {
            "entry": line.entry,
            "digest": line.digest,
            "reason": line.reason,
            "lifted": line.kind == "suppression.lifted",
            "occurred_at": when(line.occurred_at),
        }
        for line in found
    ]
    return {"suppressions": rows, "next": found[-1].entry if len(found) == query["limit"] else None}


def _withdrawal(body: dict[str, Any]) -> Told:
    brand, party = None, None
    if "brand" in body:
        brand = catalogue.current().brands.get(body["brand"])
        if brand is None and (body["channel"] != _OTHERS or not SLUG.fullmatch(body["brand"])):
            raise Refused("brand", f"There is no brand {body['brand']!r}.")
        party = body["brand"] if brand is None else None
    return refusals.withdrawal(
        Refusal(
            address=body["email"],
            scope=body["scope"],
            channel=body["channel"],
            brand=brand,
            party=party,
            occurred_at=body.get("occurred_at"),
            objection=body.get("objection", False),
        )
    )


def _suppression(body: dict[str, Any]) -> Told:
    if "lifts" in body:
        return refusals.lifting(body["email"], body["lifts"])
    _, texts = body["evidence"].told_of("") if "evidence" in body else (None, {})
    return refusals.suppression(body["email"], body["reason"], body.get("brand"), body.get("occurred_at"), texts)
