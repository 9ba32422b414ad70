"""``/ledger/…``: the ledger for those who check it. Hashes and signatures for everybody; bodies need a key.

The formats are C2SP tlog-checkpoint, tlog-tiles and tlog-proof. A tile never changes, so anything may keep it for
good; a tile that is not there yet must not be remembered as missing.
"""

import base64
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema
from werkzeug.exceptions import Conflict, HTTPException, NotFound

from consent.api.bodies import Resource, unprocessable
from consent.api.fields import Strict
from consent.api.keys import needs
from consent.records import served
from consent.records.prove import NotPublished, Unknown
from consent.web.answers import explained

blueprint = Resource("ledger", __name__, url_prefix="/ledger", description="The ledger, for those who check it")
FOR_EVER = "public, max-age=31536000, immutable"
PROOF_WITHIN_SECONDS = 10  # a head is signed so often

_open = blueprint.doc(security=[])


def _answers(media: str, description: str) -> Any:
    """Return what describes an answer of that *media* type."""
    content = {media: {"schema": {"type": "string", "format": "binary"}}}
    return blueprint.doc(responses={200: {"description": description, "content": content}})


_texts, _bytes = _answers("text/plain", "The text."), _answers("application/octet-stream", "The tile.")


class ConsistencyQuery(Strict):
    """Two sizes of the ledger."""

    old_size = fields.Integer(data_key="from", required=True, validate=validate.Range(1))
    new_size = fields.Integer(data_key="to", required=True, validate=validate.Range(1))

    @validates_schema
    def _grows(self, data: dict[str, Any], **_: Any) -> None:
        """Demand that the ledger grew, or stayed as it was."""
        if data["old_size"] > data["new_size"]:
            raise ValidationError("This is after to; a ledger only grows.", "from")


class ConsistencyAnswer(Strict):
    """The proof that the later ledger begins with the earlier one (RFC 6962 s. 2.1.2)."""

    old_size = fields.Integer(data_key="from")
    new_size = fields.Integer(data_key="to")
    hashes = fields.List(fields.String(metadata={"description": "Base64 of 32 bytes."}))


@blueprint.get("/checkpoint")
@_open
@_texts
def show_checkpoint() -> Response:
    """Return the newest signed head of the ledger, a C2SP signed note."""
    try:
        return _text(served.checkpoint(), "no-cache")
    except NotPublished:
        raise explained(NotFound(), "Nothing is signed yet; a worker that has the ledger's key does it.") from None


@blueprint.get("/vkey")
@_open
@_texts
def show_keys() -> Response:
    """Return the public keys that the ledger names, one a line, those that sign now first."""
    found = served.keys()
    if not found:
        raise explained(NotFound(), "The ledger has no key yet; `consent ledger key new` makes it.")
    return _text("".join(f"{vkey}\n" for vkey in found), "no-cache")


@blueprint.get("/tile/<path:tile>", merge_slashes=False)
@_open
@_bytes
def show_tile(tile: str) -> Response:
    """Return a tile of hashes, ``<L>/<N>`` or ``<L>/<N>.p/<W>``, 32 bytes each."""
    if tile.startswith("entries"):  # bodies need a key, however the address was routed
        raise _no_tile()
    return _tile(tile, FOR_EVER)


@blueprint.get("/tile/entries/<path:tile>", merge_slashes=False)
@needs("records")
@_bytes
def show_entries(tile: str) -> Response:
    """Return the bodies under a tile of level 0, ``<N>`` or ``<N>.p/<W>``, each after its length in two bytes."""
    return _tile(f"entries/{tile}", "private")


@blueprint.get("/proof/<entry>")
@_open
@_texts
@blueprint.alt_response(404, description="There is no such entry.")
@blueprint.alt_response(409, description="No signed head covers the entry yet; see Retry-After.")
def show_proof(entry: str) -> Response:
    """Return the proof that the entry is in the signed ledger, a C2SP tlog-proof that needs nothing else.

    It shows no body, and ids are random: hence no key.
    """
    try:
        return _text(served.proof(entry))
    except Unknown:
        raise explained(NotFound(), "There is no entry of this id.") from None
    except NotPublished:
        message = "The entry is recorded, and no signed head covers it yet."
        raise explained(Conflict(), message, retry_after=PROOF_WITHIN_SECONDS) from None


@blueprint.get("/consistency")
@_open
@blueprint.arguments(ConsistencyQuery, location="query")
@blueprint.response(200, ConsistencyAnswer)
def show_consistency(query: dict[str, int]) -> dict[str, Any]:
    """Return the proof that the first ``to`` entries begin with the first ``from``."""
    try:
        hashes = served.consistency(**query)
    except NotPublished:
        raise unprocessable({"to": ["No signed head covers so many entries; see /ledger/checkpoint."]}) from None
    return {**query, "hashes": [base64.b64encode(found).decode() for found in hashes]}


def _tile(path: str, cache: str) -> Response:
    try:
        content = served.tile(f"tile/{path}")
    except Unknown:
        raise _no_tile() from None
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers["Cache-Control"] = cache
    return answer


def _no_tile() -> HTTPException:
    return explained(NotFound(), "No tile has this address, or the signed ledger does not reach so far yet.")


def _text(text: str, cache: str | None = None) -> Response:
    answer = Response(text, mimetype="text/plain")
    if cache:
        answer.headers["Cache-Control"] = cache
    return answer
