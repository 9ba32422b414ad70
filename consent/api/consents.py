"""``POST /consents``: a consent that was obtained elsewhere, with its evidence."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from consent import catalogue
from consent.api import keys
from consent.api.bodies import Resource, large, one_or_many, record_body
from consent.api.evidence import Evidence
from consent.api.fields import Brand, Email, Past, Place, Strict, Topic
from consent.api.keys import needs
from consent.law.express import THIRD_PARTY
from consent.subscriptions import elsewhere
from consent.subscriptions.elsewhere import Obtained
from consent.subscriptions.recording import Refused, Told

blueprint = Resource("consents", __name__, url_prefix="/api/v1", description="Consents")


class ConsentBody(Strict):
    """One consent."""

    email = Email(required=True)
    topic = Topic(metadata={"description": "What was agreed to; left out only for a consent through a collector."})
    brand = Brand(metadata={"description": "Who relies on a consent through a collector; else the topic's brand."})
    method = fields.String(required=True, validate=validate.OneOf(elsewhere.METHODS))
    occurred_at = Past(required=True, format="iso")
    evidence = Evidence(required=True)
    notice = fields.String(metadata={"description": "The published notice that was shown: its slug or its SHA-256."})
    on_behalf_of = fields.List(Brand(), validate=validate.Length(1, 20))
    pre_2014 = fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "A consent from before 1 July 2014."}
    )
    collector = fields.String(validate=validate.Regexp(r"[a-z0-9][a-z0-9-]{0,62}\Z"))
    conditions_met = fields.Boolean(truthy={True}, falsy={False})
    place = Place()

    @validates_schema
    def _about_something(self, data: dict[str, Any], **_: Any) -> None:
        """Demand a topic, or for a consent through a collector a brand and the collector; and that they agree."""
        through = data.get("method") == THIRD_PARTY
        for name in ("brand", "collector") if through and "topic" not in data else ("topic",):
            if name not in data:
                raise ValidationError("Missing data for required field.", name)
        if through != ("collector" in data):
            raise ValidationError("A collector goes with unknown_third_party, and only with it.", "collector")
        if "topic" in data and "brand" in data and data["topic"].brand != data["brand"]:
            raise ValidationError("The topic is of another brand.", "brand")


@blueprint.post("/consents")
@large
@needs("records", "contacts")
@blueprint.doc(**one_or_many(ConsentBody))
def take_consents() -> tuple[dict[str, Any], int]:
    """Record a consent obtained elsewhere; 422 where the law would not take it for one. Up to 1,000 as ``items``."""
    return record_body(ConsentBody(), _told, keys.act())


def _told(body: dict[str, Any]) -> Told:
    topic = body.get("topic")
    brand = topic.brand if topic else body["brand"]
    proof, evidence = body["evidence"].told_of(body["method"])
    return elsewhere.told(
        Obtained(
            address=body["email"],
            brand=brand,
            topic=topic,
            method=body["method"],
            occurred_at=body["occurred_at"],
            proof=proof,
            evidence=evidence,
            notice=_notice(brand, body["notice"]) if "notice" in body else None,
            on_behalf_of=tuple(body.get("on_behalf_of", ())),
            pre_2014=body.get("pre_2014", False),
            collector=body.get("collector"),
            conditions_met=body.get("conditions_met", False),
            place=body.get("place"),
        )
    )


def _notice(brand: catalogue.Brand, name: str) -> catalogue.Notice:
    """Return the brand's notice with that SHA-256, or the newest of that slug in the brand's first language."""
    known = [notice for notice in catalogue.current().notices.values() if notice.brand == brand.slug]
    exact = [notice for notice in known if notice.sha256 == name]
    named = [notice for notice in known if notice.slug == name and notice.language == brand.languages[0]]
    if not exact and not named:
        raise Refused("notice", f"The brand {brand.slug} has published no notice {name!r}.")
    return (exact or named)[-1]
