"""Open the link of a mail: which contact it names, and what it may do.

Checks in this order: shape, row (unknown handles cost the same), signature, purpose. All failures are one BadLink.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, null, select

from consent import catalogue, tokens
from consent.catalogue import Notice, Organization, Topic
from consent.store.contacts import Contact
from consent.store.signups import Signup
from consent.store.standings import Standing
from consent.tokens import BadLink

_NOBODY = bytes(16)
_LASTING = ("u", "b")  # unsubscribing and bouncing go on when every other link of a person was ended


@dataclass(frozen=True)
class Asked:
    """The sign-up that a link names: the words that were shown, and until when it can be confirmed."""

    form: str
    notice: Notice
    entries: tuple[str, ...]
    network: str | None
    requested_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Link:
    """A link that was proved to be ours. *asked* is None for a link about one standing topic."""

    handle: bytes
    contact: str
    address: str  # empty once erased
    language: str
    epoch: int
    organization: Organization
    topics: tuple[Topic, ...]
    asked: Asked | None

    def token(self, purpose: str, keys: Sequence[str]) -> str:
        """Return the token for another *purpose* that names the same row."""
        epoch = 0 if purpose in _LASTING else self.epoch
        return tokens.make(purpose, self.handle, epoch, self.organization.id, keys)


def open_link(connection: Connection, text: str, purpose: str, keys: Sequence[str]) -> Link:
    """Return the link behind the token *text*, which must be for *purpose*. One statement. Raises BadLink."""
    token = tokens.parse(text)
    row = connection.execute(_BY_HANDLE, {"handle": token.handle}).first()
    organization = catalogue.organization(row.organization) if row else None
    epoch = row.epoch if row and token.purpose not in _LASTING else 0
    tokens.verify(token, purpose, epoch, organization.id if organization else _NOBODY, keys)
    if row is None or organization is None:
        raise BadLink
    return _link(row, token.handle, organization)


def by_handle(connection: Connection, handle: bytes) -> Link | None:
    """Return the link of the row *handle*, for composing a mail; None if there is no such row."""
    row = connection.execute(_BY_HANDLE, {"handle": handle}).first()
    return _link(row, handle, catalogue.organization(row.organization)) if row else None


def by_handles(connection: Connection, handles: Sequence[bytes]) -> dict[bytes, Link]:
    """Return the links of the sign-ups *handles*, as :func:`by_handle`, those that there are. One statement."""
    rows = connection.execute(_OF_SIGNUPS, {"handles": handles})
    return {row.handle: _link(row, row.handle, catalogue.organization(row.organization)) for row in rows}


def _link(row: Any, handle: bytes, organization: Organization) -> Link:
    slugs = [row.topic] if row.topic else row.topics
    topics = catalogue.current().topics
    return Link(
        handle=handle,
        contact=row.contact_id,
        address=row.consent_key or "",
        language=row.language,
        epoch=row.epoch,
        organization=organization,
        topics=tuple(topics[slug] for slug in slugs if slug in topics),
        asked=_asked(row) if row.form else None,
    )


def _asked(row: Any) -> Asked:
    notice = catalogue.notice(row.notice)
    return Asked(row.form, notice, tuple(row.entries), row.network, row.requested_at, row.expires_at)


_PERSON = (Contact.consent_key, Contact.epoch)


def _of_signup() -> Select[*tuple[Any, ...]]:
    return select(
        Signup.contact_id,
        Signup.organization,
        null().label("topic"),
        Signup.form,
        Signup.notice,
        Contact.language,
        Signup.topics,
        Signup.entries,
        Signup.network,
        Signup.requested_at,
        Signup.expires_at,
        *_PERSON,
    ).join_from(Signup, Contact)


def _by_handle() -> Any:
    """Build the one statement that finds a handle among the standings and the sign-ups."""
    of_standing: Select[*tuple[Any, ...]] = select(
        Standing.contact_id,
        Standing.organization,
        Standing.topic.label("topic"),
        *(null().label(name) for name in ("form", "notice")),
        Contact.language.label("language"),
        *(null().label(name) for name in ("topics", "entries", "network", "requested_at", "expires_at")),
        *_PERSON,
    ).join_from(Standing, Contact)
    handle: BindParameter[bytes] = bindparam("handle")
    return _of_signup().where(Signup.handle == handle).union_all(of_standing.where(Standing.handle == handle))


_BY_HANDLE = _by_handle()
_OF_SIGNUPS = _of_signup().add_columns(Signup.handle).where(Signup.handle.in_(bindparam("handles", expanding=True)))
