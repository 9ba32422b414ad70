"""When a form was shown, signed into it: a robot that fills a form at once gives itself away.

The time is bound to the form by the signature's salt, and is worth nothing anywhere else. Base64 signatures have spare
bits, so that four texts may be read as one: here a text counts only if signing its time gives it back, byte by byte.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from itsdangerous import Signer

from consent import clock

LEAST = timedelta(seconds=2)  # no person reads, chooses and types faster
MOST = timedelta(hours=24)  # a tab that was left open overnight
_SHAPE = re.compile(r"([0-9]{1,15})\.[A-Za-z0-9_-]{43}")


def stamp(place: str, keys: Sequence[str], now: datetime) -> str:
    """Return the text that says that *place*, such as a form's path, was shown *now*; signed with keys[0]."""
    return _signed(place, keys[0], str(int(now.timestamp() * 1000)))


def since(place: str, text: str, keys: Sequence[str]) -> timedelta | None:
    """Return for how long *place* has been open by its stamp *text*, or None if none of *keys* made it for there."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return None
    fits = [hmac.compare_digest(_signed(place, key, shape[1]), text) for key in keys]
    if not any(fits):
        return None
    return timedelta(milliseconds=clock.now().timestamp() * 1000 - int(shape[1]))


def _signed(place: str, key: str, milliseconds: str) -> str:
    signer = Signer(key, salt=f"consent/shown/v1/{place}", key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.sign(milliseconds).decode()
