"""Amazon SES, told through Amazon SNS. The signature is RSA with SHA-256 over the named fields, version 2 only.

Anybody with an AWS account can have SNS sign a message: only the topics that are set are believed, and a certificate
comes from Amazon's hosts or from the folder of pinned ones.
"""

import base64
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from consent.feedback.events import (
    Event,
    Forged,
    Unreadable,
    digest,
    evidence,
    fresh,
    instant,
    items,
    mapping,
    parsed,
    text,
)
from consent.mail.diagnosis import diagnose

AGE = timedelta(hours=1)
_SECONDS, _LARGEST = 5, 64 * 1024
_OURS = 500  # from this status on it is Amazon's fault, and not that of whoever named the URL
_HOST = re.compile(r"sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?\Z")
_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_COMPLAINTS = {"not-spam": "other", "auth-failure": "alarm"}


class Amazon(Protocol):
    """What is fetched from Amazon; another one in tests, and where nothing may be fetched."""

    def certificate(self, url: str) -> bytes:
        """Return the certificate at *url* as PEM. Raises OSError."""

    def visit(self, url: str) -> None:
        """Confirm a subscription. Raises OSError."""


class Pinned:
    """Certificates from a folder, by the last part of their URL; nothing is fetched, and nothing is visited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def certificate(self, url: str) -> bytes:
        """Return the file in the folder that is named like the URL's last part. FileNotFoundError if there is none."""
        path = self.folder / urlsplit(url).path.rpartition("/")[2]
        if not path.is_file():
            raise FileNotFoundError
        return path.read_bytes()

    def visit(self, url: str) -> None:
        """Do nothing: whoever pins certificates confirms subscriptions by hand."""


class Online:
    """Certificates from Amazon itself, each kept by its whole URL."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def certificate(self, url: str) -> bytes:
        """Return what lies at *url*, from memory if it was fetched before."""
        if url not in self._kept:
            self._kept[url] = _get(url)
        return self._kept[url]

    def visit(self, url: str) -> None:
        """Fetch *url*, once."""
        _get(url)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing: the host was checked for the first address alone."""


def _get(url: str) -> bytes:
    """Return what lies at *url*. Raises FileNotFoundError if there is nothing, OSError if Amazon does not answer."""
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS) as answer:  # https and Amazon's host: _safe
            return bytes(answer.read(_LARGEST))
    except urllib.error.HTTPError as error:
        raise (FileNotFoundError if error.code < _OURS else OSError)(error.code) from None
    except HTTPException as error:
        raise OSError(type(error).__name__) from None


def read(body: bytes, topics: tuple[str, ...], amazon: Amazon, now: datetime) -> list[Event]:
    """Return the events in an SNS message. Raises Forged, Unreadable; OSError if Amazon cannot be reached."""
    told = mapping(parsed(body))
    kind, topic = text(told.get("Type")), text(told.get("TopicArn"))
    if kind not in _FIELDS:
        raise Forged("type")
    if topic not in topics:
        raise Forged("topic")
    if text(told.get("SignatureVersion")) != "2":
        raise Forged("version")
    _check(told, kind, amazon)
    fresh(instant(told.get("Timestamp")), now, AGE)
    if kind == "SubscriptionConfirmation":
        amazon.visit(_safe(text(told.get("SubscribeURL"))))
    return list(_events(mapping(parsed(text(told.get("Message")).encode())), told)) if kind == "Notification" else []


def _check(told: Mapping[str, Any], kind: str, amazon: Amazon) -> None:
    try:
        found = x509.load_pem_x509_certificate(amazon.certificate(_safe(text(told.get("SigningCertURL")))))
        key, signature = found.public_key(), base64.b64decode(text(told.get("Signature")), validate=True)
    except FileNotFoundError:
        raise Forged("certificate") from None
    except ValueError:
        raise Forged("signature") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise Forged("certificate")
    signed = "".join(f"{name}\n{text(told[name])}\n" for name in _FIELDS[kind] if told.get(name) is not None)
    try:
        key.verify(signature, signed.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise Forged("signature") from None


def _safe(url: str) -> str:
    """Return *url* if it is https, of Amazon's SNS, and nothing else. Raises Forged."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "https" and _HOST.match(parts.netloc or "") and parts.port is None
    except ValueError:
        sound = None
    if not sound:
        raise Forged("url")
    return url


def _events(message: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[Event]:
    kind = text(message.get("notificationType") or message.get("eventType"))
    mail = mapping(message.get("mail"))
    sender = text(mail.get("source"))
    if kind == "Bounce":
        yield from _bounces(mapping(message.get("bounce")), sender, told)
    elif kind == "Complaint":
        yield from _complaints(mapping(message.get("complaint")), sender, told)
    elif not kind and not message:
        raise Unreadable("The notification holds no event of SES.")


def _bounces(bounce: Mapping[str, Any], sender: str, told: Mapping[str, Any]) -> Iterator[Event]:
    permanent, subtype = text(bounce.get("bounceType")) == "Permanent", text(bounce.get("bounceSubType"))
    for recipient in items(bounce.get("bouncedRecipients")):
        found = diagnose(text(recipient.get("diagnosticCode")), text(recipient.get("status")), hard=permanent)
        alarm = found.alarm and subtype not in ("NoEmail", "Suppressed", "OnAccountSuppressionList")
        yield Event(
            provider="ses",
            id=_id(bounce, recipient, told),
            kind="alarm" if alarm else "bounce",
            address=text(recipient.get("emailAddress")),
            occurred_at=instant(bounce.get("timestamp")),
            hard=permanent,
            dead=permanent,  # by which SES means the address
            code=found.code,
            sender=sender,
            said=evidence({"bounceType": bounce.get("bounceType"), "bounceSubType": subtype, **recipient}),
        )


def _complaints(complaint: Mapping[str, Any], sender: str, told: Mapping[str, Any]) -> Iterator[Event]:
    feedback = text(complaint.get("complaintFeedbackType"))
    listed = text(complaint.get("complaintSubType")) == "OnAccountSuppressionList"  # an older complaint, told again
    for recipient in items(complaint.get("complainedRecipients")):
        yield Event(
            provider="ses",
            id=_id(complaint, recipient, told),
            kind="other" if listed else _COMPLAINTS.get(feedback, "complaint"),
            address=text(recipient.get("emailAddress")),
            occurred_at=instant(complaint.get("timestamp")),
            sender=sender,
            feedback=feedback or "abuse",
            said=evidence({"complaintFeedbackType": feedback}),
        )


def _id(part: Mapping[str, Any], recipient: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Return the same name for one event that two topics tell, or that SNS delivers twice."""
    return digest(text(part.get("feedbackId")) or text(told.get("MessageId")), text(recipient.get("emailAddress")))
