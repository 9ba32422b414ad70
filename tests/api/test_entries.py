"""GET /api/v1/entries, the change feed."""

from typing import Any

import pytest

from consent.records import feed
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB


@pytest.fixture
def story(house: House) -> House:
    """Anne signs up and confirms, Bob signs up; every entry has its number."""
    house.confirm(ANNE.email)
    house.sign_up(BOB.email)
    house.letters()
    house.number()
    return house


def walk(api: Caller, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = api.get("/entries", **query).get_json()
        found += page["entries"]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_page_by_page_every_entry_comes_once_in_the_order_of_the_ledger(api: Caller, story: House, limit: int) -> None:
    found = walk(api, limit=limit)
    assert [one["sequence"] for one in found] == list(range(len(story.rows()["ledger_entry"])))
    assert found[-1]["state"] in ("sequenced", "published")


def test_it_goes_on_from_an_entry_or_a_number_and_shows_what_came_since(api: Caller, story: House) -> None:
    last = walk(api)[-1]
    assert walk(api, after=last["entry"]) == walk(api, after=last["sequence"]) == []
    story.confirm("chloe@example.com")
    story.number()
    assert [one["kind"] for one in walk(api, after=last["entry"])][:3:2] == ["consent.requested", "consent.given"]


def test_it_shows_one_kind_and_one_topic(api: Caller, story: House) -> None:
    assert {one["kind"] for one in walk(api, kind="consent.given")} == {"consent.given"}
    assert {one["topic"] for one in walk(api, topic="acme/newsletter")} == {"acme/newsletter"}
    assert walk(api, topic="acme/promotions") == []


def test_a_kind_that_is_rare_costs_no_walk_through_the_whole_ledger(
    api: Caller, story: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SPAN", 2)
    first = api.get("/entries", kind="consent.given").get_json()
    assert first == {"entries": [], "next": "1"}
    assert len(walk(api, kind="consent.given")) == 1


@pytest.mark.parametrize("after", ["x", "-1", "1" * 16, "019a0000-0000-7000-8000-000000000000"])
def test_a_cursor_that_is_none_is_refused(api: Caller, story: House, after: str) -> None:
    refused = api.get("/entries", after=after)
    assert refused.status_code == 422 and "after" in refused.get_json(force=True)["errors"]


def test_who_read_what_is_in_the_access_log(api: Caller, story: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "consent.access")
    api.get("/entries", kind="consent.given")
    line = caplog.records[-1].__dict__
    assert line["key"].startswith("key:") and (line["filter"], line["count"]) == ("kind=consent.given topic=", 1)
