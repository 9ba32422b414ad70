"""What is filled in is what Jinja would have said, for every mail in both languages."""

import itertools

import pytest
from flask import Flask

from consent import catalogue
from consent.mail import words
from tests.house import House

NASTY = "a&b <i>\"'</i> {{ days }} %(days)s é"
READER = {
    "confirm_url": f"https://consent.example.com/c/{NASTY}",
    "preferences_url": "https://consent.example.com/p/x?a=1&b=2",
    "receipt_url": "https://consent.example.com/r/x",
    "unsubscribe_url": "https://consent.example.com/u/x",
    "asked_on": NASTY,
    "agreed_on": "25 novembre 2026",
    "ends_on": NASTY,
    "days": 7,
}


@pytest.mark.parametrize("network", [None, "192.0.2.0/24"])
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", ["confirmation", "welcome", "renewal", "preferences"])
def test_a_mail_that_is_filled_in_says_what_jinja_says(
    house: House, app: Flask, name: str, language: str, network: str | None
) -> None:
    found = catalogue.current()
    topics = [topic for slug, topic in sorted(found.topics.items()) if slug.startswith("acme/")]
    notice = next(iter(found.notices.values()))
    for chosen, already in itertools.product((tuple(topics[:1]), tuple(topics)), (True, False)):
        brand = chosen[0].brand
        everything = READER | {
            "language": language, "brand": brand, "organization": brand.organization.name, "topics": chosen,
            "notice": notice, "network": network, "already": already,
        }  # fmt: skip
        for _ in range(2):  # the second time from what was kept
            assert words.of(name, None, everything) == words.rendered(name, everything)
