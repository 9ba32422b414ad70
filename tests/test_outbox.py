"""The outbox: nothing lost when a worker dies, nothing sent twice when several work."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from consent import clock, outbox
from consent.cli import work
from consent.store import database
from tests.house import House
from tests.people import ANNE


def test_what_a_dead_worker_had_claimed_is_sent_by_the_next_one_under_the_same_message_id(
    house: House, later: Any
) -> None:
    house.sign_up(ANNE.email)
    with database.writing() as connection:
        (job,) = outbox.claim(connection, clock.now())  # and here the worker dies
    assert house.drain() == 0
    later(seconds=61)
    (letter,) = house.letters()
    assert str(letter["Message-ID"]) == f"<{job.id}@acme.example>"


def test_two_workers_never_claim_the_same_message(house: House) -> None:
    for number in range(40):
        house.sign_up(f"person{number}@example.com")
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: work.drain(house.app), range(4)))
    assert sum(counts) == 40
    letters = house.letters()
    assert len({str(letter["To"]) for letter in letters}) == len(letters) == 40
    assert all(house.kinds(f"person{n}@example.com").count("confirmation.sent") == 1 for n in range(40))


def test_the_waits_double_up_to_a_day() -> None:
    waits = [min(outbox.FIRST_WAIT * 2**n, outbox.LONGEST_WAIT).total_seconds() / 60 for n in range(10)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440]


def test_a_row_is_never_without_the_entry_that_caused_it(house: House) -> None:
    house.confirm(ANNE.email)
    house.sign_up(ANNE.email)
    house.client.post("/find", data={"email": ANNE.email})
    entries = {row.split("'")[1] for row in house.rows()["ledger_entry"]}
    causes = {row.split("'")[7] for row in house.rows()["outbox"]}
    assert len(house.rows()["outbox"]) >= 3
    assert causes <= entries
