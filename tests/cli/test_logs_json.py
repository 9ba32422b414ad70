"""What the service writes to stderr: a line an event, whatever goes wrong, and nothing that names or opens."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from gunicorn.config import Config

from consent import clock
from consent.cli import logs
from tests.cli.test_commands import environment, run
from tests.cli.test_serving import CONSENT, Service, inner_workers, post, service, smtp, until

__all__ = ["service", "smtp"]  # fixtures
KEYS = {"time", "level", "logger", "message"}
LINE_BREAKS = ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\x1b[2J", "\0", "\x7f"]


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[bool], Callable[[], str]]]:
    """Return a function that sets logging up and gives one that returns what was written since; undone afterwards."""
    ours = logging.getLogger("consent")
    before = (logging.root.handlers[:], logging.root.level, ours.level, logging.raiseExceptions)
    hooks = (sys.excepthook, threading.excepthook)

    def set_up(json: bool) -> Callable[[], str]:
        logs.configure(json)
        return lambda: capfd.readouterr().err

    yield set_up
    logging.root.handlers[:], logging.root.level, ours.level, logging.raiseExceptions = before
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)


def test_a_line_holds_the_time_the_level_the_logger_and_the_message(told: Any) -> None:
    said = told(True)
    logging.getLogger("consent.worker").info("%s of %d", "one", 2)
    line = json.loads(said())
    assert set(line) == KEYS
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "consent.worker", "one of 2")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert abs(datetime.fromisoformat(line["time"]) - clock.now()) < timedelta(minutes=1)


def test_only_what_is_allowed_is_added(told: Any) -> None:
    said = told(True)
    extra = {"route": "/u/<token>", "status": 200, "email": "anne@example.com", "path": "/u/secret"}
    logging.getLogger("consent.access").info("answered", extra=extra)
    assert set(json.loads(said())) == KEYS | {"route", "status"}


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("breaks", LINE_BREAKS)
def test_a_message_with_a_line_break_stays_one_line(told: Any, as_json: bool, breaks: str) -> None:
    said = told(as_json)
    forged = f'x{breaks}2026-01-01T00:00:00.000Z INFO consent.worker all is well{breaks}{{"level": "INFO"}}'
    logging.getLogger("consent.web").warning("%s", forged, extra={"route": forged})
    text = said()
    assert text.endswith("\n") and len(text.splitlines()) == 1 and text[:-1].isprintable()
    assert not as_json or json.loads(text)["message"] == forged


@pytest.mark.parametrize("as_json", [True, False])
def test_a_fault_is_told_by_type_and_place_and_never_by_its_text(told: Any, as_json: bool) -> None:
    said = told(as_json)
    try:
        raise KeyError("anne@example.com\nsecret")
    except KeyError:
        logging.getLogger("consent.web").exception("it broke")
    text = said()
    assert "anne" not in text and "Traceback" not in text and len(text.splitlines()) == 1
    assert "KeyError in test_logs_json.py:test_a_fault_is_told" in text


def test_what_nobody_catches_is_one_line_too(told: Any) -> None:
    said = told(True)
    thread = threading.Thread(target=lambda: {}["anne@example.com"])
    thread.start()
    thread.join()
    line = json.loads(said())
    assert (line["level"], line["message"]) == ("CRITICAL", "stopped by a fault of ours")
    assert line["exception"].startswith("KeyError in threading.py") and "anne" not in str(line)


def test_the_lines_of_others_are_told_from_warnings_on(told: Any) -> None:
    said = told(True)
    logging.getLogger("sqlalchemy.engine").info("SELECT 'anne@example.com'")
    logging.getLogger("somebody.else").warning("mind this")
    assert json.loads(said())["logger"] == "somebody.else"


def test_a_line_written_during_a_request_says_which(told: Any, app: Flask) -> None:
    said = told(True)
    app.add_url_rule("/log", view_func=lambda: (logging.getLogger("consent.web").error("x"), "ok")[1])
    answer = app.test_client().get("/log")
    lines = [json.loads(line) for line in said().splitlines()]
    assert [line["request_id"] for line in lines] == [answer.headers["X-Request-ID"]] * 2


def test_gunicorn_tells_neither_who_sent_rubbish_nor_what(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(True)
    for name, value in environment(Path.cwd()).items():
        monkeypatch.setenv(name, value)
    logger = logs.Gunicorn(Config())
    logger.warning("Invalid request from ip=203.0.113.7: GET /u/secret")
    logger.warning("Exception during worker exit:\n%s", "Traceback: anne@example.com")
    logger.warning("Worker (pid:%s) was sent %s!", 7, "SIGABRT")
    try:
        raise OSError("anne@example.com")
    except OSError:
        logger.exception("Error handling request %s %s", "GET", "/u/secret")
    text = said()
    assert not re.search(r"203\.0\.113\.7|secret|anne|Traceback", text)
    assert [json.loads(line)["message"] for line in text.splitlines()] == [
        "Invalid request",
        "Exception during",
        "Worker (pid:7) was sent SIGABRT!",
        "Error handling request",
    ]


def lines_of(service: Service) -> list[dict[str, Any]]:
    """Return what the service wrote; every line of it must be an object."""
    return [json.loads(line) for line in (service.path / "serve.log").read_text("utf-8").splitlines()]


@pytest.mark.slow
def test_every_line_of_a_server_that_has_a_bad_day_is_one_object(service: Service) -> None:
    service.env |= {"CONSENT_LOG_FORMAT": "json"}
    service.start("--with-worker")
    assert post(service.url("/s/acme-news"), {"email": "anne@example.com", "topic": "acme/newsletter"}) == 200
    with socket.create_connection(("127.0.0.1", service.port), 10) as rubbish:
        rubbish.sendall(b"GET /u/secretsecret\x01 HTTP/9\r\n\r\n")
        assert rubbish.recv(100).startswith(b"HTTP/1.1 400")
    os.kill(until(lambda: inner_workers(service))[0], signal.SIGKILL)
    until(lambda: len(inner_workers(service)) > 1)
    assert service.stop() == 0
    found = lines_of(service)
    assert {line["logger"] for line in found} >= {"consent.access", "consent.serving", "gunicorn.error"}
    assert any("SIGKILL" in line["message"] for line in found)
    text = str(found)
    assert not re.search(r"anne|secret|127\.0\.0\.1(?!:\d)|acme-news", text)


@pytest.mark.slow
def test_the_worker_writes_text_in_development_and_json_in_production(service: Service) -> None:
    for more, first in (({}, ""), ({"CONSENT_ENV": "production"}, "{")):
        env = service.env | more | {"CONSENT_BASE_URL": "https://consent.example.com"}
        assert post_and_work(service, env).startswith(first or "20")


def post_and_work(service: Service, env: dict[str, str]) -> str:
    """Leave the worker a mail that it cannot send, and return the first line it writes."""
    service.start()
    post(service.url("/s/acme-news"), {"email": f"{env['CONSENT_ENV']}@example.com", "topic": "acme/newsletter"})
    service.stop()
    command = [CONSENT, "worker", "--once"]
    done = subprocess.run(command, env=env, cwd=service.path, capture_output=True, text=True, timeout=60, check=True)
    return done.stderr


def test_a_refusal_at_the_start_stays_one_line_of_words(tmp_path: Path) -> None:
    for words in (("serve",), ("worker",)):
        found = run(tmp_path, *words, CONSENT_LOG_FORMAT="xml")
        assert found.returncode == 2
        assert found.stderr == "consent: CONSENT_LOG_FORMAT must be text or json.\n"
