"""What the law answers: allowed on a basis, or denied for a reason, always with the section and the entry."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from consent.law import citations, facts

#: What a contact's entries can add up to for a topic.
STATES = ("unknown", "requested", "given", "implied", "withdrawn", "expired", "suppressed")


@dataclass(frozen=True)
class Basis:
    """Why a message is allowed: the regime, its ground, and the instants between which it stands."""

    regime: str
    ground: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Reason:
    """One sentence for people, the provision behind it, and the fact that proves it (if there is one)."""

    text: str
    citation: citations.Provision
    fact: facts.Fact | None = None


@dataclass(frozen=True, kw_only=True)
class Allow:
    """The message may be sent. *basis* is None only for a message that needs no consent. True."""

    state: str
    code: str
    reasons: tuple[Reason, ...]
    basis: Basis | None = None
    not_consent: tuple[facts.Delivery, ...] = ()

    def __bool__(self) -> Literal[True]:
        return True


@dataclass(frozen=True, kw_only=True)
class Deny:
    """The message may not be sent; *remedy* says what the sender can do instead. False."""

    state: str
    code: str
    reasons: tuple[Reason, ...]
    remedy: str
    not_consent: tuple[facts.Delivery, ...] = ()

    def __bool__(self) -> Literal[False]:
        return False


Decision = Allow | Deny
