"""The worker's loop: deliver what is due, do what is timed, wait a moment, until told to stop."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from consent import clock
from consent.config import Settings
from consent.mail import deliver
from consent.mail.deliver import Round
from consent.mail.transport import Carrier
from consent.records import kept, publish, signing
from consent.records.append import Origin
from consent.records.publish import Contradiction
from consent.records.signing import KeyTrouble
from consent.subscriptions import renewals

IDLE_SECONDS = 0.25
_TIDY_SECONDS = 600.0
PUBLISH_SECONDS = 10.0
What = TypeVar("What")
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
        publish.number_all(clock.now())
        sign(app.config["CONSENT"])
    return total


def run(app: Flask, stop: threading.Event) -> None:
    """Work until *stop* is set; a database that is busy or away is waited for."""
    with app.app_context():
        settings: Settings = app.config["CONSENT"]
        round_, tidied = round_of(settings), clock.monotonic() - _TIDY_SECONDS
        signed = clock.monotonic() - PUBLISH_SECONDS
        while not stop.is_set():
            done = _safely(publish.number_all, clock.now()) + _safely(deliver.deliver_due, round_)
            if clock.monotonic() - signed > PUBLISH_SECONDS:
                _safely(sign, settings)
                signed = clock.monotonic()
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


def sign(settings: Settings) -> int:
    """Sign the ledger's head, if this worker has the key; return 1 if there was something to sign."""
    publisher = signing.load(settings.ledger_key, settings.ledger_origin)
    if publisher is None:
        return 0
    return int(publish.publish(publisher, Origin(settings.ledger_origin, clock.now())) is not None)


def _safely(work: Callable[[What], int], what: What) -> int:
    """Do *work*; what goes wrong is logged by its name, and tried again in the next round."""
    try:
        return work(what)
    except (Contradiction, KeyTrouble) as error:
        _log.critical("the ledger is not signed: %s", error)
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
