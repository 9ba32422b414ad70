"""Read a JSON body strictly: the right type, readable; one thing, or up to 1,000 of them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Request, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from consent.api import strict_json
from consent.ledger.entries import when
from consent.records import served
from consent.subscriptions.acts import Act
from consent.subscriptions.recording import Recorded, Refused, Told, record
from consent.web import visitor
from consent.web.answers import explained

View = TypeVar("View", bound=Callable[..., Any])
LARGE = 4 * 1024 * 1024  # bytes of a body with many items
MOST_ITEMS = 1000


class _Parser(FlaskParser):
    """webargs' parser, but a body of another type is 415, a bottomless one 400, and no field is ignored."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}

    def load_json(self, req: Request, schema: Any) -> Any:
        """Return the parsed body of *req*."""
        return _read(req)


def _read(req: Request) -> Any:
    """Return the JSON of *req*. Raises 400, 413 and 415, each saying what to send."""
    charset = req.mimetype_params.get("charset", "utf-8")
    if req.mimetype != "application/json" or charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType
    try:
        return strict_json.read(req.get_data())
    except strict_json.Unreadable as error:
        raise explained(BadRequest(), f"{error} Send one JSON object with Content-Type: application/json.") from None


def canonical() -> bytes:
    """Return the body of the request in one spelling. Raises as for reading it."""
    return strict_json.canonical(_read(request))


class Resource(Blueprint):  # type: ignore[misc]  # flask_smorest has no stubs
    """A blueprint of the API."""

    ARGUMENTS_PARSER = _Parser()


def loaded(schema: Schema, location: str = "json") -> dict[str, Any]:
    """Return what the request holds at *location* (json, query), by *schema*. Raises 400, 415 or 422 by field."""
    found: dict[str, Any] = _Parser().parse(schema, request, location=location)
    return found


def unprocessable(errors: dict[str, Any]) -> UnprocessableEntity:
    """Return the 422 that says what is wrong, by field, for a view to raise."""
    error = UnprocessableEntity()
    error.data = {"messages": {"json": errors}}  # type: ignore[attr-defined]  # where answers look for it
    return error


def large(view: View) -> View:
    """Let *view* take a body of up to LARGE bytes instead of the app's limit."""

    @wraps(view)
    def widened(*args: Any, **kwargs: Any) -> Any:
        request.max_content_length = LARGE
        return view(*args, **kwargs)

    return widened  # type: ignore[return-value]  # wraps keeps the signature


class RecordedAnswer(Schema):
    """An entry that was recorded."""

    entry = fields.String()
    contact = fields.String()
    leaf_hash = fields.String()
    state = fields.String(validate=validate.OneOf(served.STATES))
    proof_url = fields.String()
    occurred_at = fields.String()
    recorded_at = fields.String()


def proof_url(entry: str) -> str:
    """Return where the proof of *entry* is found once a signed head covers it."""
    return f"{visitor.settings().base_url}/ledger/proof/{entry}"


def one_or_many(schema: type[Schema]) -> dict[str, Any]:
    """Return the OpenAPI description of a route that takes one *schema*, or many as ``items``."""
    item = {"anyOf": [schema, {"description": "Anything else is refused in its place, with its errors."}]}
    many = {
        "type": "object",
        "required": ["items"],
        "additionalProperties": False,
        "properties": {"items": {"type": "array", "minItems": 1, "maxItems": MOST_ITEMS, "items": item}},
    }
    results = {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"oneOf": [schema, many]}}}},
        "responses": {
            "200": _described("What became of each of many: its entry, or its errors by field.", results),
            "201": _described("The entry that was made.", RecordedAnswer),
            "422": {"description": "Nothing was recorded; errors says what is wrong, by field."},
        },
    }


def _described(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def record_body(schema: Schema, told: Callable[[dict[str, Any]], Told], act: Act) -> tuple[dict[str, Any], int]:
    """Record what the request's body tells, by *schema* and *told*, and return the answer with its status.

    One thing: 201 with its entry, or 422. Many, as ``{"items": [...]}``: 200 with a result for each, in their order;
    what is refused is left out, and everything else is recorded in one transaction.
    """
    given = _read(request)
    if not isinstance(given, dict) or given.keys() != {"items"}:
        (outcome,) = _record([given], schema, told, act)
        if not isinstance(outcome, Recorded):
            raise unprocessable(outcome)
        return answer(outcome), 201
    items = given["items"]
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise unprocessable({"items": [f"Send a list of 1 to {MOST_ITEMS} items."]})
    return {"results": [_result(outcome) for outcome in _record(items, schema, told, act)]}, 200


def _record(
    items: list[Any], schema: Schema, told: Callable[[dict[str, Any]], Told], act: Act
) -> list[Recorded | dict[str, Any]]:
    """Return what became of each of *items*: its entry, or its errors by field."""
    outcomes: list[Recorded | dict[str, Any] | None] = [None] * len(items)
    good: list[tuple[int, Told]] = []
    for number, item in enumerate(items):
        try:
            good.append((number, told(schema.load(item))))
        except ValidationError as error:
            outcomes[number] = dict(error.normalized_messages())  # type: ignore[no-untyped-call]  # marshmallow has no type for it
        except Refused as refused:
            outcomes[number] = {refused.field: [str(refused)]}
    for (number, _), done in zip(good, record([one for _, one in good], act) if good else [], strict=True):
        outcomes[number] = {done.field: [str(done)]} if isinstance(done, Refused) else done
    return [outcome for outcome in outcomes if outcome is not None]


def _result(outcome: Recorded | dict[str, Any]) -> dict[str, Any]:
    if isinstance(outcome, dict):
        return {"status": 422, "errors": outcome}
    return {"status": 201, **answer(outcome)}


def answer(done: Recorded) -> dict[str, Any]:
    """Return what a client is told of the entry that was made, as in RecordedAnswer."""
    return {
        "entry": done.entry,
        "contact": done.contact,
        "leaf_hash": done.leaf_hash,
        "state": served.state_when_recorded(),
        "proof_url": proof_url(done.entry),
        "occurred_at": when(done.occurred_at),
        "recorded_at": when(done.recorded_at),
    }
