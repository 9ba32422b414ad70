"""``POST /exports``: the record for officers, made at once while it is small."""

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_smorest import abort
from marshmallow import fields, validate
from werkzeug.exceptions import NotFound

from consent import addresses
from consent.api.bodies import Resource, unprocessable
from consent.api.fields import Instant, Strict
from consent.api.keys import actor, needs
from consent.law.decision import STATES
from consent.records import bundles, export, kept
from consent.records.export import Filters
from consent.store.exports import Export
from consent.web import visitor
from consent.web.answers import explained

blueprint = Resource("exports", __name__, url_prefix="/api/v1", description="Exports")


class ExportBody(Strict):
    """What to export. All conditions hold at once; periods include both ends."""

    format = fields.String(load_default="jsonl", validate=validate.OneOf(kept.TYPES))
    evidence = fields.List(
        fields.String(validate=validate.OneOf(bundles.FIELDS)),
        load_default=["email"],
        metadata={"description": "Personal data that a bundle opens, by field."},
    )
    brand = fields.String()
    topic = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    contact = fields.String(metadata={"description": "A contact's id, or an address."})
    occurred_from = Instant(format="iso")
    occurred_until = Instant(format="iso")
    recorded_from = Instant(format="iso")
    recorded_until = Instant(format="iso")


class ExportAnswer(Strict):
    """A finished export."""

    id = fields.String()
    state = fields.Constant("done")
    format = fields.String()
    filters = fields.Dict()
    rows = fields.Integer()
    sha256 = fields.String()
    download_url = fields.String()


_FILE = {
    "description": "The file.",
    "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in sorted({*kept.TYPES.values()})},
}


@blueprint.post("/exports")
@needs("exports")
@blueprint.arguments(ExportBody)
@blueprint.response(201, ExportAnswer)
def make(body: dict[str, Any]) -> dict[str, Any]:
    """Make an export of at most 10,000 rows; fetch it from ``download_url`` within a day."""
    format, opened = body.pop("format"), sorted(set(body.pop("evidence")))
    try:
        if "contact" in body:
            body["contact"] = export.contact_id(body["contact"])
        made = kept.make(format, Filters(**body), opened, visitor.origin(), actor())
    except addresses.BadAddress as error:
        raise unprocessable({"contact": [str(error)]}) from None
    except (bundles.NothingSigned, bundles.NotSignedYet) as error:
        abort(409, message=str(error), headers={"Retry-After": "10"})
    except kept.TooLarge as error:
        abort(
            413, message=f"{error.rows} rows are too many for one request; narrow the filters, or use `consent export`."
        )
    return _described(made)


@blueprint.get("/exports/<id>")
@needs("exports")
@blueprint.response(200, ExportAnswer)
def describe(id: str) -> dict[str, Any]:
    """Return what was made."""
    return _described(_found(id))


@blueprint.get("/exports/<id>/download")
@needs("exports")
@blueprint.doc(responses={200: _FILE})
def download(id: str) -> ResponseReturnValue:
    """Return the file; its SHA-256 is in the ledger's entry ``export.made``."""
    found = _found(id)
    ending = "zip" if found.format == kept.BUNDLE else found.format
    answer = Response(found.content, mimetype=kept.TYPES[found.format])
    answer.headers["Content-Disposition"] = f'attachment; filename="records-{id}.{ending}"'
    return answer


def _found(id: str) -> Export:
    found = kept.get(id)
    if found is None:
        raise explained(NotFound(), "There is no such export; one is kept for a day.")
    return found


def _described(found: Export) -> dict[str, Any]:
    return {
        "id": found.id,
        "format": found.format,
        "filters": found.filters,
        "rows": found.rows,
        "sha256": found.sha256,
        "download_url": url_for("exports.download", id=found.id),
    }
