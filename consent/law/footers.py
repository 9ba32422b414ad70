"""Who writes, where they are, and how to leave: what every commercial message says (CASL s. 6(2), SOR/2012-36).

A name or an address is looked for in what is shown, without regard to case, accents and punctuation.
"""

import re
from collections.abc import Iterator, Mapping

from consent.law.findings import Finding, found
from consent.law.markup import Link
from consent.law.mime import words
from consent.law.views import Probe, View, host, within

_LIKE = 0.8  # so much of an address must be there, in one place, for "Street" may be "St."
_STARTS = 500  # places at which an address is looked for
_FOOTER = 25  # words at the end that are taken for the footer where no address is found
_NAMES = 7  # words before the address that say whose it is
_CLEAR = 8  # words by which the language of a text is told
_CLIPPED = 102 * 1024
_HINTS = {
    "en": frozenset(
        re.findall(
            r"\w+", "the and you your this of to our name from is are for with we unsubscribe manage preferences"
        )
    ),
    "fr": frozenset(
        re.findall(r"\w+", "le la les et vous votre vos nous un du des nom pour dans est que desabonner preferences")
    ),
}
_BOTH = _HINTS["en"] & _HINTS["fr"]


def check(view: View, probed: Mapping[str, Probe]) -> Iterator[Finding]:
    """Yield what is missing of who writes and how to leave; *probed* says of links whether they work."""
    yield from identity(view)
    yield from postal_address(view)
    yield from contact(view)
    yield from ways_out(view)
    yield from footer_language(view)
    yield from dead_links(view, probed)


def identity(view: View) -> Iterator[Finding]:
    """Yield names that are not said: SOR/2012-36 s. 2(1)(a) to (c)."""
    about, level = view.about, view.about.demands[0]
    if not _holds(view.words, words(about.brand)):
        yield found("identity", level, name=about.brand)
    if not _holds(view.words, words(about.organization)):
        yield found("identity.organization", brand=about.brand, name=about.organization)
    for name in about.on_behalf:
        if not _holds(view.words, words(name)):
            yield found("identity.on_behalf", name=name)


def postal_address(view: View) -> Iterator[Finding]:
    """Yield a mailing address that is not there, or only in an image: SOR/2012-36 s. 2(1)(d), 15 USC 7704(a)(5)(A)."""
    wanted = words(view.about.address)
    if not _nearly(view.words, wanted):
        images = view.message.images or (view.page and view.page.images)
        key = "postal_address.image" if images else "postal_address"
        yield found(key, view.about.demands[0], address=view.about.address)
    elif view.page and view.plain is not None and not _nearly(view.plain_words, wanted):
        yield found("postal_address.text")


def contact(view: View) -> Iterator[Finding]:
    """Yield that none of the brand's phone, e-mail and web addresses is given: SOR/2012-36 s. 2(1)(d)."""
    level, contacts = view.about.demands[0], view.about.contacts
    if not contacts:
        yield found("contact.none", level)
    elif not any(_given(view, way) for way in contacts):
        yield found("contact", level, contacts=", ".join(contacts))


def ways_out(view: View) -> Iterator[Finding]:
    """Yield what keeps a reader from leaving: no link, one that is hidden, one that we never hear of."""
    level = view.about.demands[1]
    ways = view.ways_out(view.links)
    seen = [link for link in ways if not link.hidden]
    if not ways:
        if level:
            yield found("unsubscribe_link" if view.about.commercial else "unsubscribe_link.exempt", level)
        return
    if not seen:
        yield found("hidden_unsubscribe")
        return
    yield from _poorly_shown(view, seen)
    if not any(view.ours(link.href) for link in seen) and view.about.commercial:
        yield found(
            "unsubscribe_link.elsewhere", host=host(seen[0].href) or seen[0].href, prefix=view.about.unsubscribe
        )
    if view.page and view.plain is not None and not view.ways_out(view.plain_links):
        yield found("unsubscribe_link.text")
    if view.about.commercial and not any(link.href.startswith(view.about.preferences) for link in view.links):
        yield found("preference_link", prefix=view.about.preferences)


def _poorly_shown(view: View, seen: list[Link]) -> Iterator[Finding]:
    if all(link.small for link in seen):
        yield found("hidden_unsubscribe.small")
    source = (view.message.html or "").encode()
    if len(source) > _CLIPPED and not any(link.href.encode() in source[:_CLIPPED] for link in seen):
        yield found("hidden_unsubscribe.clipped", size=str(len(source) // 1024))


def footer_language(view: View) -> Iterator[Finding]:
    """Yield a footer in another language than its reader's: the Charter of the French language (not verified)."""
    start = max(0, (view.footer if view.footer < len(view.words) else len(view.words) - _FOOTER) - _NAMES)
    footer = _counts(_own_words(view, view.words[start:]))
    expected = view.about.language or ("fr" if view.about.place == "CA-QC" else _main(view.words[:start]))
    if expected in footer and 3 * footer.pop(expected) < sum(footer.values()):
        yield found("footer_language" if expected == "fr" else "footer_language.english")


def dead_links(view: View, probed: Mapping[str, Probe]) -> Iterator[Finding]:
    """Yield every unsubscribe link that was tried and is dead, also beside one that works: 2020 FCA 103 (UN-6)."""
    for url in view.unsubscribe_urls():
        if url in probed and not probed[url].works:
            key = "dead_link" if probed[url].works is False else "dead_link.unknown"
            yield found(key, url=url, why=probed[url].why, pourquoi=probed[url].french or probed[url].why)


def _holds(text: list[str], wanted: list[str]) -> bool:
    return f" {' '.join(wanted)} " in f" {' '.join(text)} "


def _nearly(text: list[str], wanted: list[str]) -> bool:
    """Whether most of *wanted* stands in one place of *text*, its numbers among them."""
    if _holds(text, wanted):
        return True
    needed, numbers = set(wanted), {word for word in wanted if any(char.isdigit() for char in word)}
    starts = [at for at, word in enumerate(text) if word in needed][:_STARTS]
    for at in starts:
        there = needed.intersection(text[at : at + 2 * len(wanted)])
        if numbers <= there and len(there) >= _LIKE * len(needed):
            return True
    return False


def _given(view: View, way: str) -> bool:
    """Whether the contact *way* (a phone, an e-mail or a web address) is in the words or in a link."""
    if "@" in way:
        return way.lower() in view.shown.lower() or any(way.lower() in link.href.lower() for link in view.links)
    if name := host(way):
        name = name.removeprefix("www.")
        linked = any(within(host(link.href), name) and not view.ours(link.href) for link in view.links)
        return (
            linked or re.search(rf"(?<![\w.@-])(www\.)?{re.escape(name)}(?![\w-]|\.\w)", view.shown, re.I) is not None
        )
    digits = re.sub(r"\D", "", way)
    return digits[-10:] in re.sub(r"[^\d]", "", view.shown) if digits else False


def _own_words(view: View, footer: list[str]) -> list[str]:
    """Return *footer* without the names and addresses in it, which belong to no language."""
    about = view.about
    names = {word for text in (about.brand, about.organization, about.address, *about.contacts) for word in words(text)}
    return [word for word in footer if word not in names]


def _counts(text: list[str]) -> dict[str, int]:
    """Return how many words of *text* belong to each language alone."""
    return {language: sum(word in hints and word not in _BOTH for word in text) for language, hints in _HINTS.items()}


def _main(text: list[str]) -> str | None:
    """Return the language that *text* is in, or None if that is not clear."""
    (most, hits), (_, others) = sorted(_counts(text).items(), key=lambda pair: -pair[1])
    return most if hits >= _CLEAR and hits >= 2 * others else None
