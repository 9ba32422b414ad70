"""The demo's mailbox: every message as a mail client would show it, from the .eml files the worker wrote.

Only there when ``CONSENT_SMTP_URL`` is ``mailbox:``, which production refuses.
"""

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, url_for
from flask.typing import ResponseReturnValue

from consent.pages.showing import page
from consent.web import visitor

mailbox = Blueprint("mailbox", __name__, url_prefix="/dev/mailbox")
_NAME = re.compile(r"[0-9a-f-]{36}\Z")
_NEWEST = 200


@dataclass(frozen=True)
class Message:
    """One stored message."""

    id: str
    parsed: EmailMessage

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.parsed["Subject"])

    @property
    def sender(self) -> str:
        """The From line."""
        return str(self.parsed["From"])

    @property
    def recipient(self) -> str:
        """The To line."""
        return str(self.parsed["To"])

    @property
    def date(self) -> str:
        """When it was sent, in UTC."""
        return f"{parsedate_to_datetime(str(self.parsed['Date'])):%Y-%m-%d %H:%M:%S} UTC"

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header, as it stands."""
        return [(name, str(value)) for name, value in self.parsed.items()]

    def body(self, kind: str) -> str:
        """Return the body as ``plain`` or ``html``."""
        part = self.parsed.get_body((kind,))
        return str(part.get_content()) if part else ""

    @property
    def one_click_path(self) -> str | None:
        """The path that a mail client's unsubscribe button posts to (RFC 8058), or None."""
        if self.parsed["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
            return None
        return urlsplit(str(self.parsed["List-Unsubscribe"]).strip("<>")).path


@mailbox.get("/")
def messages() -> ResponseReturnValue:
    """List the messages, newest first."""
    paths = sorted(_folder().glob("*.eml"), reverse=True)[:_NEWEST]  # UUIDv7 names sort by time
    return page("mailbox", messages=[_read(path.stem) for path in paths])


@mailbox.get("/<name>")
def message(name: str) -> ResponseReturnValue:
    """Show one message: HTML, text, headers, and the mail client's own unsubscribe button."""
    found = _read(name)
    g.csp = "default-src 'none'; style-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'"
    html_url = url_for("mailbox.html", name=name)
    return page("mailbox_message", message=found, html_url=html_url, one_click_url=found.one_click_path)


@mailbox.get("/<name>/html")
def html(name: str) -> ResponseReturnValue:
    """Return the HTML of one message for the frame: its own styles, nothing else."""
    g.csp = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups"
    g.csp += " allow-top-navigation-by-user-activation"
    text = _read(name).body("html").replace("<head>", '<head><base target="_top">', 1)
    return Response(text, mimetype="text/html")


@mailbox.get("/<name>.eml")
def raw(name: str) -> ResponseReturnValue:
    """Return the bytes as they would have been sent."""
    return Response(_path(name).read_bytes(), mimetype="message/rfc822")


def _folder() -> Path:
    return visitor.settings().mailbox or Path()


def _path(name: str) -> Path:
    path = _folder() / f"{name}.eml"
    if not _NAME.match(name) or not path.is_file():
        abort(404)
    return path


def _read(name: str) -> Message:
    parsed = email.message_from_bytes(_path(name).read_bytes(), policy=email.policy.default)
    return Message(name, parsed)
