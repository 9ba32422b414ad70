"""Entries in the database: bytes, hashes, chain, commitments."""

import json
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import select

from consent import clock
from consent.ledger import entries
from consent.records import publish
from consent.store import database
from consent.store.ledger import Evidence, LedgerEntry, LedgerLeaf
from tests.house import TICKED, House
from tests.people import ANNE


def stored(app: Flask) -> list[LedgerEntry]:
    publish.number_all(clock.now())
    with database.reading() as connection:
        statement = select(LedgerEntry.__table__).join(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.entry_id)
        rows = connection.execute(statement.order_by(LedgerLeaf.seq)).mappings()
        return [LedgerEntry(**row) for row in rows]


def test_every_body_is_canonical_and_its_hash_is_the_leafs(house: House) -> None:
    house.press_unsubscribe(house.confirm(ANNE.email))
    rows = stored(house.app)
    assert len(rows) > 8
    for row in rows:
        entries.decode(row.body)
        assert entries.leaf_hash(row.body) == row.leaf_hash


def test_the_columns_are_copies_of_the_body(house: House) -> None:
    house.press_unsubscribe(house.confirm(ANNE.email))
    for row in stored(house.app):
        body = json.loads(row.body)
        assert (body["id"], body["kind"], body["contact"], body["cseq"], body["brand"], body["topic"]) == (
            row.entry_id, row.kind, row.contact, row.cseq, row.brand, row.topic,
        )  # fmt: skip
        assert (body["occurred_at"], body["recorded_at"]) == (
            entries.when(row.occurred_at),
            entries.when(row.recorded_at),
        )


def test_each_contact_has_a_chain_without_a_gap(house: House) -> None:
    for address in (ANNE.email, "bob@example.com"):
        house.press_unsubscribe(house.confirm(address))
    house.letters()
    last: dict[str, tuple[int, str | None]] = {}
    for row in stored(house.app):
        if row.contact is None:
            continue
        body = json.loads(row.body)
        cseq, leaf = last.get(row.contact, (0, None))
        assert (body["cseq"], body["prev"]) == (cseq + 1, leaf)
        last[row.contact] = (row.cseq or 0, row.leaf_hash.hex())
    assert len(last) == 2


def test_personal_data_is_in_the_evidence_alone_and_bound_by_commitments(house: House) -> None:
    house.sign_up(ANNE.email, name="Anne Tremblay")
    row = next(row for row in stored(house.app) if row.kind == "consent.requested")
    assert not [text for text in (b"montreal", b"Tremblay", b"127.0.0.1") if text in row.body]
    with database.reading() as connection:
        proofs = connection.execute(select(Evidence.__table__).where(Evidence.entry_id == row.entry_id)).all()
    commitments = json.loads(row.body)["commitments"]
    assert {proof.field for proof in proofs} == set(commitments) >= {"email", "name", "ip", "url"}
    for proof in proofs:
        assert entries.commit(proof.field, proof.salt, proof.value) == commitments[proof.field]


def test_no_link_is_ever_kept_in_the_ledger_or_its_evidence(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.press_unsubscribe(letter)
    tokens = [house.link(letter, p).rpartition("/")[2] for p in "cup"]
    kept = "".join(house.rows()["ledger_entry"] + house.rows()["evidence"])
    assert not any(token in kept for token in tokens)


def test_eight_presses_at_once_record_one_act(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.letters()
    link = house.one_click(letter)

    def press(_: int) -> int:
        with house.app.app_context():
            answer = house.app.test_client(use_cookies=False).post(link, data={"List-Unsubscribe": "One-Click"})
            return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(press, range(8))) == [200] * 8
    assert house.kinds(ANNE.email).count("consent.withdrawn") == 1


def test_confirm_and_unsubscribe_at_once_end_legally(house: House) -> None:
    for number in range(10):
        address = f"anne{number}@example.com"
        house.sign_up(address)
        letter = house.letters()[-1]
        acts = [
            (house.link(letter, "c"), TICKED),
            (house.one_click(letter), {"List-Unsubscribe": "One-Click"}),
        ]

        def act(what: tuple[str, dict[str, object]]) -> int:
            with house.app.app_context():
                return house.app.test_client(use_cookies=False).post(what[0], data=what[1]).status_code

        with ThreadPoolExecutor(6) as pool:
            codes = list(pool.map(act, acts * 3))
        assert set(codes) <= {200, 404}
        assert not house.allows(address)
        assert house.kinds(address).count("consent.given") <= 1
        assert house.kinds(address).count("consent.withdrawn") == 1
