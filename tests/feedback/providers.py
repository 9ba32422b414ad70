"""Providers as they sign: the shape of what each sends, with keys of our own."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from consent import clock
from consent.config import Feedback

TOPIC = "arn:aws:sns:eu-west-1:111122223333:mail"
CERT_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
MAILGUN_KEY, POSTMARK_AUTH = "key-0123456789", "postmark:a long: password"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
_ORDER = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
Request = tuple[str, bytes, dict[str, str]]  # path, body, headers


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate() -> bytes:
    """Return what lies at CERT_URL."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key().public_key())
    dated = made.not_valid_before(clock.now() - timedelta(days=1)).not_valid_after(clock.now() + timedelta(days=9))
    return dated.serial_number(7).sign(rsa_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def sendgrid_public() -> str:
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(ec_key().public_key().public_bytes(*form)).decode()


def settings(folder: Path) -> Feedback:
    """Return settings that believe all five, with certificates in *folder*."""
    folder.mkdir(exist_ok=True)
    (folder / CERT_URL.rpartition("/")[2]).write_bytes(certificate())
    return Feedback((TOPIC,), folder, sendgrid_public(), MAILGUN_KEY, POSTMARK_AUTH, STANDARD_SECRET)


def stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ses(message: dict[str, Any], **changes: Any) -> Request:
    """Return an SNS notification of *message*, signed after *changes*."""
    told = {
        "Type": "Notification",
        "MessageId": secrets.token_hex(16),
        "TopicArn": TOPIC,
        "Message": json.dumps(message),
        "Timestamp": iso(clock.now()),
        "SignatureVersion": "2",
        "SigningCertURL": CERT_URL,
    } | changes
    kind = told["Type"]
    names = [n for n in _ORDER if n in told and (kind == "Notification" or n != "Subject")]
    signed = "".join(f"{name}\n{told[name]}\n" for name in names)
    if "Signature" not in told:
        made = rsa_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        told["Signature"] = base64.b64encode(made).decode()
    return "/feedback/ses", json.dumps(told).encode(), {"Content-Type": "text/plain; charset=UTF-8"}


def sendgrid(events: list[dict[str, Any]], at: datetime | None = None) -> Request:
    body, when = json.dumps(events).encode(), stamp(at or clock.now())
    signature = ec_key().sign(when.encode() + body, ec.ECDSA(hashes.SHA256()))
    prefix = "X-Twilio-Email-Event-Webhook"
    return "/feedback/sendgrid", body, {
        f"{prefix}-Signature": base64.b64encode(signature).decode(), f"{prefix}-Timestamp": when,
    }  # fmt: skip


def mailgun(event: dict[str, Any], at: datetime | None = None, token: str | None = None) -> Request:
    when, token = stamp(at or clock.now()), token or secrets.token_hex(25)
    made = hmac.new(MAILGUN_KEY.encode(), (when + token).encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": when, "token": token, "signature": made}
    return "/feedback/mailgun", json.dumps({"signature": signature, "event-data": event}).encode(), {}


def postmark(event: dict[str, Any], auth: str = POSTMARK_AUTH) -> Request:
    given = base64.b64encode(auth.encode()).decode()
    return "/feedback/postmark", json.dumps(event).encode(), {"Authorization": f"Basic {given}"}


def standard(event: dict[str, Any], at: datetime | None = None, id: str = "", prefix: str = "webhook") -> Request:
    body, when, id = json.dumps(event).encode(), stamp(at or clock.now()), id or f"msg_{secrets.token_hex(8)}"
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"{id}.{when}.".encode() + body, hashlib.sha256).digest()).decode()
    names = (f"{prefix}-id", f"{prefix}-timestamp", f"{prefix}-signature")
    return "/feedback/standard", body, dict(zip(names, (id, when, f"v1a,xx v1,AAAA v1,{made}"), strict=True))


def ses_bounce(email: str, type: str = "Permanent", subtype: str = "General", **more: str) -> dict[str, Any]:
    recipient = {"emailAddress": email, "action": "failed", "status": "5.1.1"} | more
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": type,
            "bounceSubType": subtype,
            "bouncedRecipients": [recipient],
            "timestamp": iso(clock.now()),
            "feedbackId": secrets.token_hex(12),
        },
        "mail": {"source": "news@acme.example", "messageId": secrets.token_hex(12), "destination": [email]},
    }


def ses_complaint(email: str, feedback: str = "abuse") -> dict[str, Any]:
    complaint = {
        "complainedRecipients": [{"emailAddress": email}],
        "complaintFeedbackType": feedback,
        "feedbackId": secrets.token_hex(12),
        "timestamp": iso(clock.now()),
    }
    return {"eventType": "Complaint", "complaint": complaint, "mail": {"source": "Acme <news@acme.example>"}}


def sendgrid_event(event: str, email: str, **more: Any) -> dict[str, Any]:
    plain = {"email": email, "event": event, "timestamp": int(stamp(clock.now())), "sg_event_id": secrets.token_hex(8)}
    return plain | more


def mailgun_event(event: str, email: str, **more: Any) -> dict[str, Any]:
    headers = {"from": "Acme <news@acme.example>", "message-id": "x@acme.example"}
    at = clock.now().timestamp()
    plain = {"event": event, "recipient": email, "id": secrets.token_hex(8), "timestamp": at}
    return plain | {"message": {"headers": headers}} | more


def postmark_event(record: str, email: str, type: str = "", **more: Any) -> dict[str, Any]:
    plain = {"RecordType": record, "Type": type, "Email": email, "ID": secrets.randbelow(10**9)}
    return plain | {"From": "news@acme.example", "BouncedAt": iso(clock.now())} | more


def resend_event(name: str, email: str, **data: Any) -> dict[str, Any]:
    plain = {"from": "Acme <news@acme.example>", "to": [email], "email_id": secrets.token_hex(8)}
    return {"type": f"email.{name}", "created_at": iso(clock.now()), "data": plain | data}
