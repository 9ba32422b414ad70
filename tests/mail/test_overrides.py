"""Mails in a company's own words: named places only, and nothing that the law asks for can be left out."""

from pathlib import Path

import pytest
from flask import Flask

from consent.cli import work
from consent.mail import overrides
from consent.mail.overrides import BadTemplate
from tests.conftest import settings_for
from tests.house import TICKED, House
from tests.people import ANNE

PLACES = ("business_name", "mailing_address", "contacts", "preferences_url", "unsubscribe_url", "confirm_url", "topics")
TEXT = "Bonjour !\n" + "\n".join(f"{{{{ {name} }}}}" for name in PLACES)
HTML = "<style>p { color: red }</style><p>" + "</p><p>".join(f"{{{{{name}}}}}" for name in PLACES) + "</p>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "own" / "acme"
    place.mkdir(parents=True)
    (place / "confirmation.fr.subject.txt").write_text("{{ business_name }} : confirmez", "utf-8")
    (place / "confirmation.fr.txt").write_text(TEXT, "utf-8")
    (place / "confirmation.fr.html").write_text(HTML, "utf-8")
    return place.parent


def test_a_brands_own_mail_goes_out_in_its_language_and_ours_in_the_other(
    house: House, app: Flask, folder: Path, tmp_path: Path
) -> None:
    app.config["CONSENT"] = settings_for(tmp_path, CONSENT_MAIL_TEMPLATES=str(folder))
    house.sign_up(ANNE.email, language="fr")
    house.sign_up("bob@example.com", language="en")
    work.drain(app)
    (own,) = house.letters(ANNE.email)
    (ours,) = house.letters("bob@example.com")
    assert own["Subject"] == "Acme : confirmez" and "Please confirm" in str(ours["Subject"])
    text, html = (own.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]  # it has both
    assert "100 Queen Street West" in text and "100 Queen Street West" in html and "p { color: red }" in html
    assert house.link(own, "c") in html
    assert house.client.post(house.link(own, "c"), data=TICKED).status_code == 200
    assert house.allows(ANNE.email)


def test_values_are_escaped_in_the_html_and_only_there(folder: Path) -> None:
    words = overrides.load(folder)["acme", "confirmation", "fr"]
    filled = words.filled({"topics": "<b>&\n{{ contacts }}", "contacts": "c"})
    assert "&lt;b&gt;&amp;<br>\n{{ contacts }}" in filled.html and "<b>&\n{{ contacts }}" in filled.text


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("part", ["txt", "html"])
def test_what_a_mail_must_say_cannot_be_left_out(folder: Path, place: str, part: str) -> None:
    path = folder / "acme" / f"confirmation.fr.{part}"
    path.write_text(path.read_text("utf-8").replace(place, "organization"), "utf-8")
    with pytest.raises(BadTemplate, match=f"{place} }}}} is missing"):
        overrides.load(folder)


@pytest.mark.parametrize(
    "markup",
    [
        "<script>x</script>", "<img src=x>", "<IMG\nsrc='https://x'>", "<a onclick=x>", "<p style='background:url(x)'>",
        "<iframe>", "<form action=x>", "<link rel=stylesheet>", "<style>@import 'x'</style>", "<a href='javascript:x'>",
        "<svg/onload=x>", "< script >",
    ],
)  # fmt: skip
def test_html_that_would_run_or_load_something_is_refused(folder: Path, markup: str) -> None:
    path = folder / "acme" / "confirmation.fr.html"
    path.write_text(HTML + markup, "utf-8")
    with pytest.raises(BadTemplate, match="is not for mail"):
        overrides.load(folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("confirmation.fr.txt", TEXT + "{{ config }}", "there is no place {{ config }}"),
        ("confirmation.fr.txt", TEXT + "{{ password }}", "there is no place {{ password }}"),
        ("confirmation.fr.subject.txt", "", "a subject is one line"),
        ("confirmation.fr.subject.txt", "{{ topics }}", "a subject is one line"),
        ("confirmation.en.txt", TEXT, "is missing; a mail is a subject, a text and the HTML"),
        ("farewell.fr.txt", TEXT, "name it like confirmation.en.html"),
        ("confirmation.de.txt", TEXT, "name it like confirmation.en.html"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(folder: Path, name: str, content: str, said: str) -> None:
    (folder / "acme" / name).write_text(content, "utf-8")
    with pytest.raises(BadTemplate, match=said.replace("{", r"\{")):
        overrides.load(folder)


def test_jinja_is_only_text_here(folder: Path) -> None:
    path = folder / "acme" / "confirmation.fr.txt"
    path.write_text(TEXT + "{% for x in y %}{{ 7 * 7 }}{{ ''.__class__ }}", "utf-8")
    filled = overrides.load(folder)["acme", "confirmation", "fr"].filled({})
    assert "{% for x in y %}{{ 7 * 7 }}{{ ''.__class__ }}" in filled.text
