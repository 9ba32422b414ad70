"""Preflight with what is set up: our own mail passes it, and every unsubscribe-like link is tried."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from consent import catalogue, clock
from consent.law.message import Probe
from consent.law.periods import minus
from consent.sends import preflight
from tests.api.calling import Caller
from tests.house import TICKED, House
from tests.law.letters import HTML, letter
from tests.people import ANNE

BASE = "https://consent.example.com"


def ours(house: House) -> Iterator[tuple[str, bytes]]:
    house.drain()
    for path in sorted(house.mail.glob("*.eml")):
        yield path.name, path.read_bytes()


@pytest.mark.parametrize(("form", "topic"), [("acme-news", "acme/newsletter"), ("zest-news", "zest/newsletter")])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_mail_that_we_send_ourselves_has_no_error(house: House, form: str, topic: str, language: str) -> None:
    house.sign_up(ANNE.email, [topic], form, language=language)
    first = house.letters(ANNE.email)[-1]
    house.client.post(house.link(first, "c"), data=TICKED)
    house.client.post("/find", data={"email": ANNE.email})
    house.letters()
    sent = list(ours(house))
    assert len(sent) == 3
    for (name, raw), kind in zip(sent, ("confirmation", "commercial", "commercial"), strict=True):
        checked = preflight.check(raw, preflight.about(catalogue.topic(topic), BASE, kind))
        assert {found.key for found in checked.findings} <= {"dkim_coverage.unsigned", "list_id.form"}, name


def test_every_unsubscribe_link_is_tried_and_a_dead_one_is_an_error(app: Flask) -> None:
    known = preflight.about(catalogue.topic("acme/newsletter"), BASE)
    raw = letter(html=HTML.replace("<body>", '<body><a href="https://old.example/opt-out">old</a>'))
    dead = preflight.check(raw, known, prober=lambda url: Probe("old" not in url, "HTTP 404"))
    assert [found.key for found in dead.findings] == ["dead_link"] and not dead.ok
    assert preflight.check(raw, known).findings == []


def test_why_a_link_is_dead_is_said_in_the_readers_language(app: Flask) -> None:
    known = preflight.about(catalogue.topic("acme/newsletter"), BASE)
    checked = preflight.check(letter(), known, prober=lambda _: Probe(False, "no answer", "pas de réponse"))
    assert "(no answer)" in checked.findings[0].text("en") and "(pas de réponse)" in checked.findings[0].text("fr")


def test_no_more_links_are_tried_than_ten(app: Flask) -> None:
    tried: list[str] = []
    many = "".join(f'<a href="https://a.example/unsubscribe/{n}">x</a>' for n in range(30))

    def prober(url: str) -> Probe:
        tried.append(url)
        return Probe(True, "HTTP 200")

    known = preflight.about(catalogue.topic("acme/newsletter"), BASE)
    checked = preflight.check(letter(html=HTML.replace("<body>", f"<body>{many}")), known, prober=prober)
    assert len(tried) == preflight.MOST_PROBED and "dead_link.unknown" in {found.key for found in checked.findings}


@pytest.mark.parametrize(("language", "word"), [("en", "Would you"), ("fr", "continuer")])
def test_the_mail_that_asks_before_an_implied_consent_ends_has_no_error(
    house: House, api: Caller, language: str, word: str
) -> None:
    house.sign_up(ANNE.email, language=language)  # by which her language is known
    asked_on = minus((clock.now() + timedelta(days=20)).date(), 6)
    body = {"email": ANNE.email, "brand": "acme", "kind": "inquiry", "occurred_at": f"{asked_on}T15:00:00Z"}
    assert api.post("/relationships", **body).status_code == 201
    assert word in str(house.letters(ANNE.email)[-1]["Subject"])
    _, raw = list(ours(house))[-1]
    known = preflight.about(catalogue.topic("acme/promotions"), BASE, "consent_request")
    assert [found.key for found in preflight.check(raw, known).findings] == ["dkim_coverage.unsigned"]
