"""Every door of the API: who gets in, however the address is spelt, and what hostile bodies come to."""

import json
import random
import resource
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent import clock
from consent.setup import keys
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE

PROBLEM = "application/problem+json"
HOSTILE = 1000


def doors(app: Flask) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each guarded method and path of the app, ids filled in, with the scopes of which a key needs one."""
    for rule in app.url_map.iter_rules():
        scopes = getattr(app.view_functions[rule.endpoint], "scopes", None)
        if scopes:
            path = rule.rule.replace("<path:tile>", "000").replace("<id>", "x")
            yield ("POST" if "POST" in (rule.methods or ()) else "GET"), path, scopes


def test_every_route_under_api_v1_asks_for_a_key(app: Flask) -> None:
    guarded = {path for _, path, _ in doors(app)}
    routes = {rule.rule.replace("<id>", "x") for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1")}
    assert routes <= guarded and len(guarded) >= 20


def test_each_door_opens_to_the_right_key_alone(app: Flask, client: FlaskClient) -> None:
    now = clock.now()
    expired = keys.create("expired", keys.SCOPES, now - timedelta(days=2), now - timedelta(days=1))
    revoked = keys.create("revoked", keys.SCOPES, now)
    keys.revoke(revoked.split("_")[1], now)
    everything = keys.create("right", keys.SCOPES, now)
    for method, path, scopes in doors(app):
        others = [scope for scope in keys.SCOPES if scope not in scopes]
        narrow = keys.create("narrow", others, now)

        def ask(key: str | None, at: str = path, how: str = method) -> TestResponse:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            return client.open(at, method=how, json={} if how == "POST" else None, headers=headers)

        for key in (None, "ck_000000000000_x", expired, revoked):
            refused = ask(key)
            assert (refused.status_code, refused.mimetype) == (401, PROBLEM), (path, key)
            assert refused.headers["WWW-Authenticate"].startswith("Bearer ")
        if others:
            assert ask(narrow).status_code == 403, path
        assert ask(everything).status_code not in (401, 403, 405), path


@pytest.mark.parametrize("scheme", ["", "Basic", "bearer ck", "Token", "Bearer Bearer", "Bearer\t"])
def test_a_key_under_another_scheme_opens_nothing(client: FlaskClient, api_key: str, scheme: str) -> None:
    refused = client.get("/api/v1/topics", headers={"Authorization": f"{scheme} {api_key}"})
    assert refused.status_code == 401


def spellings(path: str) -> list[str]:
    return [
        f"{path}/", path.replace("/api", "//api"), path.replace("/v1/", "/v1//"), path.replace("/v1", "/./v1"),
        path.replace("/v1", "/v1/../v1"), path.replace("api", "%61pi"), path.replace("/v1/", "/v1/%2e/"),
        path.replace("/v1/", "/v1%2f"), path.upper(), f"{path};x=1", f"{path}%00", f"{path}%20", f"{path}.json",
    ]  # fmt: skip


def test_no_spelling_of_an_address_gets_past_the_key(app: Flask, client: FlaskClient, house: House) -> None:
    before = house.rows()
    for method, path, _ in doors(app):
        for spelling in spellings(path):
            answer = client.open(spelling, method=method, json={} if method == "POST" else None, follow_redirects=True)
            assert answer.status_code in (401, 404, 405), (spelling, answer.status_code)
    assert house.rows() == before


def test_no_other_method_and_no_override_gets_past_the_key(app: Flask, client: FlaskClient, house: House) -> None:
    before = house.rows()
    overrides = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST", "X-Method-Override": "POST"}
    for _, path, _ in doors(app):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY"):
            answer = client.open(f"{path}?_method=POST", method=method, headers=overrides)
            assert answer.status_code in (401, 404, 405), (method, path, answer.status_code)
            if answer.status_code == 405:
                assert answer.mimetype == PROBLEM and method not in answer.headers["Allow"].split(", ")
    assert house.rows() == before


def test_head_asks_for_the_key_like_get(app: Flask, client: FlaskClient, api: Caller) -> None:
    assert client.head("/api/v1/topics").status_code == 401
    assert client.head("/api/v1/topics", headers=api.headers).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/nowhere", "/api/v2/decisions", "/ledger/nowhere"]
)
def test_an_address_that_is_none_is_a_problem(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, PROBLEM)


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("application/json", PROBLEM),
        (PROBLEM, PROBLEM),
        ("text/html,application/json", "text/html"),
        ("*/*", "text/html"),
    ],
)
def test_elsewhere_who_asks_for_json_alone_gets_a_problem(client: FlaskClient, accept: str, mimetype: str) -> None:
    for answer in (client.get("/nowhere", headers={"Accept": accept}), client.put("/find", headers={"Accept": accept})):
        assert answer.mimetype == mimetype


def test_nobody_elsewhere_may_call_it_from_a_browser(app: Flask, client: FlaskClient, api: Caller) -> None:
    for number in range(500):
        headers = {**api.headers, "Origin": f"https://site{number}.example", "Access-Control-Request-Method": "POST"}
        answer = client.options("/api/v1/decisions", headers=headers)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 201), ("application/json; charset=utf-8", 201), ('application/json; charset="UTF-8"', 201),
        ("application/json; charset=latin-1", 415), ("application/json; charset=utf-16", 415), ("text/plain", 415),
        ("text/json", 415), ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415),
        ("application/json, text/plain", 415), ("application/xml", 415), ("", 415), ("json", 415), ("*/*", 415),
        ("application/vnd.api+json", 415), ("application/json\x00", 415), ("x" * 5000, 415),
    ],
)  # fmt: skip
def test_a_body_of_another_type_is_refused(api: Caller, house: House, kind: str, status: int) -> None:
    before = len(house.rows()["ledger_entry"])
    environ = {"HTTP_AUTHORIZATION": api.headers["Authorization"], "CONTENT_TYPE": kind}
    body = json.dumps({"email": ANNE.email, "scope": "acme", "channel": "phone"})
    answer = api.client.post("/api/v1/withdrawals", data=body, environ_overrides=environ)
    assert answer.status_code == status, answer.text
    assert len(house.rows()["ledger_entry"]) == before + (status == 201)


UNREADABLE = {
    "nothing": b"", "half": b'{"email": ', "two": b"{}{}", "Latin-1": b'{"email": "\xe9"}', "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"), "a name twice": b'{"email": "a@b.example", "email": "c@d.example"}',
    "a name twice below": b'{"evidence": {"ip": "1", "ip": "2"}}', "NaN": b'{"a": NaN}', "Infinity": b'{"a": -Infinity}',
    "an integer beyond 64 bits": b'{"a": 9223372036854775808}', "5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a double that is none": b'{"a": 1e999}', "11 deep": b'{"a":' * 11 + b"1" + b"}" * 11, "bottomless": b"[" * 60_000,
    "half a character": b'{"a": "\\ud800"}', "single quotes": b"{'a': 1}", "a comment": b"{} // x", "a comma": b'{"a":1,}',
    "a control character": b'{"a": "\x01"}',
}  # fmt: skip


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("path", ["/decisions", "/relationships"])
def test_what_is_no_json_as_we_take_it_is_400_and_says_why(api: Caller, house: House, path: str, body: bytes) -> None:
    before = house.rows()
    answer = api.client.post(f"/api/v1{path}", data=body, headers={**api.headers, "Content-Type": "application/json"})
    assert (answer.status_code, answer.mimetype) == (400, PROBLEM), answer.text
    assert answer.get_json(force=True)["detail"].startswith(("The body ", "NaN ", "-Infinity "))
    assert house.rows() == before


def test_ten_deep_and_64_bits_can_be_read(api: Caller) -> None:
    for body in (b'{"a":' * 10 + b"1" + b"}" * 10, b'{"a": -9223372036854775807}', b'{"a": "\\ud83d\\ude00"}'):
        headers = {**api.headers, "Content-Type": "application/json"}
        assert api.client.post("/api/v1/decisions", data=body, headers=headers).status_code == 422


@pytest.mark.parametrize(("path", "most"), [("/decisions", 64 * 1024), ("/relationships", 4 * 1024 * 1024)])
def test_a_body_that_is_too_large_is_413_by_route(api: Caller, path: str, most: int) -> None:
    headers = {**api.headers, "Content-Type": "application/json"}
    for size, status in ((most, 422), (most + 1, 413)):
        body = b'{"x": "' + b"y" * (size - 9) + b'"}'
        answer = api.client.post(f"/api/v1{path}", data=body, headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, PROBLEM)


def hostile(random: random.Random) -> bytes:
    """Return a body that is up to no good."""
    good = json.dumps({"email": ANNE.email, "scope": "acme", "channel": "phone"}).encode()
    place = random.randrange(len(good))
    deep = random.choice((b"[", b'{"a":', b"[{}", b'[{"a":[')) * random.randrange(1, 9000)
    return random.choice(
        (
            deep, random.randbytes(random.randrange(200)), good[:place], good[:place] + random.randbytes(3) + good[place:],
            b'{"email": ' + deep + b"}", b'{"x": ' + b"9" * random.randrange(400, 60_000) + b"}",
            b'{"email": "' + random.choice((b"\\u0000", b"a" * 60_000, b"\\udfff", b"@" * 9000)) + b'"}',
            b"{" + b",".join(b'"k%d": %d' % (n, n) for n in range(5000)) + b"}", b"[" + b"1," * 30_000 + b"1]",
            b'{"email": "a@b.example", "scope": ' + random.choice((b"[]", b"{}", b"1", b"null", b"true")) + b', "channel": 1}',
            b'"' + b"\\" * 30_001 + b'"', b" " * 65_000, b"-" * 60_000, b"1e" + b"9" * 300, b'{"": {"": {"": ""}}}',
        )
    )  # fmt: skip


def test_a_thousand_hostile_bodies_are_each_refused_and_record_nothing(api: Caller, house: House) -> None:
    before, maker = house.rows(), random.Random(7)
    paths = ("/signups", "/decisions", "/withdrawals", "/exports", "/renewals", "/consents", "/contacts/x/erasure")
    headers = {**api.headers, "Content-Type": "application/json"}
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for number in range(HOSTILE):
        body, path = hostile(maker), paths[number % len(paths)]
        answer = api.client.post(f"/api/v1{path}", data=body, headers=headers)
        assert 400 <= answer.status_code < 500, (path, body[:80], answer.status_code)
    spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - begun
    assert spent < 20  # seconds; far more than it takes, far less than what grows faster than its body
    assert house.rows() == before


def test_what_a_refusal_says_quotes_no_value(api: Caller) -> None:
    body: Any = b'{"email": "anne.secret@example.com", "email": "x"}'
    answer = api.client.post(
        "/api/v1/decisions", data=body, headers={**api.headers, "Content-Type": "application/json"}
    )
    assert "anne.secret" not in answer.text
