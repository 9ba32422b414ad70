"""The worker's loop: deliver what is due, do what is timed, wait a moment, until told to stop."""

import logging
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from consent import clock
from consent.config import Settings
from consent.mail import deliver
from consent.mail.deliver import Round
from consent.mail.transport import Carrier
from consent.records import kept
from consent.subscriptions import renewals

IDLE_SECONDS = 0.25
_TIDY_SECONDS = 600.0
_log = logging.getLogger("consent.worker")


def round_of(settings: Settings) -> Round:
    """Return what a worker carries from round to round."""
    own_name = urlsplit(settings.base_url).hostname or "localhost"
    carrier = Carrier(settings.smtp_url, own_name)
    return Round(carrier, settings.secret_keys, settings.base_url, settings.ledger_origin)


def drain(app: Flask) -> int:
    """Work until nothing is due, and return how many rows were worked on."""
    with app.app_context():
        round_, total = round_of(app.config["CONSENT"]), 0
        _timed(round_)
        while done := deliver.deliver_due(round_):
            total += done
    return total


def run(app: Flask, stop: threading.Event) -> None:
    """Work until *stop* is set; a database that is busy or away is waited for."""
    with app.app_context():
        round_, tidied = round_of(app.config["CONSENT"]), clock.monotonic() - _TIDY_SECONDS
        while not stop.is_set():
            done = _safely(deliver.deliver_due, round_)
            if clock.monotonic() - tidied > _TIDY_SECONDS:
                _safely(_timed, round_)
                tidied = clock.monotonic()
            if not done:
                stop.wait(IDLE_SECONDS)


def _timed(round_: Round) -> int:
    """Do what the clock calls for: renewal mails before implied consent ends, and forgetting old exports."""
    now = clock.now()
    queued = renewals.offer_due(round_.log, now)
    kept.forget_old(now)
    return queued


def _safely(work: Callable[[Round], int], round_: Round) -> int:
    """Do *work*; what goes wrong is logged by its name, and tried again in the next round."""
    try:
        return work(round_)
    except SQLAlchemyError as error:
        _log.error("the database did not take the round: %s", type(error).__name__)
    except Exception as error:  # one fault must not end the worker, and with it every mail
        _log.error("%s failed: %s", work.__name__, type(error).__name__)
    return 0


def start_thread(app: Flask) -> threading.Event:
    """Run the worker in a thread of this process and return the event that stops it."""
    stop = threading.Event()
    threading.Thread(target=run, args=(app, stop), name="worker", daemon=True).start()
    return stop
