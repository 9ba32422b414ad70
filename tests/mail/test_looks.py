"""What a brand's word mark and colours do to its mails."""

import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask

from consent import colours
from consent.catalogue import DARK_PAPER, LIGHT_PAPER
from consent.cli import work
from consent.setup.read import BadSetup
from tests.house import House
from tests.people import ANNE
from tests.setup.test_setup import EXAMPLE, run

YELLOW = "#ffd400"
_BUTTON = re.compile(r'<td class="button"[^>]*background-color:(#\w{6});"><a[^>]*;color:(#\w{6});')
_LINKS = re.compile(r'<a class="link"[^>]* style="color:(#\w{6});"')
_IN_THE_DARK = re.compile(r"\.link, \.mark { color: (#\w{6}) !important")
_MARK = re.compile(r'<p class="mark"[^>]*>([^<]*)</p>')


def set_up(tmp_path: Path, **brand: str | None) -> None:
    """Apply the example with other looks of the brand acme."""
    text = EXAMPLE
    for name, value in brand.items():
        line = f'{name} = "{value}"\n' if value else ""
        text = re.sub(rf'^{name} = "[^"]*".*\n', line, text, count=1, flags=re.M)
    run(tmp_path, text)


def html(house: House, app: Flask) -> str:
    house.sign_up(ANNE.email)
    work.drain(app)
    body = house.letters(ANNE.email)[-1].get_body(("html",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content())


def contrast(one: str, other: str) -> float:
    return colours.contrast(colours.parse(one), colours.parse(other))


def test_the_word_mark_stands_at_the_head(house: House, app: Flask, tmp_path: Path) -> None:
    set_up(tmp_path, logo_text="acme & co.")
    assert _MARK.findall(html(house, app)) == ["acme &amp; co."]


def test_without_a_word_mark_the_name_stands_there(house: House, app: Flask, tmp_path: Path) -> None:
    set_up(tmp_path, logo_text=None)
    assert _MARK.findall(html(house, app)) == ["Acme"]


def test_the_button_of_a_bright_brand_has_dark_words_and_its_links_are_darker(
    house: House, app: Flask, tmp_path: Path
) -> None:
    set_up(tmp_path, colour=YELLOW)
    page = html(house, app)
    ((ground, words),) = _BUTTON.findall(page)
    assert ground == YELLOW and contrast(ground, words) >= colours.READABLE
    assert all(contrast(link, LIGHT_PAPER) >= colours.READABLE for link in _LINKS.findall(page))
    assert len(_LINKS.findall(page)) == 2


def test_a_dark_brand_without_a_colour_for_the_dark_is_made_lighter_there(
    house: House, app: Flask, tmp_path: Path
) -> None:
    set_up(tmp_path, colour="#101418", dark_colour=None)
    (link,) = _IN_THE_DARK.findall(html(house, app))
    assert contrast(link, DARK_PAPER) >= colours.READABLE


def test_the_colour_for_the_dark_is_used_there(house: House, app: Flask, tmp_path: Path) -> None:
    set_up(tmp_path, dark_colour="#8fd3ff")
    assert _IN_THE_DARK.findall(html(house, app)) == ["#8fd3ff"]


def test_a_colour_that_cannot_be_read_in_the_dark_is_refused_with_one_that_can(house: House, tmp_path: Path) -> None:
    with pytest.raises(BadSetup, match=r"brand acme: dark_colour: .* contrast is \d\.\d.*#[0-9a-f]{6} would do"):
        set_up(tmp_path, dark_colour="#0b2d51")


@pytest.mark.parametrize("mark", ["x" * 41, "two\\nlines"])
def test_a_word_mark_is_one_short_line(house: House, tmp_path: Path, mark: str) -> None:
    with pytest.raises(BadSetup, match="logo_text: One line of 1 to 40"):
        set_up(tmp_path, logo_text=mark.replace("\\", "\\\\"))


def test_the_pages_have_the_same_mark_and_colours(house: House, tmp_path: Path) -> None:
    set_up(tmp_path, logo_text="acme!", colour=YELLOW)
    assert '<span class="name">acme!</span>' in house.client.get("/s/acme-news").text
    assert f"--brand: {YELLOW}; --on-brand: #000000;" in house.client.get("/brand/acme.css").text
    assert house.client.get("/brand/nobody.css").text == ""
