"""The receipt of a consent: the copy that the person gets of what they agreed to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.catalogue import Topic
from consent.records import history
from consent.records.facts import Item
from consent.records.links import Asked, Link, open_link
from consent.store import database
from consent.tokens import BadLink


@dataclass(frozen=True)
class Line:
    """One entry behind the receipt."""

    id: str
    kind: str
    sequence: int | None
    leaf_hash: str


@dataclass(frozen=True)
class Receipt:
    """What was agreed, when, in answer to which words, and the entries that record it."""

    link: Link
    asked: Asked
    topics: tuple[Topic, ...]
    given_at: datetime
    lines: tuple[Line, ...]


def show(token: str, keys: Sequence[str]) -> Receipt:
    """Return the receipt behind the link; changes nothing. Raises BadLink, also if nothing was confirmed."""
    with database.reading() as connection:
        link = open_link(connection, token, "r", keys)
        past = history.read(connection, link.contact)
    if link.asked is None:
        raise BadLink
    requests = set(link.asked.entries)
    given = [i for i in past.own if i.body["kind"] == "consent.given" and requests & set(i.body["refs"])]
    if not given:
        raise BadLink
    behind = requests.union(*(i.body["refs"] for i in given), (i.entry_id for i in given))
    topics = {i.body["topic"] for i in given}
    return Receipt(
        link=link,
        asked=link.asked,
        topics=tuple(topic for topic in link.topics if topic.slug in topics),
        given_at=given[0].occurred_at,
        lines=tuple(_line(item) for item in past.own if item.entry_id in behind),
    )


def _line(item: Item) -> Line:
    return Line(item.entry_id, item.body["kind"], item.sequence, item.leaf_hash.hex())
