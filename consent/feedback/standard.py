"""Standard Webhooks 1.0.0, as Resend and others send them (through Svix): HMAC-SHA-256 over id, time and raw body."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from consent.feedback.events import Event, Forged, digest, evidence, fresh, instant, mapping, parsed, seconds, text
from consent.mail.diagnosis import diagnose

AGE = timedelta(minutes=5)
_PREFIXES = ("webhook", "svix")
_KINDS = {"bounced": "bounce", "complained": "complaint", "unsubscribed": "unsubscribe", "suppressed": "bounce"}


def read(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> list[Event]:
    """Return the events in *body*. *secret* is ``whsec_`` and base64. Raises Forged, Unreadable."""
    prefix = next((name for name in _PREFIXES if headers.get(f"{name}-id")), "webhook")
    id, stamp = headers.get(f"{prefix}-id", ""), headers.get(f"{prefix}-timestamp", "")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise Forged("secret") from None
    signed = f"{id}.{stamp}.".encode("utf-8", "replace") + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = headers.get(f"{prefix}-signature", "").split()
    if not id or not any(_same(one, wanted) for one in given[:10]):
        raise Forged("signature")
    fresh(seconds(stamp), now, AGE)
    return list(_events(mapping(parsed(body)), id))


def _same(given: str, wanted: bytes) -> bool:
    version, _, signature = given.partition(",")
    return version == "v1" and hmac.compare_digest(signature.encode("utf-8", "replace"), wanted)


def _events(told: Mapping[str, Any], id: str) -> Iterator[Event]:
    name, data = text(told.get("type")), mapping(told.get("data"))
    bounce = mapping(data.get("bounce") or data.get("suppressed"))
    words = text(bounce.get("message")) or text(data.get("reason"))
    kind = _KINDS.get(name.rpartition(".")[2], "other")
    stated = text(bounce.get("type")).lower()
    listed = name.endswith("suppressed")
    hard = stated in ("permanent", "hard") if stated else True if listed else None
    found = diagnose(words, text(bounce.get("code")), hard=hard)
    if kind == "bounce" and found.alarm and not listed:
        kind = "alarm"
    for address in _recipients(data):
        yield Event(
            provider="standard",
            id=digest(id, address),
            kind=kind,
            address=address,
            occurred_at=instant(told.get("created_at") or told.get("timestamp")),
            hard=found.hard,
            dead=found.dead or listed,
            code=found.code,
            sender=text(data.get("from")),
            feedback="abuse" if kind == "complaint" else "",
            said=evidence({"type": name, "bounce": bounce}),
        )


def _recipients(data: Mapping[str, Any]) -> list[str]:
    to = data.get("to") or data.get("email") or data.get("recipient")
    return [text(one) for one in to if text(one)] if isinstance(to, list) else [text(to)] if text(to) else []
