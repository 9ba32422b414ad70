"""Read a set-up file and check it, so that applying it cannot fail half way.

``examples/acme.toml`` documents the format. Text for people is a table by language (``name.en``, ``name.fr``).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from consent import addresses, colours
from consent.catalogue import DARK_PAPER, LANGUAGES, ORGANIZATION_TYPES, ORIGIN, RETURN_URL
from consent.law import casl

SOURCES = ("web_form", "webinar", "tradeshow", "third_party_list", "referral", "import", "api")
_SLUG = validate.Regexp(r"[a-z0-9][a-z0-9-]{0,62}\Z", error="Use a-z, 0-9 and '-', at most 63 characters.")
_TOPIC = validate.Regexp(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9-]{0,62}\Z", error="Write it brand/topic.")
_COLOUR = validate.Regexp(r"#[0-9a-f]{6}\Z", error="Write the colour as #rrggbb.")
_SELECTOR = validate.Regexp(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\Z", error="Write the selector alone, like s1.")
_ONE_LINE = validate.Regexp(r"[^\x00-\x1f\x7f]{1,200}\Z", error="One line of 1 to 200 characters, please.")
_MARK = validate.Regexp(r"[^\x00-\x1f\x7f]{1,40}\Z", error="One line of 1 to 40 characters, please.")
_HERE = re.compile(r"http://(localhost|127\.0\.0\.1)(:\d+)?(/|\Z)")
_USUAL_PORT = re.compile(r"(https://[^/]*:443|http://[^/]*:80)(/|\Z)")  # browsers leave it out


class BadSetup(Exception):
    """The file cannot be applied. Each of *problems* says where and what to change."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def _email(value: str) -> None:
    try:
        addresses.parse(value)
    except addresses.BadAddress as error:
        raise ValidationError(str(error)) from None


def _zone(value: str) -> None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValidationError("This is no time zone; write one like America/Toronto.") from None


def _readable_in_the_dark(value: str) -> None:
    found = colours.contrast(colours.parse(value), colours.parse(DARK_PAPER))
    if found < colours.READABLE:
        raise ValidationError(
            f"Words in it cannot be read on dark paper, {DARK_PAPER}: their contrast is {found:.1f}, and "
            f"{colours.READABLE} is the least. {colours.readable(value, DARK_PAPER)} would do."
        )


def _site(value: str) -> None:
    if not ORIGIN.fullmatch(value) or _USUAL_PORT.match(value):
        raise ValidationError(
            f"{value!r} is no origin. Write it as browsers do, like https://www.example.com: small letters, no "
            "wildcard, no path and no slash at the end; a port only where it is not the usual one."
        )


def _return_url(value: str) -> None:
    if not RETURN_URL.fullmatch(value) or _USUAL_PORT.match(value):
        raise ValidationError(
            f"{value!r} is no exact address to lead on to. Write it whole, like https://www.example.com/thanks: "
            "ASCII only, no wildcard, no user name, no '#'."
        )


def _texts(**options: Any) -> fields.Dict:
    return fields.Dict(keys=fields.Str(validate=validate.OneOf(LANGUAGES)), values=fields.Str(), **options)


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _Organization(_Strict):
    slug = fields.Str(required=True, validate=_SLUG)
    name = fields.Str(required=True, validate=_ONE_LINE)
    country = fields.Str(load_default="CA", validate=validate.Regexp(r"[A-Z]{2}\Z"))
    zone = fields.Str(load_default="America/Toronto", validate=_zone)
    type = fields.Str(validate=validate.OneOf(ORGANIZATION_TYPES))


class _Brand(_Strict):
    slug = fields.Str(required=True, validate=_SLUG)
    organization = fields.Str(required=True)
    business_name = fields.Str(required=True, validate=_ONE_LINE)
    mailing_address = fields.Str(required=True, validate=validate.Length(10, 300))
    from_address = fields.Str(required=True, validate=_email)
    languages = fields.List(
        fields.Str(validate=validate.OneOf(LANGUAGES)),
        load_default=lambda: ["en", "fr"],
        validate=validate.Length(min=1),
    )
    phone = fields.Str(validate=_ONE_LINE)
    email = fields.Str(validate=_email)
    web = fields.Url(schemes={"https", "http"}, require_tld=False)
    logo_text = fields.Str(validate=_MARK)
    colour = fields.Str(validate=_COLOUR)
    dark_colour = fields.Str(validate=[_COLOUR, _readable_in_the_dark])
    dkim_selectors = fields.List(fields.Str(validate=_SELECTOR))
    privacy_url = fields.Url(schemes={"https", "http"}, require_tld=False)
    storage_country = fields.Str(validate=_ONE_LINE)
    retention = fields.Str(validate=_ONE_LINE)
    processors = fields.List(fields.Str(validate=_ONE_LINE))


class _Topic(_Strict):
    slug = fields.Str(required=True, validate=_TOPIC)
    name = _texts(required=True)
    description = _texts()
    renewal_form = fields.Str()


class _Notice(_Strict):
    slug = fields.Str(required=True, validate=_SLUG)
    brand = fields.Str(required=True)
    words = _texts(required=True)


class _Form(_Strict):
    slug = fields.Str(required=True, validate=_SLUG)
    brand = fields.Str(required=True)
    topics = fields.List(fields.Str(), required=True, validate=validate.Length(min=1))
    notice = fields.Str(required=True)
    title = _texts(required=True)
    source = fields.Str(load_default="web_form", validate=validate.OneOf(SOURCES))
    origins = fields.List(fields.Str(validate=_site))
    return_urls = fields.List(fields.Str(validate=_return_url))


_SCHEMAS: Mapping[str, Schema] = {
    "organization": _Organization(),
    "brand": _Brand(),
    "topic": _Topic(),
    "notice": _Notice(),
    "form": _Form(),
}


@dataclass(frozen=True)
class Setup:
    """A checked file: for each noun its tables by slug, ready to be applied."""

    organization: Mapping[str, dict[str, Any]]
    brand: Mapping[str, dict[str, Any]]
    topic: Mapping[str, dict[str, Any]]
    notice: Mapping[str, dict[str, Any]]
    form: Mapping[str, dict[str, Any]]


def read(path: Path, *, development: bool = False) -> Setup:
    """Return the set-up in *path*. Raises BadSetup with every problem found, OSError if it cannot be opened.

    In *development* a form may also stand on a site of this machine, over http.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetup([f"{path.name} is not TOML in UTF-8: {error}"]) from None
    problems = [f"[[{noun}]] is no part of a set-up file." for noun in found.keys() - _SCHEMAS.keys()]
    tables = {noun: _tables(noun, found.get(noun, []), problems) for noun in _SCHEMAS}
    setup = Setup(**tables)
    if not problems:
        problems += [*_dangling(setup), *_untranslated(setup), *_incomplete_notices(setup)]
        problems += _unsafe_sites(setup, development)
    if problems:
        raise BadSetup(problems)
    return setup


def _tables(noun: str, given: Any, problems: list[str]) -> dict[str, dict[str, Any]]:
    if not isinstance(given, list):
        problems.append(f"Write [[{noun}]] with two brackets, once for each.")
        return {}
    tables: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(given, 1):
        try:
            loaded = _SCHEMAS[noun].load(table)
        except ValidationError as error:
            problems.append(f"{noun} {_name(table, number)}: {_flat(error.messages)}")
            continue
        if loaded["slug"] in tables:
            problems.append(f"{noun} {loaded['slug']} stands twice.")
        tables[loaded["slug"]] = loaded
    return tables


def _name(table: Any, number: int) -> str:
    return str(table.get("slug", f"number {number}")) if isinstance(table, dict) else f"number {number}"


def _flat(messages: Any) -> str:
    if isinstance(messages, dict):
        return "; ".join(f"{key}: {_flat(value)}" for key, value in messages.items())
    return " ".join(map(str, messages)) if isinstance(messages, list) else str(messages)


def _dangling(setup: Setup) -> Iterable[str]:
    """Yield what names a thing that the file does not hold."""
    for slug, brand in setup.brand.items():
        if brand["organization"] not in setup.organization:
            yield f"brand {slug}: there is no organization {brand['organization']}."
    yield from _dangling_topics(setup)
    for slug, notice in setup.notice.items():
        if notice["brand"] not in setup.brand:
            yield f"notice {slug}: there is no brand {notice['brand']}."
    for slug, form in setup.form.items():
        yield from _dangling_form(slug, form, setup)


def _dangling_topics(setup: Setup) -> Iterable[str]:
    for slug, topic in setup.topic.items():
        if slug.partition("/")[0] not in setup.brand:
            yield f"topic {slug}: there is no brand {slug.partition('/')[0]}."
        renewal = topic.get("renewal_form")
        if renewal is not None and slug not in setup.form.get(renewal, {}).get("topics", ()):
            yield f"topic {slug}: there is no form {renewal} that offers it."


def _dangling_form(slug: str, form: Mapping[str, Any], setup: Setup) -> Iterable[str]:
    if form["brand"] not in setup.brand:
        yield f"form {slug}: there is no brand {form['brand']}."
    if setup.notice.get(form["notice"], {}).get("brand") != form["brand"]:
        yield f"form {slug}: brand {form['brand']} has no notice {form['notice']}."
    for topic in form["topics"]:
        if topic not in setup.topic or topic.partition("/")[0] != form["brand"]:
            yield f"form {slug}: brand {form['brand']} has no topic {topic}."


def _untranslated(setup: Setup) -> Iterable[str]:
    """Yield the texts that lack a language which their brand speaks."""
    if any(True for _ in _dangling(setup)):
        return
    texts = [(f"topic {slug}: name", slug.partition("/")[0], t["name"]) for slug, t in setup.topic.items()]
    texts += [(f"notice {slug}: words", n["brand"], n["words"]) for slug, n in setup.notice.items()]
    texts += [(f"form {slug}: title", f["brand"], f["title"]) for slug, f in setup.form.items()]
    for where, brand, by_language in texts:
        for language in setup.brand[brand]["languages"]:
            if not by_language.get(language, "").strip():
                yield f"{where}.{language} is missing; the brand {brand} speaks {language}."


def _incomplete_notices(setup: Setup) -> Iterable[str]:
    """Yield what a notice lacks by law: an incomplete one cannot be published (SOR/2012-36 s. 4)."""
    if any(True for _ in _dangling(setup)):
        return
    for slug, notice in setup.notice.items():
        brand = setup.brand[notice["brand"]]
        names = (brand["business_name"], setup.organization[brand["organization"]]["name"])
        contacts = [brand[way] for way in ("phone", "email", "web") if way in brand]
        for language, words in notice["words"].items():
            for gap in casl.notice_gaps(words, names=names, address=brand["mailing_address"], contacts=contacts):
                yield f"notice {slug}.{language} lacks {gap} (SOR/2012-36, s. 4)."


def _unsafe_sites(setup: Setup, development: bool) -> Iterable[str]:
    """Yield the sites that anybody on the way could pose as."""
    for slug, form in setup.form.items():
        for field in ("origins", "return_urls"):
            for url in form.get(field, ()):
                if url.startswith("http:") and not (development and _HERE.match(url)):
                    yield f"form {slug}: {field}: {url} must begin with https:// (http://localhost in development)."
