"""What Prometheus is told, who may ask, and that asking changes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from consent import clock, config
from consent.app import create_app
from consent.records import lag
from consent.store import database
from tests.conftest import dispose, settings_for
from tests.house import House
from tests.people import ANNE

TOKEN = "0123456789abcdef"
PROXY_HEADERS = ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host")
STRANGER = {"REMOTE_ADDR": "203.0.113.7"}


def scrape(client: FlaskClient, **more: Any) -> dict[tuple[str, ...], float]:
    """Return every sample, by its name and the values of its labels in the order of their names."""
    answer = client.get("/metrics", **more)
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def guarded(tmp_path: Path, migrated: Path) -> Iterator[FlaskClient]:
    """An app behind one proxy, with a token for its metrics."""
    more = {"CONSENT_DATABASE_URL": f"sqlite:///{migrated}", "CONSENT_TRUSTED_PROXIES": "1"}
    app = create_app(settings_for(tmp_path, CONSENT_METRICS_TOKEN=TOKEN, **more))
    yield app.test_client(use_cookies=False)
    dispose(app)


def test_answers_are_counted_by_method_route_and_status(house: House) -> None:
    house.confirm(ANNE.email)
    house.client.get("/healthz")
    house.client.get("/nowhere/anne@example.com")
    found = scrape(house.client)
    assert found["consent_http_requests_total", "GET", "/healthz", "200"] == 1
    assert found["consent_http_requests_total", "POST", "/s/<form>", "200"] == 1
    assert found["consent_http_requests_total", "POST", "/c/<token>", "200"] == 1
    assert found["consent_http_requests_total", "GET", "none", "404"] == 1
    assert found["consent_http_request_seconds_count", "/c/<token>"] == 1
    assert found["consent_http_request_seconds_bucket", "+Inf", "/c/<token>"] == 1


def test_no_label_holds_what_a_stranger_chose(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.client.get(house.link(letter, "p"))
    house.client.open("/nowhere/eve@example.com?a=eve", method="EVESMETHOD")
    said = house.client.get("/metrics").text
    assert "@" not in said and "EVE" not in said and house.link(letter, "p") not in said
    assert scrape(house.client)["consent_http_requests_total", "other", "none", "404"] == 1


def test_waiting_mail_is_counted_with_its_age(house: House, later: Any) -> None:
    house.sign_up(ANNE.email)
    later(minutes=5)
    found = scrape(house.client)
    assert found["consent_outbox_due",] == 1
    assert 299 <= found["consent_outbox_oldest_seconds",] <= 310
    house.drain()
    found = scrape(house.client)
    assert (found["consent_outbox_due",], found["consent_outbox_oldest_seconds",]) == (0, 0)


def test_entries_under_no_checkpoint_are_told_with_their_age(house: House, later: Any) -> None:
    from consent.records import signing

    signing.create(house.app.config["CONSENT"].ledger_key, "consent.example.com/ledger")
    house.drain()
    signed = scrape(house.client)
    assert signed["consent_ledger_size",] == signed["consent_ledger_published_size",] > 0
    assert signed["consent_ledger_checkpoint_age_seconds",] == 0
    house.sign_up(ANNE.email)
    later(minutes=5)
    found = scrape(house.client)
    waiting = found["consent_ledger_size",] + found["consent_ledger_pending",] - found["consent_ledger_published_size",]
    assert waiting == 1 and 299 <= found["consent_ledger_checkpoint_age_seconds",] <= 310


def test_entries_that_wait_for_a_number_are_counted_and_none_does_on_sqlite(house: House, later: Any) -> None:
    house.drain()
    house.sign_up(ANNE.email)
    with database.reading() as connection:
        count, oldest = lag.pending(connection)
    later(minutes=5)
    found = scrape(house.client)
    assert found["consent_ledger_pending",] == count == (0 if database.db.engine.dialect.name == "sqlite" else 1)
    assert (found["consent_ledger_pending_oldest_seconds",] > 299) == (oldest is not None) == (count > 0)


@pytest.mark.sqlite
def test_a_database_that_does_not_answer_is_told_and_the_scrape_goes_on(house: House) -> None:
    house.client.get("/healthz")
    with database.writing() as connection:
        connection.execute(text("DROP TABLE outbox"))
    found = scrape(house.client)
    assert found["consent_database_up",] == 0
    assert found["consent_http_requests_total", "GET", "/healthz", "200"] == 1
    assert not [name for name, *_ in found if name.startswith(("consent_outbox", "consent_ledger"))]


def test_a_scrape_takes_four_statements(house: House) -> None:
    from sqlalchemy import event

    seen: list[str] = []
    engine = database.db.engines["reader"]
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: seen.append(statement))
    scrape(house.client)
    assert sum(statement.startswith("SELECT") for statement in seen) == 4


def test_a_scrape_changes_nothing_and_sets_no_cookie(house: House) -> None:
    house.confirm(ANNE.email)
    before = house.rows()
    for method in ("GET", "HEAD"):
        assert "Set-Cookie" not in house.client.open("/metrics", method=method).headers
    assert house.rows() == before


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("text/plain; version=nonsense", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_format_is_the_one_prometheus_asks_for(client: FlaskClient, accept: str, content_type: str) -> None:
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(content_type)


@pytest.mark.parametrize("name", PROXY_HEADERS)
@pytest.mark.parametrize("value", ["127.0.0.1", "", "for=127.0.0.1"])
def test_what_a_proxy_on_this_host_passes_on_is_not_answered(guarded: FlaskClient, name: str, value: str) -> None:
    assert guarded.get("/metrics", headers={name: value}).status_code == 404


@pytest.mark.parametrize("address", ["203.0.113.7", "10.0.0.1", "::2", "::ffff:10.0.0.1", "", "unix:"])
def test_another_host_is_not_answered(guarded: FlaskClient, address: str) -> None:
    assert guarded.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 404


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_host_is_answered(guarded: FlaskClient, address: str) -> None:
    assert guarded.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200


def test_whoever_may_not_ask_sees_what_an_unknown_page_shows_whatever_the_method(guarded: FlaskClient) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
        found, unknown = (guarded.open(url, method=method, environ_base=STRANGER) for url in ("/metrics", "/nowhere"))
        assert (found.status_code, found.text) == (unknown.status_code, unknown.text) == (404, unknown.text)
        assert set(found.headers.keys()) == set(unknown.headers.keys())


def test_the_token_opens_it_from_anywhere_and_through_a_proxy(guarded: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.7"}
    assert guarded.get("/metrics", headers=headers, environ_base=STRANGER).status_code == 200


@pytest.mark.parametrize("given", [TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é" * 9])
def test_a_wrong_token_opens_nothing(guarded: FlaskClient, given: str) -> None:
    headers = {"Authorization": given.encode().decode("latin-1")}
    assert guarded.get("/metrics", headers=headers, environ_base=STRANGER).status_code == 404


def test_without_a_token_in_the_settings_none_is_right(client: FlaskClient) -> None:
    for given in ("Bearer ", "Bearer None", "Bearer"):
        assert client.get("/metrics", headers={"Authorization": given}, environ_base=STRANGER).status_code == 404


def test_only_reading_is_offered_to_whoever_may_ask(client: FlaskClient) -> None:
    answer = client.post("/metrics")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD"})


def test_two_apps_in_one_process_count_apart(app: Flask, client: FlaskClient, guarded: FlaskClient) -> None:
    client.get("/healthz")
    assert ("consent_http_requests_total", "GET", "/healthz", "200") not in scrape(guarded)
    assert scrape(client)["consent_http_requests_total", "GET", "/healthz", "200"] == 1


def test_the_token_is_not_printed_and_a_short_one_is_refused(tmp_path: Path) -> None:
    assert TOKEN not in repr(settings_for(tmp_path, CONSENT_METRICS_TOKEN=TOKEN))
    for bad in (TOKEN[1:], f"{TOKEN} {TOKEN}", f"{TOKEN}é"):
        with pytest.raises(config.BadSettings, match="CONSENT_METRICS_TOKEN"):
            settings_for(tmp_path, CONSENT_METRICS_TOKEN=bad)


def test_nothing_waits_where_nothing_is(house: House) -> None:
    house.drain()
    with database.reading() as connection:
        assert lag.outbox(connection, clock.now()) == (0, None)
        assert lag.pending(connection) == (0, None)
