"""Preflight for one topic: what is set up about its brand, put to the checks of :mod:`consent.law.message`.

Nothing is recorded and nothing is kept. A message is best checked as one person will get it, with that person's links.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from consent.catalogue import Topic
from consent.law import likeness, message
from consent.law.message import About, Finding, Probe

MOST_PROBED = 10  # links of one message that are tried
MOST_EARLIER = 1000  # fingerprints that a message is compared with

_TOO_MANY = (f"more than {MOST_PROBED} links", f"plus de {MOST_PROBED} liens")
Prober = Callable[[str], Probe]


@dataclass(frozen=True)
class Checked:
    """What was found, and by which fingerprint a later message is told to say the same."""

    findings: Sequence[Finding]
    fingerprint: str

    @property
    def ok(self) -> bool:
        """Whether none of the findings is an error."""
        return message.passes(self.findings)


def about(
    topic: Topic, base_url: str, kind: str = "commercial", place: str | None = None, on_behalf: Sequence[str] = ()
) -> About:
    """Return what a message of *kind* about *topic* must say, to somebody in *place*, by what is set up.

    *on_behalf* are the others whom it must name: for whom it is sent (SOR/2012-36 s. 2(1)(c)), who referred the person
    (SOR/2013-221 s. 4), who collected the consent (CASL s. 10(2)).
    """
    brand = topic.brand
    return About(
        brand=brand.business_name,
        organization=brand.organization.name,
        address=brand.mailing_address,
        contacts=brand.contacts,
        domain=brand.from_address.rpartition("@")[2].lower(),
        unsubscribe=f"{base_url}/u/",
        preferences=f"{base_url}/p/",
        list_id=brand.list_id(topic.slug.rpartition("/")[2]),
        kind=kind,
        place=place,
        on_behalf=tuple(on_behalf),
    )


def check(raw: bytes, known: About, earlier: Sequence[str] = (), prober: Prober | None = None) -> Checked:
    """Return what is wrong with the message *raw*; with a *prober* its unsubscribe links are tried too.

    *earlier* are fingerprints of messages about the same topic. Of more than MOST_PROBED links the rest is reported as
    not seen. Never raises, whatever the bytes.
    """
    view = message.read(raw, known)
    urls = view.unsubscribe_urls() if prober else []
    probed = {url: prober(url) for url in urls[:MOST_PROBED]} if prober else {}
    probed |= {url: Probe(None, *_TOO_MANY) for url in urls[MOST_PROBED:]}
    return Checked(message.check(view, earlier[:MOST_EARLIER], probed), likeness.fingerprint(view))


def as_json(checked: Checked, language: str = "en") -> dict[str, Any]:
    """Return the answer of ``POST /messages/preflight``, its sentences in *language*."""
    return {
        "ok": checked.ok,
        "findings": [
            {
                "id": finding.id,
                "level": finding.level,
                "message": finding.text(language),
                "citation": finding.citation.cite(language),
            }
            for finding in checked.findings
        ],
        "fingerprint": checked.fingerprint,
    }
