"""The sequencer of PostgreSQL: any number of workers, one numbers at a time, nothing is lost, no number is left out."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from consent import clock
from consent.records import append, lag, publish, sequence, signing
from consent.records.append import Draft, Origin
from consent.records.sequence import ClockBehind
from consent.resources import folder
from consent.setup import apply
from consent.setup import read as setup_file
from consent.store import database
from consent.store.ledger import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerPending
from consent.web import health
from tests.house import House
from tests.people import ANNE
from tests.test_races import at_once

pytestmark = pytest.mark.postgresql
LOG = "consent.example.com/ledger"


def add(number: int) -> None:
    """Append entries about nobody, each in a transaction of its own."""
    for _ in range(number):
        origin = Origin(LOG, clock.now())
        with database.writing() as connection:
            append.about_nobody(connection, origin, [Draft("export.made", "system", {"details": {}})])


def numbers() -> Sequence[int]:
    with database.reading() as connection:
        return connection.execute(select(LedgerLeaf.seq).order_by(LedgerLeaf.seq)).scalars().all()


def counts() -> tuple[int, int, int]:
    """Return how many entries there are, how many have a number, and how many wait for one."""
    with database.reading() as connection:
        entries, leaves, waiting = (
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (LedgerEntry, LedgerLeaf, LedgerPending)
        )
    return entries, leaves, waiting


def test_workers_that_number_while_people_write_leave_no_gap_and_keep_each_ones_order(house: House) -> None:
    def people(name: str) -> None:
        for number in range(10):
            house.app.test_client().post(
                "/s/acme-news", data={"email": f"{name}{number}@x.example", "topic": "acme/newsletter"}
            )

    def worker() -> None:
        for _ in range(40):
            publish.number_all(clock.now())

    acts: list[Any] = [lambda name=name: people(name) for name in "abcd"] + [worker] * 4
    assert at_once(house, acts) == [None] * 8
    house.drain()
    entries, leaves, waiting = counts()
    assert entries == leaves and waiting == 0
    assert list(numbers()) == list(range(entries))
    wanted = select(LedgerEntry.contact, LedgerEntry.cseq).join(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.entry_id)
    with database.reading() as connection:
        rows = connection.execute(wanted.where(LedgerEntry.contact.is_not(None)).order_by(LedgerLeaf.seq)).all()
    last = dict[str, int]()
    for contact, cseq in rows:
        assert cseq == last.get(contact, 0) + 1
        last[contact] = cseq


def test_a_worker_that_dies_before_its_commit_loses_nothing(house: House) -> None:
    add(20)
    publish.number_all(clock.now())
    add(20)
    before = counts()
    with contextlib.suppress(RuntimeError), database.writing() as connection:
        assert sequence.number(connection, clock.now()) == 20
        raise RuntimeError
    assert counts() == before
    assert publish.number_all(clock.now()) == 20
    assert list(numbers()) == list(range(counts()[0]))


def test_only_one_numbers_at_a_time_and_the_other_does_not_wait(house: House) -> None:
    add(5)
    with database.writing() as first:
        assert sequence.number(first, clock.now()) >= 5
        with database.writing() as second:
            assert sequence.number(second, clock.now()) == 0


def test_a_clock_that_is_a_little_behind_is_waited_for_and_one_far_behind_is_said(house: House) -> None:
    add(1)
    now = clock.now()
    publish.number_all(now)
    add(1)
    assert publish.number_all(now - timedelta(seconds=4)) == 0
    with pytest.raises(ClockBehind, match="6 s behind"):
        publish.number_all(now - timedelta(seconds=6))
    assert publish.number_all(clock.now()) == 1


def test_many_that_wait_are_numbered_batch_by_batch(house: House) -> None:
    statement = text(
        "INSERT INTO ledger_entry SELECT 'x' || n, NULL, NULL, 'officer.acted', NULL, NULL, now(), now(), "
        "convert_to('body' || n, 'UTF8'), sha256('\\x00'::bytea || convert_to('body' || n, 'UTF8')) "
        "FROM generate_series(1, 4500) AS n"
    )
    publish.number_all(clock.now())
    with database.writing() as connection:
        connection.execute(statement)
        connection.execute(
            text("INSERT INTO ledger_pending (entry_id) SELECT 'x' || n FROM generate_series(1, 4500) AS n")
        )
    assert publish.number_all(clock.now()) == 4500
    assert list(numbers()) == list(range(counts()[0]))


def test_the_lag_is_seen_and_readiness_says_so_after_half_a_minute(house: House, later: Any) -> None:
    publish.number_all(clock.now())
    assert house.client.get("/readyz").status_code == 200
    house.sign_up(ANNE.email)
    with database.reading() as connection:
        assert lag.pending(connection)[0] == 1
    later(seconds=31)
    answer = house.client.get("/readyz")
    assert answer.status_code == 503 and "1 entries wait for their number" in answer.json["problems"][0]
    publish.number_all(clock.now())
    assert health.unnumbered(clock.now()) == []


def test_a_withdrawal_binds_before_it_has_a_number(house: House) -> None:
    letter = house.confirm(ANNE.email)
    assert house.allows(ANNE.email)
    house.press_unsubscribe(letter)
    with database.reading() as connection:
        assert lag.pending(connection)[0] > 0
    assert not house.allows(ANNE.email)


def test_publishers_on_several_threads_sign_one_head_after_the_other(house: House) -> None:
    key = house.app.config["CONSENT"].ledger_key
    signing.create(key, LOG)

    def sign() -> None:
        for _ in range(4):
            add(1)
            with signing.turn(key):
                publisher = signing.load(key, LOG)
                assert publisher is not None
                publish.publish(publisher, Origin(LOG, clock.now()))

    assert at_once(house, [sign] * 4) == [None] * 4
    with database.reading() as connection:
        sizes = connection.execute(select(LedgerCheckpoint.size).order_by(LedgerCheckpoint.created_at)).scalars().all()
    assert sizes == sorted(set(sizes)) and sizes[-1] == counts()[0]


def test_two_set_ups_at_once_open_one_ledger(house: House) -> None:
    wanted = setup_file.read(folder("examples") / "acme.toml")
    outcomes = at_once(house, [lambda: apply.apply(wanted, Origin(LOG, clock.now()))] * 4)
    assert outcomes == [[]] * 4
    with database.reading() as connection:
        opened = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.kind == "ledger.opened")
        assert connection.execute(opened).scalar_one() == 1
