"""The preference centre."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue

from consent import clock, tokens
from consent.catalogue import LANGUAGES, Topic
from consent.pages import pages, wording
from consent.pages.showing import here, page
from consent.subscriptions import preferences
from consent.subscriptions.preferences import Centre
from consent.web import languages, visitor


@pages.get("/p/<token>")
def show_preferences(token: str) -> ResponseReturnValue:
    """Show what stands and how it came about; changes nothing."""
    return _page(tokens.repair(token))


@pages.post("/p/<token>")
def save_preferences(token: str) -> ResponseReturnValue:
    """Save the boxes, or leave everything. What is newly ticked is asked for by mail first."""
    keys, sent = visitor.settings().secret_keys, request.form
    if sent.get("act") == "leave_all":
        link = preferences.leave_everything(token, keys, visitor.act())
        languages.settle(link.language)
        brand = link.topics[0].brand if link.topics else None
        url = url_for("pages.show_preferences", token=token)
        return page("unsubscribed", brand, scope="organization", topics=link.topics, preferences_url=url)
    if sent.get("act") != "save":
        abort(400)
    shown, ticked = sent.getlist("shown"), sent.getlist("topic")
    asked = preferences.save(token, keys, shown, ticked, sent.get("language", ""), visitor.act())
    return _page(token, saved=True, asked=asked)


def _page(token: str, saved: bool = False, asked: Sequence[Topic] = ()) -> str:
    centre = preferences.show(token, visitor.settings().secret_keys, clock.now())
    languages.settle(centre.link.language)
    brand = centre.link.topics[0].brand if centre.link.topics else None
    return page(
        "preferences",
        brand,
        masked=centre.masked,
        organization=centre.link.organization.name,
        groups=_groups(centre),
        languages=brand.languages if brand else LANGUAGES,
        chosen_language=centre.link.language,
        history=[{"at": i.occurred_at, "text": wording.sentence(i, languages.language())} for i in centre.items],
        receipts=_receipts(centre),
        action=here(url_for("pages.save_preferences", token=token)),
        saved=saved,
        asked=asked,
    )


def _groups(centre: Centre) -> list[dict[str, Any]]:
    """Return the topics under their brands, as the template lays them out."""
    by_brand = groupby(centre.choices, key=lambda choice: choice.topic.brand)
    return [
        {
            "brand": brand,
            "topics": [
                {
                    "topic": c.topic,
                    "state": c.standing.state,
                    "subscribed": c.subscribed,
                    "since": c.standing.since,
                    "opt_out": c.standing.basis == "can_spam.opt_out",
                }
                for c in choices
            ],
        }
        for brand, choices in by_brand
    ]


def _receipts(centre: Centre) -> list[dict[str, Any]]:
    keys, link = visitor.settings().secret_keys, centre.link
    return [
        {
            "url": url_for(
                "pages.show_receipt",
                token=tokens.make("r", receipt.handle, link.epoch, link.organization.id, keys),
            ),
            "at": receipt.given_at,
            "topics": receipt.topics,
        }
        for receipt in centre.receipts
    ]
