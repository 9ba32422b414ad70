"""No log line, and no error page, holds an address, a token, a key or a traceback."""

import logging
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from consent.store import database
from tests.house import House
from tests.people import ANNE


def test_a_whole_story_leaves_no_address_and_no_token_in_the_log(
    house: House, api_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    letter = house.confirm(ANNE.email)
    house.press_unsubscribe(letter)
    house.client.post("/find", data={"email": ANNE.email})
    house.letters()
    assert ANNE.email not in caplog.text and api_key not in caplog.text
    assert not re.search(r"/[cupr]/[a-z2-7]{40}", caplog.text)
    assert "mail.confirmation" in caplog.text


def test_a_fault_of_ours_is_logged_by_place_and_answered_without_details(
    house: House, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TABLE signup"))
    answer = house.sign_up(ANNE.email)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "signup" not in answer.text and "Traceback" not in answer.text
    assert ANNE.email not in caplog.text
    assert re.search(r"database: (Operational|Programming)Error on pages\.sign_up", caplog.text)


def test_a_failed_sign_up_leaves_nothing_half_done(house: House) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TABLE outbox"))
    assert house.sign_up(ANNE.email).status_code == 503
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM contact")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM evidence")).scalar() == 0
