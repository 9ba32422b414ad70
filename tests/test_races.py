"""Several people and machines at the same moment, on whichever database: no order of events breaks a promise."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from consent import addresses, catalogue, clock
from consent.records import contacts, erase, history, standing
from consent.records.append import Origin
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import LedgerEntry
from consent.store.standings import Standing
from tests.house import TICKED, House
from tests.people import ANNE

ROUNDS = 20


def at_once(house: House, acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Let every act begin at the same moment in a thread of its own; return what each returned or raised."""
    barrier, outcomes = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int) -> None:
        with house.app.app_context():
            barrier.wait(10)
            try:
                outcomes[number] = acts[number]()
            except Exception as error:  # the test says what may be raised
                outcomes[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def post(house: House, path: str, **data: Any) -> Callable[[], int]:
    client = house.app.test_client(use_cookies=False)
    return lambda: client.post(path, data=data).status_code


def standings_are_what_the_law_says() -> bool:
    """Compute every standing anew and compare it with the one that is kept."""
    with database.reading() as connection:
        rows = connection.execute(select(Standing.contact_id, Standing.topic, Standing.state)).all()
        known, now = catalogue.current().topics, clock.now()
        for row in rows:
            past = history.read(connection, row.contact_id)
            if standing.compute(past, known[row.topic], past.present(now)).state != row.state:
                return False
    return bool(rows)


def test_however_confirming_and_leaving_meet_nobody_is_mailed_who_left_and_nothing_is_done_twice(house: House) -> None:
    ends = Counter[str]()
    for number in range(ROUNDS):
        address = f"person{number}@example.com"
        house.sign_up(address)
        letter = house.letters(address)[-1]
        confirm, leave = house.link(letter, "c"), house.one_click(letter)
        one_click = {"List-Unsubscribe": "One-Click"}
        codes = at_once(
            house,
            [
                post(house, confirm, **TICKED),
                post(house, leave, **one_click),
                post(house, confirm, **TICKED),
                post(house, leave, **one_click),
                post(house, leave, scope="organization"),
                post(house, "/s/acme-news", email=address, topic="acme/newsletter"),
            ],
        )
        assert set(codes) <= {200, 404, 410}, codes
        kinds = house.kinds(address)
        assert kinds.count("consent.given") <= 1
        assert not house.allows(address)
        ends[kinds[-1]] += 1
    assert standings_are_what_the_law_says()
    assert sum(ends.values()) == ROUNDS


def test_two_spellings_of_an_address_that_confirm_and_leave_at_once_both_end_with_the_no(house: House) -> None:
    for number in range(ROUNDS):
        upper, lower = f"Person{number}@example.com", f"person{number}@example.com"
        house.sign_up(upper)
        house.sign_up(lower)
        letters = {str(letter["To"]): letter for letter in house.letters(f"erson{number}@")}
        confirm = house.link(letters[upper], "c")
        leave = house.one_click(letters[lower])
        at_once(house, [post(house, confirm, **TICKED), post(house, leave, **{"List-Unsubscribe": "One-Click"})])
        assert not house.allows(upper) and not house.allows(lower)
    assert standings_are_what_the_law_says()


def test_two_new_spellings_of_an_address_wait_for_each_other_before_either_is_known(house: House) -> None:
    """Neither sees the other's row yet, so a lock on rows would not do."""
    entered, order = threading.Event(), list[str]()
    first, second = addresses.parse("Anne@example.com"), addresses.parse("anne@example.com")

    def slow() -> None:
        with database.writing() as connection:
            contacts.lock_or_make(connection, first, "en", clock.now())
            entered.set()
            threading.Event().wait(0.3)
            order.append("first")

    def quick() -> None:
        entered.wait(10)
        with database.writing() as connection:
            contacts.lock_or_make(connection, second, "en", clock.now())
            order.append("second")

    assert at_once(house, [slow, quick]) == [None, None]
    assert order == ["first", "second"]


def test_erasing_meets_confirming_and_leaves_a_closed_chain_and_a_no(house: House) -> None:
    for number in range(ROUNDS // 2):
        address = f"person{number}@example.com"
        house.sign_up(address)
        confirm = house.link(house.letters(address)[-1], "c")
        with database.reading() as connection:
            key = addresses.parse(address).consent_key
            contact = str(connection.execute(select(Contact.id).where(Contact.consent_key == key)).scalar_one())
        origin = Origin("consent.example.com/ledger", clock.now())
        outcomes = at_once(
            house,
            [
                post(house, confirm, **TICKED),
                lambda who=contact, now=origin: erase.erase(who, "request", None, now, "system"),
                lambda who=contact, now=origin: erase.erase(who, "request", None, now, "system"),
            ],
        )
        assert outcomes[0] in (200, 404)
        assert sum(isinstance(outcome, erase.ErasedAlready) for outcome in outcomes) == 1
        with database.reading() as connection:
            kinds = connection.execute(
                select(LedgerEntry.kind).where(LedgerEntry.contact == contact).order_by(LedgerEntry.cseq)
            ).scalars().all()  # fmt: skip
        assert kinds[-1] == "contact.erased" and kinds.count("contact.erased") == 1
        assert not house.allows(address)


def test_one_sign_up_that_is_sent_many_times_at_once_asks_once(house: House) -> None:
    codes = at_once(house, [post(house, "/s/acme-news", email=ANNE.email, topic="acme/newsletter")] * 6)
    assert codes == [200] * 6
    assert house.kinds(ANNE.email) == ["consent.requested"]
    assert len(house.letters()) == 1


def test_two_batches_about_the_same_people_in_opposite_orders_both_succeed(house: House, api_key: str) -> None:
    people = [f"{name}{number}@example.com" for number in range(15) for name in ("Person", "person")]
    headers = {"Authorization": f"Bearer {api_key}"}

    def tell(order: Sequence[str]) -> Callable[[], int]:
        items = [
            {"email": address, "brand": "acme", "kind": "purchase", "occurred_at": "2026-01-10T10:00:00Z"}
            for address in order
        ]
        client = house.app.test_client(use_cookies=False)
        return lambda: client.post("/api/v1/relationships", json={"items": items}, headers=headers).status_code

    codes = at_once(house, [tell(people), tell(people[::-1])] * 2)
    assert set(codes) <= {200, 201, 207}, codes
    assert all(house.kinds(address).count("relationship.recorded") == 4 for address in people)
    assert standings_are_what_the_law_says()
