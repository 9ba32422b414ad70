"""From a composed message to the bytes on the wire.

The standard library folds a List-Unsubscribe of more than 75 characters into an encoded word, and one-click
silently stops existing; it also decodes ``=?utf-8?q?x=0ABcc=3A…?=`` into a second header (CVE-2024-6923). So
headers are written with a limit of 998 (RFC 5322 s. 2.1.1), and none may hold a control character or an encoded
word that we did not make.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

_BODY = SMTP.clone(max_line_length=76)  # RFC 2045 s. 6.7: encoded lines are at most 76 long
_WIRE = SMTP.clone(max_line_length=998)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]|=\?.*\?=")


class UnsafeHeader(ValueError):
    """A header would hold a control character or somebody else's encoded word. Names the header, not its text."""


@dataclass(frozen=True)
class Letter:
    """One message to one person, before it is bytes. *id* is unique and the same on every try."""

    id: str
    sender_name: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    language: str
    list_id: str
    unsubscribe_url: str
    bounce_token: str

    @property
    def domain(self) -> str:
        """The domain that the message comes from: Message-ID and envelope sender are in it too."""
        return self.sender.rpartition("@")[2]

    @property
    def return_path(self) -> str:
        """The envelope sender, to which bounces go: it names this message's reader, and nobody else can make it."""
        return f"b+{self.bounce_token}@{self.domain}"

    @property
    def message_id(self) -> str:
        """The Message-ID, in angle brackets."""
        return f"<{self.id}@{self.domain}>"


def wire(letter: Letter, now: datetime) -> bytes:
    """Return *letter* as an SMTP server takes it: CRLF, quoted-printable, plain text and HTML that say the same."""
    message = EmailMessage(policy=_BODY)
    sender = Address(display_name=_safe("From", letter.sender_name), addr_spec=_safe("From", letter.sender))
    message["From"] = sender
    message["To"] = Address(addr_spec=_safe("To", letter.recipient))
    for name, value in _headers(letter, now).items():
        message[name] = _safe(name, value)
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message.as_bytes(policy=_WIRE)


def _headers(letter: Letter, now: datetime) -> Mapping[str, str]:
    return {
        "Subject": letter.subject,
        "Date": format_datetime(now),
        "Message-ID": letter.message_id,
        "List-Id": letter.list_id,  # RFC 2919
        "List-Unsubscribe": f"<{letter.unsubscribe_url}>",  # RFC 2369
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058 s. 3.1
        "Auto-Submitted": "auto-generated",  # RFC 3834 s. 5: no vacation notice in return
        "Content-Language": letter.language,
    }


def _safe(name: str, value: str) -> str:
    if _UNSAFE.search(value):
        raise UnsafeHeader(f"{name} holds a control character or an encoded word; correct the set-up file.")
    return value
