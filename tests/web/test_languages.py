"""English and French are equal."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

ROOT = Path(__file__).resolve().parents[2]
METHODS = [("consent/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]


def french() -> Catalog:
    with (ROOT / "consent/translations/fr/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="fr")


def used() -> set[str]:
    folders = ((ROOT / name, prefix) for name, prefix in (("consent", "consent/"), ("templates", "templates/")))
    found: set[str] = set()
    for folder, prefix in folders:
        methods = [(pattern.removeprefix(prefix), method) for pattern, method in METHODS if pattern.startswith(prefix)]
        for _, _, message, _, _ in extract_from_dir(folder, methods, keywords={"_": None}):
            found.add(message if isinstance(message, str) else message[0])
    return found


def test_every_text_has_its_french_and_no_french_is_left_over() -> None:
    catalogue = french()
    translated = {message.id for message in catalogue if message.id and message.string}
    assert translated == used()


def test_every_french_text_keeps_the_placeholders() -> None:
    for message in french():
        if message.id:
            holes = re.findall(r"%\(\w+\)s", str(message.id))
            assert sorted(re.findall(r"%\(\w+\)s", str(message.string))) == sorted(holes), message.id


def test_the_catalogue_has_the_french_plural_rule() -> None:
    assert french().plural_forms == "nplurals=2; plural=(n > 1);"


@pytest.mark.parametrize(
    ("accept", "query", "language"),
    [
        ("fr-CA", "", "fr"), ("fr", "", "fr"), ("en-US,en;q=0.8", "", "en"), ("de", "", "en"), ("*", "", "en"), ("", "", "en"),
        (";;;q=x", "", "en"), ("fr", "?lang=en", "en"), ("en", "?lang=fr", "fr"), ("fr", "?lang=xx", "fr"),
        ("fr", "?lang=fr-CA", "fr"), ("en", "?lang=../../etc", "en"),
    ],
)  # fmt: skip
def test_a_page_speaks_the_language_that_was_asked_for(
    client: FlaskClient, accept: str, query: str, language: str
) -> None:
    page = client.get(f"/s/acme-news{query}", headers={"Accept-Language": accept})
    assert f'<html lang="{language}"' in page.text
