"""``consent serve`` and ``consent worker``."""

import fcntl
import logging
import signal
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy.engine import make_url

from consent.app import create_app
from consent.cli import work
from consent.cli.session import app_context

_STOP_SECONDS = 10


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no stubs
    """gunicorn, told everything by us: no config file, no access log (links are secrets)."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app()


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Threads of each process.")
@click.option("--with-worker", is_flag=True, help="Also deliver mail, in a thread of one of the processes.")
def serve(bind: str, workers: int, threads: int, with_worker: bool) -> None:
    """Serve the pages and the API until told to stop."""
    with app_context():
        pass  # refuse bad settings and an old schema now, in one line, not in every process
    options = {
        "bind": bind,
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "graceful_timeout": _STOP_SECONDS,
        "loglevel": "warning",
        "limit_request_line": 4094,
        "control_socket_disable": True,
    }
    if with_worker:
        options["post_worker_init"] = _start_worker
    click.echo(f"Serving at http://{bind}", err=True)
    _Server(options).run()


@click.command()
@click.option("--once", is_flag=True, help="Work until nothing is due, then exit.")
def worker(once: bool) -> None:
    """Deliver mail, and whatever else leaves the house or is timed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with app_context() as app:
        if once:
            click.echo(f"{work.drain(app)} delivered or ended.")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        work.run(app, stop)


def _start_worker(process: Any) -> None:
    """Start the worker in this gunicorn process, if no other process of this host runs one beside the database."""
    app: Flask = process.wsgi
    lock = _lock_beside(app.config["CONSENT"].database_url)
    if lock is None:
        return
    process.consent_worker = (lock, work.start_thread(app))  # the lock lives as long as the process


def _lock_beside(url: str) -> IO[bytes] | None:
    """Return the held lock file that makes this the only worker of the host, or None if another holds it."""
    path = Path(make_url(url).database or "consent")
    folder = path.parent if url.startswith("sqlite") else Path(tempfile.gettempdir())
    file = (folder / f"{path.name}.worker").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
