"""What a bounce or a complaint is on record, and when a bounce stops delivery.

The rule: a hard bounce of a dead address stops it at once. A hard bounce for another cause, such as a full mailbox,
stops it when it is the third in thirty days. A soft bounce is counted and stops nothing. Consent stays as it is.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from consent.records.append import Draft
from consent.records.history import History

THIRD, WITHIN = 3, timedelta(days=30)


def bounce(
    past: History,
    *,
    hard: bool,
    dead: bool,
    code: str | None,
    provider: str,
    at: datetime,
    evidence: Mapping[str, str | None],
) -> Draft:
    """Return the entry of a bounce at the instant *at*; ``stops`` in its details says that delivery ends."""
    details: dict[str, Any] = {"class": "hard" if hard else "soft", "provider": provider, "stops": False}
    if code:
        details["code"] = code
    details["stops"] = hard and (dead or _earlier(past, at) >= THIRD - 1)
    return Draft("bounce.received", _actor(provider), _fields(provider, at, details), evidence)


def complaint(
    *, organization: str | None, feedback: str, provider: str, at: datetime, evidence: Mapping[str, str | None]
) -> Draft:
    """Return the entry of a complaint: a "no" to the whole *organization*, or to every one if it is not known."""
    details = {"feedback": feedback, "provider": provider} | ({"organization": organization} if organization else {})
    return Draft("complaint.received", _actor(provider), _fields(provider, at, details), evidence)


def _actor(provider: str) -> str:
    return "system" if provider == "smtp" else f"provider:{provider}"


def _fields(provider: str, at: datetime, details: Mapping[str, Any]) -> dict[str, Any]:
    channel = "mail" if provider in ("smtp", "mail") else "provider"
    return {"channel": channel, "occurred_at": at, "details": details}


def _earlier(past: History, at: datetime) -> int:
    """Return how many hard bounces of the person occurred shortly before *at*."""
    return sum(
        item.body["kind"] == "bounce.received"
        and item.body["details"]["class"] == "hard"
        and at - WITHIN <= item.occurred_at <= at
        for item in past.own
    )
