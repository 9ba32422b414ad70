"""English and French: the catalogue is read from the .po file at start; nothing is compiled, nothing goes stale."""

import io
from datetime import datetime
from functools import cache
from pathlib import Path

from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale
from flask_babel import gettext as _gettext

from consent import typography
from consent.catalogue import LANGUAGES

_FOLDER = Path(__file__).resolve().parent.parent / "translations"


@cache
def _translations(language: str) -> NullTranslations:
    path = _FOLDER / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    if language == "fr":
        _typeset(found)
    write_mo(compiled, found)
    compiled.seek(0)
    return Translations(compiled)


def _typeset(found: Catalog) -> None:
    """Set the French words as French readers expect; the file has plain spaces, which people can see and type."""
    for message in found:
        if message.id and isinstance(message.string, str):
            message.string = typography.french(message.string)
        elif message.id and message.string:  # singular and plural
            message.string = tuple(typography.french(form) for form in message.string)


class _PoDomain(Domain):  # type: ignore[misc]  # flask_babel has no stubs
    """Translations straight from the .po files."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return _translations(locale.language if locale else "en")


class _PoBabel(Babel):  # type: ignore[misc]  # flask_babel has no stubs
    """Flask-Babel, but with our catalogue."""

    domain_instance = _PoDomain()


def install(app: Flask) -> None:
    """Make *app* answer in the language of its reader."""
    _PoBabel().init_app(app, locale_selector=language)
    app.jinja_env.filters["day"] = day
    app.context_processor(lambda: {"language": language()})


def language() -> str:
    """Return the language to answer in: what the view settled on, else ``?lang=``, else Accept-Language."""
    if not has_request_context():
        return "en"
    settled = g.get("language") or request.args.get("lang")
    return settled if settled in LANGUAGES else accepted()


def accepted() -> str:
    """Return which of our languages the client of this request reads best, by its Accept-Language."""
    return request.accept_languages.best_match(LANGUAGES) or "en"


def settle(chosen: str) -> None:
    """Answer this request in *chosen*, unless the reader asks for another with ``?lang=``."""
    g.language = request.args.get("lang") if request.args.get("lang") in LANGUAGES else chosen


def day(instant: datetime) -> str:
    """Return the day of *instant* in the reader's language: ``23 novembre 2026``."""
    return format_date(instant, "long", locale=get_locale())


def gettext(text: str, **values: object) -> str:
    """Return *text* in the reader's language, with *values* put in."""
    return str(_gettext(text, **values))
