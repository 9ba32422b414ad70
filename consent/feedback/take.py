"""Record what came back: a bounce beside the consent, a complaint as the person's "no" to the organization."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from email.utils import parseaddr

from consent import addresses, catalogue
from consent.addresses import Address, BadAddress
from consent.catalogue import Brand
from consent.feedback.events import Event
from consent.records import bounces
from consent.records.append import Draft
from consent.records.history import History
from consent.subscriptions import recording, refusals
from consent.subscriptions.acts import Act
from consent.subscriptions.recording import Refused, Told
from consent.subscriptions.refusals import Refusal

_log = logging.getLogger("consent.feedback")


def take(events: Sequence[Event], act: Act) -> Counter[str]:
    """Record *events*, all in one transaction and each once, and return how many there were of each sort.

    What was told before is counted as ``again``, what names no address as ``unreadable``. An alarm is logged for
    operators: it is about us, and the person's record stays as it is.
    """
    found: Counter[str] = Counter()
    told: list[tuple[str, Told]] = []
    for event in events:
        if event.kind in ("alarm", "other"):
            found[event.what] += 1
            _alarm(event)
        elif (address := _address(event.address)) is None:
            found["unreadable"] += 1
        else:
            told.append((event.what, replace(_MAKERS[event.kind](event, address), once=(event.provider, event.id))))
    for (what, _), outcome in zip(told, recording.record([one for _, one in told], act), strict=True):
        found["again" if isinstance(outcome, Refused) else what] += 1
    return found


def _alarm(event: Event) -> None:
    if event.kind == "alarm":
        _log.error("mail is refused because of us, and not of its readers: %s said %s", event.provider, event.code)


def _address(text: str) -> Address | None:
    try:
        return addresses.parse(text.strip())
    except BadAddress:
        return None


def _bounce(event: Event, address: Address) -> Told:
    def draft(past: History, act: Act) -> Draft:
        return bounces.bounce(
            past,
            hard=event.hard,
            dead=event.dead,
            code=event.code,
            provider=event.provider,
            at=min(event.occurred_at or act.now, act.now),
            evidence=_evidence(event, address),
        )

    return Told(address, draft, tuple(catalogue.current().topics.values()))


def _complaint(event: Event, address: Address) -> Told:
    brand = brand_of(event.sender)

    def draft(_: History, act: Act) -> Draft:
        return bounces.complaint(
            organization=brand.organization.slug if brand else None,
            feedback=event.feedback or "abuse",
            provider=event.provider,
            at=min(event.occurred_at or act.now, act.now),
            evidence=_evidence(event, address),
        )

    return Told(address, draft, tuple(catalogue.current().topics.values()))


def _unsubscribe(event: Event, address: Address) -> Told:
    return refusals.withdrawal(
        Refusal(address, "all", "provider", brand_of(event.sender), occurred_at=event.occurred_at)
    )


_MAKERS = {"bounce": _bounce, "complaint": _complaint, "unsubscribe": _unsubscribe}


def _evidence(event: Event, address: Address) -> dict[str, str | None]:
    return {"email": address.typed, "provider_event": event.said or None}


def brand_of(sender: str) -> Brand | None:
    """Return the brand that writes from the address *sender*, or the only one of its domain; None if it is unclear."""
    address = (parseaddr(sender)[1] or sender).strip().lower()
    brands = catalogue.current().brands.values()
    exact = [brand for brand in brands if brand.from_address.lower() == address]
    domain = address.rpartition("@")[2]
    near = [brand for brand in brands if domain and brand.from_address.lower().rpartition("@")[2] == domain]
    organizations = {brand.organization.slug for brand in exact or near}
    return (exact or near)[0] if len(organizations) == 1 else None
