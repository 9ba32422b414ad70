"""Preflight with what is set up: our own mail passes it, and every unsubscribe-like link is tried."""

from collections.abc import Iterator

import pytest

from consent import catalogue
from consent.sends import preflight
from tests.house import House
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
    house.client.post(house.link(first, "c"), data={"confirm": "yes"})
    house.client.post("/find", data={"email": ANNE.email})
    house.letters()
    sent = list(ours(house))
    assert len(sent) == 3
    for (name, raw), kind in zip(sent, ("confirmation", "commercial", "commercial"), strict=True):
        checked = preflight.check(raw, preflight.about(catalogue.topic(topic), BASE, kind))
        assert {found.key for found in checked.findings} <= {"dkim_coverage.unsigned", "list_id.form"}, name
