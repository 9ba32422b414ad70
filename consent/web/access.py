"""Each answer is measured, counted and logged: by its route, so that no line holds a token, an address or a path.

``request_id`` is ours and random; what a client sends under that name is not looked at. The time is until the answer
begins: a long export is then still being sent.
"""

import logging
import secrets

from flask import Flask, Response, g, has_request_context, request

from consent import clock
from consent.web import metrics, visitor

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_log = logging.getLogger("consent.access")


def install(app: Flask) -> None:
    """Measure every answer of *app*. Installed first: what is installed later is then part of the time."""
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str | None:
    """Return the id of the request at work, as its answer shows it in ``X-Request-ID``; None outside of one."""
    return g.get("request_id") if has_request_context() else None


def note_reading(who: str, filter: str, count: int) -> None:
    """Let this answer's line say that *who* (``key:<id>``) read *count* entries by *filter*: a GET writes no row."""
    g.reading = {"key": who, "filter": filter, "count": count}


def _begin() -> None:
    g.request_id, g.begun = secrets.token_hex(8), clock.monotonic()


def _end(response: Response) -> Response:
    seconds = clock.monotonic() - g.begun
    route = request.url_rule.rule if request.url_rule else "none"
    method = request.method if request.method in _METHODS else "other"  # else strangers could make up any number
    metrics.count(method, route, response.status_code, seconds)
    settings = visitor.settings()
    response.headers["X-Request-ID"] = g.request_id
    if settings.server_timing:
        response.headers["Server-Timing"] = f"app;dur={seconds * 1000:.1f}"
    if settings.access_log and request.endpoint != "static":
        seen = {"method": method, "route": route, "status": response.status_code, "ms": round(seconds * 1000, 1)}
        _log.info("answered", extra=seen | {"request_id": g.request_id} | g.get("reading", {}))
    return response
