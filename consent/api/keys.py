"""Who calls: ``Authorization: Bearer ck_…``, with the scope that the route needs. Deny by default."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from consent.setup import keys

View = TypeVar("View", bound=Callable[..., Any])


def needs(scope: str) -> Callable[[View], View]:
    """Let a view be called only with a key that has *scope*; 401 without a key, 403 without the scope."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            scheme, _, text = request.headers.get("Authorization", "").partition(" ")
            found = keys.check(text.strip()) if scheme.lower() == "bearer" else None
            if found is None:
                raise Unauthorized(www_authenticate=WWWAuthenticate("bearer", {"realm": "consent"}))
            if scope not in found[1]:
                raise Forbidden
            g.key_id = found[0]
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]  # wraps keeps the signature

    return guard


def actor() -> str:
    """Return the caller as the ledger names it: ``key:<id>``."""
    return f"key:{g.key_id}"
