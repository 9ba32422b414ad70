"""What ``consent serve`` and ``consent worker`` write to stderr: one line an event, as JSON or for the eye.

``time`` (UTC, milliseconds), ``level``, ``logger``, ``message``, and of what a caller adds only EXTRAS. A fault is told
by its type and places, never by its text, which may hold an address. No line has a line break or a control character
in it, whatever the message holds.
"""

import logging
import sys
import threading
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from types import TracebackType
from typing import Any

from gunicorn.glogging import Logger

from consent import config
from consent.config import BadSettings
from consent.web import access

EXTRAS = ("method", "route", "status", "ms", "request_id", "key", "filter", "count")
_MOST_PLACES = 5
_log = logging.getLogger("consent")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return dumps(_fields(record), default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        head = [str(fields.pop(name)) for name in ("time", "level", "logger", "message")]
        line = " ".join([*head, *(f"{name}={value}" for name, value in fields.items())])
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class Gunicorn(Logger):  # type: ignore[misc]  # gunicorn has no stubs
    """gunicorn's log, told like ours: to the same handler, and without what a client sent or an exception says."""

    def setup(self, cfg: Any) -> None:
        """Set logging up by our settings; called in the first process, and when it is told to reload."""
        cfg.set("errorlog", None)  # no handler of its own
        super().setup(cfg)
        self.error_log.propagate = True
        try:
            configure(config.read().log_json)
        except BadSettings as error:
            sys.exit(f"consent: {error}")

    def warning(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a warning; of a request that is no HTTP neither the bytes nor the sender."""
        text = str(msg)
        if text.startswith(("Invalid request from", "Exception during worker exit")):
            text, args = " ".join(text.split()[:2]), ()
        super().warning(text, *args, **kwargs)

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log a fault by its type and place; the arguments would be the path."""
        super().exception(str(msg).partition("%")[0].strip(), **kwargs)

    def access(self, *_: Any) -> None:
        """Say nothing: consent.web.access does, without path and address."""


def configure(json: bool) -> None:
    """Send every logger to stderr, a line each: in JSON, or as text. Ours from INFO on, those of others warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if json else _Text())
    handler.addFilter(_say_which_request)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    _log.setLevel(logging.INFO)
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda thread: _uncaught(thread.exc_type, thread.exc_value, thread.exc_traceback)


def _say_which_request(record: logging.LogRecord) -> bool:
    if not hasattr(record, "request_id") and (found := access.request_id()):
        record.request_id = found
    return True


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    head = {"time": at.replace("+00:00", "Z"), "level": record.levelname, "logger": record.name}
    told = head | {"message": record.getMessage()}
    told |= {name: getattr(record, name) for name in EXTRAS if hasattr(record, name)}
    if record.exc_info and record.exc_info[0]:
        told["exception"] = _fault(record.exc_info[0], record.exc_info[2])
    return told


def _fault(kind: type[BaseException], trace: TracebackType | None) -> str:
    """Return the type and the last places: ``KeyError in work.py:run:61 > outbox.py:claim:90``."""
    places = []
    while trace:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{kind.__name__} in {' > '.join(places[-_MOST_PLACES:])}"


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _log.critical("stopped by a fault of ours", exc_info=(kind, error or kind(), trace))
