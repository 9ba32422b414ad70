"""Reports that come as mail: bounces (RFC 3464, and the many forms older than it) and complaints (RFC 5965).

Anybody can send such a message. It is believed only if it holds a token of ours: of the return path, ``b+<token>@``,
or of the List-Unsubscribe header in the copy of our message. Nothing in it can make this crash.
"""

import email
import email.policy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parseaddr

from flufl.bounce import all_failures

from consent.feedback.events import MOST_EVIDENCE, digest
from consent.mail.diagnosis import Diagnosis, diagnose

_LARGEST = 1 << 20  # bytes that are looked at: reports stand first, and our message at the end may be cut
_MOST_PARTS = 200
_MOST_TOKENS = 5
_HUMAN = 1000  # characters of what a report tells people, looked at where the server's words say nothing
_TOKEN = re.compile(rb"(?:/(u)/|\b(b)\+)([a-z2-7]{40})(?![a-z2-7])")
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery|mdaemon|<>", re.I)
_FAILED = re.compile(r"undeliver|returned mail|failure|failed|delivery (status|problem|error)|non remis", re.I)
_AUTOMATIC = re.compile(r"out of (the )?office|auto(matic)?[- ]?(reply|response)|absence|on (vacation|holiday)", re.I)
_COPY = re.compile(
    r"\n-{2,}[^\n]*(?:below|original|copy|start)|\nReceived:|\n[^\n]*original message|\nHere is a copy", re.I
)
_PLAIN = email.policy.compat32


@dataclass(frozen=True)
class Failure:
    """What is said of one recipient: the address as reported, what it means, and the server's words."""

    address: str
    diagnosis: Diagnosis
    words: str


@dataclass(frozen=True)
class Report:
    """A message that came back: ``bounce``, ``complaint``, ``reply`` (of a machine) or ``other``.

    *tokens* are (purpose, token) pairs that stand in it. *feedback* is the type of a complaint (RFC 5965 s. 7.3).
    *id* is the same for the same report.
    """

    kind: str
    id: str
    tokens: Sequence[tuple[str, str]] = ()
    failures: Sequence[Failure] = ()
    feedback: str = ""


def read(raw: bytes) -> Report:
    """Return what *raw*, a whole message, reports. Never raises, whatever it holds."""
    raw = raw[:_LARGEST]
    try:
        return _report(email.message_from_bytes(raw, policy=_PLAIN), raw)
    except Exception:  # the parser of the standard library raises many things on what is no mail
        return Report("other", digest(raw.decode("latin-1")))


def _report(message: Message, raw: bytes) -> Report:
    parts = list(_parts(message))
    id, tokens = _id(message, raw), _tokens(raw)
    if feedback := _feedback(parts):
        return Report("complaint", id, tokens, feedback=feedback)
    if failures := list(_delivery(parts)) or list(_older(message, parts)):
        return Report("bounce", id, tokens, failures)
    return Report("reply" if _automatic(message) else "other", id, tokens)


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            return
        yield part


def _tokens(raw: bytes) -> list[tuple[str, str]]:
    """Return the tokens that stand in the message, folded and quoted-printable lines put together."""
    whole = re.sub(rb"=\r?\n|\r?\n[ \t]+(?=[a-z2-7])", b"", raw)
    found = {(one[0] or one[1], one[2]) for text in (raw, whole) for one in _TOKEN.findall(text)}
    return sorted((purpose.decode(), token.decode()) for purpose, token in found)[:_MOST_TOKENS]


def _id(message: Message, raw: bytes) -> str:
    return digest(str(message.get("Message-ID") or raw.decode("latin-1")))


def _feedback(parts: Sequence[Message]) -> str:
    """Return the Feedback-Type of a complaint, or nothing."""
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            fields = email.message_from_string(_text(part), policy=_PLAIN)
            return str(fields.get("Feedback-Type") or "other").strip().lower()[:40]
    return ""


def _delivery(parts: Sequence[Message]) -> Iterator[Failure]:
    """Yield what a report in the standard form says of each recipient (RFC 3464 s. 2.3)."""
    human = next((_text(part) for part in parts if part.get_content_type() == "text/plain"), "")
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            for block in _blocks(part):
                yield from _recipient(block, human)


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    return [email.message_from_string(text, policy=_PLAIN) for text in re.split(r"\r?\n\s*\r?\n", _text(part))]


def _recipient(block: Message, human: str) -> Iterator[Failure]:
    action = str(block.get("Action") or "").strip().lower()
    address = _address(block.get("Original-Recipient")) or _address(block.get("Final-Recipient"))
    words, status = _field(block, "Diagnostic-Code"), _field(block, "Status")
    if not address and not status:
        return
    if action.startswith("delayed"):
        yield Failure(address, diagnose(words, status, hard=False), words)
    elif action.startswith("fail"):
        yield Failure(address, diagnose(words or human[:_HUMAN], status, hard=True), words)
    elif not action and status[:1] in ("4", "5"):
        yield Failure(address, diagnose(words or human[:_HUMAN], status), words)


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name) or "").split())[:MOST_EVIDENCE]


def _address(value: object) -> str:
    """Return the address in an address field of RFC 3464 s. 2.3.1: ``rfc822; anne@example.com``."""
    text = str(value or "").rpartition(";")[2].strip()
    return (parseaddr(text)[1] or text).strip("<> ") if text else ""


def _older(message: Message, parts: Sequence[Message]) -> Iterator[Failure]:
    """Yield what reports in other forms say: those that flufl.bounce knows, and what a mailer daemon says in words."""
    text = "\n".join(_text(part) for part in parts if part.get_content_maintype() in ("text", "message"))
    temporary, permanent = all_failures(message)
    for address in sorted(temporary):
        yield Failure(_decoded(address), diagnose("", hard=False), "")
    for address in sorted(permanent):
        words = _near(text, _decoded(address))
        yield Failure(_decoded(address), diagnose(words, hard=True), words)
    if not temporary and not permanent and _from_daemon(message):
        yield Failure("", diagnose(text), text[:MOST_EVIDENCE])


def _decoded(address: object) -> str:
    return address.decode("utf-8", "replace") if isinstance(address, bytes) else str(address)


def _near(text: str, address: str) -> str:
    """Return the words about *address*: from its first mention on, before the copy of the message begins."""
    start = max(0, text.lower().find(address.lower()))
    return _COPY.split(text[start : start + 600] or text[:600])[0]


def _from_daemon(message: Message) -> bool:
    sender = f"{message.get('From', '')} {message.get('Return-Path', '')}"
    return bool(_DAEMON.search(sender) and _FAILED.search(str(message.get("Subject", ""))))


def _automatic(message: Message) -> bool:
    """Whether a machine answered for somebody (RFC 3834): it says nothing about the address."""
    submitted = str(message.get("Auto-Submitted") or "no").strip().lower()
    marks = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")
    return (
        submitted.startswith("auto-")
        or any(name in message for name in marks)
        or str(message.get("Precedence") or "").strip().lower() == "auto_reply"
        or bool(_AUTOMATIC.search(str(message.get("Subject") or "")))
    )


def _text(part: Message) -> str:
    """Return the text of a part, decoded as far as it can be."""
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload.decode("utf-8", "replace")
    inner = part.get_payload()
    return "\n".join(str(one) for one in inner) if isinstance(inner, list) else str(inner or "")
