"""Which networks sent HEAD to a link a moment ago: in this process' memory only, for a safe method changes nothing.

Mail programs' scanners send HEAD to the links of a message; a browser does not.
"""

import threading
from datetime import datetime, timedelta

from flask import Flask, current_app, request

from consent import clock
from consent.web import visitor

_REMEMBERED = timedelta(seconds=60)
_MOST = 10_000  # networks; the longest forgotten goes first
_EXTENSION = "consent_heads"


class _Heads:
    """When each network was last seen, the longest ago first."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}
        self._turn = threading.Lock()

    def note(self, network: str, now: datetime) -> None:
        with self._turn:
            self._seen.pop(network, None)
            self._seen[network] = now
            if len(self._seen) > _MOST:
                self._seen.pop(next(iter(self._seen)))

    def seen(self, network: str, now: datetime) -> bool:
        at = self._seen.get(network)
        return at is not None and now - at < _REMEMBERED


def install(app: Flask) -> None:
    """Let *app* notice HEAD requests to links."""
    app.extensions[_EXTENSION] = _Heads()
    app.before_request(_note)


def seen(network: str | None, now: datetime) -> bool:
    """Whether *network* (a /24 or /56) sent HEAD to a link in the last minute, as far as this process saw it."""
    found: _Heads = current_app.extensions[_EXTENSION]
    return network is not None and found.seen(network, now)


def _note() -> None:
    if request.method != "HEAD" or "token" not in (request.view_args or {}):
        return
    if network := visitor.act().network:
        found: _Heads = current_app.extensions[_EXTENSION]
        found.note(network, clock.now())
