"""Promise 2: only a POST changes anything. Scanners fetch, pre-render and follow everything, and nothing happens."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from consent.store import database
from consent.store.contacts import Contact
from tests.house import House
from tests.people import ANNE

SAFE = ("GET", "HEAD", "OPTIONS")
AGENTS = (
    {},
    {"User-Agent": ""},
    {"Sec-Purpose": "prefetch;prerender"},
    {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140 Safari/537.36"},
    {"User-Agent": "Microsoft Office/16.0"},
)


def every_url(house: House) -> Iterator[str]:
    """Every public URL, with links that are live."""
    for letter in house.letters():
        yield house.one_click(letter)
        for purpose in "cupr":
            body = letter.get_body(("plain",))
            assert body is not None
            if f"/{purpose}/" in body.get_content():
                yield house.link(letter, purpose)
            if purpose == "r" and "/r/" in body.get_content():
                yield from (f"{house.link(letter, 'r')}?format={form}" for form in ("proof", "json", "none"))
    for rule in house.app.url_map.iter_rules():
        if not rule.arguments:
            yield rule.rule
    yield from (
        "/ledger/tile/0/000.p/1",
        "/ledger/tile/entries/000.p/1",
        "/ledger/proof/x",
        "/ledger/consistency?from=1&to=1",
    )
    yield from ("/s/acme-news", "/s/zest-news?lang=fr", "/u/broken", "/brand/acme.css", "/dev/mailbox/x", "/nowhere")


def test_a_thousand_fetches_of_every_url_change_no_row_and_set_no_cookie(house: House) -> None:
    house.confirm(ANNE.email)
    house.sign_up("bob@example.com", language="fr")
    urls = sorted(set(every_url(house)))
    before = house.rows()
    fetched = 0
    while fetched < 1000:
        for url in urls:
            for method in SAFE:
                for agent in AGENTS:
                    answer = house.client.open(url, method=method, headers=agent)
                    fetched += 1
                    assert answer.status_code < 500, url
                    assert "Set-Cookie" not in answer.headers, url
    house.drain()
    assert house.rows() == before


def test_a_query_is_never_taken_for_a_form(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.sign_up(ANNE.email, ["acme/promotions"])
    pending = house.link(house.letters()[-1], "c")
    before = house.rows()
    for url in (
        f"{house.one_click(letter)}?List-Unsubscribe=One-Click",
        f"{house.link(letter, 'p')}?act=leave_all",
        f"{pending}?confirm=yes",
        "/s/acme-news?email=eve@example.com&topic=acme/newsletter",
        f"/find?email={ANNE.email}",
    ):
        house.client.get(url)
        house.client.get(url, headers={"X-HTTP-Method-Override": "POST"})
    assert house.rows() == before


def test_no_page_runs_script_or_loads_anything_foreign(house: House) -> None:
    house.confirm(ANNE.email)
    for url in every_url(house):
        answer = house.client.get(url)
        if answer.mimetype != "text/html" or url.endswith("/html"):
            continue
        assert not re.search(r"<script|\son\w+\s*=|http-equiv=.?refresh|javascript:", answer.text, re.I), url
        assert not re.search(r'(src|href|action)="(https?:)?//(?!acme\.example|zest\.example)', answer.text), url


def test_every_answer_carries_the_headers_that_keep_links_secret(house: House) -> None:
    house.confirm(ANNE.email)
    for url in [*every_url(house), "/api/v1/nothing", "/s/none"]:
        headers = house.client.get(url).headers
        assert headers["Referrer-Policy"] == "no-referrer", url
        assert headers["Cache-Control"] == "no-store" or url.startswith("/static"), url
        assert "noindex" in headers["X-Robots-Tag"], url
        assert "script" not in headers["Content-Security-Policy"].replace("'none'", ""), url
        assert headers["X-Content-Type-Options"] == "nosniff", url


def test_a_reading_connection_cannot_write(app: Flask) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), database.reading() as connection:
        connection.execute(delete(Contact))


def test_posting_nothing_to_every_url_changes_nothing(house: House) -> None:
    house.confirm(ANNE.email)
    urls = [url for url in every_url(house) if "/c/" not in url]
    before = house.rows()
    for url in urls:
        assert house.client.post(url).status_code in (400, 401, 404, 405, 422), url
    assert house.rows() == before
