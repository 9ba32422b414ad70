"""``consent serve`` and ``consent worker``."""

import fcntl
import hashlib
import logging
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from sqlalchemy.engine import make_url

from consent.app import create_app
from consent.cli import logs, server, starting, work
from consent.cli.session import app_context
from consent.config import BadSettings, Settings

_STOP_SECONDS = 8.0  # with what a busy host needs to end a process, ten at most
_INNER_STOP_SECONDS = 7.0  # less than server.graceful_timeout, after which the process is killed
_TURN_SECONDS = 1.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger("consent.serving")


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no stubs
    """gunicorn, told everything by :mod:`consent.cli.server` and the command line: no other file."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in (vars(server) | self.options).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        try:
            return create_app()
        except BadSettings as error:
            _log.critical("%s", error)
        except Exception:  # gunicorn would print the text
            _log.critical("the service does not start", exc_info=True)
        sys.exit(Arbiter.APP_LOAD_ERROR)


@click.command()
@click.option("--bind", default=server.bind, show_default=True, metavar="HOST:PORT")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--threads", default=server.threads, show_default=True, type=click.IntRange(1, 64), help="Threads of each process."
)
@click.option("--with-worker", is_flag=True, help="Also deliver mail, in a thread of one of the processes.")
def serve(bind: str, workers: int, threads: int, with_worker: bool) -> None:
    """Serve the pages and the API until told to stop."""
    with app_context() as app:  # refuse bad settings and an old schema now, in one line, not in every process
        logs.configure(app.config["CONSENT"].log_json)
        starting.check(app.config["CONSENT"], works=with_worker)
    options: dict[str, Any] = {"bind": bind, "workers": workers, "threads": threads}
    if with_worker:
        options |= {"post_worker_init": _start_worker, "worker_exit": _stop_worker}
    _log.info("serving at http://%s", bind)
    _Server(options).run()


@click.command()
@click.option("--once", is_flag=True, help="Work until nothing is due, then exit.")
def worker(once: bool) -> None:
    """Deliver mail, and whatever else leaves the house or is timed, until told to stop."""
    with app_context() as app:
        logs.configure(app.config["CONSENT"].log_json)
        starting.check(app.config["CONSENT"], works=True)
        if once:
            click.echo(f"{work.drain(app)} delivered or ended.")
        else:
            _work_until_told(app)


def _work_until_told(app: Flask) -> None:
    """Work in a thread, and end it at the first signal; a second one, or a fault in the thread, ends the process."""
    stop = threading.Event()
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)  # the thread inherits it: only sigwait gets them
    thread = threading.Thread(target=_work, args=(app, stop), name="worker", daemon=True)
    thread.start()
    signal.sigwait(_STOP_SIGNALS)
    if not thread.is_alive():
        sys.exit(1)
    stop.set()
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    _wait_for(thread, _STOP_SECONDS)


def _work(app: Flask, stop: threading.Event) -> None:
    try:
        work.run(app, stop)
    finally:
        if not stop.is_set():
            os.kill(os.getpid(), signal.SIGTERM)


def _wait_for(thread: threading.Thread, seconds: float) -> None:
    thread.join(seconds)
    if thread.is_alive():
        _log.warning("stopped with work in hand after %d s; another worker takes it up within a minute", seconds)


def _start_worker(process: Any) -> None:
    """Be the worker of this host as soon as no other process of it is, and end with this gunicorn process."""
    stop = threading.Event()
    thread = threading.Thread(target=_take_turn, args=(process.wsgi, stop), name="worker", daemon=True)
    process.consent_worker = (thread, stop)
    gunicorns = process.handle_exit

    def leave(number: int, frame: Any) -> None:
        stop.set()  # already while requests finish: both have the same seconds
        gunicorns(number, frame)

    signal.signal(signal.SIGTERM, leave)
    signal.siginterrupt(signal.SIGTERM, False)
    thread.start()


def _stop_worker(_: Any, process: Any) -> None:
    """Let the worker of this process put down what it has in hand."""
    thread, stop = getattr(process, "consent_worker", (None, None))
    if thread and stop:
        stop.set()
        _wait_for(thread, _INNER_STOP_SECONDS)


def _take_turn(app: Flask, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            _work_if_alone(app, stop)
        except Exception:  # else mail would stand still until somebody starts the server again
            _log.critical("the worker of this host broke off, and begins again", exc_info=True)
        stop.wait(_TURN_SECONDS)


def _work_if_alone(app: Flask, stop: threading.Event) -> None:
    if lock := _lock(_lock_path(app.config["CONSENT"])):
        with lock:  # let go when the process ends, however it ends
            _log.info("process %d is the worker of this host", os.getpid())
            work.run(app, stop)


def _lock_path(settings: Settings) -> Path:
    """Return the file that the worker of this host holds locked: beside a SQLite file, else among temporary files.

    Two servers of one host may have different keys: then each has its worker, so that the one with the key signs.
    """
    url = make_url(settings.database_url)
    if url.drivername.startswith("sqlite"):
        path = Path(url.database or "consent")
        return path.with_name(f"{path.name}.worker")
    key = settings.ledger_key.resolve()
    where = hashlib.sha256(f"{url.host} {url.port} {url.database} {url.query} {key}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"consent-{os.getuid()}-{where}.worker"


def _lock(path: Path) -> IO[bytes] | None:
    """Return the locked file at *path*, or None if another process holds it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
