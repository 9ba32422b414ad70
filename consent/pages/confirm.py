"""The page behind the confirmation mail's link: the words, and one button. Only its POST confirms."""

from flask import url_for
from flask.typing import ResponseReturnValue

from consent import addresses, clock, tokens
from consent.pages import pages
from consent.pages.showing import here, page
from consent.subscriptions import confirm
from consent.subscriptions.confirm import Confirmation, EndedLink
from consent.web import languages, visitor


@pages.get("/c/<token>")
def show_confirmation(token: str) -> ResponseReturnValue:
    """Show what would be agreed to; scanners may fetch it as often as they like."""
    token = tokens.repair(token)
    found = confirm.show(token, visitor.settings().secret_keys, clock.now())
    languages.settle(found.asked.notice.language)
    if found.already:
        return _done(found)
    return page(
        "confirm",
        found.link.topics[0].brand,
        topics=found.open_topics,
        notice=found.asked.notice,
        masked=addresses.mask(found.link.address),
        renewal=found.renewal,
        action=here(url_for("pages.give_consent", token=token)),
        unsubscribe_url=url_for("pages.show_unsubscribe", token=_token(found, "u")),
    )


@pages.post("/c/<token>")
def give_consent(token: str) -> ResponseReturnValue:
    """Confirm, once; a second press says that it is confirmed already."""
    found = confirm.give(token, visitor.settings().secret_keys, visitor.act())
    languages.settle(found.asked.notice.language)
    return _done(found)


@pages.errorhandler(EndedLink)
def explain_ended_link(error: EndedLink) -> ResponseReturnValue:
    """Say what to do about a link that was ours but can do nothing any more: sign up again."""
    languages.settle(error.link.language)
    form = error.link.asked.form.partition("@")[0] if error.link.asked else None
    signup_url = url_for("pages.show_form", form=form) if form else None
    return page("link_broken", find_url=url_for("pages.find"), signup_url=signup_url), 404


def _done(found: Confirmation) -> str:
    return page(
        "confirmed",
        found.link.topics[0].brand,
        topics=found.link.topics,
        already=found.already,
        preferences_url=url_for("pages.show_preferences", token=_token(found, "p")),
        receipt_url=url_for("pages.show_receipt", token=_token(found, "r")),
    )


def _token(found: Confirmation, purpose: str) -> str:
    return found.link.token(purpose, visitor.settings().secret_keys)
