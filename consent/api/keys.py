"""Who calls: ``Authorization: Bearer ck_…``, with the scope that the route needs. Deny by default."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from consent.setup import keys
from consent.subscriptions.acts import Act
from consent.web import visitor

View = TypeVar("View", bound=Callable[..., Any])


def needs(*scopes: str) -> Callable[[View], View]:
    """Let a view be called only with a key that has one of *scopes*; 401 without a key, 403 without the scope."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            scheme, _, text = request.headers.get("Authorization", "").partition(" ")
            found = keys.check(text.strip()) if scheme.lower() == "bearer" else None
            if found is None:
                raise Unauthorized(www_authenticate=WWWAuthenticate("bearer", {"realm": "consent"}))
            if not found[1].intersection(scopes):
                raise Forbidden
            g.key_id = found[0]
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]  # wraps keeps the signature

    return guard


def actor() -> str:
    """Return the caller as the ledger names it: ``key:<id>``."""
    return f"key:{g.key_id}"


def act() -> Act:
    """Return the caller's request as the ledger keeps it; the caller's own network is no evidence of a person's act."""
    return Act(visitor.origin(), {}, actor=actor(), channel="api")
