"""The worker's look into the mailbox of bounces and complaints, in a thread of its own: a slow server delays none."""

import logging
import threading

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from consent import clock
from consent.config import Settings
from consent.feedback import imap
from consent.feedback.imap import NoMailbox
from consent.records.append import Origin
from consent.store import trouble
from consent.subscriptions.acts import Act

_EVERY_SECONDS = 60.0
_log = logging.getLogger("consent.worker")


def start(app: Flask, stop: threading.Event) -> None:
    """Look every minute until *stop* is set, if a mailbox is set. Nobody waits for its end: what is read is marked."""
    if app.config["CONSENT"].feedback_imap:
        threading.Thread(target=_watch, args=(app, stop), name="mailbox", daemon=True).start()


def _watch(app: Flask, stop: threading.Event) -> None:
    with app.app_context():
        while not stop.is_set():
            look(app.config["CONSENT"])
            stop.wait(_EVERY_SECONDS)


def look(settings: Settings) -> int:
    """Record what came into the mailbox since the last time, and return how many messages that were; log what fails."""
    if settings.feedback_imap is None:
        return 0

    def act() -> Act:
        return Act(Origin(settings.ledger_origin, clock.now()), {}, actor="system", channel="mail")

    try:
        return imap.poll(settings.feedback_imap, settings.secret_keys, act)
    except NoMailbox as error:
        _log.error("no reports were fetched: %s", error)
    except SQLAlchemyError as error:
        _log.error("the database did not take the reports: %s", trouble.sentence(error))
    except Exception as error:  # whatever a server answers must not end the watch
        _log.error("no reports were fetched: %s", type(error).__name__)
    return 0
