"""What every act of a person brings with it: when, by which door, and the evidence of the request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from consent import clock
from consent.records.append import Origin
from consent.records.history import History

_TICK = timedelta(milliseconds=1)  # the ledger keeps no finer time


@dataclass(frozen=True)
class Act:
    """One request by a person, or by an API client for a person.

    *evidence* is what the request tells of itself (ip, user_agent, url); *network* is the /24 or /56 of the ip,
    which may be shown to the owner of the address; *actor* and *channel* are the ledger's words.
    """

    origin: Origin
    evidence: Mapping[str, str | None]
    actor: str = "contact"
    channel: str = "web"
    network: str | None = None

    def in_turn(self, past: History) -> "Act":
        """Return the act as of the moment when its turn came: the contact of *past* is locked, and nothing is newer.

        Acts on one contact then occur one after the other, in the order in which they are recorded, whoever's
        clock is ahead.
        """
        now = clock.now()
        last = max((item.recorded_at for item in past.own + past.others), default=now - _TICK)
        return replace(self, origin=replace(self.origin, now=max(now, last + _TICK)))

    @property
    def now(self) -> datetime:
        """The instant of the act."""
        return self.origin.now
