"""SendGrid's event webhook: ECDSA (P-256, SHA-256) over the time stamp and the raw body."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from consent.feedback.events import (
    Event,
    Forged,
    Unreadable,
    digest,
    evidence,
    fresh,
    instant,
    items,
    parsed,
    seconds,
    text,
)
from consent.mail.diagnosis import diagnose

AGE = timedelta(minutes=10)
_SIGNATURE, _TIME = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
_DROPPED = {"bounced address": "bounce", "spam reporting address": "complaint", "unsubscribed address": "unsubscribe"}
_KINDS = {
    "bounce": "bounce", "deferred": "bounce", "spamreport": "complaint", "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
}  # fmt: skip


def read(headers: Mapping[str, str], body: bytes, key: str, now: datetime) -> list[Event]:
    """Return the events in *body*. *key* is the public one, in base64 or PEM. Raises Forged, Unreadable."""
    stamp = headers.get(_TIME, "")
    try:
        public = _public(key)
        public.verify(base64.b64decode(headers.get(_SIGNATURE, ""), validate=True), _signed(stamp, body), _ECDSA)
    except (InvalidSignature, ValueError):
        raise Forged("signature") from None
    fresh(seconds(stamp), now, AGE)
    told = parsed(body)
    if not isinstance(told, list):
        raise Unreadable("The body is no array of events.")
    return [_event(one) for one in items(told)]


_ECDSA = ec.ECDSA(hashes.SHA256())


def _signed(stamp: str, body: bytes) -> bytes:
    return stamp.encode("latin-1", "replace") + body


def _public(key: str) -> ec.EllipticCurvePublicKey:
    """Return the key. Raises ValueError."""
    pem = key if key.startswith("-----") else f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"
    found = serialization.load_pem_public_key(pem.encode())
    if not isinstance(found, ec.EllipticCurvePublicKey):
        raise ValueError("no key of an elliptic curve")
    return found


def _event(one: Mapping[str, Any]) -> Event:
    name, reason = text(one.get("event")), text(one.get("reason"))
    kind = _DROPPED.get(reason.lower(), "other") if name == "dropped" else _KINDS.get(name, "other")
    refused = None if name == "bounce" and text(one.get("type")) != "blocked" else name == "dropped"
    found = diagnose(reason or text(one.get("response")), text(one.get("status")), hard=refused)
    if kind == "bounce" and found.alarm and name != "dropped":
        kind = "alarm"
    shown = {n: one[n] for n in ("event", "type", "status", "reason", "response", "bounce_classification") if n in one}
    return Event(
        provider="sendgrid",
        id=text(one.get("sg_event_id")) or digest(name, text(one.get("email")), text(one.get("timestamp"))),
        kind=kind,
        address=text(one.get("email")),
        occurred_at=instant(one.get("timestamp")),
        hard=found.hard,
        dead=found.dead or name == "dropped",
        code=found.code,
        feedback="abuse" if kind == "complaint" else "",
        said=evidence(shown),
    )
