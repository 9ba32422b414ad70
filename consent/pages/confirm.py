"""The page behind the confirmation mail's link: the words, and one button. Only its POST confirms."""

from flask import request, url_for
from flask.typing import ResponseReturnValue

from consent import addresses, clock, tokens
from consent.pages import pages
from consent.pages.showing import here, page
from consent.subscriptions import automation, confirm
from consent.subscriptions.automation import Press
from consent.subscriptions.confirm import Confirmation, EndedLink
from consent.web import heads, languages, visitor


@pages.get("/c/<token>")
def show_confirmation(token: str) -> ResponseReturnValue:
    """Show what would be agreed to; scanners may fetch it as often as they like."""
    token = tokens.repair(token)
    return _page(confirm.show(token, visitor.settings().secret_keys, clock.now(), head=_head()))


@pages.post("/c/<token>")
def give_consent(token: str) -> ResponseReturnValue:
    """Confirm, once; a second press says that it is confirmed already. A hasty press is asked to tick as well."""
    sent = request.form
    press = Press(sent.get("confirm") == "yes", sent.get("page", ""), frozenset(sent.getlist("agree")), _head())
    found = confirm.give(token, visitor.settings().secret_keys, visitor.act(), press)
    return _after(found)


@pages.post("/c/<token>/now")
def touch_decoy(token: str) -> ResponseReturnValue:
    """Take the form that no person sees: whoever sends it is asked to tick."""
    return _after(confirm.touch(token, visitor.settings().secret_keys, visitor.act()))


@pages.errorhandler(EndedLink)
def explain_ended_link(error: EndedLink) -> ResponseReturnValue:
    """Say what to do about a link that was ours but can do nothing any more: sign up again."""
    languages.settle(error.link.language)
    form = error.link.asked.form.partition("@")[0] if error.link.asked else None
    signup_url = url_for("pages.show_form", form=form) if form else None
    return page("link_broken", find_url=url_for("pages.find"), signup_url=signup_url), 404


def _after(found: Confirmation) -> ResponseReturnValue:
    return (_page(found), 422) if found.waits else _done(found)


def _page(found: Confirmation) -> str:
    """Return the page with the button, and with a box for each topic where there are signs of a machine."""
    if found.already:
        return _done(found)
    languages.settle(found.asked.notice.language)
    token, keys = _token(found, "c"), visitor.settings().secret_keys
    return page(
        "confirm",
        found.link.topics[0].brand,
        topics=found.open_topics,
        notice=found.asked.notice,
        masked=addresses.mask(found.link.address),
        renewal=found.renewal,
        boxes=bool(found.signs),
        waits=found.waits,
        sealed=automation.seal(automation.Page(clock.now(), found.signs), found.link.handle, keys),
        action=here(url_for("pages.give_consent", token=token)),
        decoy_action=url_for("pages.touch_decoy", token=token),
        unsubscribe_url=url_for("pages.show_unsubscribe", token=_token(found, "u")),
    )


def _done(found: Confirmation) -> str:
    languages.settle(found.asked.notice.language)
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


def _head() -> bool:
    return heads.seen(visitor.act().network, clock.now())
