"""The words of one mail: a company's own templates or ours, with the reader's own links and dates put in.

Rendering takes Jinja a millisecond, and ten thousand confirmations differ in five places. So a template of ours is
rendered once for each brand, language and choice of topics, with marks in those places, which each message then fills.
A mark holds a NUL, which no text of a company can hold; a test keeps what is filled equal to what Jinja says.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from flask import render_template
from flask_babel import force_locale
from markupsafe import escape

from consent.mail.overrides import Words

#: What differs from reader to reader; everything else that a template is given belongs to the kind of mail.
PLACES = frozenset(
    {
        "agreed_on", "asked_on", "confirm_url", "days", "ends_on", "network", "preferences_url", "receipt_url",
        "unsubscribe_url",
    }
)  # fmt: skip
_PARTS = ("subject.txt", "body.txt", "body.html")


def of(name: str, own: Words | None, everything: Mapping[str, Any]) -> Words:
    """Return subject, text and HTML of the mail *name*: in the company's *own* words, or in ours."""
    if own:
        return own.filled(_own_places(everything))
    theirs = {place: str(value) for place, value in everything.items() if place in PLACES and value is not None}
    kind = {key: value for key, value in everything.items() if key not in PLACES}
    subject, text, html = _marked(name, tuple(sorted(theirs)), tuple(sorted(kind.items())))
    return Words(_filled(subject, theirs), _filled(text, theirs), _filled(html, _escaped(theirs)))


@lru_cache(maxsize=1000)
def _marked(name: str, places: tuple[str, ...], kind: tuple[tuple[str, Any], ...]) -> list[list[str]]:
    """Return the parts of a mail, each as its fixed texts and, at the odd places between them, names of places."""
    marked = rendered(name, dict(kind) | {place: f"\0{place}\0" for place in places})
    return [part.split("\0") for part in marked]


def rendered(name: str, everything: Mapping[str, Any]) -> Words:
    """Return our mail *name* as Jinja renders it."""
    with force_locale(everything["language"]):
        return Words(*(render_template(f"mail/{name}/{part}", **everything) for part in _PARTS))


def _filled(pieces: Sequence[str], values: Mapping[str, str]) -> str:
    return "".join(values[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def _escaped(values: Mapping[str, str]) -> Mapping[str, str]:
    return {place: str(escape(value)) for place, value in values.items()}


def _own_places(everything: Mapping[str, Any]) -> dict[str, object]:
    """Return what the named places of a company's own mail are filled with."""
    brand, language = everything["brand"], everything["language"]
    notice = everything.get("notice")
    return dict(everything) | {
        "business_name": brand.business_name,
        "logo_text": brand.mark,
        "colour": brand.colour,
        "mailing_address": brand.mailing_address,
        "contacts": ", ".join(brand.contacts),
        "topics": ", ".join(topic.name[language] for topic in everything["topics"]),
        "notice": notice.words if notice else "",
    }
