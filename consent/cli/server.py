"""How gunicorn serves us: what ``consent serve`` uses, and a configuration for whoever starts gunicorn without it.

::

    gunicorn -c python:consent.cli.server --workers 4 'consent.app:create_app()'

Names are gunicorn's. Nothing is loaded before the fork: each process makes its own app, and so its own connections to
the database. The worker that delivers mail is then a process of its own, ``consent worker``.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn.workers.gthread import ThreadWorker
from prometheus_client import multiprocess

from consent.cli import logs
from consent.web import metrics

_COUNTS = "consent-counts-"
_SHARED = Path("/dev/shm")  # noqa: S108 - memory: a slow disk must not make a process look hung

bind = "127.0.0.1:8000"
proc_name = "consent"
threads = 4
preload_app = False
worker_tmp_dir = str(_SHARED) if _SHARED.is_dir() else None
timeout = 30  # seconds without a sign of life, after which a process is replaced
graceful_timeout = 8  # seconds for requests in flight; the rest of ten is for a busy host to tidy up
keepalive = 65  # seconds; longer than the 60 of nginx, so that no request meets a connection that we just closed
max_requests = 0  # never replaced by age; if you set it, set the jitter too, or all processes go at once
max_requests_jitter = 0
limit_request_line = 4094
limit_request_fields = 50
control_socket_disable = True
forwarded_allow_ips = ""  # CONSENT_TRUSTED_PROXIES decides what is believed of a proxy, and nobody else
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
loglevel = "warning"
logger_class = logs.Gunicorn


class worker_class(ThreadWorker):  # type: ignore[misc]  # noqa: N801 - gunicorn's name for it; and it has no stubs
    """gthread, which when told to stop still takes the connections that the system has accepted for it."""

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end accepting; at the end, whoever is already connected is served, and nobody else gets in."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            self._take_all(listener)
            listener.close()

    def _take_all(self, listener: Any) -> None:
        before = -1
        while before != self.nr_conns:
            before = self.nr_conns
            self.accept(listener)


def when_ready(_: Any) -> None:
    """Let the processes count together, in a new folder that only this user can read."""
    root = Path(worker_tmp_dir or tempfile.gettempdir())
    _sweep(root)
    made = Path(tempfile.mkdtemp(prefix=".consent-", dir=root))
    fcntl.flock(os.open(made, os.O_RDONLY), fcntl.LOCK_EX)  # held by us and our processes, as long as one of them runs
    metrics.share(made.rename(root / made.name.replace(".consent-", _COUNTS)))


def child_exit(_: Any, process: Any) -> None:
    """Forget what was only true of a process that has ended; what it counted stays."""
    multiprocess.mark_process_dead(process.pid)  # type: ignore[no-untyped-call]  # not annotated there


def on_exit(_: Any) -> None:
    """Remove the folder of the counts."""
    if place := metrics.folder():
        shutil.rmtree(place, ignore_errors=True)


def _sweep(root: Path) -> None:
    """Remove the folders of servers that were killed, and so left them behind."""
    for left in root.glob(f"{_COUNTS}*"):
        with suppress(OSError):  # in use, or not ours
            folder = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(folder)
