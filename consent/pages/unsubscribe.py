"""Leaving: the page with the buttons, and the mailbox provider's one-click POST (RFC 8058).

A provider posts ``List-Unsubscribe=One-Click`` with no cookie and may not follow a redirect, so there is no CSRF
token to check and the answer is a page, not a redirect. A GET only shows: scanners fetch every link.
"""

from flask import request, url_for
from flask.typing import ResponseReturnValue

from consent import addresses, tokens
from consent.catalogue import Brand
from consent.pages import pages
from consent.pages.showing import here, page
from consent.records.links import Link
from consent.subscriptions import unsubscribe
from consent.web import languages, visitor

_SCOPES = {"topic": "topic", "signup": "topic", "organization": "organization"}


@pages.get("/u/<token>")
def show_unsubscribe(token: str) -> ResponseReturnValue:
    """Show the buttons; nothing happens until one is pressed."""
    token = tokens.repair(token)
    leaving = unsubscribe.show(token, visitor.settings().secret_keys)
    languages.settle(leaving.link.language)
    return _buttons(leaving, token)


@pages.post("/u/<token>")
def withdraw(token: str) -> ResponseReturnValue:
    """Withdraw consent, whether a person pressed a button or a mailbox did. A second press changes nothing."""
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    scope = "topic" if one_click else _SCOPES.get(request.form.get("scope", ""))
    keys = visitor.settings().secret_keys
    if scope is None:  # neither a mailbox nor a button: something that posts to whatever it finds
        return _buttons(unsubscribe.show(token, keys), token), 400
    leaving = unsubscribe.withdraw(token, keys, visitor.act("one_click" if one_click else "web"), scope)
    languages.settle(leaving.link.language)
    return page(
        "unsubscribed",
        _brand(leaving.link),
        scope=scope if leaving.confirmed or scope == "organization" else "signup",
        topics=leaving.link.topics,
        preferences_url=url_for("pages.show_preferences", token=leaving.link.token("p", keys)),
    )


def _buttons(leaving: unsubscribe.Leaving, token: str) -> str:
    return page(
        "unsubscribe",
        _brand(leaving.link),
        topics=leaving.link.topics,
        confirmed=leaving.confirmed,
        organization=leaving.link.organization.name,
        masked=addresses.mask(leaving.link.address) if leaving.link.address else "",
        action=here(url_for("pages.withdraw", token=token)),
    )


def _brand(link: Link) -> Brand | None:
    return link.topics[0].brand if link.topics else None
