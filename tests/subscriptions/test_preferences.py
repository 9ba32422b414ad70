"""The preference centre can lower consent at once, and raise it only by asking again by mail."""

from consent.catalogue import current
from tests.house import TICKED, House
from tests.people import ANNE, BOB

SHOWN = ["acme/newsletter", "acme/promotions", "zest/newsletter", "zest/promotions"]


def save(house: House, link: str, topics: list[str], language: str = "en") -> object:
    data = {"act": "save", "shown": SHOWN, "topic": topics, "language": language}
    return house.client.post(link, data=data)


def test_every_topic_of_the_organization_is_shown(house: House) -> None:
    link = house.link(house.confirm(ANNE.email), "p")
    page = house.client.get(link)
    assert page.status_code == 200
    assert all(slug in page.text for slug in current().topics)
    assert ANNE.email not in page.text


def test_unticking_a_box_withdraws_at_once(house: House) -> None:
    link = house.link(house.confirm(ANNE.email), "p")
    save(house, link, [])
    assert not house.allows(ANNE.email)


def test_ticking_a_box_asks_by_mail_and_gives_nothing_yet(house: House) -> None:
    link = house.link(house.confirm(ANNE.email), "p")
    save(house, link, ["acme/newsletter", "zest/newsletter"])
    assert house.allows(ANNE.email) and not house.allows(ANNE.email, "zest/newsletter")
    letter = house.letters()[-1]
    house.client.post(house.link(letter, "c"), data=TICKED)
    assert house.allows(ANNE.email, "zest/newsletter")


def test_saving_what_stands_records_nothing(house: House) -> None:
    link = house.link(house.confirm(ANNE.email), "p")
    house.letters()
    before = house.rows()
    save(house, link, ["acme/newsletter"])
    assert house.rows() == before


def test_a_topic_that_the_page_did_not_show_stays(house: House) -> None:
    link = house.link(house.confirm(ANNE.email), "p")
    house.client.post(link, data={"act": "save", "shown": ["zest/newsletter"], "language": "en"})
    assert house.allows(ANNE.email)


def test_unsubscribe_from_everything_is_one_button(house: House) -> None:
    link = house.link(house.confirm(ANNE.email, ["acme/newsletter", "acme/promotions"]), "p")
    assert house.client.post(link, data={"act": "leave_all"}).status_code == 200
    assert not house.allows(ANNE.email) and not house.allows(ANNE.email, "acme/promotions")


def test_the_language_is_kept_and_is_an_entry(house: House) -> None:
    link = house.link(house.confirm(ANNE.email), "p")
    house.letters()
    save(house, link, ["acme/newsletter"], language="fr")
    assert house.kinds(ANNE.email)[-1] == "preferences.changed"
    assert '<html lang="fr"' in house.client.get(link).text


def test_a_forwarded_mail_cannot_raise_consent(house: House) -> None:
    letter = house.confirm(BOB.email)
    house.press_unsubscribe(letter)
    save(house, house.link(letter, "p"), SHOWN)
    assert not any(house.allows(BOB.email, slug) for slug in SHOWN)


def test_find_mails_the_link_to_somebody_known_and_nothing_to_a_stranger(house: House) -> None:
    house.confirm(ANNE.email)
    number = len(house.letters())
    known = house.client.post("/find", data={"email": ANNE.email})
    assert len(house.letters()) == number + 1
    unknown = house.client.post("/find", data={"email": "nobody@example.com"})
    assert len(house.letters()) == number + 1
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)


def test_find_knows_the_address_however_it_is_spelt_and_mails_the_one_on_record(house: House) -> None:
    house.confirm("Anne@example.com")
    house.client.post("/find", data={"email": "ANNE@EXAMPLE.COM"})
    assert str(house.letters()[-1]["To"]) == "Anne@example.com"


def test_find_answers_before_anything_was_confirmed_too(house: House) -> None:
    house.sign_up(BOB.email)
    house.letters()
    house.client.post("/find", data={"email": BOB.email})
    assert house.client.get(house.link(house.letters()[-1], "p")).status_code == 200


def test_the_receipt_says_what_was_agreed_and_names_its_entries(house: House) -> None:
    house.confirm(ANNE.email)
    page = house.client.get(house.link(house.letters()[-1], "r"))
    words = next(iter(current().forms["acme-news"].notices.values()))
    assert page.status_code == 200
    assert words.sha256 in page.text
    assert "consent.given" in page.text and "consent.requested" in page.text
