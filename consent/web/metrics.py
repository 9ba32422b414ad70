"""``/metrics`` for Prometheus: what was answered, counted as it happens, and how far the work is behind, asked now.

Each app counts in a registry of its own. After :func:`share` the processes of one server count in files of a common
folder instead, and any of them answers for all.
"""

import hmac
import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from flask import Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import MethodNotAllowed, NotFound

from consent import clock
from consent.records import lag, reports
from consent.store import database
from consent.web import visitor

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the name is prometheus_client's
_EXTENSION = "consent_metrics"
_PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


class _Metrics:
    """What one app counts. A route is the rule, never the path: a path may be a link's token."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "consent_http_requests", "Answers given.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "consent_http_request_seconds", "Time until the answer began.", ("route",), registry=self.registry
        )
        self.feedback = Counter(
            "consent_feedback", "Events that came back about mail.", ("provider", "what"), registry=self.registry
        )
        self.dropped = Counter(
            "consent_signups_dropped", "Sign-ups taken for a robot's.", ("sign",), registry=self.registry
        )
        self.registry.register(_Lag())


class _Lag(Collector):
    """How far the work is behind, read from the database at each scrape, at one point in time."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges and what came as mail; only that the database is down, if it does not answer."""
        try:
            found = _gauges(clock.now())
        except SQLAlchemyError:
            found = []
        yield GaugeMetricFamily("consent_database_up", "Whether the database answered.", value=1 if found else 0)
        yield from found


def install(app: Flask) -> None:
    """Let *app* count."""
    app.extensions[_EXTENSION] = _Metrics()


def feedback(provider: str, found: Mapping[str, int]) -> None:
    """Count what a provider told, by its sort."""
    counter = current_app.extensions[_EXTENSION].feedback
    for what, number in found.items():
        counter.labels(provider, what).inc(number)


def dropped(sign: str) -> None:
    """Count a sign-up that was answered like any other and came to nothing, by what gave the robot away."""
    current_app.extensions[_EXTENSION].dropped.labels(sign).inc()


def share(place: Path) -> None:
    """Let apps made from now on, here and in processes forked later, count together in the empty folder *place*."""
    os.environ[_FOLDER] = str(place)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # was chosen at the import


def folder() -> Path | None:
    """Return the folder of :func:`share`, or None where each app counts alone."""
    return Path(os.environ[_FOLDER]) if _FOLDER in os.environ else None


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer of the current app; an answer never fails because it cannot be counted."""
    found: _Metrics = current_app.extensions[_EXTENSION]
    with suppress(OSError):  # the folder was taken away
        found.requests.labels(method, route, str(status)).inc()
        found.seconds.labels(route).observe(seconds)


def answer() -> Response:
    """Return the metrics, in the format the client asks for; raises NotFound for whoever may not see them."""
    if not _may_read():
        raise NotFound
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(valid_methods=["GET", "HEAD"])
    try:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    except (TypeError, ValueError):  # a version that is none
        encode, content_type = choose_encoder("")
    return Response(encode(_registry()), content_type=content_type)


def _registry() -> CollectorRegistry:
    if folder() is None:
        found: _Metrics = current_app.extensions[_EXTENSION]
        return found.registry
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Lag())
    return registry


def _may_read() -> bool:
    """Whether the request has the token, or comes from this host and was not passed on by a proxy."""
    token = visitor.settings().metrics_token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return True
    return _loopback(request.remote_addr) and not any(name in request.headers for name in _PASSED_ON)


def _loopback(text: str | None) -> bool:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _gauges(now: datetime) -> list[Metric]:
    with database.reading() as connection:
        mail = reports.counted(connection)
        due, oldest_due = lag.outbox(connection, now)
        pending, oldest_pending = lag.pending(connection)
        ledger = lag.ledger(connection)
    unsigned = min((at for at in (ledger.waiting_since, oldest_pending) if at), default=None)
    found = {
        "consent_outbox_due": ("Messages that wait to be sent.", due),
        "consent_outbox_oldest_seconds": ("For how long the oldest message waits.", _age(oldest_due, now)),
        "consent_ledger_pending": ("Entries that wait for their number.", pending),
        "consent_ledger_pending_oldest_seconds": ("For how long the oldest of them waits.", _age(oldest_pending, now)),
        "consent_ledger_size": ("Entries that have a number.", ledger.size),
        "consent_ledger_published_size": ("Entries under a signed checkpoint.", ledger.published),
        "consent_ledger_checkpoint_age_seconds": (
            "For how long the oldest entry under no signed checkpoint waits.", _age(unsigned, now),
        ),
    }  # fmt: skip
    return [*(GaugeMetricFamily(name, text, value=number) for name, (text, number) in found.items()), _mail(mail)]


def _mail(found: Mapping[tuple[str, bool], int]) -> Metric:
    counter = CounterMetricFamily("consent_mail_reports", "Reports that came as mail.", labels=("what", "proved"))
    for (what, proved), number in found.items():
        counter.add_metric((what, "yes" if proved else "no"), number)
    return counter


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
