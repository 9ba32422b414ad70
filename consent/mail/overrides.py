"""A company's own words and looks for our mail: files with named places, and nothing else that could do harm.

``acme/confirmation.fr.html``, ``.txt`` and ``.subject.txt`` in the folder ``CONSENT_MAIL_TEMPLATES`` replace ours for
that brand and language. ``{{ confirm_url }}`` is a place; there is no logic. What the law asks every message to say
must have its place, in the text as well as in the HTML, and nothing is loaded from elsewhere by opening it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from markupsafe import escape

_PLACE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_ALWAYS = frozenset({"business_name", "mailing_address", "contacts", "preferences_url", "unsubscribe_url"})
_NEEDED = {
    "confirmation": _ALWAYS | {"confirm_url", "topics"},
    "welcome": _ALWAYS | {"receipt_url", "topics", "notice"},
    "renewal": _ALWAYS | {"confirm_url", "topics", "ends_on"},
    "preferences": _ALWAYS,
}
_MORE = {
    "confirmation": frozenset({"asked_on", "network", "days"}),
    "welcome": frozenset({"agreed_on"}),
    "renewal": frozenset({"days"}),
    "preferences": frozenset({"topics"}),
}
_EVERYWHERE = frozenset({"organization", "language", "logo_text", "colour"})
_FORBIDDEN = re.compile(
    r"<\s*(script|iframe|object|embed|form|link|img|video|audio|source|svg|base|meta\s+http-equiv)\b|\bon[a-z]+\s*=|"
    r"url\s*\(|@import|\bsrc\s*=|javascript:",
    re.I,
)
_FILE = re.compile(r"(?P<mail>[a-z]+)\.(?P<language>en|fr)\.(?P<part>subject\.txt|txt|html)\Z")
_PARTS = ("subject.txt", "txt", "html")


class BadTemplate(ValueError):
    """A file cannot be used; the message names it and says what to do."""


class Words(NamedTuple):
    """The subject, the plain text and the HTML of one mail, with their places."""

    subject: str
    text: str
    html: str

    def filled(self, values: Mapping[str, object]) -> "Words":
        """Return them with *values* in the places; in the HTML what could be markup is escaped."""
        subject, text = (_fill(part, values, markup=False) for part in (self.subject, self.text))
        return Words(subject, text, _fill(self.html, values, markup=True))


Templates = Mapping[tuple[str, str, str], Words]  # by brand, mail and language


def _fill(text: str, values: Mapping[str, object], *, markup: bool) -> str:
    def value(place: re.Match[str]) -> str:
        found = str(values.get(place[1]) or "")
        return str(escape(found)).replace("\n", "<br>\n") if markup else found

    return _PLACE.sub(value, text)


def load(folder: Path) -> Templates:
    """Return every mail in *folder*, a folder for each brand. Raises BadTemplate for the first that cannot be used."""
    return {key: words for brand in sorted(folder.iterdir()) if brand.is_dir() for key, words in _of_brand(brand)}


def _of_brand(folder: Path) -> Iterator[tuple[tuple[str, str, str], Words]]:
    mails = set()
    for path in sorted(folder.iterdir()):
        named = _FILE.match(path.name)
        if not named or named["mail"] not in _NEEDED:
            raise BadTemplate(f"{path}: name it like confirmation.en.html; mails are {', '.join(_NEEDED)}.")
        mails.add((named["mail"], named["language"]))
    for mail, language in sorted(mails):
        yield (folder.name, mail, language), _words(folder, mail, language)


def _words(folder: Path, mail: str, language: str) -> Words:
    paths = [folder / f"{mail}.{language}.{part}" for part in _PARTS]
    if missing := [path.name for path in paths if not path.exists()]:
        raise BadTemplate(f"{folder}: {', '.join(missing)} is missing; a mail is a subject, a text and the HTML.")
    try:
        words = Words(*(path.read_text("utf-8") for path in paths))
    except UnicodeDecodeError:
        raise BadTemplate(f"{folder}/{mail}.{language}: write it in UTF-8.") from None
    for path, text in zip(paths, words, strict=True):
        _check(path, mail, text)
    return words


def _check(path: Path, mail: str, text: str) -> None:
    places = set(_PLACE.findall(text))
    if unknown := places - _NEEDED[mail] - _MORE[mail] - _EVERYWHERE:
        raise BadTemplate(f"{path}: there is no place {{{{ {min(unknown)} }}}} in this mail.")
    if path.name.endswith("subject.txt"):
        if not text.strip() or places - {"business_name", "organization"}:
            raise BadTemplate(f"{path}: a subject is one line, and may name the brand and the organization only.")
        return
    if missing := _NEEDED[mail] - places:
        raise BadTemplate(f"{path}: {{{{ {min(missing)} }}}} is missing, which this mail must say.")
    if path.suffix == ".html" and (found := _FORBIDDEN.search(text)):
        raise BadTemplate(f"{path}: {found[0]!r} is not for mail: nothing runs, and nothing is loaded from elsewhere.")
