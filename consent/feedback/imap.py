"""Bounces and complaints from a mailbox elsewhere (IMAP4rev1, RFC 3501), for those whose mail server is not theirs."""

import imaplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from consent import clock
from consent.config import Imap
from consent.feedback import mail
from consent.subscriptions.acts import Act

_MOST = 100  # messages at once
_LARGEST = 1 << 20  # bytes of a message that are fetched: no more are looked at
_SILENCE_SECONDS = 20.0
_LONGEST_SECONDS = 60.0
_SEEN, _FLAGGED = r"(\Seen)", r"(\Seen \Flagged)"


class NoMailbox(OSError):
    """The mailbox cannot be read; the message says why, without the password and without the server's words."""


def poll(box: Imap, keys: Sequence[str], act: Callable[[], Act], trust: ssl.SSLContext | None = None) -> int:
    """Record what the messages in *box* that are not seen report, mark them as seen, and return how many those were.

    A message is marked after the commit. What cannot be recorded, since the database is away, stays unseen; what cannot
    be for another cause is flagged. *trust* verifies the server, by default as the system does. Raises NoMailbox.
    """
    done, began = 0, clock.monotonic()
    with _opened(box, trust or ssl.create_default_context()) as server:
        for number in _unseen(server)[:_MOST]:
            if clock.monotonic() - began > _LONGEST_SECONDS:
                break  # the rest is for the next time
            raw = _fetch(server, number)
            if raw is None:
                continue  # another worker had it, or somebody deleted it
            flags = _SEEN if mail.attempt(raw, keys, act()) else _FLAGGED
            server.uid("STORE", number, "+FLAGS.SILENT", flags)
            done += 1
    return done


@contextmanager
def _opened(box: Imap, trust: ssl.SSLContext) -> Iterator[imaplib.IMAP4]:
    """Yield the folder of *box*, opened for reading and marking; what the server does wrong is NoMailbox."""
    try:
        with _connected(box, trust) as server:
            if box.scheme == "imap+starttls":
                server.starttls(trust)
            server.login(box.user, box.password)
            if server.select(_quoted(box.folder))[0] != "OK":
                raise NoMailbox(f"there is no folder {box.folder} in the mailbox at {box.host}")
            yield server
    except ssl.SSLCertVerificationError:
        raise NoMailbox(f"the certificate of the mailbox's server {box.host} is not to be trusted") from None
    except imaplib.IMAP4.error:
        raise NoMailbox(f"the mailbox's server {box.host} refuses us or breaks off: check user and password") from None
    except NoMailbox:
        raise
    except OSError as error:
        raise NoMailbox(f"the mailbox's server {box.host} does not answer ({type(error).__name__})") from None


@contextmanager
def _connected(box: Imap, trust: ssl.SSLContext) -> Iterator[imaplib.IMAP4]:
    """Yield a connection, and end it whatever was said: imaplib's own ``with`` leaves one open that broke off."""
    server: imaplib.IMAP4
    if box.scheme == "imaps":
        server = imaplib.IMAP4_SSL(box.host, box.port, ssl_context=trust, timeout=_SILENCE_SECONDS)
    else:
        server = imaplib.IMAP4(box.host, box.port, timeout=_SILENCE_SECONDS)
    try:
        yield server
    finally:
        try:
            server.logout()
        except (OSError, imaplib.IMAP4.error):
            server.shutdown()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unseen(server: imaplib.IMAP4) -> list[str]:
    """Return the numbers (UID) of the messages that are not seen, oldest first."""
    _, found = server.uid("SEARCH", "UNSEEN")
    return (found[0] or b"").decode("ascii", "replace").split() if found else []


def _fetch(server: imaplib.IMAP4, number: str) -> bytes | None:
    """Return the beginning of a message, which stays unseen, or None if it is gone."""
    _, found = server.uid("FETCH", number, f"(BODY.PEEK[]<0.{_LARGEST}>)")
    return next((part[1][:_LARGEST] for part in found if isinstance(part, tuple)), None)
