"""Who calls: ``Authorization: Bearer ck_…``, with the scope that the route needs. Deny by default."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, HTTPException, Unauthorized

from consent import clock
from consent.api import idempotency
from consent.setup import keys
from consent.setup.keys import Key
from consent.subscriptions.acts import Act
from consent.web import visitor
from consent.web.answers import explained

View = TypeVar("View", bound=Callable[..., Any])
_CHALLENGE: dict[str, str | None] = {"realm": "consent"}


def needs(*scopes: str, question: bool = False) -> Callable[[View], View]:
    """Let a view be called only with a key that has one of *scopes*; 401 without a key, 403 without the scope.

    A POST that comes again with its Idempotency-Key is answered as before, unless it is a *question*: that has no
    effect which could happen twice, and is answered anew, since a kept "yes" must not outlive a "no".
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            key = _caller()
            if not key.scopes.intersection(scopes):
                raise explained(Forbidden(), _lacking(scopes))
            g.key_id = key.id
            if request.method != "POST":
                return view(*args, **kwargs)
            answer = idempotency.answered(key.id, lambda: current_app.make_response(view(*args, **kwargs)), question)
            keys.used(key, clock.now())
            return answer

        guarded.scopes = scopes  # type: ignore[attr-defined]  # a mark on the function, which the description of the API reads
        guarded.question = question  # type: ignore[attr-defined]  # as the line before
        return guarded  # type: ignore[return-value]  # wraps keeps the signature

    return guard


def actor() -> str:
    """Return the caller as the ledger names it: ``key:<id>``."""
    return f"key:{g.key_id}"


def act() -> Act:
    """Return the caller's request as the ledger keeps it; the caller's own network is no evidence of a person's act."""
    return Act(visitor.origin(), {}, actor=actor(), channel="api")


def _caller() -> Key:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        found = keys.check(text.strip()) if scheme.lower() == "bearer" else None
    except keys.Ended as ended:
        raise explained(_refused(error="invalid_token"), str(ended)) from None
    if found is None:
        raise _refused()
    return found


def _refused(**more: str | None) -> HTTPException:
    return Unauthorized(www_authenticate=WWWAuthenticate("bearer", _CHALLENGE | more))


def _lacking(scopes: tuple[str, ...]) -> str:
    wanted = " or ".join(scopes)
    return f"This needs a key with the scope {wanted}. Make one with `consent api-key create NAME --scope {scopes[0]}`."
