"""Set-up as code: applied whole or not at all, safe to run again, and nothing shown is ever lost."""

from pathlib import Path

import pytest
from flask import Flask

from consent import catalogue, clock
from consent.records.append import Origin
from consent.resources import folder
from consent.setup import apply, read
from consent.setup.read import BadSetup
from tests.house import House
from tests.people import ANNE

EXAMPLE = (folder("examples") / "acme.toml").read_text("utf-8")


def run(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "setup.toml"
    file.write_text(text, "utf-8")
    changes = apply.apply(read.read(file), Origin("log", clock.now()))
    catalogue.reload()
    return changes


def test_the_example_has_two_brands_four_topics_and_both_languages(app: Flask) -> None:
    found = catalogue.current()
    assert (len(found.organizations), len(found.brands), len(found.topics)) == (1, 2, 4)
    assert all(set(form.notices) == {"en", "fr"} for form in found.forms.values())


def test_running_it_again_changes_nothing(house: House, tmp_path: Path) -> None:
    before = house.rows()
    assert run(tmp_path, EXAMPLE) == []
    assert house.rows() == before


def test_a_change_is_named_and_takes_effect(app: Flask, tmp_path: Path) -> None:
    changes = run(tmp_path, EXAMPLE.replace('phone = "+1 416 555 0100"', 'phone = "+1 416 555 0199"'))
    assert changes == ["brand acme: changed phone"]
    assert catalogue.current().brands["acme"].phone == "+1 416 555 0199"


def test_new_words_make_a_new_notice_and_a_new_form_version(house: House, tmp_path: Path) -> None:
    old = catalogue.form("acme-news")
    changes = run(tmp_path, EXAMPLE.replace("the e-mails chosen above", "the messages chosen above"))
    new = catalogue.form("acme-news")
    assert new.version == old.version + 1 and new.notices["en"].sha256 != old.notices["en"].sha256
    assert old.notices["en"].sha256 in catalogue.current().notices
    assert "form acme-news: published version 2" in changes


def test_a_page_that_showed_the_old_words_is_bound_to_them(house: House, tmp_path: Path) -> None:
    shown = catalogue.form("acme-news").notices["en"].sha256
    run(tmp_path, EXAMPLE.replace("the e-mails chosen above", "the messages chosen above"))
    assert house.sign_up(ANNE.email, notice=shown).status_code == 200
    assert shown in next(row for row in house.rows()["signup"])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('brand = "acme"\ntopics', 'brand = "nobody"\ntopics', "no brand nobody"),
        ('topics = ["acme/newsletter"]', 'topics = ["acme/other"]', "no topic acme/other"),
        (
            'organization = "acme-inc"\nbusiness_name = "Acme"',
            'organization = "x"\nbusiness_name = "Acme"',
            "no organization x",
        ),
        ('zone = "America/Toronto"', 'zone = "Toronto"', "no time zone"),
        ('slug = "zest-news"', 'slug = "acme-news"', "stands twice"),
        ('slug = "acme-webinar"', 'slug = "Acme Webinar"', "Use a-z"),
        ('name.fr = "Offres d’Acme"', "", "name.fr is missing"),
        ('colour = "#0b5d51"', 'colour = "green"', "#rrggbb"),
        ('colour = "#0b5d51"', 'dkim_selectors = ["s1._domainkey.acme example"]', "the selector alone"),
        ('from_address = "news@acme.example"', 'from_address = "news"', "from_address"),
        ('source = "webinar"', 'source = "luck"', "source"),
        ("[[topic]]", "[[theme]]", "[[theme]] is no part"),
        ('country = "CA"', 'country = "CA"\nowner = "x"', "owner"),
        (
            "I can withdraw my consent at any time, with the unsubscribe link in every message.\nAcme,",
            "Acme,",
            "can be withdrawn",
        ),
        ("Acme, 100 Queen Street West, Toronto, Ontario  M5H 2N2, Canada, ", "", "mailing address"),
        ("[[organization]]", "[[organization", "not TOML"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_applied(
    house: House, tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in EXAMPLE
    before = house.rows()
    with pytest.raises(BadSetup, match=complaint.replace("[", r"\[").replace("]", r"\]")):
        run(tmp_path, EXAMPLE.replace(old, new))
    assert house.rows() == before


def test_a_business_name_that_would_break_a_header_is_refused(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(BadSetup, match="business_name"):
        run(tmp_path, EXAMPLE.replace('business_name = "Acme"', 'business_name = "Acme\\r\\nBcc: x@example.com"'))
