"""Headers on every answer: nothing runs, nothing is framed, nothing is kept, no address of ours leaks.

Links in mail are capabilities in a URL: hence no Referer, no cache, no index, no foreign resource. Only what says
itself that it may be kept, as the ledger's tiles do, is cached.
"""

from collections.abc import Iterable

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest, NotFound


def _policy(leads_to: Iterable[str] = (), framed_by: Iterable[str] = ()) -> str:
    targets, frames = " ".join(("'self'", *leads_to)), " ".join(framed_by) or "'none'"
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        f"form-action {targets}; frame-ancestors {frames}; base-uri 'none'"
    )


#: What public pages may do: show our own stylesheet and post back to us. No script at all.
PUBLIC_CSP = _policy()


def install(app: Flask) -> None:
    """Put the headers on every answer of *app*, errors too, and refuse what no URL of ours holds."""
    app.before_request(_refuse_nul)
    app.after_request(_harden)


def allow(leads_to: Iterable[str], framed_by: Iterable[str] = ()) -> None:
    """Let this request's answer hold a form that ends on the sites *leads_to*, and be framed on *framed_by* only."""
    g.csp = _policy(leads_to, framed_by)


def _refuse_nul() -> None:
    """Refuse a NUL in the path or the query: nothing has such a name, and PostgreSQL takes none in a text."""
    if "\0" in request.path:
        raise NotFound
    if any("\0" in value for values in request.args.listvalues() for value in values):
        raise BadRequest


def _harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = g.pop("csp", PUBLIC_CSP)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
