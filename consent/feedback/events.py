"""What a provider tells, in one form for all of them, and how it is refused."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

#: ``alarm`` is about us (a mailbox provider takes us for a forger), not about the person; ``other`` is nothing.
KINDS = ("bounce", "complaint", "unsubscribe", "alarm", "other")
MOST_EVIDENCE = 4000  # characters of the provider's own words that are kept


class Forged(Exception):
    """It does not come from the provider, or not now: answered 401, counted by its *reason*, and nothing recorded."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreadable(ValueError):
    """It comes from the provider and has not the shape that we know: answered 400, and nothing recorded."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to a message to *address*.

    *id* is the provider's: the same event has the same id, however often it is told. A bounce is *hard* or soft, and
    the address may be *dead*; *code* is the enhanced status code of RFC 3463, if there is one. *sender* is the From
    address of the message, by which the brand is found. *said* are the provider's own words, kept as evidence.
    """

    provider: str
    id: str
    kind: str
    address: str
    occurred_at: datetime | None = None
    hard: bool = False
    dead: bool = False
    code: str | None = None
    sender: str = ""
    feedback: str = ""
    said: str = ""

    @property
    def what(self) -> str:
        """The event in one word, for counting."""
        return ("hard_bounce" if self.hard else "soft_bounce") if self.kind == "bounce" else self.kind


def parsed(body: bytes) -> Any:
    """Return the JSON in *body*. Raises Unreadable."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("The body is no JSON.") from None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return *value* if it is an object, else an empty one: what is missing is looked for in vain, and no crash."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in the array *value*."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return *value* if it is a string or a number, as a string; else an empty one."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def instant(value: Any) -> datetime | None:
    """Return the instant that *value* is: seconds since 1970, or ISO 8601; None if it is neither."""
    try:
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(text(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds(value: str) -> datetime | None:
    """Return the instant of decimal *value* seconds since 1970, as signatures spell it; None if it is none."""
    return instant(int(value)) if value.isascii() and value.isdigit() and len(value) < 12 else None


def fresh(at: datetime | None, now: datetime, age: timedelta) -> None:
    """Raise Forged if *at* is further from *now* than *age*, on either side, or missing."""
    if at is None or abs(now - at) > age:
        raise Forged("age")


def evidence(value: Any) -> str:
    """Return *value* as the text that is kept of it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:MOST_EVIDENCE]


def digest(*parts: str) -> str:
    """Return a name for what has no id of its own."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
