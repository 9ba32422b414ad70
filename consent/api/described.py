"""The API as it describes itself: OpenAPI 3.1 at ``/api/openapi.json``, and as a page to read at ``/api/docs``.

flask-smorest writes down paths, bodies and answers. What holds for every operation is added here once: problems
(RFC 9457), scopes, Idempotency-Key.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, current_app, jsonify, render_template
from flask_smorest import Api
from markupsafe import Markup, escape

from consent.api import idempotency

Document = dict[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")
_PROBLEM: Document = {
    "type": "object",
    "description": "What went wrong and what to do (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "description": "What is wrong, by field."},
    },
}
_SAID = {
    400: "Unreadable: no JSON in UTF-8, or a malformed header.",
    401: "No key, a wrong one, or one that expired or was revoked.",
    403: "The key has not the scope.",
    404: "There is no such thing.",
    409: "Not now: the same request is being done, or what it needs is not there yet.",
    413: "Too large.",
    415: "Neither JSON nor another type that this takes.",
    422: "A field is missing, unknown or impossible; errors says which. Nothing was recorded.",
    500: "The fault is ours and was logged.",
    503: "The database is busy or away; see Retry-After.",
}
_KEY_HEADER: Document = {
    "in": "header",
    "name": idempotency.HEADER,
    "description": "New for each thing you mean to do: the same request again is then done once, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": "^[!-~]+$"},
}
_INFO = {
    "summary": "Subscription and consent management.",
    "description": (
        "May I send this person this message today, and how do I prove it? Send `Authorization: Bearer ck_…` with a "
        "key that `consent api-key create` printed. Bodies are JSON in UTF-8; unknown fields are refused; times are "
        "RFC 3339 with a zone. Lists go on with `after` = the `next` of the page before, null on the last one."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


class Described(Api):  # type: ignore[misc]  # flask_smorest has no stubs
    """flask-smorest, with our description; errors are answered by :mod:`consent.web.answers`."""

    def _register_error_handlers(self) -> None:
        """Register none: the app has one place for errors."""

    def _openapi_json(self) -> Response:
        return jsonify(document())


def install(app: Flask, api: Described) -> None:
    """Describe what *api* holds by now, and serve the page to read."""
    app.extensions["consent.described"] = complete(api.spec.to_dict(), _views(app))
    app.add_url_rule("/api/docs", "api_docs", show, methods=["GET"])


def document() -> Document:
    """Return the OpenAPI document of the app at work."""
    found: Document = current_app.extensions["consent.described"]
    return found


def show() -> str:
    """Show the API to people who read."""
    spec = document()
    schemas = spec["components"]["schemas"]
    return render_template("api/docs.html", spec=spec, groups=_groups(spec), schemas=schemas, prose=prose)


def prose(text: str) -> Markup:
    """Return *text* with its `code` and *emphasis* as a page shows them."""
    safe = str(escape(text))  # from here on it holds no markup but what the two lines below put in
    coded = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return Markup(re.sub(r"\*(\w+)\*", r"<em>\1</em>", coded))


def complete(spec: Document, views: Mapping[tuple[str, str], Any]) -> Document:
    """Return *spec* with all that holds for every operation; *views* are the functions by method and path."""
    spec["info"] |= _INFO
    spec["components"]["responses"] = {
        f"Problem{status}": _problem(status, description) for status, description in _SAID.items()
    }
    schemas = spec["components"]["schemas"]
    spec["components"]["schemas"] = {
        name: schema for name, schema in schemas.items() if name not in ("Error", "PaginationMetadata")
    } | {"Problem": _PROBLEM}
    for method, path, operation in _operations(spec):
        view = views[method, path]
        operation["operationId"] = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        if method == "post" and not getattr(view, "question", True):
            operation.setdefault("parameters", []).append(_KEY_HEADER)
        if scopes := getattr(view, "scopes", None):
            operation["x-scopes"] = list(scopes)
        operation["responses"] = _responses(spec, method, path, operation)
    _spell(spec)
    return spec


def _responses(spec: Document, method: str, path: str, operation: Document) -> Document:
    own = {
        status: answer
        for status, answer in operation["responses"].items()
        if status != "default" and "UNPROCESSABLE" not in str(answer)
    }
    may = [400, 500, 503]
    if operation.get("security") != []:
        may += [401, 403]
    if operation.get("parameters"):
        may += [422]
    if method == "post":
        may += [409, 413, 415, 422]
    if "{" in path or operation.get("security") == []:
        may += [404]
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted({*may})}
    told = {
        status: _problem(int(status), answer.get("description", "")) if int(status) >= 400 else answer
        for status, answer in own.items()
    }
    return dict(sorted((problems | told).items()))


def _problem(status: int, description: str) -> Document:
    schema = {"$ref": "#/components/schemas/Problem"}
    answer: Document = {"description": description, "content": {"application/problem+json": {"schema": schema}}}
    if status == 503:
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return answer


def _operations(spec: Document) -> Iterator[tuple[str, str, Document]]:
    for path, operations in spec["paths"].items():
        for method in _METHODS:
            if method in operations:
                yield method, path, operations[method]


def _views(app: Flask) -> dict[tuple[str, str], Any]:
    """Return the views of *app* by method and path, written as OpenAPI writes them."""
    return {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }


def _spell(found: Any) -> None:
    """Write patterns as ECMA 262 does, where nothing is anchored by itself, and texts as CommonMark."""
    if isinstance(found, list):
        for inner in found:
            _spell(inner)
    if not isinstance(found, dict):
        return
    for name, inner in found.items():
        if name == "pattern" and isinstance(inner, str):
            found[name] = f"^{inner.removeprefix('^').replace(chr(92) + 'Z', '$')}"
        elif name in ("summary", "description") and isinstance(inner, str):
            found[name] = " ".join(inner.replace("``", "`").split())
        else:
            _spell(inner)


def _groups(spec: Document) -> list[tuple[Document, list[Document]]]:
    """Return the tags of *spec*, each with its operations as the page shows them."""
    shown = [
        operation | {"method": method.upper(), "path": path, "parameters": _parameters(spec, path, operation)}
        for method, path, operation in _operations(spec)
    ]
    return [(tag, [one for one in shown if one["tags"] == [tag["name"]]]) for tag in spec["tags"]]


def _parameters(spec: Document, path: str, operation: Document) -> list[Document]:
    return [*spec["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
