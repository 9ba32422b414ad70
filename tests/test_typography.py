"""French as French readers expect it: in every string of ours, and in every mail as it is read."""

import html
import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from consent import typography
from consent.cli import work
from consent.resources import folder
from consent.web import languages
from tests.house import TICKED, House
from tests.people import ANNE

_TAGS = re.compile(r"<style>.*?</style>|<[^>]*>", re.S)
_ADDRESS = re.compile(r"https?://\S+|\S+@\S+")
_WRONG = re.compile(r" [;:!?»]|« |[^\W\d_][;!?](?=[\s<)]|$)|«(?!\u00a0)|(?<!\u00a0)»")


def wrong(text: str) -> list[str]:
    """Return what is not set as French is, with the words before it; addresses are left out."""
    return [text[max(0, at.start() - 20) : at.end()] for at in _WRONG.finditer(_ADDRESS.sub("", text))]


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Voici :", "Voici\u00a0:"),
        ("Pas vous? Ignorez-le; rien n’a changé!", "Pas vous\u202f? Ignorez-le\u202f; rien n’a changé\u202f!"),
        ("Pas vous ? Rien.", "Pas vous\u202f? Rien."),
        ("le formulaire « %(form)s »", "le formulaire «\u00a0%(form)s\u00a0»"),
        ("le formulaire «%(form)s»", "le formulaire «\u00a0%(form)s\u00a0»"),
        ("à %(address)s?", "à %(address)s\u202f?"),
        ("https://acme.example/?a=b;c", "https://acme.example/?a=b;c"),
        ("List-Unsubscribe-Post: x", "List-Unsubscribe-Post: x"),
        ("a&amp;b", "a&amp;b"),
    ],
)
def test_french_is_set_with_spaces_that_do_not_break(typed: str, printed: str) -> None:
    assert typography.french(typed) == printed


@given(st.text("a) «»:;!?\u00a0\u202f", max_size=30))
def test_what_is_set_is_not_changed_again(text: str) -> None:
    once = typography.french(text)
    assert typography.french(once) == once


def test_every_french_string_reaches_its_reader_that_way(app: Flask) -> None:
    with (folder("consent") / "translations" / "fr" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        ids = [message.id for message in read_po(file) if isinstance(message.id, str) and message.id]
    with app.test_request_context(), force_locale("fr"):
        assert len(ids) > 100
        assert [found for id in ids for found in wrong(languages.gettext(id))] == []


def mails(house: House) -> Iterator[tuple[str, str]]:
    """Yield the subject and each body of the mails that a French reader gets."""
    house.sign_up(ANNE.email, language="fr")
    house.client.post(house.link(house.letters(ANNE.email)[-1], "c"), data=TICKED)
    house.client.post("/find?lang=fr", data={"email": ANNE.email})
    work.drain(house.app)
    for letter in house.letters(ANNE.email):
        yield "subject", str(letter["Subject"])
        for kind in ("plain", "html"):
            body = letter.get_body((kind,))
            assert body is not None
            yield kind, html.unescape(_TAGS.sub(" \n", body.get_content()))


def test_every_mail_is_read_that_way(house: House) -> None:
    found = list(mails(house))
    assert len(found) == 9
    assert [(part, one) for part, text in found for one in wrong(text)] == []
