"""The receipt of a consent: the copy that the person gets of what they agreed to.

As a page here; as a proof and as a record for programs in ``receipt_forms``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.catalogue import Topic
from consent.records import history, prove, served
from consent.records.facts import Item
from consent.records.links import Asked, Link, open_link
from consent.store import database
from consent.tokens import BadLink


@dataclass(frozen=True)
class Line:
    """One entry behind the receipt, and how far it has come: ``pending``, ``sequenced`` or ``published``."""

    item: Item
    state: str


@dataclass(frozen=True)
class Receipt:
    """What was agreed, when, in answer to which words, and the entries that record it.

    *place* is where the person is, as far as it is known.
    """

    link: Link
    asked: Asked
    topics: tuple[Topic, ...]
    given_at: datetime
    place: str | None
    lines: tuple[Line, ...]

    @property
    def consent(self) -> Line:
        """The newest ``consent.given`` behind the receipt."""
        return next(line for line in reversed(self.lines) if line.item.body["kind"] == "consent.given")


def show(token: str, keys: Sequence[str]) -> Receipt:
    """Return the receipt behind the link; changes nothing. Raises BadLink, also if nothing was confirmed."""
    with database.reading() as connection:
        link = open_link(connection, token, "r", keys)
        past = history.read(connection, link.contact)
        head = prove.newest(connection)
    if link.asked is None:
        raise BadLink
    requests = set(link.asked.entries)
    given = [i for i in past.own if i.body["kind"] == "consent.given" and requests & set(i.body["refs"])]
    if not given:
        raise BadLink
    behind = requests.union(*(i.body["refs"] for i in given), (i.entry_id for i in given))
    topics = {i.body["topic"] for i in given}
    size = head.size if head else 0
    return Receipt(
        link=link,
        asked=link.asked,
        topics=tuple(topic for topic in link.topics if topic.slug in topics),
        given_at=given[0].occurred_at,
        place=past.place,
        lines=tuple(Line(i, served.state(i.sequence, size)) for i in past.own if i.entry_id in behind),
    )
