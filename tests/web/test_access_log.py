"""One line an answer, that names nobody and opens nothing."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent import config
from consent.app import create_app
from tests.conftest import dispose, settings_for
from tests.house import House
from tests.people import ANNE

EXTRAS = {"method", "route", "status", "ms", "request_id"}
PLAIN = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that gives what the access log said so far."""
    caplog.set_level(logging.INFO, "consent.access")
    return lambda: [record for record in caplog.records if record.name == "consent.access"]


def with_settings(app: Flask, tmp_path: Path, **more: str) -> Flask:
    """Return a second app on the same database, with further settings."""
    return create_app(settings_for(tmp_path, CONSENT_DATABASE_URL=app.config["CONSENT"].database_url, **more))


def test_each_answer_is_one_line_by_route(client: FlaskClient, lines: Any) -> None:
    answer = client.get("/s/acme-news?email=anne@example.com", headers={"User-Agent": "Eve/1.0"})
    (line,) = lines()
    assert (line.levelname, line.method, line.route, line.status) == ("INFO", "GET", "/s/<form>", 200)
    assert line.request_id == answer.headers["X-Request-ID"] and 0 <= line.ms < 10_000
    assert set(line.__dict__) - PLAIN == EXTRAS


def test_a_whole_story_leaves_no_address_no_token_and_no_path_in_it(house: House, lines: Any) -> None:
    letter = house.confirm(ANNE.email)
    house.press_unsubscribe(letter)
    house.client.get(house.link(letter, "p"))
    house.client.post("/find", data={"email": ANNE.email}, headers={"X-Forwarded-For": "203.0.113.7"})
    house.client.get("/nowhere/anne@example.com")
    said = " ".join(str(line.__dict__) for line in lines())
    assert {line.route for line in lines()} >= {"/s/<form>", "/c/<token>", "/u/<token>", "/p/<token>", "/find", "none"}
    assert "@" not in said and "127.0.0.1" not in said and "203.0.113.7" not in said and "acme-news" not in said
    assert not re.search(r"[a-z2-7]{40}", said) and "Werkzeug" not in said


def test_the_id_of_a_request_is_ours_and_new_each_time(client: FlaskClient) -> None:
    sent = {"X-Request-ID": "eve\tsays"}
    ids = {client.get("/healthz", headers=sent).headers["X-Request-ID"] for _ in range(50)}
    assert len(ids) == 50 and all(re.fullmatch(r"[0-9a-f]{16}", one) for one in ids)


def test_errors_are_logged_and_counted_like_answers(client: FlaskClient, lines: Any) -> None:
    client.post("/api/v1/decisions", json={})
    client.delete("/healthz")
    assert [(line.method, line.route, line.status) for line in lines()] == [
        ("POST", "/api/v1/decisions", 401),
        ("DELETE", "none", 405),
    ]


def test_the_stylesheet_is_not_logged(client: FlaskClient, lines: Any) -> None:
    with client.get("/static/consent.css") as answer:
        assert answer.status_code == 200
    assert client.get("/static/none.css").status_code == 404
    assert lines() == []


def test_it_can_be_switched_off_and_the_id_stays(app: Flask, tmp_path: Path, lines: Any) -> None:
    quiet = with_settings(app, tmp_path, CONSENT_ACCESS_LOG="off")
    assert quiet.test_client().get("/healthz").headers["X-Request-ID"]
    assert lines() == []
    dispose(quiet)


def test_how_long_we_worked_is_told_in_development_only_and_only_if_asked(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    assert "Server-Timing" not in client.get("/healthz").headers
    timed = with_settings(app, tmp_path, CONSENT_SERVER_TIMING="on")
    assert re.fullmatch(r"app;dur=\d+\.\d", timed.test_client().get("/healthz").headers["Server-Timing"])
    dispose(timed)
    production = {"CONSENT_ENV": "production", "CONSENT_SMTP_URL": "file:mail"}
    assert not settings_for(tmp_path, **production).server_timing
    with pytest.raises(config.BadSettings, match="CONSENT_SERVER_TIMING"):
        settings_for(tmp_path, CONSENT_SERVER_TIMING="on", **production)


@pytest.mark.parametrize("name", ["CONSENT_ACCESS_LOG", "CONSENT_SERVER_TIMING", "CONSENT_LOG_FORMAT"])
def test_a_switch_is_only_what_it_can_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(config.BadSettings, match=f"{name} must be"):
        settings_for(tmp_path, **{name: "yes"})
