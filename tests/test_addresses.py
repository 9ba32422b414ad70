"""Addresses: which spellings are one mailbox, which are none, and how little a mask shows."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import addresses
from tests.people import ANNE, CAST

KEYS = [  # typed, consent key, deny key, abuse key
    ("anne@example.com", "anne@example.com", "anne@example.com", "anne@example.com"),
    ("  anne@example.com\n", "anne@example.com", "anne@example.com", "anne@example.com"),
    ("Anne@Example.COM", "Anne@example.com", "anne@example.com", "anne@example.com"),
    ("ANNE+News@example.com", "ANNE+News@example.com", "anne+news@example.com", "anne@example.com"),
    ("anne+a+b@example.com", "anne+a+b@example.com", "anne+a+b@example.com", "anne@example.com"),
    ("+anne@example.com", "+anne@example.com", "+anne@example.com", "+anne@example.com"),
    ("a.n.n.e@example.com", "a.n.n.e@example.com", "a.n.n.e@example.com", "a.n.n.e@example.com"),
    ("A.n.ne@gmail.com", "A.n.ne@gmail.com", "a.n.ne@gmail.com", "anne@gmail.com"),
    ("an.ne+tag.x@GoogleMail.com", "an.ne+tag.x@googlemail.com", "an.ne+tag.x@googlemail.com", "anne@gmail.com"),
    ("a@bücher.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ("a@BU\u0308CHER.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ("a@faß.example", "a@xn--fa-hia.example", "a@xn--fa-hia.example", "a@xn--fa-hia.example"),
    ("a@\uff41cme.example", "a@acme.example", "a@acme.example", "a@acme.example"),
]
IMPOSSIBLE = [
    "", " ", "anne", "@", "anne@", "@example.com", "anne@@example.com", "anne@a@example.com", "anne@example",
    "anne@localhost", "an ne@example.com", "anne@exam ple.com", "anne@example.com.", ".anne@example.com",
    "anne.@example.com", "an..ne@example.com", "anne@-example.com", "anne@exa_mple.com", "anne@example..com",
    '"an ne"@example.com', "anne@[127.0.0.1]", "anne@[IPv6:::1]", "Anne <anne@example.com>", "anne@xn--zz.com",
    "zoé@example.com", "anne\0@example.com", "anne@example.com\r\nBcc: bob@example.com",
    "alice@example.org(<bob@example.org>", "anne@example.com, bob@example.com", "a@" + "a." * 130 + "com",
    "a" * 300 + "@example.com", "\ud800@example.com", "anne@\ud800.com", "anne@exam\u200bple.com",
]  # fmt: skip
SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_"
typeable = st.builds(
    lambda local, domain: f"{local}@{domain}.example",
    st.text(SAFE, min_size=1, max_size=40),
    st.text("abcdefxyz", min_size=1, max_size=20),
)


@pytest.mark.parametrize(("typed", "consent", "deny", "abuse"), KEYS)
def test_an_address_has_a_strict_a_loose_and_a_looser_key(typed, consent, deny, abuse):
    found = addresses.parse(typed)
    assert (found.consent_key, found.deny_key, found.abuse_key) == (consent, deny, abuse)


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_an_impossible_address_is_refused_with_a_sentence(text):
    with pytest.raises(addresses.BadAddress) as refused:
        addresses.parse(text)
    assert len(str(refused.value).split()) > 3
    assert str(refused.value).endswith((".", "'", "SPACE"))


@given(st.text())
def test_any_text_is_an_address_or_a_bad_address(text):
    try:
        found = addresses.parse(text)
    except addresses.BadAddress as refused:
        assert str(refused)
    else:
        assert found.consent_key.isascii()


@pytest.mark.parametrize("person", CAST, ids=lambda person: person.name)
def test_everyone_of_the_cast_has_an_address(person):
    assert addresses.parse(person.email).consent_key == person.email


def test_what_was_typed_is_kept_but_for_the_blanks_round_it():
    assert addresses.parse("  Anne@BÜCHER.example ").typed == "Anne@BÜCHER.example"


@given(typeable)
def test_a_consent_key_keeps_capitals_and_a_deny_key_folds_them(text):
    found, shouted = addresses.parse(text), addresses.parse(text.swapcase())
    assert found.consent_key == text
    assert found.deny_key == shouted.deny_key == text.lower()


@given(typeable)
def test_addresses_that_are_one_to_a_stricter_key_are_one_to_a_looser_key(text):
    found = addresses.parse(text)
    assert addresses.parse(found.consent_key).deny_key == found.deny_key
    assert addresses.parse(found.deny_key).abuse_key == found.abuse_key


@given(typeable)
def test_parsing_a_key_gives_the_key_again(text):
    found = addresses.parse(text)
    assert addresses.parse(found.consent_key).consent_key == found.consent_key
    assert addresses.parse(found.deny_key).deny_key == found.deny_key


def test_a_digest_is_the_hmac_of_the_key_under_a_label_of_its_own():
    expected = hmac.new(b"s" * 32, b"consent/address/v1\0" + ANNE.email.encode(), hashlib.sha256).hexdigest()
    assert addresses.digest(ANNE.email, b"s" * 32) == expected


def test_a_digest_stays_the_same_for_years():
    known = "27025883a551fa2017767a0e6f18f80fbf533995ab144f25ca80f0165f5c7ae6"
    assert addresses.digest("anne@example.com", bytes(range(32))) == known


def test_a_secret_means_the_same_as_text_and_as_bytes():
    assert addresses.digest(ANNE.email, "s" * 32) == addresses.digest(ANNE.email, b"s" * 32)


@given(typeable, typeable)
def test_two_addresses_have_one_digest_only_if_they_are_equal(one, other):
    assert (addresses.digest(one, "s" * 32) == addresses.digest(other, "s" * 32)) == (one == other)


def test_another_secret_gives_another_digest():
    assert addresses.digest(ANNE.email, "s" * 32) != addresses.digest(ANNE.email, "t" * 32)


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("anne@example.org", "a•••@e•••.org"),
        ("a@example.org", "a•••@e•••.org"),
        ("anne@mail.example.org", "a•••@m•••.org"),
        ("anne@xn--bcher-kva.example", "a•••@x•••.example"),
        ("not an address", "n•••@•••"),
    ],
)
def test_a_mask_shows_two_initials_and_the_ending(address, masked):
    assert addresses.mask(address) == masked


@given(st.text("bcdfghijkl", min_size=1, max_size=30), st.text("mnopqrst", min_size=1, max_size=30))
def test_a_mask_reveals_at_most_one_character_of_each_side_and_not_how_long_it_is(local, domain):
    masked = addresses.mask(f"{local}@{domain}.example")
    assert masked == f"{local[0]}•••@{domain[0]}•••.example"
    assert len(masked) == len("b•••@m•••.example")


plain_shapes = st.from_regex(r"[A-Za-z0-9_+.-]{1,34}@[A-Za-z0-9.-]{1,20}\.[A-Za-z]{1,6}", fullmatch=True)


@given(plain_shapes)
def test_the_short_way_for_plain_addresses_gives_what_the_validator_gives(text):
    try:
        long_way = addresses._parse_any(text)
    except addresses.BadAddress:
        with pytest.raises(addresses.BadAddress):
            addresses.parse(text)
    else:
        assert addresses.parse(text) == long_way


@pytest.mark.parametrize("ending", ["test", "invalid", "localhost", "local", "arpa", "onion"])
def test_a_domain_that_is_none_on_the_internet_is_judged_by_the_validator(ending):
    text = f"anne@acme.{ending}"
    outcomes = []
    for parse in (addresses.parse, addresses._parse_any):
        try:
            outcomes.append(parse(text))
        except addresses.BadAddress as refused:
            outcomes.append(str(refused))
    assert outcomes[0] == outcomes[1]
