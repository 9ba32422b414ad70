"""Signs of a machine turn on a box for each topic; whoever ticks them is believed, and the ledger keeps the signs."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from consent import catalogue, clock, tokens
from consent.store import database
from consent.store.ledger import LedgerEntry
from consent.store.signups import Signup
from consent.subscriptions import automation
from consent.subscriptions.automation import Page
from tests.house import TICKED, House
from tests.people import ANNE

KEYS, HANDLE = ("k" * 32, "old" * 12), b"12345678"


@pytest.fixture
def wait() -> Iterator[Callable[[int], None]]:
    """A way to let seconds go by."""
    passed = 0

    def move(seconds: int) -> None:
        nonlocal passed
        passed += seconds
        clock.set_offset(passed)

    yield move
    clock.set_offset(0)


@pytest.fixture
def link(house: House) -> str:
    """The link of a confirmation mail that went out just now, for two topics."""
    house.sign_up(ANNE.email, ["acme/newsletter", "acme/promotions"])
    return house.link(house.letters()[-1], "c")


def press(house: House, link: str, page: str, **more: Any) -> TestResponse:
    """Press the button of *page*, whose hidden field goes along."""
    found = re.search(r'name="page" value="([^"]+)"', page)
    assert found, page
    return house.client.post(link, data={"confirm": "yes", "page": found[1], **more})


def boxes(page: str) -> int:
    return len(re.findall(r'type="checkbox" name="agree" value="[^"]+" required', page))


def given(house: House) -> list[dict[str, Any]]:
    with database.reading() as connection:
        bodies = connection.execute(select(LedgerEntry.body).where(LedgerEntry.kind == "consent.given")).scalars()
        return [json.loads(body)["details"] for body in bodies]


def test_a_person_who_reads_the_mail_and_the_page_has_one_button_and_no_box(
    house: House, link: str, wait: Callable[[int], None]
) -> None:
    wait(5)
    page = house.client.get(link).text
    assert boxes(page) == 0 and page.count("<button") == 1
    wait(1)
    assert press(house, link, page).status_code == 200
    assert house.allows(ANNE.email) and [details["signs"] for details in given(house)] == [[], []]


def test_within_five_seconds_of_the_mail_each_topic_has_a_required_box_that_is_not_ticked(
    house: House, link: str, wait: Callable[[int], None]
) -> None:
    wait(4)
    page = house.client.get(link).text
    assert boxes(page) == 2 and "checked" not in page
    wait(1)
    refused = press(house, link, page)
    assert refused.status_code == 422 and boxes(refused.text) == 2
    assert "Nothing is confirmed yet." in refused.text
    assert given(house) == []


def test_a_press_within_a_second_of_the_page_gives_nothing_until_every_box_is_ticked(
    house: House, link: str, wait: Callable[[int], None]
) -> None:
    wait(60)
    hasty = press(house, link, house.client.get(link).text)
    assert hasty.status_code == 422 and given(house) == []
    wait(60)
    one = press(house, link, hasty.text, agree="acme/newsletter")
    assert one.status_code == 422 and given(house) == []
    wait(60)
    assert press(house, link, one.text, agree=TICKED["agree"]).status_code == 200
    assert [details["signs"] for details in given(house)] == [["fast_page"]] * 2


def test_a_sign_that_was_seen_is_not_forgotten_by_waiting(house: House, link: str, wait: Callable[[int], None]) -> None:
    page = house.client.get(link).text
    wait(3600)
    assert press(house, link, page).status_code == 422
    assert press(house, link, page, agree=TICKED["agree"]).status_code == 200
    assert given(house)[0]["signs"] == ["fast_mail"]


def test_a_head_from_the_same_network_in_the_last_minute_turns_the_boxes_on(
    house: House, link: str, wait: Callable[[int], None]
) -> None:
    wait(10)
    house.client.head(link, environ_base={"REMOTE_ADDR": "203.0.113.7"})
    near, far = {"REMOTE_ADDR": "203.0.113.200"}, {"REMOTE_ADDR": "203.0.114.7"}
    assert boxes(house.client.get(link, environ_base=near).text) == 2
    assert boxes(house.client.get(link, environ_base=far).text) == 0
    wait(60)
    assert boxes(house.client.get(link, environ_base=near).text) == 0


def test_a_head_to_a_page_that_is_no_link_says_nothing(house: House, link: str, wait: Callable[[int], None]) -> None:
    wait(10)
    house.client.head("/healthz")
    assert boxes(house.client.get(link).text) == 0


def test_the_form_that_nobody_sees_is_recorded_once_changes_no_standing_and_turns_the_boxes_on(
    house: House, link: str, wait: Callable[[int], None]
) -> None:
    wait(10)
    page = house.client.get(link).text
    hidden = re.search(r'<form method="post" action="([^"]+)" hidden>(.*?)</form>', page, re.S)
    assert hidden and "<button" not in hidden[2] and page.index(hidden[0]) < page.index("<button")
    before = house.rows()
    for _ in range(3):
        touched = house.client.post(hidden[1], data={"confirm": "yes"})
        assert touched.status_code == 422 and boxes(touched.text) == 2
    after = house.rows()
    assert house.kinds(ANNE.email)[-2:] == ["confirmation.sent", "confirmation.touched"]
    assert after["standing"] == before["standing"] and after["outbox"] == before["outbox"]
    wait(3600)
    page = house.client.get(link).text
    wait(2)
    assert boxes(page) == 2 and press(house, link, page).status_code == 422
    assert press(house, link, page, agree=TICKED["agree"]).status_code == 200
    assert given(house)[0]["signs"] == ["decoy"]


def test_the_form_that_nobody_sees_says_of_a_confirmed_link_that_it_is_confirmed(house: House) -> None:
    letter = house.confirm(ANNE.email)
    answer = house.client.post(house.link(letter, "c") + "/now")
    assert answer.status_code == 200 and "already" in answer.text
    assert "confirmation.touched" not in house.kinds(ANNE.email)


def test_the_form_that_nobody_sees_of_a_link_that_was_replaced_records_nothing(house: House, link: str) -> None:
    house.press_unsubscribe(house.letters()[-1])
    before = house.rows()
    assert house.client.post(link + "/now").status_code == 404
    assert house.client.post("/c/" + "a" * 40 + "/now").status_code == 404
    assert house.rows() == before


def test_a_press_that_came_from_no_page_of_ours_shows_the_page_with_the_boxes(
    house: House, link: str, wait: Callable[[int], None]
) -> None:
    wait(10)
    answer = house.client.post(link)
    assert answer.status_code == 422 and boxes(answer.text) == 2
    wait(10)
    assert press(house, link, answer.text, agree=TICKED["agree"]).status_code == 200
    assert given(house)[0]["signs"] == ["no_page"]


def test_a_press_of_the_button_without_its_page_is_noted_and_needs_no_tick_by_itself(
    house: House, link: str, wait: Callable[[int], None]
) -> None:
    wait(4)
    assert house.client.post(link, data={"confirm": "yes"}).status_code == 422
    wait(6)
    assert house.client.post(link, data={"confirm": "yes"}).status_code == 200
    assert given(house)[0]["signs"] == ["no_page"]


def test_a_press_before_it_is_known_that_the_mail_went_out_needs_the_ticks(
    house: House, wait: Callable[[int], None]
) -> None:
    house.sign_up(ANNE.email)
    with database.reading() as connection:
        signup = connection.execute(select(Signup.handle, Signup.organization)).one()
    organization = catalogue.organization(signup.organization).id
    token = tokens.make("c", signup.handle, 0, organization, house.app.config["CONSENT"].secret_keys)
    wait(3600)
    page = house.client.get(f"/c/{token}").text
    wait(3600)
    assert boxes(page) == 1 and press(house, f"/c/{token}", page).status_code == 422
    assert given(house) == []


def test_the_boxes_speak_french(house: House) -> None:
    house.sign_up(ANNE.email, language="fr")
    page = house.client.post(house.link(house.letters()[-1], "c")).text
    assert "Rien n’est encore confirmé." in page and "Oui, je souhaite recevoir" in page


def sealed(**more: Any) -> str:
    return automation.seal(Page(clock.now(), frozenset({"head", "decoy"})), HANDLE, more.get("keys", KEYS))


def test_what_a_page_says_of_itself_is_read_back_with_any_key_of_the_list() -> None:
    page = Page(clock.now() - timedelta(days=3), frozenset({"head", "decoy"}))
    for keys in (KEYS, KEYS[::-1], ("new" * 12, *KEYS)):
        assert automation.unseal(automation.seal(page, HANDLE, KEYS), HANDLE, keys) == page


def test_what_a_page_says_is_good_for_its_own_link_alone() -> None:
    assert automation.unseal(sealed(), b"87654321", KEYS) is None
    assert automation.unseal(sealed(keys=("x" * 32,)), HANDLE, KEYS) is None


def test_no_other_spelling_of_a_page_is_taken() -> None:
    """The last letter of an unpadded base64 text has bits to spare: three more letters mean the same bytes."""
    text = sealed()
    head, _, signature = text.rpartition(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    meant = base64.urlsafe_b64decode(signature + "=")
    others = [signature[:-1] + letter for letter in alphabet if letter != signature[-1]]
    same = [other for other in others if base64.urlsafe_b64decode(other + "=") == meant]
    assert len(same) == 3
    wrong = [f"{head}.{other}" for other in others]
    wrong += [text + "=", text + " ", f" {text}", text.upper(), "", ".", "..", "é", text.replace(".", "..", 1)]
    wrong += [text[:i] + ("0" if text[i] != "0" else "1") + text[i + 1 :] for i in range(len(text))]
    assert [other for other in wrong if automation.unseal(other, HANDLE, KEYS)] == []
