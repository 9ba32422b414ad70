"""The receipt of a consent, as a page that can be printed."""

from flask import url_for
from flask.typing import ResponseReturnValue

from consent import addresses, tokens
from consent.pages import pages
from consent.pages.showing import page
from consent.subscriptions import receipt
from consent.web import languages, visitor


@pages.get("/r/<token>")
def show_receipt(token: str) -> ResponseReturnValue:
    """Show what was agreed to, when, and the words that were shown."""
    keys = visitor.settings().secret_keys
    found = receipt.show(tokens.repair(token), keys)
    languages.settle(found.link.language)
    return page(
        "receipt",
        found.topics[0].brand if found.topics else None,
        masked=addresses.mask(found.link.address) if found.link.address else "",
        topics=found.topics,
        given_at=found.given_at,
        requested_at=found.asked.requested_at,
        notice=found.asked.notice,
        form=found.asked.form,
        entries=found.lines,
        preferences_url=url_for("pages.show_preferences", token=found.link.token("p", keys)),
    )
