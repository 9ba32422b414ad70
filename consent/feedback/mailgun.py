"""Mailgun's webhooks: HMAC-SHA-256 over a time stamp and a token, in the body.

The signature does not cover the event. So each token is good for one event, and TLS is what protects the rest.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from consent.feedback.events import Event, Forged, digest, evidence, fresh, instant, mapping, parsed, seconds, text
from consent.mail.diagnosis import diagnose

AGE = timedelta(minutes=10)
_TOKEN = 50  # characters
_KINDS = {"failed": "bounce", "complained": "complaint", "unsubscribed": "unsubscribe"}
_DEAD = {"suppress-bounce"}  # Mailgun did not even try: the address has bounced before
_LISTED = {"suppress-complaint": "complaint", "suppress-unsubscribe": "unsubscribe"}


class Told(NamedTuple):
    """The event, and the token that it came with: another event with the same token is forged."""

    event: Event
    token: str


def read(body: bytes, key: str, now: datetime) -> Told:
    """Return the event in *body*. Raises Forged, Unreadable."""
    told = mapping(parsed(body))
    signature = mapping(told.get("signature"))
    stamp, token = text(signature.get("timestamp")), text(signature.get("token"))
    wanted = hmac.new(key.encode(), (stamp + token).encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    given = text(signature.get("signature"))
    if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        raise Forged("signature")
    if len(token) != _TOKEN:
        raise Forged("token")
    fresh(seconds(stamp), now, AGE)
    return Told(_event(mapping(told.get("event-data"))), token)


def _event(one: Mapping[str, Any]) -> Event:
    name, reason = text(one.get("event")), text(one.get("reason"))
    kind = _LISTED.get(reason) or _KINDS.get(name, "other")
    status, permanent = mapping(one.get("delivery-status")), text(one.get("severity")) == "permanent"
    words = f"{text(status.get('code'))} {text(status.get('message'))} {text(status.get('description'))}"
    found = diagnose(words, text(status.get("enhanced-code")), hard=permanent)
    if kind == "bounce" and found.alarm and reason not in _DEAD:
        kind = "alarm"
    headers = mapping(mapping(one.get("message")).get("headers"))
    return Event(
        provider="mailgun",
        id=text(one.get("id")) or digest(name, text(one.get("recipient")), text(one.get("timestamp"))),
        kind=kind,
        address=text(one.get("recipient")),
        occurred_at=instant(one.get("timestamp")),
        hard=permanent,
        dead=found.dead or reason in _DEAD,
        code=found.code,
        sender=text(headers.get("from")),
        feedback="abuse" if kind == "complaint" else "",
        said=evidence({"event": name, "severity": one.get("severity"), "reason": reason, "delivery-status": status}),
    )
