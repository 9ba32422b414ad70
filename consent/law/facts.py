"""What the rules may know. A fact comes from one entry and is never edited, only followed by a later one."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened, when, and the entry that proves it."""

    occurred_at: datetime
    recorded_at: datetime
    entry: str
    sequence: int | None = None


@dataclass(frozen=True, kw_only=True)
class ConsentRequested(Fact):
    """A person signed up for *topic*, or somebody did in their name. Not yet consent."""

    topic: str


@dataclass(frozen=True, kw_only=True)
class ConfirmationSent(Fact):
    """The one mail that asks the person to confirm went out for the sign-ups *answers*."""

    answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ExpressConsent(Fact):
    """The person agreed to *topic* by *method*, having been shown a notice that was *notice_complete* or not."""

    topic: str
    method: str
    notice_complete: bool


@dataclass(frozen=True, kw_only=True)
class Withdrawal(Fact):
    """The person said no: to a topic, a brand, an organization, or (all three None) to everyone.

    *not_me* is the "I did not ask for this" of a confirmation mail, which also stops such mail for a while.
    """

    topic: str | None = None
    brand: str | None = None
    organization: str | None = None
    not_me: bool = False

    def covers(self, question: "Question") -> bool:
        """Whether this "no" reaches the topic that *question* is about."""
        if self.topic is not None:
            return self.topic == question.topic
        if self.brand is not None:
            return self.brand == question.brand
        return self.organization in (None, question.organization)


@dataclass(frozen=True, kw_only=True)
class Delivery(Fact):
    """A fact about delivery, such as ``welcome.opened``. No rule may derive consent from it."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """May a message of *kind* about *topic* be sent to this person at this instant?

    *topic* is ``brand/topic``; *organization* is the legal person behind the brand.
    """

    topic: str
    organization: str
    at: datetime
    kind: str = "commercial"
    known_at: datetime | None = field(default=None)

    @property
    def brand(self) -> str:
        """The brand that the topic belongs to."""
        return self.topic.partition("/")[0]

    def sees(self, fact: Fact) -> bool:
        """Whether *fact* had occurred, and was known, at the instant asked about."""
        return fact.occurred_at <= self.at and (self.known_at is None or fact.recorded_at <= self.known_at)
