"""A message as its reader sees it, and what the checks know about who sends it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from consent.law import markup, mime
from consent.law.markup import Link, Page
from consent.law.mime import Message

#: Levels of a missing name, address or contact, and of a missing way to leave, by kind; else both are errors.
#: Kinds of CASL s. 6(6) need no consent, yet s. 6(2) where a purpose is commercial; those of SOR/2013-221 s. 3 neither.
_DEMANDS: Mapping[str, tuple[str, str | None]] = {
    "confirmation": ("error", "warning"),  # it asks for consent: SOR/2012-36 s. 4; and says how to stop it (policy)
    "receipt": ("warning", "note"),
    "quote": ("warning", "note"),
    "recall": ("warning", "note"),
    "account_notice": ("warning", "note"),
    "reply": ("note", None),
    "legal_notice": ("note", None),
    "fundraising": ("warning", None),
}
_URL = re.compile(r"https?://(?:\[[0-9a-f:.]{2,45}\])?[^\s<>\"'\])}]{1,2000}", re.I)
_HOST = re.compile(r"https?://(?:[^/@\s?#]*@)?(\[[^\]]*\]|[^/:?#\s]*)", re.I)
_LEAVE = re.compile(
    r"unsubscri|opt[-_ ]?out|d[ée]sabonn|d[ée]sinscri|remove me|stop (receiving|these|this)|ne plus recevoir", re.I
)
_WORDS_BEFORE = 80  # characters before a bare address in a text that are taken for the words on it
_MOST_LINKS = 2000


class Probe(NamedTuple):
    """What became of a link that was tried: it *works*, does not, or None: that could not be seen, and *why*.

    *french* says why in French, if that is other words.
    """

    works: bool | None
    why: str
    french: str = ""


@dataclass(frozen=True)
class About:
    """What is known about the sender, the topic and the recipient of a message.

    *contacts* are phone, e-mail and web; *on_behalf* everybody else who must be named (CASL s. 6(2)(a), a referrer, a
    collector); the prefixes are what the service's own links begin with; *place* as ``CA-QC``; *language* as ``fr``.
    """

    brand: str
    organization: str
    address: str
    contacts: tuple[str, ...]
    domain: str
    unsubscribe: str
    preferences: str
    list_id: str = ""
    kind: str = "commercial"
    on_behalf: tuple[str, ...] = ()
    place: str | None = None
    language: str | None = None

    @property
    def demands(self) -> tuple[str, str | None]:
        """The levels of a missing identification, and of a missing way to leave (None: not needed)."""
        return _DEMANDS.get(self.kind, ("error", "error"))

    @property
    def commercial(self) -> bool:
        """Whether the message needs what every commercial message does."""
        return self.kind not in _DEMANDS


@dataclass(frozen=True)
class View:
    """A message and what is known about it, with what its reader sees worked out once."""

    message: Message
    about: About

    @cached_property
    def page(self) -> Page | None:
        """The HTML as it is seen, or None."""
        return None if self.message.html is None else markup.read(self.message.html)

    @cached_property
    def plain(self) -> str | None:
        """The plain text, or None if there is none, or none with words."""
        return self.message.text if self.plain_words else None

    @cached_property
    def shown(self) -> str:
        """What most readers see: the HTML's words, or else the plain text."""
        return self.page.text if self.page else self.plain or ""

    @cached_property
    def words(self) -> list[str]:
        """The words of what is shown, without case and accents."""
        return mime.words(self.shown)

    @cached_property
    def footer(self) -> int:
        """Where in the words the footer begins: at the brand's address, if that is not at the top; else the end."""
        address, said = mime.words(self.about.address)[:3], self.words
        starts = (at for at in range(len(said) // 4, len(said)) if address and said[at : at + len(address)] == address)
        return next(starts, len(said))

    @cached_property
    def plain_words(self) -> list[str]:
        """The words of the plain text."""
        return mime.words(self.message.text or "")

    @cached_property
    def plain_links(self) -> list[Link]:
        """The links of the plain text, each with the words before it."""
        return _bare(self.plain or "")

    @cached_property
    def links(self) -> list[Link]:
        """The links of what is shown."""
        return self.page.links[:_MOST_LINKS] if self.page else self.plain_links

    @cached_property
    def list_urls(self) -> list[str]:
        """The links of List-Unsubscribe, as they stand."""
        return [
            url.strip() for value in self.message.all("list-unsubscribe") for url in re.findall(r"<([^<>]*)>", value)
        ]

    def ways_out(self, links: list[Link]) -> list[Link]:
        """Return those of *links* that look like a way to leave: our own pages, or by their words or address."""
        return [link for link in links if self.ours(link.href) or _LEAVE.search(link.href + said(link))]

    def ours(self, url: str) -> bool:
        """Whether *url* is a page of this service where a person can leave."""
        return url.startswith((self.about.unsubscribe, self.about.preferences))

    def unsubscribe_urls(self) -> list[str]:
        """Return every unsubscribe-like link of the message, header and both texts, each once (2020 FCA 103)."""
        links = [link.href for link in self.ways_out([*self.links, *self.plain_links])]
        found = [*links, *self.list_urls]
        return list(dict.fromkeys(url for url in found if not url.lower().startswith("mailto:")))


def said(link: Link) -> str:
    """Return the words on *link*, seen or not."""
    return f" {link.text} {link.hidden_text}"


def host(url: str) -> str:
    """Return the host that *url* leads to, in lower case; empty if it has none."""
    match = _HOST.match(url)
    return match[1].lower() if match else ""


def within(name: str, domain: str) -> bool:
    """Whether the host *name* is *domain* or under it."""
    return name == domain or name.endswith(f".{domain}")


def _bare(text: str) -> list[Link]:
    found, end = [], 0
    for match in _URL.finditer(text):
        before = text[max(end, match.start() - _WORDS_BEFORE) : match.start()]
        found.append(Link(match[0].rstrip(".,;:!?"), before))
        end = match.end()
    return found[:_MOST_LINKS]
