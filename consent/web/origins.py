"""On which site the form stands from which a request comes, and what that site may read of the answer.

Browsers say it themselves, in Origin and Sec-Fetch-Site, and no script can make them lie. Our pages ask for no Referer,
hence browsers give ``null`` as the origin of what our own forms send. A client that says nothing at all is an old
browser or none; what holds for it are the caps on mail, as for everybody.
"""

from enum import Enum
from urllib.parse import urlsplit

from flask import Response, after_this_request, request

from consent.catalogue import Form
from consent.web import visitor

_KEPT_SECONDS = 600  # for which a browser remembers that it may send


class Site(Enum):
    """Where a form stands."""

    OURS = "ours"
    REGISTERED = "registered"
    FOREIGN = "foreign"
    UNSAID = "unsaid"


def origin() -> str | None:
    """Return the site that the browser names, if it names one."""
    found = request.headers.get("Origin")
    return None if found == "null" else found


def site(form: Form) -> Site:
    """Return on what site the *form* stands from which this request comes."""
    named, fetched = origin(), request.headers.get("Sec-Fetch-Site")
    if fetched == "same-origin" or (named and named == _ours()):
        return Site.OURS
    if named in form.origins:
        return Site.REGISTERED
    if named or fetched in ("cross-site", "same-site"):
        return Site.FOREIGN
    return Site.UNSAID


def share(form: Form) -> None:
    """Let a registered site of the *form* read this request's answer, whatever it is; no cookie is ever asked for."""

    @after_this_request
    def _share(response: Response) -> Response:
        response.vary.add("Origin")
        named = origin()
        if named in form.origins:
            response.headers["Access-Control-Allow-Origin"] = named or ""
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "POST"
                response.headers["Access-Control-Allow-Headers"] = "Content-Type"
                response.headers["Access-Control-Max-Age"] = str(_KEPT_SECONDS)
        return response


def _ours() -> str:
    url = urlsplit(visitor.settings().base_url)
    return f"{url.scheme}://{url.netloc}"
