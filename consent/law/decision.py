"""What the law answers: allowed on a basis, or denied for a reason, always with the section and the entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from consent.law import citations, facts, sentences

#: What a contact's entries can add up to for a topic.
STATES = ("unknown", "requested", "given", "implied", "withdrawn", "expired", "suppressed")


@dataclass(frozen=True)
class Basis:
    """Why a message is allowed, or was until it ended: the regime, its ground, and the days on which it stands.

    *since* is the day of the fact and *until* the last day on which mail is allowed, both where the organization
    is; an *until* of None is no end.
    """

    regime: str
    ground: str
    since: date | None = None
    until: date | None = None

    def __str__(self) -> str:
        return f"{self.regime}.{self.ground}"


@dataclass(frozen=True)
class Reason:
    """One sentence for people, the provision behind it, and the fact that proves it (if there is one).

    *key* names the sentence in :mod:`consent.law.sentences` and *values* are put into it.
    """

    key: str
    citation: citations.Provision
    fact: facts.Fact | None = None
    values: Mapping[str, object] = field(default_factory=dict, hash=False)

    def text(self, language: str = "en") -> str:
        """Return the sentence in *language* (en, fr)."""
        return sentences.say(self.key, language, **self.values)


@dataclass(frozen=True)
class Allow:
    """The message may be sent. *basis* is None only for a message that needs no consent. True."""

    state: str
    code: str
    reasons: tuple[Reason, ...]
    basis: Basis | None = None
    unsettled: tuple[str, ...] = ()
    not_consent: tuple[facts.Delivery, ...] = ()

    def __bool__(self) -> Literal[True]:
        return True


@dataclass(frozen=True)
class Deny:
    """The message may not be sent; *remedy* names the sentence that says what the sender can do instead. False.

    *basis* is the consent that has ended or has not begun yet, if the denial is about one. *unsettled* names the
    readings of the law (:mod:`consent.law.readings`) without which the answer might be another one.
    """

    state: str
    code: str
    reasons: tuple[Reason, ...]
    remedy: str
    basis: Basis | None = None
    unsettled: tuple[str, ...] = ()
    not_consent: tuple[facts.Delivery, ...] = ()

    def __bool__(self) -> Literal[False]:
        return False


Decision = Allow | Deny
