"""Read a JSON body strictly: the right type, readable, not absurdly deep."""

import json
from typing import Any

from flask import Request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType


class _Parser(FlaskParser):
    """webargs' parser, but a body of another type is 415, and a bottomless one 400."""

    def load_json(self, req: Request, schema: Any) -> Any:
        """Return the parsed body of *req*."""
        if req.mimetype != "application/json":
            raise UnsupportedMediaType
        try:
            found = super().load_json(req, schema)
            if b"\\u" in req.get_data():  # an escape may spell half a character, which no text may hold
                json.dumps(found, ensure_ascii=False).encode()
        except (RecursionError, UnicodeEncodeError):
            raise BadRequest from None
        return found


class Resource(Blueprint):  # type: ignore[misc]  # flask_smorest has no stubs
    """A blueprint of the API."""

    ARGUMENTS_PARSER = _Parser()
