"""What the rules may know. A fact comes from one entry and is never edited, only followed by a later one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, TypeVar


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened, when, and the entry that proves it."""

    occurred_at: datetime
    recorded_at: datetime
    entry: str
    sequence: int | None = None

    @property
    def age(self) -> tuple[datetime, datetime, str]:
        """What facts are put in order by: when it occurred; of equals when it was recorded, and its entry."""
        return self.occurred_at, self.recorded_at, self.entry


F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, kw_only=True)
class ConsentRequested(Fact):
    """A person signed up for *topic*, or somebody did in their name. Not yet consent."""

    topic: str


@dataclass(frozen=True, kw_only=True)
class ConfirmationSent(Fact):
    """The one mail that asks the person to confirm went out: for the sign-ups *answers*, or for all to *topic*."""

    answers: tuple[str, ...] = ()
    topic: str | None = None

    def uses_up(self, asked: ConsentRequested) -> bool:
        """Whether this was the mail that the sign-up *asked* may cause."""
        return asked.entry in self.answers or (self.topic == asked.topic and asked.occurred_at <= self.occurred_at)


@dataclass(frozen=True, kw_only=True)
class ExpressConsent(Fact):
    """The person agreed to *topic* of *brand* by *method*, having been shown a notice that was complete or not.

    *topic* is None in a consent given for persons not yet known (s. 10(2)), which names its *collector* and is
    good for every topic of the brand if the *conditions_met* are those of the regulations. *evidence* says what
    proves an oral consent. *on_behalf_of* names the brands asked for, if not only *brand*. *asked_at* is when the
    sign-up was made that a confirmation answers. *imported* consents never lift a "no".
    """

    brand: str
    organization: str
    topic: str | None
    method: str
    notice_complete: bool = False
    evidence: str | None = None
    on_behalf_of: tuple[str, ...] = ()
    imported: bool = False
    asked_at: datetime | None = None
    collector: str | None = None
    conditions_met: bool = False

    @property
    def brands(self) -> tuple[str, ...]:
        """The brands that were named when it was asked for."""
        return self.on_behalf_of or (self.brand,)

    @property
    def parties(self) -> tuple[str, ...]:
        """Who may rely on it, if it was given for persons not yet known: the brand, its organization, the collector."""
        return (self.brand, self.organization, self.collector) if self.collector else ()

    def covers(self, question: "Question") -> bool:
        """Whether the person agreed to what *question* is about: this purpose, from this brand (s. 10(1))."""
        if question.brand not in self.brands:
            return False
        if self.topic is None or question.topic is None:
            return self.topic is None
        return name_of(self.topic) == name_of(question.topic)


@dataclass(frozen=True, kw_only=True)
class Withdrawal(Fact):
    """The person said no: to a topic, a brand, an organization, or (all three None) to everyone.

    *act* is what they did: ``withdrawn``, ``complained`` of spam, or ``objected`` to marketing. *not_me* is the "I
    did not ask for this" of a confirmation mail, which also stops such mail for a while.
    """

    topic: str | None = None
    brand: str | None = None
    organization: str | None = None
    act: str = "withdrawn"
    not_me: bool = False
    unspecified: bool = False  # a bare STOP, taken for everything of the organization
    told: str | None = None  # the brand that the person told, if it is known

    def covers(self, question: "Question") -> bool:
        """Whether this "no" reaches what *question* is about.

        A "no" to a topic reaches that topic, one to a brand every topic of the brand, one to an organization every
        brand of it, and one that names nobody reaches everybody; none crosses to another organization. A message
        that names no topic is reached by a "no" to any topic of its brand, unless it only asks for consent: then
        there may be other topics to ask about.
        """
        if self.topic is not None:
            return self.topic == question.topic or (
                question.topic is None and question.kind != "consent_request" and brand_of(self.topic) == question.brand
            )
        if self.brand is not None:
            return self.brand == question.brand
        return self.organization in (None, question.organization)

    def reaches(self, name: str) -> bool:
        """Whether this is a "no" to all of the brand or organization *name* at least."""
        return self.topic is None and (self.brand or self.organization) in (None, name)


@dataclass(frozen=True, kw_only=True)
class Erasure(Fact):
    """The person had their data erased; what is left is a mark not to write, at *organization* (None: everywhere)."""

    organization: str | None = None


@dataclass(frozen=True, kw_only=True)
class Suppression(Fact):
    """A delivery stop, apart from consent: ``hard_bounce``, ``invalid`` (no such mailbox) or ``manual`` (by us)."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Voiding(Fact):
    """The entry *voids* was recorded wrongly, and counts for nothing from when this is known."""

    voids: str


@dataclass(frozen=True, kw_only=True)
class Relationship(Fact):
    """Something between the person and *brand* from which consent may be implied; *type* says what.

    *zone* is where it happened, None for the organization's own. The other fields are what single types need:
    *opt_out_offered* and *similar* a sale (UK, EU); *registered_charity* a donation; *by_recipient*,
    *no_spam_notice*, *role_relevant* and *evidence* an address published or handed over; *relationships_ok* and
    *named_in_message* a referral. What is not known is False, and a notice is taken to be there.
    """

    type: str
    brand: str
    organization: str
    zone: tzinfo | None = None
    opt_out_offered: bool = False
    similar: bool = False
    registered_charity: bool = False
    by_recipient: bool = False
    no_spam_notice: bool = True
    role_relevant: bool = False
    evidence: str | None = None
    relationships_ok: bool = False
    named_in_message: bool = False

    @property
    def brands(self) -> tuple[str, ...]:
        """The brand that the person dealt with."""
        return (self.brand,)


@dataclass(frozen=True, kw_only=True)
class RelationshipEnded(Fact):
    """What ran on (a subscription, say) has ended: the one of entry *ends*, or every earlier one of *type*."""

    type: str
    brand: str
    zone: tzinfo | None = None
    ends: str | None = None


@dataclass(frozen=True, kw_only=True)
class BusinessSold(Fact):
    """The business of *brand* was sold to the brand *to*."""

    brand: str
    to: str


@dataclass(frozen=True, kw_only=True)
class MessageSent(Fact):
    """A commercial message of *organization* went to the person. It restarts nothing; it uses up a referral."""

    organization: str


@dataclass(frozen=True, kw_only=True)
class Contacted(Fact):
    """The person wrote to *brand* (*what* is ``question``) or opened an account with it (``account``)."""

    brand: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Conversion(Fact):
    """A favourable act towards *brand*, such as a download: interest, and no consent."""

    brand: str


@dataclass(frozen=True, kw_only=True)
class Delivery(Fact):
    """A fact about delivery, such as ``welcome.opened``. No rule may derive consent from it."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """May a message of *kind* about *topic* be sent to this person at this instant?

    *topic* is ``brand/topic``, or None for a message of *brand* that is about none. *organization* is the legal
    person behind the brand and *zone* where the law counts its days. Places are ISO countries, with a province if
    known; None is unknown and taken for Canada. *charity* is whether a registered charity or party sends (None:
    the sender says so).
    """

    organization: str
    brand: str
    topic: str | None
    at: datetime
    zone: tzinfo
    kind: str = "commercial"
    known_at: datetime | None = None
    sender_place: str | None = "CA"
    place: str | None = None
    charity: bool | None = None

    def seen(self, facts: Iterable[Fact]) -> "Seen":
        """Return the *facts* that count for this question.

        Those that had occurred by the instant asked about, that were known by *known_at*, and that are not known
        to be recorded wrongly.
        """
        known = [fact for fact in facts if self.known_at is None or fact.recorded_at <= self.known_at]
        void = {fact.voids for fact in known if isinstance(fact, Voiding)}
        return Seen(fact for fact in known if fact.occurred_at <= self.at and fact.entry not in void)


class Seen:
    """The facts that a question is answered from, sorted by what they are."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._by_class: dict[type[Fact], list[Any]] = {}
        for fact in facts:
            self._by_class.setdefault(type(fact), []).append(fact)

    def of(self, kind: type[F]) -> Sequence[F]:
        """Return the facts of the class *kind*, in the order in which they came."""
        return self._by_class.get(kind, ())


def brand_of(topic: str) -> str:
    """Return the brand of a *topic* written ``brand/topic``."""
    return topic.partition("/")[0]


def name_of(topic: str) -> str:
    """Return the name of a *topic* within its brand."""
    return topic.partition("/")[2]
