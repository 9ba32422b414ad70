"""What gives a robot away at the form: the decoy, and haste by the time signed into the page."""

import base64
import re
import string
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from consent import clock
from consent.web import dwell
from tests.conftest import SECRET
from tests.house import House
from tests.people import ANNE
from tests.web.test_metrics import scrape

OLD = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
OURS = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
Later = Callable[..., None]


def made(page: str) -> str:
    (found,) = re.findall(r'name="made" value="([^"]+)"', page)
    return str(found)


def fill(client: FlaskClient, time: str | None, door: str = "s"):
    data = {"email": ANNE.email, "topic": "acme/newsletter"} | ({} if time is None else {"made": time})
    return client.post(f"/{door}/acme-news", data=data, headers=OURS)


@pytest.mark.parametrize("door", ["s", "embed"])
def test_a_form_sent_within_two_seconds_gets_the_same_answer_and_no_mail(house: House, later: Later, door: str) -> None:
    time, before = made(house.client.get(f"/{door}/acme-news").text), house.rows()
    hasty = fill(house.client, time, door)
    assert house.rows() == before
    later(seconds=3)
    assert (hasty.status_code, hasty.data) == (200, fill(house.client, time, door).data)
    assert len(house.letters(ANNE.email)) == 1


def test_robots_are_counted_by_what_gave_them_away(house: House) -> None:
    fill(house.client, made(house.client.get("/s/acme-news").text))
    house.sign_up("robot@example.com", website="x")
    found = scrape(house.client)
    dropped = {names[1]: value for names, value in found.items() if names[0] == "consent_signups_dropped_total"}
    assert dropped == {"haste": 1, "decoy": 1}


@pytest.mark.parametrize("hours", [25, 24 * 400])
def test_a_page_left_open_for_days_is_shown_again_and_then_works(house: House, later: Later, hours: int) -> None:
    time = made(house.client.get("/s/acme-news").text)
    later(hours=hours)
    again = fill(house.client, time)
    assert again.status_code == 422 and f'value="{ANNE.email}"' in again.text and made(again.text) != time
    later(hours=hours, seconds=3)
    assert fill(house.client, made(again.text)).status_code == 200
    assert len(house.letters(ANNE.email)) == 1


@pytest.mark.parametrize("time", [None, "", "0", "x" * 50_000, "1.é", "١٢٣.x", "-5.x", "9" * 15 + "." + "A" * 43])
def test_our_page_without_a_time_of_ours_is_shown_again_and_nothing_is_stored(house: House, time: str | None) -> None:
    before = house.rows()
    assert fill(house.client, time).status_code == 422
    assert house.rows() == before


def test_a_mistake_does_not_start_the_time_anew(house: House, later: Later) -> None:
    time = made(house.client.get("/s/acme-news").text)
    later(seconds=3)
    wrong = house.client.post("/s/acme-news", data={"email": "anne@", "made": time}, headers=OURS)
    assert made(wrong.text) == time


def test_a_time_is_for_one_form_only() -> None:
    stamp = dwell.stamp("acme-news", [SECRET], clock.now())
    assert dwell.since("acme-news", stamp, [SECRET]) is not None
    assert dwell.since("zest-news", stamp, [SECRET]) is None
    assert dwell.since("acme-news", stamp, [OLD]) is None


def test_a_time_signed_with_a_key_that_is_now_old_still_counts() -> None:
    stamp = dwell.stamp("acme-news", [OLD], clock.now())
    assert dwell.since("acme-news", stamp, [SECRET, OLD]) is not None


def test_no_other_spelling_of_a_time_is_taken_for_it() -> None:
    stamp = dwell.stamp("acme-news", [SECRET], clock.now())
    letters = string.ascii_letters + string.digits + "-_."
    spellings = {stamp[:at] + c + stamp[at + 1 :] for at in range(len(stamp)) for c in letters} - {stamp}
    spellings |= {"0" + stamp, stamp + "=", stamp + "\n", " " + stamp}
    same_bytes = [
        s for s in spellings if len(s) == len(stamp) and s[:-1] == stamp[:-1] and decoded(s) == decoded(stamp)
    ]
    assert same_bytes, "the last letter has bits to spare"
    assert [s for s in spellings if dwell.since("acme-news", s, [SECRET]) is not None] == []


def decoded(stamp: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(stamp.rpartition(".")[2] + "=")
    except ValueError:
        return stamp.encode()
