"""The ledger's entries in plain words, for the person that they are about."""

from consent import catalogue
from consent.records.history import Item
from consent.web.languages import gettext as _


def sentence(item: Item, language: str) -> str:
    """Return one sentence that says what *item* records, in the reader's language."""
    kind, details = item.body["kind"], item.body["details"]
    name = topic_name(item.body["topic"], language)
    if kind == "consent.withdrawn":
        return _withdrawn(details, name)
    if kind == "consent.requested":
        form = (item.body["form"] or "").partition("@")[0]
        return _("Somebody entered this address on the form “%(form)s” to receive %(topic)s.", form=form, topic=name)
    simple = {
        "confirmation.sent": _("We sent the e-mail that asks for confirmation. It is not consent."),
        "consent.given": _("Consent was given: the button in that e-mail was pressed for %(topic)s.", topic=name),
        "welcome.sent": _("We sent the welcome e-mail. Receiving or opening it is not consent."),
        "welcome.delivered": _("The welcome e-mail was delivered. That is not consent."),
        "welcome.opened": _("The welcome e-mail was opened. That is not consent."),
        "preferences.changed": _("The language of messages was changed."),
    }
    return str(simple.get(kind, kind))


def topic_name(slug: str | None, language: str) -> str:
    """Return the topic's name in *language*, or the slug if it is no longer set up."""
    topic = catalogue.current().topics.get(slug or "")
    if topic is None:
        return slug or ""
    return topic.name.get(language) or next(iter(topic.name.values()))


def _withdrawn(details: dict[str, str], name: str) -> str:
    if details.get("reason") == "not_me":
        return _("You told us that you had not asked for %(topic)s; we dropped the request.", topic=name)
    if details.get("scope") == "organization":
        return _("You unsubscribed from everything.")
    return _("You unsubscribed from %(topic)s.", topic=name)
