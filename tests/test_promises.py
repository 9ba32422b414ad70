"""Promises 3 and 4 over random stories: welcome is not consent, a "no" holds, and the standing is what the law says."""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from consent import addresses, catalogue, clock
from consent.records import append, history, standing
from consent.records.append import Draft, Origin
from consent.store import database
from consent.store.standings import Standing
from tests.house import TICKED, House

STORIES = int(os.environ.get("CONSENT_STORIES", "60"))
TOPICS = ("acme/newsletter", "acme/promotions", "zest/newsletter")
DELIVERIES = ("welcome.sent", "welcome.delivered", "welcome.opened")
_number = iter(range(10**9))
_hours = iter(range(1, 10**9))  # from story to story, for time never goes back


def fresh() -> str:
    return f"person{next(_number)}@example.com"


def deliver(address: str, kind: str) -> None:
    """Record a delivery fact, as a provider's webhook would."""
    now = clock.now()
    parsed = addresses.parse(address)
    with database.writing() as connection:
        past = history.find(connection, parsed.deny_key, parsed.consent_key)
        assert past is not None
        draft = Draft(kind, "provider:esp", {"brand": "acme", "topic": "acme/newsletter", "channel": "provider"})
        append.about(connection, Origin("log", now), past.contact, past.head, [draft])


@settings(max_examples=STORIES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*DELIVERIES, "fetch", "sign up"]), max_size=12))
def test_no_sequence_of_deliveries_opens_and_fetches_ever_allows(house: House, acts: list[str]) -> None:
    address = fresh()
    house.sign_up(address)
    letter = house.letters(address)[-1]
    for act in acts:
        if act == "fetch":
            for purpose in "cup":
                house.client.get(house.link(letter, purpose))
        elif act == "sign up":
            house.sign_up(address)
        else:
            deliver(address, act)
        assert not house.allows(address)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["sign up", "confirm", "old confirm", "machine", "one click", "leave all", "untick", "open", "later"]
        ),
        st.sampled_from(TOPICS),
    ),
    max_size=14,
)


@settings(max_examples=STORIES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_in_every_story_a_no_holds_and_the_standing_equals_the_law(house: House, acts: list[tuple[str, str]]) -> None:
    forget_letters(house)
    address = fresh()
    house.sign_up(address, ["acme/newsletter"])
    letters = {"acme/newsletter": [house.letters(address)[-1]]}
    agreed: set[str] = set()
    for act, topic in acts:
        mine = letters.get(topic, [])
        if act == "sign up":
            number = len(house.letters(address))
            house.sign_up(address, [topic], form="zest-news" if topic.startswith("zest") else "acme-news")
            if len(house.letters(address)) > number and "c" in links(house, address):
                letters.setdefault(topic, []).append(house.letters(address)[-1])
        elif act in ("confirm", "old confirm") and mine:
            letter = mine[-1] if act == "confirm" else mine[0]
            if house.client.post(house.link(letter, "c"), data=TICKED).status_code == 200:
                agreed.add(topic)
        elif act == "machine" and mine:
            press_as_a_machine(house, house.link(mine[-1], "c"))
        elif act == "one click" and mine:
            house.press_unsubscribe(mine[-1])
            agreed.discard(topic)
        elif act == "leave all":
            house.client.post(house.link(letters["acme/newsletter"][0], "p"), data={"act": "leave_all"})
            agreed.clear()
        elif act == "untick":
            data = {"act": "save", "shown": topic, "language": "en"}
            house.client.post(house.link(letters["acme/newsletter"][0], "p"), data=data)
            agreed.discard(topic)
        elif act == "open":
            deliver(address, "welcome.opened")
        else:
            clock.set_offset(3600 * next(_hours))
        assert {t for t in TOPICS if house.allows(address, t)} == agreed
        check_standings(address)


def press_as_a_machine(house: House, link: str) -> None:
    """Send both forms of the page, with nothing ticked."""
    for path in (f"{link}/now", link):
        house.client.post(path, data={"confirm": "yes"})


def forget_letters(house: House) -> None:
    """Throw the letters of earlier stories away."""
    for path in house.mail.glob("*.eml"):
        path.unlink()


def links(house: House, address: str) -> set[str]:
    body = house.letters(address)[-1].get_body(("plain",))
    assert body is not None
    return {purpose for purpose in "cupr" if f"/{purpose}/" in body.get_content()}


def check_standings(address: str) -> None:
    """Hold every cached standing of the address against the law's answer from the entries."""
    parsed = addresses.parse(address)
    with database.reading() as connection:
        past = history.find(connection, parsed.deny_key, parsed.consent_key)
        assert past is not None
        rows = connection.execute(select(Standing.__table__).where(Standing.contact_id == past.contact)).all()
    for row in rows:
        computed = standing.compute(past, catalogue.topic(row.topic), clock.now())
        assert (row.state, row.basis, row.allowed_from, row.allowed_until, row.entry_id) == (
            computed.state, computed.basis, computed.allowed_from, computed.allowed_until, computed.entry,
        ) or computed.state == row.state == "withdrawn"  # fmt: skip
