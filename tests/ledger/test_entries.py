"""Entries: the published bytes and hashes, and every way in which an entry can break the format."""

import dataclasses
import hashlib
import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from consent.ledger import entries
from consent.ledger.entries import BadEntry, Entry

SALT = bytes(range(32))
NAMES = {
    "v", "log", "id", "kind", "contact", "cseq", "prev", "brand", "topic", "occurred_at", "recorded_at", "actor",
    "channel", "source", "form", "notice", "language", "place", "refs", "details", "commitments",
}  # fmt: skip
BODY = (
    b'{"actor":"contact","brand":"acme","channel":"web",'
    b'"commitments":{"email":"a8d328dcc06db4c737a649c6112dd4cf797e40be8929e6f5c1f316aa11366965"},'
    b'"contact":"AAECAwQFBgcICQoLDA0ODw","cseq":3,"details":{"method":"checkbox_unticked","notice_complete":true},'
    b'"form":"footer@7","id":"019abcde-f012-7345-89ab-cdef01234567","kind":"consent.given","language":"fr-CA",'
    b'"log":"consent.example/ledger","notice":"9368a7d21e018f64ae3327d2f25cd4d7693b2d85328e4bb680bcfcbd4c26b90e",'
    b'"occurred_at":"2026-11-23T08:45:00.000Z","place":"CA-QC",'
    b'"prev":"e868811a482c27d50b6d45dde79c465d6adb9b06645100477a90cf3d8518898b",'
    b'"recorded_at":"2026-11-23T08:45:00.123Z",'
    b'"refs":["019abcde-0000-7000-8000-000000000001","019abcde-0000-7000-8000-000000000002"],'
    b'"source":"web_form","topic":"acme/newsletter","v":1}'
)
LEAF = "c75ed3afc64e1ea346c3fe9afc74a1c52f508ca9f6213d730a095dd47f21bf6c"
GIVEN = Entry(
    id="019abcde-f012-7345-89ab-cdef01234567",
    log="consent.example/ledger",
    kind="consent.given",
    occurred_at=datetime(2026, 11, 23, 8, 45, tzinfo=UTC),
    recorded_at=datetime(2026, 11, 23, 8, 45, 0, 123000, tzinfo=UTC),
    actor="contact",
    contact="AAECAwQFBgcICQoLDA0ODw",
    cseq=3,
    prev="e868811a482c27d50b6d45dde79c465d6adb9b06645100477a90cf3d8518898b",
    brand="acme",
    topic="acme/newsletter",
    channel="web",
    source="web_form",
    form="footer@7",
    notice="9368a7d21e018f64ae3327d2f25cd4d7693b2d85328e4bb680bcfcbd4c26b90e",
    language="fr-CA",
    place="CA-QC",
    refs=("019abcde-0000-7000-8000-000000000001", "019abcde-0000-7000-8000-000000000002"),
    details={"method": "checkbox_unticked", "notice_complete": True},
    commitments={"email": "a8d328dcc06db4c737a649c6112dd4cf797e40be8929e6f5c1f316aa11366965"},
)
EXPORT = Entry(
    id="019abcde-f012-7345-89ab-cdef01234567",
    log="consent.example/ledger",
    kind="export.made",
    occurred_at=GIVEN.occurred_at,
    recorded_at=GIVEN.recorded_at,
    actor="officer:dana",
)


def filters(value: object) -> Entry:
    """Return an entry with *value* deep inside its details."""
    return dataclasses.replace(EXPORT, details={"filters": value})


def fields_of(body: bytes) -> dict[str, object] | None:
    """Return what *body* decodes to, or None if it is refused."""
    try:
        return entries.decode(body)
    except BadEntry:
        return None


def nested(levels: int) -> object:
    """Return *levels* lists, one in the other."""
    return [] if levels == 1 else [nested(levels - 1)]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(lambda t: unicodedata.normalize("NFC", t))
keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
instants = st.integers(0, 3 * 10**15).map(lambda n: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=n))
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)


@st.composite
def written(draw: st.DrawFn) -> Entry:
    """Return any entry that keeps to the format."""
    cseq = draw(st.none() | st.integers(1, 2**53 - 1))
    kind = draw(st.sampled_from(sorted(entries.KINDS)))
    details = st.dictionaries(st.sampled_from(sorted(entries.KINDS[kind])), scalars | st.lists(scalars, max_size=3))
    return Entry(
        id=draw(texts),
        log=draw(texts),
        kind=kind,
        occurred_at=draw(instants),
        recorded_at=draw(instants),
        actor=draw(st.sampled_from(["contact", "system", "officer:dana", "key:shop-1", "provider:esp.example"])),
        contact=None if cseq is None else draw(texts),
        cseq=cseq,
        prev=None if cseq in (None, 1) else draw(hashes),
        brand=draw(st.none() | texts),
        channel=draw(st.none() | st.sampled_from(sorted(entries.CHANNELS))),
        refs=draw(st.lists(texts, max_size=3)),
        details=draw(details),
        commitments=draw(st.dictionaries(st.sampled_from(sorted(entries.EVIDENCE)), hashes)),
    )


def test_the_published_entry_is_encoded_byte_for_byte():
    assert len(BODY) == 771
    assert entries.encode(GIVEN) == BODY


def test_the_published_entry_has_the_published_leaf_hash():
    assert entries.leaf_hash(BODY).hex() == LEAF


def test_the_published_entry_decodes_to_its_fields():
    found = entries.decode(BODY)
    assert found == json.loads(BODY)
    assert (found["cseq"], found["details"]["notice_complete"]) == (3, True)


def test_the_leaf_of_nothing_is_that_of_the_rfc():
    assert entries.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@pytest.mark.parametrize(
    ("field", "value", "commitment"),
    [
        ("email", "jane@example.com", "a8d328dcc06db4c737a649c6112dd4cf797e40be8929e6f5c1f316aa11366965"),
        ("name", "Zoé", "268f764ab14f63d517663d967d5ab2e56a8820a6b972eef612da8004117c9a43"),
    ],
)
def test_a_commitment_is_the_published_one(field, value, commitment):
    assert entries.commit(field, SALT, value.encode()) == commitment


@given(st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.sampled_from(sorted(entries.EVIDENCE)))
def test_a_commitment_hashes_a_label_the_field_the_salt_and_the_value(value, salt, field):
    expected = hashlib.sha256(b"consent-ledger/commit/v1\0" + field.encode() + b"\0" + salt + value).hexdigest()
    assert entries.commit(field, salt, value) == expected


@pytest.mark.parametrize(
    ("field", "salt"), [("email", b""), ("email", SALT[:31]), ("email", SALT + b"\0"), ("topic", SALT), ("", SALT)]
)
def test_nothing_but_evidence_is_committed_to_and_only_with_a_whole_salt(field, salt):
    with pytest.raises(BadEntry, match="salt"):
        entries.commit(field, salt, b"anne@example.com")


@given(written())
def test_the_bytes_are_those_of_rfc_8785(entry):
    body = entries.encode(entry)
    assert body == rfc8785.dumps(json.loads(body))


@given(values)
def test_details_of_any_depth_have_the_bytes_of_rfc_8785(value):
    try:
        body = entries.encode(filters(value))
    except BadEntry as refused:
        assert "deeper" in str(refused)
    else:
        assert body == rfc8785.dumps(json.loads(body))
        assert entries.decode(body)["details"]["filters"] == value


@given(written())
def test_decoding_gives_back_what_was_encoded(entry):
    found = entries.decode(entries.encode(entry))
    assert entries.instant(found.pop("occurred_at")) <= entry.occurred_at
    assert entries.instant(found.pop("recorded_at")) <= entry.recorded_at
    assert all(found[name] == getattr(entry, name) for name in found.keys() - {"refs"})
    assert found["refs"] == list(entry.refs)


@given(written())
def test_every_entry_has_exactly_the_documented_keys(entry):
    assert json.loads(entries.encode(entry)).keys() == NAMES


@given(written())
def test_encoding_an_entry_twice_gives_the_same_bytes(entry):
    assert entries.encode(entry) == entries.encode(dataclasses.replace(entry))


@pytest.mark.parametrize("kind", sorted(entries.KINDS))
def test_a_kind_is_a_noun_and_a_past_verb(kind):
    assert re.fullmatch(r"[a-z]+\.[a-z]*(ed|en|awn|made|sent)", kind)


@pytest.mark.parametrize("kind", sorted(entries.KINDS))
def test_the_details_of_a_kind_have_keys_of_the_format(kind):
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in entries.KINDS[kind])


@pytest.mark.parametrize("kind", sorted(entries.KINDS))
def test_no_kind_has_a_detail_for_text_that_a_person_typed(kind):
    assert not entries.KINDS[kind] & (entries.EVIDENCE - {"reason"})


NAIVE = GIVEN.occurred_at.replace(tzinfo=None)
BREACHES = {
    "a float": (filters(1.5), "neither text"),
    "a whole float": (filters(1.0), "neither text"),
    "not a number": (filters(float("nan")), "neither text"),
    "2^53": (filters(2**53), "neither text"),
    "-2^53": (filters(-(2**53)), "neither text"),
    "bytes": (filters(b"x"), "neither text"),
    "a tuple": (filters(("x",)), "neither text"),
    "a time": (filters(GIVEN.occurred_at), "neither text"),
    "text that is not NFC": (filters("Zoe\u0301"), "NFC"),
    "half a character": (filters("\ud800"), "half a character"),
    "a key with a capital": (filters({"From": "x"}), "'From' is not a key"),
    "a key with a newline": (filters({"from\n": "x"}), "is not a key"),
    "a key that is a number": (filters({1: "x"}), "1 is not a key"),
    "an empty key": (filters({"": "x"}), "is not a key"),
    "seven levels": (filters(nested(5)), "deeper than 6"),
    "a body too long": (filters("x" * 16_384), "16384 are allowed"),
    "an unknown kind": (dataclasses.replace(GIVEN, kind="consent.implied"), "consent.implied is not a kind"),
    "an unknown detail": (dataclasses.replace(GIVEN, details={"email": "a@b.example"}), "has no detail email"),
    "two unknown details": (dataclasses.replace(GIVEN, details={"b": 1, "a": 1}), "has no detail a, b"),
    "a detail of another kind": (dataclasses.replace(GIVEN, details={"rows": 1}), "consent.given has no detail rows"),
    "a time without a zone": (dataclasses.replace(GIVEN, occurred_at=NAIVE), "without a zone"),
    "a recorded time without a zone": (
        dataclasses.replace(GIVEN, recorded_at=NAIVE),
        "without a zone",
    ),
    "a contact without a number": (dataclasses.replace(GIVEN, cseq=None, prev=None), "numbered"),
    "a number without a contact": (dataclasses.replace(GIVEN, contact=None), "numbered"),
    "a number below one": (dataclasses.replace(GIVEN, cseq=-1), "numbered"),
    "a first entry that follows another": (dataclasses.replace(GIVEN, cseq=1), "names the one before"),
    "a second entry that follows none": (dataclasses.replace(GIVEN, cseq=2, prev=None), "names the one before"),
    "no contact but a previous entry": (
        dataclasses.replace(GIVEN, contact=None, cseq=None),
        "names the one before",
    ),
    "an unknown channel": (dataclasses.replace(GIVEN, channel="fax"), "fax is not a channel"),
    "a commitment to the topic": (dataclasses.replace(GIVEN, commitments={"topic": "00"}), "no evidence"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_an_entry_that_breaks_the_format_is_refused(breach):
    entry, message = BREACHES[breach]
    with pytest.raises(BadEntry, match=re.escape(message)):
        entries.encode(entry)


@pytest.mark.parametrize("actor", ["", "anne", "officer", "officer:", "officer:a b", "Contact", "contact\n", "key:é!"])
def test_an_unknown_actor_is_refused(actor):
    with pytest.raises(BadEntry, match="is not an actor"):
        entries.encode(dataclasses.replace(GIVEN, actor=actor))


@pytest.mark.parametrize("value", [2**53 - 1, -(2**53) + 1, 0, True, None, "", "Zoé", "\U0001f600", nested(4)])
def test_the_largest_and_the_oddest_allowed_values_are_kept(value):
    assert entries.decode(entries.encode(filters(value)))["details"]["filters"] == value


def test_a_body_may_be_as_long_as_the_limit_and_no_longer():
    room = entries.LONGEST - len(entries.encode(filters("")))
    assert len(entries.encode(filters("x" * room))) == 16_384
    with pytest.raises(BadEntry, match="16385 bytes"):
        entries.encode(filters("x" * (room + 1)))


def test_the_first_entry_of_a_contact_has_no_entry_before_it():
    body = entries.encode(dataclasses.replace(GIVEN, cseq=1, prev=None))
    assert entries.decode(body)["prev"] is None


SECOND_SPELLINGS = {
    "a space": BODY.replace(b":3,", b": 3,"),
    "a last newline": BODY + b"\n",
    "a byte order mark": b"\xef\xbb\xbf" + BODY,
    "another encoding": BODY.decode().encode("utf-16"),
    "an escaped letter": BODY.replace(b"acme/newsletter", b"acme/newslett\\u0065r"),
    "an escaped slash": BODY.replace(b"acme/newsletter", b"acme\\/newsletter"),
    "keys in another order": json.dumps(dict(reversed(json.loads(BODY).items())), separators=(",", ":")).encode(),
    "a key twice": BODY.replace(b'"v":1}', b'"v":1,"v":1}'),
    "an inner key twice": BODY.replace(b'"notice_complete":true', b'"notice_complete":true,"notice_complete":true'),
    "a key missing": BODY.replace(b',"v":1}', b"}"),
    "a key too many": BODY.replace(b'"v":1}', b'"v":1,"w":1}'),
    "a float": BODY.replace(b'"cseq":3', b'"cseq":3.0'),
    "an exponent": BODY.replace(b'"cseq":3', b'"cseq":3e0'),
    "minus zero": BODY.replace(b'"cseq":3', b'"cseq":-0'),
    "NaN": BODY.replace(b'"cseq":3', b'"cseq":NaN'),
    "2^53": BODY.replace(b'"cseq":3', b'"cseq":9007199254740992'),
    "a number of 5,000 digits": BODY.replace(b'"cseq":3', b'"cseq":' + b"3" * 5_000),
    "half a character": BODY.replace(b"web_form", b"\\ud800"),
    "text that is not NFC": BODY.replace(b"web_form", "e\u0301".encode()),
    "a strange inner key": BODY.replace(b'"method"', b'"Method"'),
    "a byte that is not UTF-8": BODY.replace(b"web_form", b"\xff"),
    "half of the body": BODY[:300],
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
}


@pytest.mark.parametrize("spelling", SECOND_SPELLINGS)
def test_bytes_that_are_not_the_one_spelling_of_an_entry_are_refused(spelling):
    assert SECOND_SPELLINGS[spelling] != BODY
    with pytest.raises(BadEntry):
        entries.decode(SECOND_SPELLINGS[spelling])


@pytest.mark.parametrize("bit", range(8))
def test_flipping_any_bit_is_refused_or_changes_fields_and_leaf(bit):
    for position in range(len(BODY)):
        changed = BODY[:position] + bytes([BODY[position] ^ 1 << bit]) + BODY[position + 1 :]
        assert fields_of(changed) != json.loads(BODY)
        assert entries.leaf_hash(changed).hex() != LEAF


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 11, 23, 8, 45, tzinfo=UTC), "2026-11-23T08:45:00.000Z"),
        (datetime(2026, 11, 23, 8, 45, 0, 999, tzinfo=UTC), "2026-11-23T08:45:00.000Z"),
        (datetime(2026, 11, 23, 8, 45, 59, 999999, tzinfo=UTC), "2026-11-23T08:45:59.999Z"),
        (datetime(2026, 11, 23, 3, 45, tzinfo=timezone(timedelta(hours=-5))), "2026-11-23T08:45:00.000Z"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-3.5))), "2027-01-01T03:00:00.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(instant, text):
    assert entries.when(instant) == text


@given(instants)
def test_a_written_time_reads_back_to_the_millisecond(instant):
    read = entries.instant(entries.when(instant))
    assert timedelta(0) <= instant - read < timedelta(milliseconds=1)


@given(instants, instants)
def test_written_times_sort_as_the_instants_do(one, other):
    assert one >= other or entries.when(one) <= entries.when(other)
