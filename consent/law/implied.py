"""Consent implied by what is between the person and a brand: the closed list of CASL s. 10(9).

Each relationship opens a window of its own; nothing but a new relationship opens another one, so opens, clicks
and our own mail restart nothing. A relationship belongs to the brand that the person dealt with, and moves with
the business when it is sold (s. 10(12)).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from consent.law.citations import CASL, Provision
from consent.law.facts import BusinessSold, Erasure, Question, Relationship, RelationshipEnded, Seen, Withdrawal
from consent.law.periods import last_day, local_day, window


@dataclass(frozen=True)
class Rule:
    """What one type of relationship gives.

    *months* is how long consent is implied after it, None for no limit. One that *runs* implies consent from its
    beginning, and the months follow its end; *begins_on* says that they begin on the day of the end, s. 10(14).
    *business* relationships pass to who buys the business.
    """

    citation: Provision
    months: int | None = None
    runs: bool = False
    begins_on: bool = False
    business: bool = True


TWO_YEARS, SIX_MONTHS = 24, 6
_PURCHASE = Rule(CASL["10(10)(a)"], TWO_YEARS)
_INQUIRY = Rule(CASL["10(10)(e)"], SIX_MONTHS)
_RUNNING = Rule(CASL["10(14)"], TWO_YEARS, runs=True, begins_on=True)
#: The grounds of s. 10(9), by type of relationship. Every other type gives nothing.
RULES = {
    "purchase": _PURCHASE,
    "lease": _PURCHASE,
    "barter": _PURCHASE,
    "inquiry": _INQUIRY,
    "quote_request": _INQUIRY,
    "demo_request": _INQUIRY,
    "contract": Rule(CASL["10(10)(d)"], TWO_YEARS, runs=True),
    "subscription": _RUNNING,
    "account": _RUNNING,
    "loan": _RUNNING,
    "membership": Rule(CASL["10(13)(c)"], TWO_YEARS, runs=True, begins_on=True, business=False),
    "donation": Rule(CASL["10(13)(a)"], TWO_YEARS, business=False),
    "volunteering": Rule(CASL["10(13)(b)"], TWO_YEARS, business=False),
    "published_address": Rule(CASL["10(9)(b)"], business=False),
    "business_card": Rule(CASL["10(9)(c)"], business=False),
}
#: Every type that can be recorded. A referral allows one message and is no consent (SOR/2013-221 s. 4).
TYPES = (*RULES, "referral")
RUNNING = frozenset(type for type, rule in RULES.items() if rule.runs)


@dataclass(frozen=True)
class Ground:
    """One relationship and the instants ``[opens, closes)`` in which it implies consent; None is no end.

    *since* is the day of the relationship and *until* the last day with consent in every zone that counts;
    *ended_on* is the day on which what ran has ended.
    """

    fact: Relationship
    rule: Rule
    opens: datetime
    closes: datetime | None
    since: date
    until: date | None
    ended_on: date | None = None

    def open_at(self, at: datetime) -> bool:
        """Whether consent is implied at the instant *at*."""
        return self.opens <= at and (self.closes is None or at < self.closes)

    @property
    def lasting(self) -> tuple[bool, datetime]:
        """What to sort by, so that the ground that lasts longest comes last."""
        return self.closes is None, self.closes or self.opens


def grounds(question: Question, seen: Seen) -> list[Ground]:
    """Return the grounds that the facts *seen* give the question's brand, open at its instant or not.

    Of relationships alike that open a period, those before the newest open one are left out: they end no later.
    """
    sales = sales_of(seen)
    found: list[Ground] = []
    outlasted: set[tuple[str, tzinfo | None]] = set()
    for fact in sorted(seen.of(Relationship), key=lambda fact: fact.age, reverse=True):
        rule, alike = RULES.get(fact.type), (fact.type, fact.zone)
        if rule is None or alike in outlasted or not _counts(fact) or not _held(question, fact, rule, seen, sales):
            continue
        ground = _window(question, fact, rule, seen)
        found.append(ground)
        if rule.months and not rule.runs and ground.opens <= question.at:
            outlasted.add(alike)
    return found


def longest(found: Iterable[Ground]) -> Ground | None:
    """Return the ground that lasts longest, or None; of equals, the newest."""
    return max(found, key=lambda ground: (ground.lasting, ground.fact.age), default=None)


def end_of(fact: Relationship, seen: Seen) -> RelationshipEnded | None:
    """Return the end of what ran on, or None while it runs: the first that is recorded for it, or for its type.

    Until an end is on record the relationship runs. One end, told without saying of which, ends every earlier
    relationship of its type with the brand; of several ends the first counts. After a sale of the business the
    buyer's record of the end counts as the seller's would have.
    """
    brands = {fact.brand, *(sale.to for sale in holders(fact, sales_of(seen)))}
    ends = (
        end
        for end in seen.of(RelationshipEnded)
        if (end.ends == fact.entry if end.ends else end.type == fact.type and end.brand in brands)
        and end.occurred_at >= fact.occurred_at
    )
    return min(ends, key=lambda end: end.age, default=None)


def sales_of(seen: Seen) -> list[BusinessSold]:
    """Return the sales of businesses that were *seen*, in the order in which they occurred."""
    return sorted(seen.of(BusinessSold), key=lambda sale: sale.age)


def holders(fact: Relationship, sales: Iterable[BusinessSold]) -> list[BusinessSold]:
    """Return the sales by which the relationship *fact* passed on, in their order; empty if its brand kept it."""
    passed: list[BusinessSold] = []
    for sale in sales:
        holder = passed[-1].to if passed else fact.brand
        if sale.brand == holder and sale.occurred_at >= fact.occurred_at:
            passed.append(sale)
    return passed


def _counts(fact: Relationship) -> bool:
    """Whether the relationship is what its ground asks for.

    A donation, or volunteering, counts if a registered charity, party or candidate received it, and nobody else
    (s. 10(13)). A published address counts if the person published it, which the page and a snapshot of it prove,
    if no notice there refuses mail, and if the mail bears on their role; a job title or a third party's directory is
    not enough (2020 FCA 103). An address that the person handed over counts without such a wish and if the mail bears
    on their role. What is not known counts against the sender.
    """
    if fact.type in ("donation", "volunteering"):
        return fact.registered_charity
    if fact.type == "published_address":
        return fact.evidence == "url+snapshot" and fact.by_recipient and fact.role_relevant and not fact.no_spam_notice
    if fact.type == "business_card":
        return fact.role_relevant and not fact.no_spam_notice
    return True


def _held(question: Question, fact: Relationship, rule: Rule, seen: Seen, sales: Sequence[BusinessSold]) -> bool:
    """Whether the relationship *fact* is with the question's brand, by itself or by the sale of the business."""
    if not sales:
        return fact.brand == question.brand
    passed = holders(fact, sales)
    if not passed:
        return fact.brand == question.brand
    inherited = rule.business and not _refused_before_sale(fact, passed, seen)
    return inherited and passed[-1].to == question.brand


def _refused_before_sale(fact: Relationship, passed: Sequence[BusinessSold], seen: Seen) -> bool:
    """Whether the person left a former holder: its buyer then takes over nothing that a "no" had ended (policy)."""
    names = {fact.brand, fact.organization, *(sale.brand for sale in passed)}
    left = any(no.reaches(name) for no in seen.of(Withdrawal) for name in names)
    return left or any(erased.organization in (None, *names) for erased in seen.of(Erasure))


def _window(question: Question, fact: Relationship, rule: Rule, seen: Seen) -> Ground:
    since = local_day(fact.occurred_at, question.zone)
    if rule.months is None:
        return Ground(fact, rule, fact.occurred_at, None, since, None)
    if not rule.runs:
        zones = _zones(question, fact.zone)
        opens, closes = window(fact.occurred_at, rule.months, zones)
        return Ground(fact, rule, opens, closes, since, _until(fact.occurred_at, rule, zones))
    end = end_of(fact, seen)
    if end is None:
        return Ground(fact, rule, fact.occurred_at, None, since, None)
    zones = _zones(question, end.zone or fact.zone)
    after, closes = window(end.occurred_at, rule.months, zones, begins_on=rule.begins_on)
    until, ended_on = _until(end.occurred_at, rule, zones), local_day(end.occurred_at, question.zone)
    opens = fact.occurred_at if rule.begins_on else after  # the day on which a contract ended is not inside
    return Ground(fact, rule, opens, closes, since, until, ended_on)


def _zones(question: Question, zone: tzinfo | None) -> tuple[tzinfo, ...]:
    return (question.zone,) if zone is None or zone == question.zone else (question.zone, zone)


def _until(anchor: datetime, rule: Rule, zones: tuple[tzinfo, ...]) -> date:
    return min(last_day(local_day(anchor, zone), rule.months or 0, begins_on=rule.begins_on) for zone in zones)
