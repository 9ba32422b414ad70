"""Promise 2: only a POST changes anything. Scanners fetch, pre-render and follow everything, and nothing happens."""

import html
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from flask import Flask
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from consent import addresses, clock
from consent.records import history
from consent.store import database
from consent.store.contacts import Contact
from tests.house import TICKED, House
from tests.people import ANNE

SAFE = ("GET", "HEAD", "OPTIONS")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140 Safari/537.36",
    "",
    "Microsoft Office/16.0",
)
REQUESTS = int(os.environ.get("CONSENT_SCANNER_REQUESTS", "5000"))
MACHINES = int(os.environ.get("CONSENT_SCANNER_MACHINES", "20"))
PEOPLE = int(os.environ.get("CONSENT_SCANNER_PEOPLE", "20"))
FORMS = re.compile(r'<form method="post" action="(?P<action>[^"]*)"[^>]*>(?P<inner>.*?)</form>', re.S)


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


def stranger(house: House, url: str, method: str = "GET", ip: str = "203.0.113.7", **headers: str) -> TestResponse:
    """Ask as a machine would, and hold the answer to what every answer keeps to."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = house.client.open(url, method=method, headers=names, environ_base={"REMOTE_ADDR": ip})
    assert answer.status_code < 500, (method, url)
    assert "Set-Cookie" not in answer.headers, (method, url)
    answer.close()  # a static file stays open otherwise
    return answer


def head_of_every_header_url(house: House, urls: Sequence[str]) -> int:
    found = [house.one_click(letter) for letter in house.letters()]
    return len([stranger(house, url, "HEAD", User_Agent="Microsoft Office/16.0") for url in found])


def get_of_all_links(house: House, urls: Sequence[str]) -> int:
    who = list(zip(("203.0.113.7", "198.51.100.8", "192.0.2.9"), AGENTS, strict=True))
    return len([stranger(house, url, ip=ip, User_Agent=agent) for url in urls for ip, agent in who])


def empty_post_to_every_url(house: House, urls: Sequence[str]) -> int:
    return len([stranger(house, url, "POST") for url in urls])


def strange_methods(house: House, urls: Sequence[str]) -> int:
    return len([stranger(house, url, method) for url in urls for method in ("OPTIONS", "PROPFIND", "TRACE")])


def prefetch(house: House, urls: Sequence[str]) -> int:
    return len([stranger(house, url, Sec_Purpose="prefetch;prerender", Purpose="prefetch") for url in urls])


def image_proxy(house: House, urls: Sequence[str]) -> int:
    return len([stranger(house, url, User_Agent="GoogleImageProxy", Accept="image/*") for url in urls])


def bulk_images(house: House, urls: Sequence[str]) -> int:
    inner = [f for url in urls for f in re.findall(r'(?:src|href)="(/[^"]+)"', house.client.get(url).text)]
    return len(urls) + len([stranger(house, url, Accept="image/avif,image/*") for url in inner])


def chat_unfurler(house: House, urls: Sequence[str]) -> int:
    agent = {"User_Agent": "Slackbot-LinkExpanding 1.0", "Range": "bytes=0-32768"}
    return len([stranger(house, url, method, **agent) for url in urls for method in ("HEAD", "GET")])


def rewritten_urls(house: House, urls: Sequence[str]) -> int:
    ways = (
        str.upper,
        lambda u: u + ".",
        lambda u: u[0] + u[1:].replace("/", "//"),
        lambda u: u.partition("?")[0] + "?utm_source=x",
    )
    ways += (lambda u: "/" + "".join(f"%{ord(letter):02x}" for letter in u[1:]),)
    return len([stranger(house, way(url)) for url in urls for way in ways])


def returning(house: House, urls: Sequence[str]) -> int:
    done = 0
    for seconds in (180, 3600, 30 * 86_400):
        clock.set_offset(seconds)
        done += len([stranger(house, url, method) for url in urls for method in ("HEAD", "GET")])
    clock.set_offset(0)
    return done


#: Those that run no script and fill in nothing. Browsers that do are in ``tests/browser/``.
PERSONAS = (
    head_of_every_header_url, get_of_all_links, empty_post_to_every_url, strange_methods, prefetch, image_proxy,
    bulk_images, chat_unfurler, rewritten_urls, returning,
)  # fmt: skip


def test_ten_machines_that_fetch_whatever_a_mail_names_change_no_row_and_get_no_cookie(house: House) -> None:
    """How many requests: ``CONSENT_SCANNER_REQUESTS``; `make soak` sends a hundred thousand."""
    house.confirm(ANNE.email)
    house.sign_up("bob@example.com", language="fr")
    urls = sorted(set(every_url(house)))
    before, sent = house.rows(), Counter[str]()
    while sent.total() < REQUESTS:
        for persona in PERSONAS:
            sent[persona.__name__] += persona(house, urls)
    house.drain()
    assert house.rows() == before
    assert len(+sent) == len(PERSONAS)


def submit(house: House, url: str, form: re.Match[str], button: str) -> TestResponse:
    """Submit *form* as it stands, its *button* included, with nothing ticked and nothing typed."""
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form["inner"]))
    fields |= dict(re.findall(r'name="([^"]+)" value="([^"]+)"', button))
    return house.client.post(html.unescape(form["action"]) or url, data=fields)


def signs(house: House, address: str) -> list[list[str]]:
    parsed = addresses.parse(address)
    with database.reading() as connection:
        past = history.find(connection, parsed.deny_key, parsed.consent_key)
    return [item.body["details"]["signs"] for item in past.own if item.body["kind"] == "consent.given"] if past else []


def test_a_machine_that_submits_the_first_form_of_the_page_gives_nothing_and_is_noted(house: House) -> None:
    for number in range(MACHINES):
        address = f"person{number}@example.com"
        house.sign_up(address)
        link = house.link(house.letters(address)[-1], "c")
        form = next(FORMS.finditer(house.client.get(link).text))
        submit(house, link, form, "")
        assert house.kinds(address) == ["consent.requested", "confirmation.sent", "confirmation.touched"]


def test_a_machine_that_presses_every_button_where_the_boxes_are_on_gives_nothing(house: House) -> None:
    for number in range(MACHINES):
        address = f"person{number}@example.com"
        house.sign_up(address)
        link = house.link(house.letters(address)[-1], "c")
        for form in list(FORMS.finditer(house.client.get(link).text)) * 2:
            for button in re.findall(r"<button[^>]*>", form["inner"]) or [""]:
                submit(house, link, form, button)
        assert house.kinds(address) == ["consent.requested", "confirmation.sent", "confirmation.touched"]


def test_after_many_machines_the_person_succeeds_and_a_second_press_says_so(house: House) -> None:
    for number in range(PEOPLE):
        address = f"person{number}@example.com"
        house.sign_up(address)
        link = house.link(house.letters(address)[-1], "c")
        for hit in range(1 + number % 50):
            stranger(house, link, SAFE[hit % 3])
        stranger(house, link, "POST")
        assert house.client.post(link, data=TICKED).status_code == 200
        assert "already" in house.client.post(link).text
        assert house.allows(address) and "no_page" in signs(house, address)[0]


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


def test_posting_nothing_to_every_url_is_refused(house: House) -> None:
    house.confirm(ANNE.email)
    house.sign_up("bob@example.com")
    urls = list(every_url(house))
    before = house.rows()
    for url in urls:
        if "/c/" not in url or url == house.link(house.letters("bob@")[-1], "c"):
            assert house.client.post(url).status_code in (400, 401, 404, 405, 422), url
    assert house.rows() == before
