"""What goes wrong becomes an answer in one place: problem+json (RFC 9457) for programs, a helpful page for people.

No answer and no log line holds exception text, a token or an address.
"""

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, jsonify, render_template, request, url_for
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from consent.records.append import Closed
from consent.store import trouble
from consent.tokens import BadLink
from consent.web.languages import gettext as _

_log = logging.getLogger("consent.web")
_RETRY_SECONDS = 5


def install(app: Flask) -> None:
    """Make *app* answer every error by this file."""
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(PoolTimeout, _database)
    app.register_error_handler(BadLink, _bad_link)
    app.register_error_handler(Closed, _bad_link)
    app.register_error_handler(Exception, _bug)


def answer(error: HTTPException) -> Response:
    """Return the answer to *error*, with its status and the headers that belong to it (Allow, Retry-After)."""
    response = _problem(error) if _asked_by_program() else _page(error)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    if isinstance(error, ServiceUnavailable):
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def explained(
    error: HTTPException, message: str, errors: Mapping[str, Any] | None = None, retry_after: int | None = None
) -> HTTPException:
    """Return *error* for a view to raise: a program is told *message*, *errors* by field, and when to try again.

    *retry_after* is in seconds.
    """
    error.data = {  # type: ignore[attr-defined]  # where the answer looks for it
        "message": message,
        "messages": {"json": errors} if errors else None,
        "headers": {"Retry-After": str(retry_after)} if retry_after else None,
    }
    return error


def _asked_by_program() -> bool:
    """Whether the answer is for a program: the API's, the ledger's, a receipt or a sign-up as JSON, or JSON alone."""
    if request.path.startswith(("/s/", "/embed/")) and request.mimetype == "application/json":
        return True
    if request.path.startswith("/r/") and request.args.get("format") == "json":
        return True
    if f"{request.path}/".startswith(("/api/", "/ledger/", "/feedback/")):
        return True
    wanted = [kind for kind, _ in request.accept_mimetypes]
    return any(kind.endswith(("/json", "+json")) for kind in wanted) and "text/html" not in wanted


def _problem(error: HTTPException) -> Response:
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", {})
    problem = {
        "type": "about:blank",
        "title": error.name,
        "status": status,
        "detail": data.get("message") or _CURES.get(status, error.name),
    }
    if errors := data.get("messages"):
        problem["errors"] = errors.get("json") or errors.get("query") or errors if isinstance(errors, dict) else errors
    response = jsonify(problem)
    response.status_code, response.mimetype = status, "application/problem+json"
    for name, value in (data.get("headers") or {}).items():
        response.headers[name] = value
    return response


_CURES = {
    400: "The request cannot be read. Send one JSON object in UTF-8 with Content-Type: application/json.",
    401: "Send Authorization: Bearer ck_… with a key that `consent api-key create` made.",
    403: "The key has not the scope that this needs. Make one with `consent api-key create NAME --scope SCOPE`.",
    404: "There is nothing at this address. The API is described at /api/openapi.json.",
    405: "This address does not take that method; see the Allow header.",
    413: "The body is larger than this address takes. Send less at once.",
    415: "Send Content-Type: application/json, in UTF-8.",
    422: "A field is missing, unknown or impossible; see errors. Nothing was recorded.",
    500: "The fault is ours and was logged. Nothing was recorded; try again later.",
    503: (
        "The database is busy or away. Try again after the seconds that Retry-After says. "
        "Unless its connection broke at the very end, nothing was recorded."
    ),
}


def _page(error: HTTPException) -> Response:
    status = error.code or 500
    title, text = _words(status)
    page = render_template("pages/error.html", status=status, title=title, text=text, find_url=url_for("pages.find"))
    return Response(page, status, mimetype="text/html")


def _words(status: int) -> tuple[str, str]:
    if status == 404:
        return _("There is no page here"), _("The address may be incomplete. Open the link in your e-mail once more.")
    if status == 405:
        return _("This page works another way"), _("Open the link in your e-mail and use the buttons on the page.")
    if status == 413:
        return _("That was too much at once"), _("The form takes 64 KiB at most. Nothing was saved.")
    if status == 503:
        return _not_now()
    if status < 500:
        return _("We could not read that"), _("Nothing was saved. Go back to the page and use its form again.")
    return _("This did not work, and the fault is ours"), _("Nothing was saved. Please try again in a few minutes.")


def _not_now() -> tuple[str, str]:
    if request.method == "POST" and request.path.startswith("/u/"):
        return _("You may not be unsubscribed yet"), _(
            "We could not save it just now. Press the button again in a minute; your link works for ever. "
            "If it still fails, reply to the e-mail and ask to be taken off the list."
        )
    return _("This does not work just now"), _(
        "It may not have been saved. Please try again in a minute; your link goes on working."
    )


def _bad_link(error: BadLink | Closed) -> Response | tuple[str, int]:
    """Offer another way out: a broken link must not keep anyone subscribed."""
    g.pop("language", None)
    return render_template("pages/link_broken.html", find_url=url_for("pages.find")), 404


def _database(error: Exception) -> Response:
    if not trouble.passes(error):
        return _bug(error)
    _log.error("database: %s on %s: %s", type(error).__name__, request.endpoint, trouble.sentence(error))
    return answer(ServiceUnavailable())


def _bug(error: Exception) -> Response:
    """Log where it broke, by file and line and never by value, and answer that the fault is ours."""
    trace, places = error.__traceback__, []
    while trace:
        places.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    _log.error("%s on %s in %s", type(error).__name__, request.endpoint, " > ".join(places[-5:]))
    return answer(InternalServerError())
