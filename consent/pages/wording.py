"""The ledger's entries in plain words, for the person that they are about."""

from typing import Any

from consent import catalogue
from consent.law.implied import RULES
from consent.records.facts import Item
from consent.web.languages import gettext as _


def sentence(item: Item, language: str) -> str:
    """Return one sentence that says what *item* records, in the reader's language."""
    kind, details = item.body["kind"], item.body["details"]
    name = topic_name(item.body["topic"], language)
    if kind == "consent.withdrawn":
        return _withdrawn(details, name, item.body["brand"])
    if kind == "consent.requested":
        form = (item.body["form"] or "").partition("@")[0]
        return _("Somebody entered this address on the form “%(form)s” to receive %(topic)s.", form=form, topic=name)
    if kind in ("relationship.recorded", "relationship.ended", "relationship.voided"):
        return _related(kind, details, _brand_name(item.body["brand"]))
    if kind == "consent.given" and details["method"] != "confirm_button":
        return _("Consent to %(topic)s was recorded that you gave in another way.", topic=name or item.body["brand"])
    simple = {
        "confirmation.sent": _("We sent the e-mail that asks for confirmation. It is not consent."),
        "confirmation.touched": _("A program tried to press the button for you. That is not consent."),
        "consent.given": _("Consent was given: the button in that e-mail was pressed for %(topic)s.", topic=name),
        "welcome.sent": _("We sent the welcome e-mail. Receiving or opening it is not consent."),
        "welcome.delivered": _("The welcome e-mail was delivered. That is not consent."),
        "welcome.opened": _("The welcome e-mail was opened. That is not consent."),
        "preferences.changed": _("The language of messages was changed."),
        "renewal.offered": _("We asked whether we may go on sending %(topic)s.", topic=name),
        "renewal.sent": _("We sent the e-mail that asks whether we may go on. It is not consent."),
        "suppression.added": _("We noted not to write to this address."),
        "suppression.lifted": _("We noted that this was a mistake."),
    }
    return str(simple.get(kind, kind))


def topic_name(slug: str | None, language: str) -> str:
    """Return the topic's name in *language*, or the slug if it is no longer set up."""
    topic = catalogue.current().topics.get(slug or "")
    if topic is None:
        return slug or ""
    return topic.name.get(language) or next(iter(topic.name.values()))


def _brand_name(slug: str | None) -> str:
    brand = catalogue.current().brands.get(slug or "")
    return brand.business_name if brand else slug or ""


def _related(kind: str, details: dict[str, Any], brand: str) -> str:
    if kind == "relationship.recorded" and details["type"] in RULES and details.get("registered_charity", True):
        return _("It was recorded that you dealt with %(brand)s; by law we may write to you for a time.", brand=brand)
    if kind == "relationship.recorded":
        return _("It was recorded that you had to do with %(brand)s.", brand=brand)
    if kind == "relationship.ended":
        return _("It was recorded that what you had with %(brand)s has ended.", brand=brand)
    return _("It was noted that a record of your dealing with %(brand)s was a mistake.", brand=brand)


def _withdrawn(details: dict[str, str], name: str, brand: str | None) -> str:
    if details.get("reason") == "not_me":
        return _("You told us that you had not asked for %(topic)s; we dropped the request.", topic=name)
    if details.get("scope") in ("organization", "unspecified"):
        return _("You unsubscribed from everything.")
    return _("You unsubscribed from %(topic)s.", topic=name or _brand_name(brand))
