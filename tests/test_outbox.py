"""The outbox: nothing lost when a worker dies, nothing sent twice when several work, and every domain gets its share."""

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from consent import clock, outbox
from consent.cli import work
from consent.mail import deliver
from consent.mail.headers import Letter
from consent.mail.transport import Carrier, Outcome
from consent.store import database
from consent.store.contacts import Contact
from consent.store.outbox import OutboxRow
from tests.house import House
from tests.people import ANNE
from tests.test_statements import cost


def queue(*addresses: str) -> None:
    """Put one row for each of *addresses* into the outbox, without a cause: nothing here reads it."""
    now = clock.now()
    with database.writing() as connection:
        contact = connection.execute(select(Contact.id)).scalars().first()
        for number, address in enumerate(addresses):
            outbox.put(connection, f"{number:06}", "mail.confirmation", str(contact), address, "cause", {}, now)


def claim(most: int = 20, after: str = "") -> list[outbox.Job]:
    with database.writing() as connection:
        return outbox.claim(connection, clock.now(), most, after)


def test_what_a_dead_worker_had_claimed_is_sent_by_the_next_one_under_the_same_message_id(
    house: House, later: Any
) -> None:
    house.sign_up(ANNE.email)
    (job,) = claim()  # and here the worker dies
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


def test_ten_thousand_rows_are_claimed_by_four_workers_exactly_once(house: House) -> None:
    house.sign_up(ANNE.email)
    house.drain()
    queue(*(f"person@domain{number % 7}.example" for number in range(10_000)))

    def work_on(_: int) -> list[str]:
        mine: list[str] = []
        with house.app.app_context():
            while jobs := claim(most=100, after=mine[-1] if mine else ""):
                mine += [job.id for job in jobs]
        return mine

    with ThreadPoolExecutor(4) as pool:
        claimed = [id for part in pool.map(work_on, range(4)) for id in part]
    rest = [job.id for job in iter_claims()]  # what two workers both passed over in their last rounds
    assert sorted(claimed + rest) == [f"{number:06}" for number in range(10_000)]


def iter_claims() -> list[outbox.Job]:
    found: list[outbox.Job] = []
    while jobs := claim(most=100):
        found += jobs
    return found


def test_a_domain_with_much_mail_does_not_hold_up_the_one_message_to_another(house: House) -> None:
    house.sign_up(ANNE.email)
    house.drain()
    queue(*["person@big.example"] * 500, "anne@small.example", "bob@tiny.example")
    assert Counter(job.domain for job in claim(most=20)) == {
        "big.example": 7,
        "small.example": 1,
        "tiny.example": 1,
    }


def test_domains_take_turns_from_claim_to_claim_when_there_are_more_than_one_claim_holds(house: House) -> None:
    house.sign_up(ANNE.email)
    house.drain()
    queue(*(f"person@{letter}.example" for letter in "abcdefghij" * 3))
    first = [job.domain for job in claim(most=4)]
    second = [job.domain for job in claim(most=4, after=first[-1])]
    third = [job.domain for job in claim(most=4, after=second[-1])]
    assert "".join(domain[0] for domain in first + second + third) == "abcdefghijab"


def test_a_claim_costs_two_statements_and_one_for_each_domain_however_many_rows_wait(house: House) -> None:
    house.sign_up(ANNE.email)
    house.drain()
    queue(*(f"person@domain{number % 3}.example" for number in range(900)))
    assert len(cost(claim)) == 1 + 3


@pytest.mark.sqlite
def test_domains_with_mail_due_are_found_by_steps_through_the_index_and_not_by_reading_all_of_it(house: House) -> None:
    compiled = str(outbox._DOMAINS.compile(dialect=sqlite.dialect()))
    with database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ("",) * compiled.count("?")).all()
    steps = [row[3] for row in plan if "outbox" in row[3] or "B-TREE" in row[3]]
    assert [step.split(" USING ")[1] for step in steps] == ["INDEX ix_outbox_due (domain>?)"] * 2


def test_rows_that_wait_for_a_later_try_are_not_claimed(house: House) -> None:
    house.sign_up(ANNE.email)
    house.drain()
    queue("anne@a.example", "bob@b.example")
    with database.writing() as connection:
        (job, _) = outbox.claim(connection, clock.now())
        outbox.retry(connection, job, "451", clock.now())
        connection.execute(update(OutboxRow).where(OutboxRow.id != job.id).values(leased_until=job.created_at))
        assert [other.domain for other in outbox.claim(connection, clock.now())] == ["b.example"]
        later = clock.now() + outbox.FIRST_WAIT + timedelta(seconds=1)
        assert job.domain in {other.domain for other in outbox.claim(connection, later)}


def test_a_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun(house: House) -> None:
    for number in range(5):
        house.sign_up(f"person{number}@example.com")
    round_ = work.round_of(house.app.config["CONSENT"])
    round_.stop.set()
    assert deliver.deliver_due(round_) == 0
    with database.reading() as connection:
        rows = connection.execute(select(OutboxRow.attempts, OutboxRow.leased_until)).all()
    assert all(row.attempts == 0 and row.leased_until < clock.now() for row in rows)
    assert len(house.letters()) == 5


class Killed(BaseException):
    """The worker's end: nothing in it can catch this, and nothing runs after it."""


class Dying(Carrier):
    """Hands the message over; before the answer can be written down, the worker is dead."""

    def carry(self, letter: Letter, content: bytes) -> Outcome:
        super().carry(letter, content)
        self.carried.append(letter.id)
        raise Killed

    carried: ClassVar[list[str]] = []


def die_delivering(house: House) -> list[str]:
    """Let a worker die in its first hand-over, and return what was ever handed over by such a one."""
    settings = house.app.config["CONSENT"]
    with contextlib.suppress(Killed):
        deliver.deliver_due(replace(work.round_of(settings), carrier=Dying(settings.smtp_url, "localhost")))
    return Dying.carried


def test_a_message_goes_twice_at_most_whoever_dies_and_how_often(house: House, later: Any) -> None:
    Dying.carried.clear()
    house.sign_up(ANNE.email)
    for number in range(4):
        die_delivering(house)
        later(seconds=61 * (number + 1))
    house.drain()
    assert len(Dying.carried) == 2
    with database.reading() as connection:
        assert connection.execute(select(OutboxRow.state, OutboxRow.outcome)).one() == ("failed", "unanswered")


def test_of_many_that_a_dead_worker_had_claimed_only_the_one_in_its_hands_counts_as_begun(
    house: House, later: Any
) -> None:
    Dying.carried.clear()
    for number in range(5):
        house.sign_up(f"person{number}@example.com")
    die_delivering(house)
    with database.reading() as connection:
        assert sorted(connection.execute(select(OutboxRow.unanswered)).scalars()) == [0, 0, 0, 0, 1]
    later(seconds=61)
    house.drain()
    assert all(house.kinds(f"person{n}@example.com").count("confirmation.sent") == 1 for n in range(5))


class DyingLate(Dying):
    """Dies in its fortieth hand-over, when the pace has long been found."""

    def carry(self, letter: Letter, content: bytes) -> Outcome:
        if len(self.carried) < 39:
            self.carried.append(letter.id)
            return Outcome("sent", "250")
        return super().carry(letter, content)


def test_what_a_worker_had_sent_at_full_pace_when_it_died_goes_once_more_and_nothing_is_lost(
    house: House, later: Any
) -> None:
    Dying.carried.clear()
    for number in range(60):
        house.sign_up(f"person{number}@example.com")
    settings = house.app.config["CONSENT"]
    round_ = replace(work.round_of(settings), carrier=DyingLate(settings.smtp_url, "localhost"))
    with contextlib.suppress(Killed):
        while deliver.deliver_due(round_):
            pass
    with database.reading() as connection:
        written = connection.execute(select(func.count()).where(OutboxRow.state == "done")).scalar_one()
        begun = connection.execute(select(func.sum(OutboxRow.unanswered)).where(OutboxRow.state == "due")).scalar_one()
    assert 40 - deliver.MOST_AT_ONCE <= written < 40 and begun <= deliver.MOST_AT_ONCE
    later(seconds=61)
    assert house.drain() == 60 - written
    assert all(house.kinds(f"person{n}@example.com").count("confirmation.sent") == 1 for n in range(60))


def test_a_message_that_may_have_been_taken_goes_alone_the_second_time(house: House, later: Any) -> None:
    Dying.carried.clear()
    for number in range(5):
        house.sign_up(f"person{number}@example.com")
    die_delivering(house)
    later(seconds=61)
    die_delivering(house)  # the oldest of them is the one that may have been taken
    assert Dying.carried[0] == Dying.carried[1]
    with database.reading() as connection:
        assert sorted(connection.execute(select(OutboxRow.unanswered)).scalars()) == [0, 0, 0, 0, 2]


def test_what_a_worker_gives_back_was_never_begun(house: House) -> None:
    for number in range(3):
        house.sign_up(f"person{number}@example.com")
    round_ = work.round_of(house.app.config["CONSENT"])
    round_.stop.set()
    deliver.deliver_due(round_)
    with database.reading() as connection:
        assert set(connection.execute(select(OutboxRow.unanswered, OutboxRow.attempts)).all()) == {(0, 0)}


class Breaking(Carrier):
    """Carries the message, and while it is on its way the database goes away."""

    def carry(self, letter: Letter, content: bytes) -> Outcome:
        outcome = super().carry(letter, content)
        with database.writing() as connection:
            connection.execute(text("ALTER TABLE ledger_entry RENAME TO away"))
        return outcome


def test_what_became_of_a_message_is_not_forgotten_while_the_database_is_away(house: House) -> None:
    house.sign_up(ANNE.email)
    usual = work.round_of(house.app.config["CONSENT"])
    round_ = replace(usual, carrier=Breaking(house.app.config["CONSENT"].smtp_url, "localhost"))
    with pytest.raises(DBAPIError):
        deliver.deliver_due(round_)
    with pytest.raises(DBAPIError):
        deliver.deliver_due(round_)
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO ledger_entry"))
    assert deliver.deliver_due(round_) == 0
    assert house.kinds(ANNE.email) == ["consent.requested", "confirmation.sent"]
    assert len(house.letters()) == 1


def test_a_worker_that_lost_its_lease_does_not_write_over_what_the_next_one_did(house: House, later: Any) -> None:
    house.sign_up(ANNE.email)
    (slow,) = claim()
    later(seconds=61)
    house.drain()
    with database.writing() as connection:
        assert not outbox.finish(connection, [slow], "failed", "550", clock.now())
        assert not outbox.retry(connection, slow, "451", clock.now())
    with database.reading() as connection:
        assert connection.execute(select(OutboxRow.state)).scalar_one() == "done"


def test_the_waits_double_up_to_a_day() -> None:
    waits = [min(outbox.FIRST_WAIT * 2**n, outbox.LONGEST_WAIT).total_seconds() / 60 for n in range(10)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440]


def test_a_row_is_never_without_the_entry_that_caused_it(house: House) -> None:
    house.confirm(ANNE.email)
    house.sign_up(ANNE.email)
    house.client.post("/find", data={"email": ANNE.email})
    with database.reading() as connection:
        causes = connection.execute(
            text("SELECT count(*), count(e.entry_id) FROM outbox o LEFT JOIN ledger_entry e ON e.entry_id = o.entry_id")
        ).one()
    assert causes[0] == causes[1] >= 3
