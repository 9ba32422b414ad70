"""What a company has set up, as immutable objects, read once and kept for a moment.

``current()`` is what requests use: it reads the tables at most once every few seconds, and again at once when
somebody names a thing that it does not know yet, so that a form works the moment ``consent setup`` has made it.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from consent import clock, colours
from consent.store import catalogue as tables
from consent.store import database

LANGUAGES = ("en", "fr")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: A site as browsers name it (RFC 6454 s. 6.2): nothing that could end or widen a header that lists sites.
ORIGIN = re.compile(rf"https?://{_LABEL}(?:\.{_LABEL})*(?::[1-9][0-9]{{0,4}})?")
RETURN_URL = re.compile(rf"({ORIGIN.pattern})(?:/[A-Za-z0-9._~!$&'()+,;=:@%/?-]*)?")
CHARITIES = ("registered_charity", "political_party", "candidate")
ORGANIZATION_TYPES = ("business", "club", *CHARITIES)
LIGHT_PAPER, DARK_PAPER = "#ffffff", "#1c2025"  # what words stand on, in mails and on pages
Noun = TypeVar("Noun")
_KEPT_SECONDS = 2.0


class Unknown(LookupError):
    """Nothing of that name is set up. The message names it."""


@dataclass(frozen=True)
class Organization:
    """The legal person that sends; *id* is what links are bound to."""

    slug: str
    id: bytes
    name: str
    country: str
    zone: ZoneInfo
    type: str = "business"

    @property
    def charity(self) -> bool:
        """Whether donations to it, and volunteering for it, imply consent (CASL s. 10(13))."""
        return self.type in CHARITIES


@dataclass(frozen=True)
class Brand:
    """A name under which an organization writes, with all that a message must carry (SOR/2012-36 s. 2)."""

    slug: str
    organization: Organization
    business_name: str
    mailing_address: str
    from_address: str
    languages: tuple[str, ...]
    phone: str | None = None
    email: str | None = None
    web: str | None = None
    logo_text: str | None = None
    colour: str = "#1f4e8c"
    dark_colour: str | None = None
    dkim_selectors: tuple[str, ...] = ()  # of the keys by which its mail service signs
    privacy_url: str | None = None
    storage_country: str | None = None
    retention: str | None = None
    processors: tuple[str, ...] = ()

    @property
    def contacts(self) -> tuple[str, ...]:
        """The ways to reach the brand that are set: phone, e-mail, web, in this order."""
        return tuple(way for way in (self.phone, self.email, self.web) if way)

    @property
    def mark(self) -> str:
        """The word mark at the head of its mail and pages: its name, if set-up has no other."""
        return self.logo_text or self.business_name

    @property
    def on_colour(self) -> str:
        """The colour of words on its own, as on a button."""
        return colours.written_on(self.colour)

    @property
    def link_colour(self) -> str:
        """Its colour for words on white paper: itself, or as much darker as reading needs."""
        return colours.readable(self.colour, LIGHT_PAPER)

    @property
    def link_colour_in_the_dark(self) -> str:
        """Its colour for words on dark paper: what set-up says, or its own as much lighter as reading needs."""
        return self.dark_colour or colours.readable(self.colour, DARK_PAPER)

    @property
    def on_colour_in_the_dark(self) -> str:
        """The colour of words on that one."""
        return colours.written_on(self.link_colour_in_the_dark)

    @property
    def domain(self) -> str:
        """The domain that its mail comes from."""
        return self.from_address.rpartition("@")[2]

    def list_id(self, name: str) -> str:
        """Return the List-Id (RFC 2919) of the brand's mail called *name*, such as a topic's."""
        return f"<{name}.{self.slug}.{self.domain}>"


@dataclass(frozen=True)
class Topic:
    """One thing to subscribe to; *slug* is ``brand/topic``; names and descriptions are per language."""

    slug: str
    brand: Brand
    name: Mapping[str, str] = field(hash=False)
    description: Mapping[str, str] = field(hash=False)
    renewal_form: str | None = None  # whose words ask for express consent before an implied one ends


@dataclass(frozen=True)
class Notice:
    """The exact words that are shown, and their SHA-256 in hex."""

    sha256: str
    slug: str
    brand: str
    language: str
    words: str


@dataclass(frozen=True)
class Form:
    """A place that collects, in its newest version; *notices* is per language.

    *origins* are the sites that may hold it, *return_urls* the pages that a sign-up may lead on to.
    """

    slug: str
    version: int
    brand: Brand
    topics: tuple[Topic, ...]
    notices: Mapping[str, Notice]
    title: Mapping[str, str]
    source: str
    origins: tuple[str, ...] = ()
    return_urls: tuple[str, ...] = ()

    @property
    def return_origins(self) -> tuple[str, ...]:
        """The sites that *return_urls* are on."""
        found = map(RETURN_URL.fullmatch, self.return_urls)
        return tuple(dict.fromkeys(match[1] for match in found if match))

    @property
    def reference(self) -> str:
        """``slug@version``, as entries name it."""
        return f"{self.slug}@{self.version}"

    def language(self, wanted: str | None) -> str:
        """Return *wanted* if the form's brand speaks it, else the brand's first language."""
        return wanted if wanted in self.brand.languages else self.brand.languages[0]


@dataclass(frozen=True)
class Catalogue:
    """All of it. The methods raise Unknown."""

    organizations: Mapping[str, Organization] = field(default_factory=dict)
    brands: Mapping[str, Brand] = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)
    notices: Mapping[str, Notice] = field(default_factory=dict)  # by SHA-256, every version ever published
    forms: Mapping[str, Form] = field(default_factory=dict)

    def topics_of(self, organization: str) -> tuple[Topic, ...]:
        """Return the topics of every brand of *organization*, in the order of their slugs."""
        return tuple(t for _, t in sorted(self.topics.items()) if t.brand.organization.slug == organization)


_kept: tuple[float, Catalogue] | None = None
_lock = threading.Lock()


def current() -> Catalogue:
    """Return the catalogue, at most a few seconds old."""
    kept = _kept
    if kept and clock.monotonic() - kept[0] < _KEPT_SECONDS:
        return kept[1]
    return reload()


def reload() -> Catalogue:
    """Read the catalogue from the database, keep it and return it."""
    global _kept  # noqa: PLW0603 - one cache a process
    with _lock:
        with database.reading() as connection:
            fresh = load(connection)
        _kept = (clock.monotonic(), fresh)
    return fresh


def form(slug: str) -> Form:
    """Return the form *slug* in its newest version; Unknown if there is none."""
    return _known(lambda found: found.forms, slug, f"There is no form {slug!r}.")


def brand(slug: str) -> Brand:
    """Return the brand *slug*; Unknown if there is none."""
    return _known(lambda found: found.brands, slug, f"There is no brand {slug!r}.")


def topic(slug: str) -> Topic:
    """Return the topic *slug*, written ``brand/topic``; Unknown if there is none."""
    return _known(lambda found: found.topics, slug, f"There is no topic {slug!r}; a topic is written brand/topic.")


def notice(sha256: str) -> Notice:
    """Return the notice with that digest, however old; Unknown if it was never published."""
    return _known(lambda found: found.notices, sha256, "These words were never published.")


def organization(slug: str) -> Organization:
    """Return the organization *slug*; Unknown if there is none."""
    return _known(lambda found: found.organizations, slug, f"There is no organization {slug!r}.")


def _known(pick: Callable[[Catalogue], Mapping[str, Noun]], key: str, otherwise: str) -> Noun:
    """Return what *key* names, looking again in the database before saying *otherwise*."""
    found = pick(current()).get(key) or pick(reload()).get(key)
    if found is None:
        raise Unknown(otherwise)
    return found


def load(connection: Connection) -> Catalogue:
    """Read the whole catalogue over *connection*."""
    organizations = {row.slug: _organization(row) for row in connection.execute(select(tables.Organization.__table__))}
    brands = {
        row.slug: _brand(row, organizations[row.organization])
        for row in connection.execute(select(tables.Brand.__table__))
    }
    topics = {row.slug: _topic(row, brands[row.brand]) for row in connection.execute(select(tables.Topic.__table__))}
    notices = {
        row.sha256: Notice(row.sha256, row.slug, row.brand, row.language, row.words)
        for row in connection.execute(select(tables.Notice.__table__))
    }
    newest = select(tables.Form.__table__).order_by(tables.Form.slug, tables.Form.version)
    forms = {row.slug: _form(row, brands, topics, notices) for row in connection.execute(newest)}
    return Catalogue(organizations, brands, topics, notices, forms)


def _organization(row: Any) -> Organization:
    return Organization(
        slug=row.slug,
        id=row.id,
        name=row.settings["name"],
        country=row.settings["country"],
        zone=ZoneInfo(row.settings["zone"]),
        type=row.settings.get("type", "business"),
    )


def _brand(row: Any, organization: Organization) -> Brand:
    kept = dict(row.settings)
    kept |= {name: tuple(kept.get(name, ())) for name in ("languages", "processors", "dkim_selectors")}
    return Brand(slug=row.slug, organization=organization, **kept)


def _topic(row: Any, brand: Brand) -> Topic:
    kept = row.settings
    return Topic(row.slug, brand, kept["name"], kept.get("description", {}), kept.get("renewal_form"))


def _form(row: Any, brands: Mapping[str, Brand], topics: Mapping[str, Topic], notices: Mapping[str, Notice]) -> Form:
    kept = row.settings
    return Form(
        slug=row.slug,
        version=row.version,
        brand=brands[row.brand],
        topics=tuple(topics[slug] for slug in kept["topics"]),
        notices={language: notices[sha] for language, sha in kept["notices"].items()},
        title=kept["title"],
        source=kept["source"],
        origins=tuple(filter(ORIGIN.fullmatch, kept.get("origins", ()))),  # set-up once took any URL
        return_urls=tuple(kept.get("return_urls", ())),
    )
