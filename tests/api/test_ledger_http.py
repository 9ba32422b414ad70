"""/ledger/…: what a stranger can check with one public key, and that nothing beyond the signed head is shown."""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent import clock
from consent.api.ledger import FOR_EVER
from consent.ledger import checkpoint, entries, merkle, tiles
from consent.ledger.checkpoint import Checkpoint
from consent.records import publish, rotate, signing
from consent.records.append import Origin
from consent.records.signing import Publisher
from consent.setup import keys
from consent.store import database
from tests.api.calling import Caller
from tests.house import House
from tests.ledger import reference
from tests.people import ANNE, BOB
from tests.test_statements import cost

LOG = "consent.example.com/ledger"
OPEN = ("/ledger/checkpoint", "/ledger/vkey", "/ledger/tile/0/000.p/2", "/ledger/consistency?from=1&to=2")


@pytest.fixture
def publisher(app: Flask, tmp_path: Path) -> Publisher:
    return signing.create(tmp_path / "ledger.key", LOG)


def sign(publisher: Publisher) -> Checkpoint:
    head = publish.publish(publisher, Origin(LOG, clock.now()))
    assert head is not None
    return head


def head_of(client: FlaskClient, publisher: Publisher) -> Checkpoint:
    """Return the head that is served, its signature checked."""
    return checkpoint.open_note(client.get("/ledger/checkpoint").text, [publisher.signers[0].verifier])


def read(client: FlaskClient, tile: tiles.Tile, **headers: str) -> bytes:
    answer = client.get(f"/ledger/{tiles.path(tile)}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.data


def split(content: bytes) -> list[bytes]:
    """Return the bodies in a tile of entries."""
    bodies = []
    while content:
        length = int.from_bytes(content[:2], "big")
        bodies.append(content[2 : 2 + length])
        content = content[2 + length :]
    return bodies


def record_many(api: Caller, how_many: int) -> list[dict[str, Any]]:
    """Record *how_many* entries in one request, and return what the API answers for each."""
    bought = {"brand": "acme", "kind": "purchase", "occurred_at": "2026-05-01T10:00:00Z"}
    items = [{"email": f"person{number}@example.com", **bought} for number in range(how_many)]
    results: list[dict[str, Any]] = api.post("/relationships", items=items).get_json()["results"]
    return results


def check_proof(text: str, entry: dict[str, Any], publisher: Publisher) -> int:
    """Check a tlog-proof as a stranger would who has the entry's leaf hash and the public key; return the number."""
    top, _, note = text.partition("\n\n")
    first, index, *hashes = top.split("\n")
    assert first == "c2sp.org/tlog-proof@v1" and index.startswith("index ")
    head = checkpoint.open_note(note, [publisher.signers[0].verifier])
    proof, leaf = [base64.b64decode(found, validate=True) for found in hashes], bytes.fromhex(entry["leaf_hash"])
    number = int(index.removeprefix("index "))
    merkle.verify_inclusion(proof, index=number, size=head.size, leaf=leaf, root=head.root)
    return number


def is_problem(answer: TestResponse, status: int) -> bool:
    return (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_before_anything_is_signed_there_is_nothing_to_see(client: FlaskClient, api: Caller) -> None:
    assert is_problem(client.get("/ledger/checkpoint"), 404)
    assert is_problem(client.get("/ledger/vkey"), 404)
    assert is_problem(client.get("/ledger/tile/0/000.p/1"), 404)
    assert is_problem(client.get("/ledger/consistency?from=1&to=1"), 422)
    assert is_problem(client.get("/ledger/tile/entries/000.p/1", headers=api.headers), 404)


def test_the_head_is_a_signed_note_that_nobody_keeps(client: FlaskClient, house: House, publisher: Publisher) -> None:
    house.confirm(ANNE.email)
    house.drain()
    answer = client.get("/ledger/checkpoint")
    assert answer.content_type == "text/plain; charset=utf-8" and answer.headers["Cache-Control"] == "no-cache"
    assert head_of(client, publisher) == publisher.last()


def test_the_keys_are_listed_the_one_in_use_first(client: FlaskClient, publisher: Publisher, tmp_path: Path) -> None:
    sign(publisher)
    old = publisher.signers[0].verifier.vkey
    new = rotate.begin(tmp_path / "ledger.key", Origin(LOG, clock.now()))
    assert client.get("/ledger/vkey").text == f"{new}\n{old}\n"
    rotate.finish(tmp_path / "ledger.key", Origin(LOG, clock.now()))
    assert client.get("/ledger/vkey").text.splitlines()[0] == new


def test_the_tiles_alone_rebuild_the_signed_root_of_more_than_300_entries(
    client: FlaskClient, api: Caller, publisher: Publisher
) -> None:
    record_many(api, 300)
    sign(publisher)
    head = head_of(client, publisher)
    assert head.size > 300
    found: dict[int, bytes] = {}
    bodies: list[bytes] = []
    for tile in tiles.tiles_of(head.size):
        found[tile.level] = found.get(tile.level, b"") + read(client, tile)
        if tile.level == 0:
            bodies += split(read(client, tiles.Tile(tiles.ENTRIES, tile.index, tile.width), **api.headers))
    assert reference.mth(bodies) == head.root
    leaves = [found[0][start : start + 32] for start in range(0, len(found[0]), 32)]
    assert leaves == [entries.leaf_hash(body) for body in bodies]
    assert found[1] == tiles.perfect_root(found[0][: 256 * 32])

    def tile_bytes(level: int, index: int, width: int) -> bytes:
        return read(client, tiles.Tile(level, index, width))

    assert merkle.root(head.size, tiles.reader(head.size, tile_bytes)) == head.root


def test_a_partial_tile_is_still_served_when_it_has_become_full(
    client: FlaskClient, api: Caller, publisher: Publisher
) -> None:
    record_many(api, 300)
    sign(publisher)
    full = read(client, tiles.Tile(0, 0))
    for width in (1, 100, 255):
        assert read(client, tiles.Tile(0, 0, width)) == full[: 32 * width]
    bodies = split(read(client, tiles.Tile(tiles.ENTRIES, 0), **api.headers))
    assert split(read(client, tiles.Tile(tiles.ENTRIES, 0, 7), **api.headers)) == bodies[:7]


def test_a_tile_may_be_kept_for_good_and_its_absence_not_for_a_moment(
    client: FlaskClient, api: Caller, publisher: Publisher
) -> None:
    size = sign(publisher).size
    there = client.get(f"/ledger/tile/0/000.p/{size}")
    assert there.headers["Cache-Control"] == FOR_EVER and there.mimetype == "application/octet-stream"
    private = client.get(f"/ledger/tile/entries/000.p/{size}", headers=api.headers)
    assert private.headers["Cache-Control"] == "private" and private.mimetype == "application/octet-stream"
    for path in (f"0/000.p/{size + 1}", f"entries/000.p/{size + 1}"):
        missing = client.get(f"/ledger/tile/{path}", headers=api.headers)
        assert is_problem(missing, 404) and missing.headers["Cache-Control"] == "no-store"


def test_nothing_beyond_the_signed_head_is_served(client: FlaskClient, api: Caller, publisher: Publisher) -> None:
    size = sign(publisher).size
    (entry,) = record_many(api, 1)
    assert client.get(f"/ledger/tile/0/000.p/{size}").status_code == 200
    for path in (f"0/000.p/{size + 1}", "0/000", "0/001", "1/000.p/1", "1/000", "63/000.p/1", "0/x001/000.p/1"):
        assert is_problem(client.get(f"/ledger/tile/{path}"), 404), path
    assert is_problem(client.get(f"/ledger/tile/entries/000.p/{size + 1}", headers=api.headers), 404)
    assert is_problem(client.get(f"/ledger/proof/{entry['entry']}"), 409)
    assert is_problem(client.get(f"/ledger/consistency?from=1&to={size + 1}"), 422)


@pytest.mark.parametrize(
    "path",
    [
        "0/0", "0/00", "0/0000", "0/x000/000.p/1", "00/000.p/1", "0/000.p/0", "0/000.p/01", "0/000.p/256", "0/000.P/1", "-1/000.p/1",
        "0/000.p/1/", "0//000.p/1", "/0/000.p/1", "0/000.p//1", "64/000.p/1", "0/000.p/1%00", "0/%C2%B9%C2%B9%C2%B9", "0", "0/", "entries", "entries/", "x",
        "0/000.p/1%0A", "0/000/../000.p/1", "0/ 000.p/1", "+0/000.p/1", "data/000.p/1",
    ],
)  # fmt: skip
def test_a_tile_has_one_spelling(client: FlaskClient, api: Caller, publisher: Publisher, path: str) -> None:
    sign(publisher)
    assert is_problem(client.get(f"/ledger/tile/{path}", headers=api.headers), 404)


def test_bodies_need_a_key_with_the_scope_records_however_the_address_is_spelt(
    app: Flask, client: FlaskClient, publisher: Publisher
) -> None:
    sign(publisher)
    anonymous = client.get("/ledger/tile/entries/000.p/2")
    assert is_problem(anonymous, 401) and "Bearer" in anonymous.headers["WWW-Authenticate"]
    others = keys.create("others", [scope for scope in keys.SCOPES if scope != "records"], clock.now())
    assert is_problem(client.get("/ledger/tile/entries/000.p/2", headers={"Authorization": f"Bearer {others}"}), 403)
    mine = keys.create("mine", ["records"], clock.now())
    assert client.get("/ledger/tile/entries/000.p/2", headers={"Authorization": f"Bearer {mine}"}).status_code == 200
    for path in ("//entries/000.p/2", "/entries//000.p/2", "/%65ntries/000.p/2", "/Entries/000.p/2", "/-1/000.p/2"):
        assert client.get(f"/ledger/tile{path}").status_code in (401, 404), path


def test_the_proof_url_of_a_write_answers_409_and_then_a_proof_that_needs_nothing_else(
    client: FlaskClient, api: Caller, publisher: Publisher
) -> None:
    (entry,) = record_many(api, 1)
    assert entry["proof_url"] == f"https://consent.example.com/ledger/proof/{entry['entry']}"
    path = entry["proof_url"].removeprefix("https://consent.example.com")
    early = client.get(path)
    assert is_problem(early, 409) and early.headers["Retry-After"] == "10"
    sign(publisher)
    answer = client.get(path)
    assert answer.content_type == "text/plain; charset=utf-8"
    assert check_proof(answer.text, entry, publisher) == publisher.last().size - 2  # the key's announcement is last


@pytest.mark.parametrize("entry", ["x", "0", "019abcde-f012-7345-89ab-cdef01234567", "%00", "é"])
def test_there_is_no_proof_of_what_was_never_recorded(client: FlaskClient, publisher: Publisher, entry: str) -> None:
    sign(publisher)
    assert is_problem(client.get(f"/ledger/proof/{entry}"), 404)


def test_every_entry_of_a_ledger_of_several_tiles_is_proven(
    client: FlaskClient, api: Caller, publisher: Publisher
) -> None:
    made = record_many(api, 300)
    sign(publisher)
    for entry in made[::20]:
        check_proof(client.get(f"/ledger/proof/{entry['entry']}").text, entry, publisher)


def test_a_proof_leads_to_no_other_leaf(client: FlaskClient, api: Caller, publisher: Publisher) -> None:
    one, other = record_many(api, 2)
    sign(publisher)
    with pytest.raises(merkle.BadProof):
        check_proof(client.get(f"/ledger/proof/{one['entry']}").text, other, publisher)


def test_an_older_head_is_the_beginning_of_the_newest(client: FlaskClient, api: Caller, publisher: Publisher) -> None:
    heads = [sign(publisher)]
    for how_many in (1, 3, 290):
        record_many(api, how_many)
        heads.append(sign(publisher))
    newest = heads[-1]
    for old in heads:
        answer = client.get(f"/ledger/consistency?from={old.size}&to={newest.size}").get_json()
        assert (answer["from"], answer["to"]) == (old.size, newest.size)
        proof = [base64.b64decode(found, validate=True) for found in answer["hashes"]]
        merkle.verify_consistency(
            proof, old_size=old.size, new_size=newest.size, old_root=old.root, new_root=newest.root
        )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "from"), ("from=1", "to"), ("to=1", "from"), ("from=0&to=1", "from"), ("from=-1&to=1", "from"), ("from=2&to=1", "from"),
        ("from=x&to=1", "from"), ("from=1&to=1.5", "to"), ("from=1&to=100000", "to"), (f"from=1&to={'9' * 5000}", "to"),
        (f"from={10**30}&to={10**31}", "to"), ("from=1&to=1&size=2", "size"),
    ],
)  # fmt: skip
def test_an_impossible_question_is_refused_by_field(
    client: FlaskClient, publisher: Publisher, query: str, field: str
) -> None:
    sign(publisher)
    answer = client.get(f"/ledger/consistency?{query}")
    assert is_problem(answer, 422) and field in answer.get_json(force=True)["errors"]


def everything(entries: Iterable[str]) -> list[str]:
    tile = "/ledger/tile/entries/000.p/2"
    return [
        *OPEN,
        tile,
        "/ledger/tile/0/000.p/9999",
        "/ledger/nothing",
        *(f"/ledger/proof/{entry}" for entry in entries),
    ]


def test_looking_changes_nothing_sets_no_cookie_and_head_answers_as_get(
    client: FlaskClient, house: House, api: Caller, publisher: Publisher
) -> None:
    published = record_many(api, 1)
    sign(publisher)
    pending = record_many(api, 1)
    before = house.rows()
    for url in everything(entry["entry"] for entry in published + pending):
        got, headed = (client.open(url, method=method, headers=api.headers) for method in ("GET", "HEAD"))
        assert got.status_code == headed.status_code and headed.data == b"", url
        assert got.headers["Content-Type"] == headed.headers["Content-Type"], url
        assert "Set-Cookie" not in got.headers and got.headers["X-Content-Type-Options"] == "nosniff", url
        assert is_problem(client.post(url, headers=api.headers), 404 if "nothing" in url else 405), url
    assert house.rows() == before


def test_what_reading_the_ledger_costs(client: FlaskClient, api: Caller, publisher: Publisher) -> None:
    early, *_, late = record_many(api, 300)
    size = sign(publisher).size
    assert len(cost(lambda: client.get("/ledger/checkpoint"))) == 1
    assert len(cost(lambda: client.get("/ledger/vkey"))) == 1
    assert len(cost(lambda: client.get("/ledger/tile/0/000"))) == 2
    assert len(cost(lambda: client.get(f"/ledger/tile/0/001.p/{size - 256}"))) == 2
    assert len(cost(lambda: client.get("/ledger/tile/1/000.p/1"))) == 2
    assert len(cost(lambda: client.get("/ledger/tile/entries/000", headers=api.headers))) == 2
    # entry and head, and then each tile that holds a hash of the path
    assert len(cost(lambda: client.get(f"/ledger/proof/{early['entry']}"))) == 4
    assert len(cost(lambda: client.get(f"/ledger/proof/{late['entry']}"))) == 4
    assert len(cost(lambda: client.get(f"/ledger/consistency?from=100&to={size}"))) <= 4


def test_a_write_says_how_far_its_entry_has_come(api: Caller) -> None:
    bought = {"email": BOB.email, "brand": "acme", "kind": "purchase", "occurred_at": "2026-05-01T10:00:00Z"}
    answers = [
        api.post("/relationships", **bought),
        api.post("/withdrawals", email=BOB.email, scope="all", channel="phone"),
        api.post("/suppressions", email=BOB.email, reason="manual"),
    ]
    contact = answers[0].get_json()["contact"]
    answers.append(api.post(f"/contacts/{contact}/erasure", reason="request"))
    come = "sequenced" if database.db.engine.dialect.name == "sqlite" else "pending"  # the worker numbers it there
    for answer in answers:
        found = answer.get_json()
        assert answer.status_code in (201, 202) and found["state"] == come and found["contact"] == contact
        assert found["proof_url"].endswith(f"/ledger/proof/{found['entry']}")
