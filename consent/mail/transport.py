"""Hand bytes to the next server, or to a folder, and say what became of them.

Flask-Mail is the connection only. As shipped it has no time-out and checks no certificate, so ``Wire`` makes the
SMTP connection itself; the message is our bytes (:mod:`consent.mail.headers`).
"""

import os
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import flask_mail

from consent.mail.diagnosis import Diagnosis, diagnose
from consent.mail.headers import Letter

CONNECT_SECONDS = 5
MESSAGE_SECONDS = 30
_MOST_CARRIED = 100  # messages over one connection, as many servers have it
_OK, _WILL_FORWARD, _GO_ON, _CLOSING = 250, 251, 354, "421"
_REFUSALS = (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused)
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


@dataclass(frozen=True)
class Outcome:
    """``sent``, ``refused`` for good, ``later``, or ``unknown``: the line broke when it may have been taken.

    *code* is the server's number or the kind of failure; never its text, which may hold an address. *diagnosis* says
    what a refusal of the recipient means.
    """

    state: str
    code: str
    diagnosis: Diagnosis | None = None


class Wire(flask_mail.Connection):
    """Flask-Mail's connection, with time-outs and verified TLS."""

    mail: "Carrier"

    def configure_host(self) -> smtplib.SMTP:
        """Return an SMTP connection that is ready to send."""
        url = self.mail.url
        where = (url.hostname or "", url.port or _PORTS[url.scheme])
        host = self._called(url, where)
        try:
            self._prepare(host, url)
        except BaseException:
            host.close()
            raise
        return host

    def _called(self, url: SplitResult, where: tuple[str, int]) -> smtplib.SMTP:
        """Return a connection that was greeted, whose socket the carrier has known from its beginning."""
        watch, own = self.mail.watch, dict[str, Any](timeout=CONNECT_SECONDS, local_hostname=self.mail.own_name)

        class Open(smtplib.SMTP):
            def _get_socket(self, *place: Any) -> socket.socket:
                return watch(super()._get_socket(*place))  # type: ignore[misc]  # not in the stubs

        class Sealed(smtplib.SMTP_SSL):
            def _get_socket(self, *place: Any) -> socket.socket:
                return watch(super()._get_socket(*place))  # type: ignore[misc]  # not in the stubs

        if url.scheme == "smtps":
            return Sealed(*where, context=ssl.create_default_context(), **own)
        return Open(*where, **own)

    def _prepare(self, host: smtplib.SMTP, url: SplitResult) -> None:
        if host.sock:
            host.sock.settimeout(MESSAGE_SECONDS)
        if url.scheme == "smtp+starttls":
            host.starttls(context=ssl.create_default_context())
            if host.sock:
                self.mail.watch(host.sock)
        if url.username:
            host.login(unquote(url.username), unquote(url.password or ""))


class Carrier(flask_mail.Mail):
    """Where mail goes. *own_name* is what we say in EHLO: the host of the public URL."""

    def __init__(self, smtp_url: str, own_name: str) -> None:
        super().__init__()
        self.url = urlsplit(smtp_url)
        self.own_name = own_name
        self.suppress = False
        self.max_emails = None
        scheme, _, path = smtp_url.partition(":")
        self.folder = Path(path) if scheme in ("file", "mailbox") else None
        self._wire: Wire | None = None
        self._socket: socket.socket | None = None
        self._carried = 0  # messages over this connection

    def carry(self, letter: Letter, content: bytes) -> Outcome:
        """Deliver *content* to the letter's one recipient and return what became of it; raises nothing.

        Until the server has asked for the message, a broken line leaves no doubt: it was not taken.
        """
        if self.folder:
            return _write(self.folder, letter, content)
        try:
            host = self._addressed(letter, len(content))
        except _REFUSALS as error:
            return self._refused(error)
        except (OSError, smtplib.SMTPException) as error:
            self._let_go()
            return Outcome("later", _code(error))
        return self._handed_over(host, content)

    def _addressed(self, letter: Letter, size: int) -> smtplib.SMTP:
        """Return a connection whose server has taken sender and recipient: the last message's, if it still answers."""
        if self._wire and self._wire.host and self._carried < _MOST_CARRIED:
            try:
                return self._envelope(self._wire.host, letter, size)
            except (OSError, smtplib.SMTPServerDisconnected):
                self._let_go()  # servers close what is idle, without a word
            except smtplib.SMTPSenderRefused as error:
                if str(error.smtp_code) != _CLOSING:  # or with one
                    raise
        self.rest()
        self._wire, self._carried = Wire(self).__enter__(), 0
        if self._wire.host is None:
            raise smtplib.SMTPServerDisconnected
        return self._envelope(self._wire.host, letter, size)

    def _envelope(self, host: smtplib.SMTP, letter: Letter, size: int) -> smtplib.SMTP:
        host.ehlo_or_helo_if_needed()
        more = f" SIZE={size}" if host.has_extn("size") else ""
        code, said = host.docmd("MAIL", f"FROM:<{letter.return_path}>{more}")
        if code != _OK:
            raise smtplib.SMTPSenderRefused(code, said, letter.return_path)
        code, said = host.docmd("RCPT", f"TO:<{letter.recipient}>")
        if code not in (_OK, _WILL_FORWARD):
            raise smtplib.SMTPRecipientsRefused({letter.recipient: (code, said)})
        return host

    def _handed_over(self, host: smtplib.SMTP, content: bytes) -> Outcome:
        try:
            code, said = host.docmd("DATA")
            if code == _GO_ON:
                host.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")  # RFC 5321 s. 4.5.2
                code, said = host.getreply()
            if code != _OK:
                raise smtplib.SMTPDataError(code, said)
        except smtplib.SMTPDataError as error:
            return self._refused(error)
        except (OSError, smtplib.SMTPException) as error:
            self._let_go()
            return Outcome("unknown", _code(error))
        self._carried += 1
        return Outcome("sent", "250")

    def _refused(self, error: Exception) -> Outcome:
        """Return what an answer of the server means, which takes the next message over the same connection."""
        code = _code(error)
        try:
            if code == _CLOSING or self._wire is None or self._wire.host is None:
                self._let_go()
            else:
                self._wire.host.rset()
        except (OSError, smtplib.SMTPException):
            self._let_go()
        return Outcome("refused", code, _diagnosis(error)) if code.startswith("5") else Outcome("later", code)

    def rest(self) -> None:
        """Close the connection, if there is one: servers do not like to wait."""
        if self._wire:
            _hang_up(self._wire)
        self._wire = None

    def watch(self, made: socket.socket) -> socket.socket:
        """Remember the socket of a connection that is being made, for :meth:`abort`."""
        self._socket = made
        return made

    def abort(self) -> None:
        """Break off, from another thread, a conversation that takes too long: a server may drip its answers."""
        if self._socket:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        """Drop a connection that broke or was refused something, without another word."""
        if self._wire and self._wire.host:
            self._wire.host.close()
        self._wire = None


def _diagnosis(error: Exception) -> Diagnosis | None:
    """Return what a refusal says of the recipient; None if it is about the sender, the session or the content."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return diagnose(f"{code} {_words(words)}", hard=True)
    if isinstance(error, smtplib.SMTPDataError):  # some servers look for the mailbox only now
        found = diagnose(f"{error.smtp_code} {_words(error.smtp_error)}", hard=True)
        return found if found.alarm or (found.dead and found.code) else None
    return None


def _words(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _code(error: Exception) -> str:
    """Return the server's reply code, or else the name of the failure."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return str(next(iter(error.recipients.values()))[0])
    if isinstance(error, smtplib.SMTPResponseException):
        return str(error.smtp_code)
    return type(error).__name__


def _hang_up(wire: Wire) -> None:
    """Say QUIT; the message was answered for already, so a broken line is nobody's loss."""
    if wire.host is None:
        return
    try:
        wire.host.quit()
    except (OSError, smtplib.SMTPException):
        wire.host.close()


def _write(folder: Path, letter: Letter, content: bytes) -> Outcome:
    """Keep the message as one .eml; whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{letter.id}.part"
        draft.write_bytes(content)
        os.replace(draft, folder / f"{letter.id}.eml")
    except OSError as error:
        return Outcome("later", type(error).__name__)
    return Outcome("sent", "file")
