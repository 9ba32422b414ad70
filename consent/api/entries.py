"""``GET /entries``: the change feed, everything that was recorded, in the order of the ledger."""

import json
from typing import Any

from marshmallow import fields, validate

from consent.api.bodies import Resource, proof_url, unprocessable
from consent.api.fields import PageQuery, Strict, Topic
from consent.api.keys import actor, needs
from consent.ledger.entries import KINDS
from consent.records import feed, served
from consent.records.contact_card import BadCursor, Line
from consent.web import access

blueprint = Resource("entries", __name__, url_prefix="/api/v1", description="What was recorded")
_OF_BODY = (
    "kind", "contact", "occurred_at", "recorded_at", "brand", "topic", "actor", "channel", "refs", "details",
)  # fmt: skip


class FeedQuery(PageQuery):
    """Which entries, and where to go on."""

    kind = fields.String(validate=validate.OneOf(sorted(KINDS)))
    topic = Topic()


class EntryAnswer(Strict):
    """One entry: what it says, its place in the ledger, and the exact text that was hashed."""

    entry = fields.String()
    sequence = fields.Integer(allow_none=True)
    cseq = fields.Integer(allow_none=True)
    kind = fields.String()
    contact = fields.String(allow_none=True)
    occurred_at = fields.String()
    recorded_at = fields.String()
    brand = fields.String(allow_none=True)
    topic = fields.String(allow_none=True)
    actor = fields.String()
    channel = fields.String(allow_none=True)
    refs = fields.List(fields.String())
    details = fields.Dict()
    leaf_hash = fields.String()
    state = fields.String(validate=validate.OneOf(served.STATES))
    proof_url = fields.String()
    body = fields.String()


class EntriesAnswer(Strict):
    """A page of entries; *next* is null on the last one."""

    entries = fields.List(fields.Nested(EntryAnswer))
    next = fields.String(allow_none=True)


@blueprint.get("/entries")
@needs("records")
@blueprint.arguments(FeedQuery, location="query")
@blueprint.response(200, EntriesAnswer)
def list_entries(query: dict[str, Any]) -> dict[str, Any]:
    """List what was recorded about everybody, oldest first; a page may be short while ``next`` names another one."""
    topic = query["topic"].slug if "topic" in query else None
    try:
        found = feed.page(query["after"], query["limit"], query.get("kind"), topic)
    except BadCursor:
        raise unprocessable({"after": ["This is no entry of the ledger, and no number."]}) from None
    access.note_reading(actor(), f"kind={query.get('kind', '')} topic={topic or ''}", len(found.lines))
    return {
        "entries": [told(line) for line in found.lines],
        "next": None if found.next is None else str(found.next),
    }


def told(line: Line) -> dict[str, Any]:
    """Return an entry as clients are told it, as in EntryAnswer."""
    body = json.loads(line.body)
    return {
        "entry": line.id,
        "sequence": line.sequence,
        "cseq": line.cseq,
        **{name: body[name] for name in _OF_BODY},
        "leaf_hash": line.leaf_hash.hex(),
        "state": line.state,
        "proof_url": proof_url(line.id),
        "body": line.body.decode(),
    }
