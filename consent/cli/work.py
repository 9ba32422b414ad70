"""The worker's loops: deliver what is due and do what is timed; number and sign; wait a moment; until told to stop."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from consent import clock
from consent.cli import mailbox
from consent.config import Settings
from consent.feedback import maildir
from consent.mail import deliver, dkim_keys, lanes, overrides
from consent.mail.deliver import Round
from consent.mail.lanes import Lanes
from consent.mail.transport import Carrier
from consent.records import answered, kept, publish, signing
from consent.records.append import Origin
from consent.records.publish import Contradiction
from consent.records.sequence import ClockBehind
from consent.records.signing import KeyTrouble
from consent.store import trouble
from consent.subscriptions import renewals
from consent.subscriptions.acts import Act

TROUBLE_SECONDS = 1.0
_TIDY_SECONDS = 600.0
_MAILDIR_SECONDS = 5.0
PUBLISH_SECONDS = 10.0
What = TypeVar("What")
_log = logging.getLogger("consent.worker")


def round_of(settings: Settings, stop: threading.Event | None = None) -> Round:
    """Return what a worker carries from round to round; it ends when *stop* is set."""
    own_name = urlsplit(settings.base_url).hostname or "localhost"
    carrier = Carrier(settings.smtp_url, own_name)
    stop = stop or threading.Event()
    keys = dkim_keys.load(settings.dkim_keys) if settings.dkim_keys else {}
    own = overrides.load(settings.mail_templates) if settings.mail_templates else {}
    return Round(
        carrier, settings.secret_keys, settings.base_url, settings.ledger_origin, stop, dkim=keys, templates=own
    )


def drain(app: Flask) -> int:
    """Work until nothing is due, and return how many rows were worked on."""
    with app.app_context():
        round_, total = round_of(app.config["CONSENT"]), 0
        _timed(round_)
        while done := deliver.deliver_due(round_):
            total += done
        round_.carrier.rest()
        read_maildir(app.config["CONSENT"])
        mailbox.look(app.config["CONSENT"])
        publish.number_all(clock.now())
        sign(app.config["CONSENT"])
    return total


def run(app: Flask, stop: threading.Event) -> None:
    """Work until *stop* is set; a database that is busy or away is waited for.

    The ledger has a thread of its own: numbering must not wait for a mail server that is slow.
    """
    ledger = threading.Thread(target=_keep_ledger, args=(app, stop), name="ledger", daemon=True)
    ledger.start()
    reading = threading.Thread(target=_read_mail, args=(app, stop), name="feedback", daemon=True)
    reading.start()
    mailbox.start(app, stop)
    with app.app_context():
        paths = Lanes([round_of(app.config["CONSENT"], stop) for _ in range(lanes.LANES)])
        threads, tidied = lanes.start(paths, lambda place: _lane(app, paths, place)), -_TIDY_SECONDS
        while not stop.is_set():
            _safely(lambda _: paths.watch(), None)
            if clock.monotonic() - tidied > _TIDY_SECONDS:
                _safely(_timed, paths.rounds[0])
                tidied = clock.monotonic()
            stop.wait(lanes.IDLE_SECONDS)
    for thread in (*threads, ledger, reading):
        thread.join()


def _lane(app: Flask, paths: Lanes, place: int) -> None:
    """Deliver in one lane until told to stop."""
    round_ = paths.rounds[place]
    with app.app_context():
        while not round_.stop.is_set():
            _rest(round_.stop, _safely(paths.work, place), lanes.idle(place))
        round_.carrier.rest()


def _keep_ledger(app: Flask, stop: threading.Event) -> None:
    """Give numbers to what waits, and sign the head every PUBLISH_SECONDS."""
    with app.app_context():
        settings: Settings = app.config["CONSENT"]
        signed = clock.monotonic() - PUBLISH_SECONDS
        while not stop.is_set():
            done = _safely(publish.number_all, clock.now())
            if clock.monotonic() - signed > PUBLISH_SECONDS:
                _safely(sign, settings)
                signed = clock.monotonic()
            _rest(stop, done)


def _read_mail(app: Flask, stop: threading.Event) -> None:
    """Take bounces and complaints out of the Maildir, if there is one."""
    with app.app_context():
        settings: Settings = app.config["CONSENT"]
        while settings.feedback_maildir and not stop.wait(_MAILDIR_SECONDS):
            _safely(read_maildir, settings)


def read_maildir(settings: Settings) -> int:
    """Record what came as mail since the last time, and return how many messages that were."""
    if settings.feedback_maildir is None:
        return 0

    def act() -> Act:
        return Act(Origin(settings.ledger_origin, clock.now()), {}, actor="system", channel="mail")

    return maildir.poll(settings.feedback_maildir, settings.secret_keys, act)


def _rest(stop: threading.Event, done: int | None, idle: float = lanes.IDLE_SECONDS) -> None:
    """Go on at once after work was *done*, wait a moment if there was none, and longer after a failure (None)."""
    if not done:
        stop.wait(idle if done == 0 else TROUBLE_SECONDS)


def _timed(round_: Round) -> int:
    """Do what the clock calls for: renewal mails before implied consent ends, forgetting old exports and answers."""
    now = clock.now()
    queued = renewals.offer_due(round_.log, now)
    kept.forget_old(now)
    answered.forget_old(now)
    return queued


def sign(settings: Settings) -> int:
    """Sign the ledger's head, if this worker has the key; return 1 if there was something to sign."""
    if not settings.ledger_key.exists() and signing.load(settings.ledger_key, settings.ledger_origin) is None:
        return 0  # a worker without the key does everything else
    with signing.turn(settings.ledger_key):
        publisher = signing.load(settings.ledger_key, settings.ledger_origin)
        if publisher is None:
            return 0
        return int(publish.publish(publisher, Origin(settings.ledger_origin, clock.now())) is not None)


def _safely(work: Callable[[What], int], what: What) -> int | None:
    """Do *work*; what goes wrong is logged by its name, and tried again in the next round: then return None."""
    try:
        return work(what)
    except (Contradiction, KeyTrouble) as error:
        _log.critical("the ledger is not signed: %s", error)
    except ClockBehind as error:
        _log.critical("entries are not numbered: %s", error)
    except SQLAlchemyError as error:
        _log.error("the database did not take the round: %s", trouble.sentence(error))
    except Exception as error:  # one fault must not end the worker, and with it every mail
        _log.error("%s failed: %s", work.__name__, type(error).__name__)
    return None


def start_thread(app: Flask) -> threading.Event:
    """Run the worker in a thread of this process and return the event that stops it."""
    stop = threading.Event()
    threading.Thread(target=run, args=(app, stop), name="worker", daemon=True).start()
    return stop
