"""Postmark's webhooks: HTTP Basic, and no signature; so only over TLS, with a long password."""

import base64
import hmac
from collections.abc import Mapping
from typing import Any

from consent.feedback.events import Event, Forged, digest, evidence, instant, mapping, parsed, text
from consent.mail.diagnosis import diagnose

#: Postmark's own classes of bounces; the others are soft, or nothing that happened to the person.
_HARD = {"HardBounce", "BadEmailAddress", "ManuallyDeactivated"}
_NOTHING = {
    "AutoResponder", "AddressChange", "ChallengeVerification", "OpenRelayTest", "Subscribe", "VirusNotification",
    "TestMessage", "Unconfirmed", "InboundError", "DMARCPolicy", "TemplateRenderingFailed",
}  # fmt: skip
_WORDS = {"Bounce": "bounce", "SpamComplaint": "complaint", "SubscriptionChange": "unsubscribe"}
_TYPES = {"SpamComplaint": "complaint", "SpamNotification": "alarm", "Blocked": "alarm", "Unsubscribe": "unsubscribe"}
_TIMES = ("BouncedAt", "ChangedAt", "DeliveredAt")


def read(headers: Mapping[str, str], body: bytes, auth: str) -> list[Event]:
    """Return the event in *body*. *auth* is ``user:password``. Raises Forged, Unreadable."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    try:
        said = base64.b64decode(given.strip(), validate=True)
    except ValueError:
        raise Forged("password") from None
    user, _, password = auth.partition(":")
    given_user, _, given_password = said.partition(b":")
    same = hmac.compare_digest(given_user, user.encode()) & hmac.compare_digest(given_password, password.encode())
    if scheme.lower() != "basic" or not same:
        raise Forged("password")
    return [_event(mapping(parsed(body)))]


def _event(one: Mapping[str, Any]) -> Event:
    record, type = text(one.get("RecordType")), text(one.get("Type"))
    kind = _TYPES.get(type) or _WORDS.get(record, "other")
    found = diagnose(text(one.get("Details")) or text(one.get("Description")), hard=type in _HARD)
    if kind == "bounce":
        kind = "other" if type in _NOTHING else "alarm" if found.alarm and type not in _HARD else kind
    lifted = record == "SubscriptionChange" and one.get("SuppressSending") is not True
    dead = type in _HARD or record == "SubscriptionChange"
    address = text(one.get("Email")) or text(one.get("Recipient"))
    at = next((text(one[name]) for name in _TIMES if name in one), "")
    if record == "SubscriptionChange" and not lifted:
        kind = {"HardBounce": "bounce", "SpamComplaint": "complaint"}.get(text(one.get("SuppressionReason")), kind)
    return Event(
        provider="postmark",
        id=digest(record, text(one.get("ID")) or text(one.get("MessageID")), address, "" if one.get("ID") else at),
        kind="other" if lifted else kind,
        address=address,
        occurred_at=instant(at),
        hard=dead,
        dead=dead,
        code=found.code,
        sender=text(one.get("From")),
        feedback="abuse" if kind == "complaint" else "",
        said=evidence({name: one[name] for name in ("RecordType", "Type", "Description", "Details") if name in one}),
    )
