"""Signs that a machine pressed the button, and not the person. They never refuse anybody: they ask for a tick more.

Link scanners fetch whatever a mail names, some run script, and a few are said to press buttons. A program that reads
the page as a person does is not found out by any of this, and nothing here claims so.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import Signer

from consent.records.history import History
from consent.records.links import Asked

#: The form that no person sees was sent; the press came at once after the page was made, or at once after the mail
#: went out (or before anybody knows that it did); the same network had just sent HEAD to a link; the request did not
#: come from a page of ours. They stand in ``consent.given`` under ``signs``.
DECOY, FAST_PAGE, FAST_MAIL, HEAD, NO_PAGE = "decoy", "fast_page", "fast_mail", "head", "no_page"

TOUCHED = "confirmation.touched"
MAILS = ("confirmation.sent", "renewal.sent")
_FASTEST_READER = timedelta(seconds=1)
_FASTEST_MAIL = timedelta(seconds=5)
_NOTHING = frozenset[str]()


@dataclass(frozen=True)
class Page:
    """What a form says of the page that it was on: when that was made, and the signs that had been seen by then."""

    made_at: datetime
    signs: frozenset[str] = _NOTHING


@dataclass(frozen=True)
class Press:
    """What a press of the button tells: the *page* that carried it (sealed text), and the slugs that were *ticked*.

    *pressed* is whether the button's own name came along, and *head* whether the same network sent HEAD to a link of
    ours in the last minute.
    """

    pressed: bool = False
    page: str = ""
    ticked: frozenset[str] = _NOTHING
    head: bool = False


def seal(page: Page, handle: bytes, keys: Sequence[str]) -> str:
    """Return *page* as text for a hidden field, signed with keys[0] and good for the link *handle* alone."""
    return _seal(f"{_milliseconds(page.made_at)}.{'-'.join(sorted(page.signs))}", handle, keys[0])


def unseal(text: str, handle: bytes, keys: Sequence[str]) -> Page | None:
    """Return the page that :func:`seal` made into *text* with one of *keys*; None for anything else.

    The whole text is made again and compared: another spelling of a signature is no signature.
    """
    value = text.rpartition(".")[0]
    fits = [hmac.compare_digest(_seal(value, handle, key).encode(), text.encode()) for key in keys]
    if not any(fits):
        return None
    milliseconds, _, signs = value.partition(".")
    made_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(milliseconds))
    return Page(made_at, frozenset(signs.split("-")) - {""})


def touched(asked: Asked, past: History) -> bool:
    """Whether the form that no person sees was sent for the sign-up *asked*."""
    return any(i.body["kind"] == TOUCHED and set(asked.entries) & set(i.body["refs"]) for i in past.own)


def before(asked: Asked, past: History, now: datetime, *, head: bool) -> frozenset[str]:
    """Return the signs that are there whether or not anybody presses."""
    mailed = [
        item.occurred_at
        for item in past.own
        if item.body["kind"] in MAILS and set(asked.entries) & set(item.body["refs"])
    ]
    found = {
        DECOY: touched(asked, past),
        FAST_MAIL: not mailed or now - max(mailed) < _FASTEST_MAIL,
        HEAD: head,
    }
    return frozenset(sign for sign, seen in found.items() if seen)


def of_press(page: Page | None, now: datetime) -> frozenset[str]:
    """Return the signs that the press itself brings, and those that its *page* had been made with."""
    if page is None:
        return frozenset({NO_PAGE})
    return page.signs | ({FAST_PAGE} if now - page.made_at < _FASTEST_READER else _NOTHING)


def asks(signs: frozenset[str], *, pressed: bool) -> bool:
    """Whether *signs* ask for ticks. That no page of ours came along does not, by itself."""
    return bool(signs - {NO_PAGE} if pressed else signs)


def _seal(value: str, handle: bytes, key: str) -> str:
    signer = Signer(key, salt="consent/confirm-page/v1", key_derivation="hmac", digest_method=hashlib.sha256)
    return f"{value}.{signer.get_signature(handle.hex() + value).decode()}"


def _milliseconds(instant: datetime) -> int:
    return (instant - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
