"""Links: what verifies, what is repaired, and that nothing else ever does."""

import base64
import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import tokens

KEY = bytes(range(32))
HANDLE = bytes(range(1, 9))
ORGANIZATION = bytes(range(0x10, 0x20))
VECTORS = {
    ("u", 0): "eqaqeayeaudaocdmzksmltmovv7f3mx7arqvx4qx",
    ("c", 0): "eaaqeayeaudaocb243frimpw4ncyhsey3oam62hv",
    ("p", 3): "faaqeayeaudaocgolvmrlefgjrdoodvijejghm32",
}
LETTERS = string.ascii_lowercase + "234567"
UNSUBSCRIBE = VECTORS["u", 0]


def opens(text: str, purpose: str = "u", epoch: int = 0, organization: bytes = ORGANIZATION, keys=(KEY,)) -> bool:
    """Whether *text* opens the page of *purpose*."""
    try:
        tokens.verify(tokens.parse(text), purpose, epoch, organization, keys)
    except tokens.BadLink:
        return False
    return True


@pytest.mark.parametrize(("purpose", "epoch"), VECTORS)
def test_a_token_is_made_byte_for_byte_as_published(purpose, epoch):
    assert tokens.make(purpose, HANDLE, epoch, ORGANIZATION, [KEY]) == VECTORS[purpose, epoch]


@pytest.mark.parametrize(("purpose", "epoch"), VECTORS)
def test_a_published_token_opens_its_page(purpose, epoch):
    assert opens(VECTORS[purpose, epoch], purpose, epoch)


@given(
    st.sampled_from(sorted(tokens.PURPOSES)),
    st.binary(min_size=8, max_size=8),
    st.integers(0, 2**32 - 1),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=64),
)
def test_every_token_that_we_make_opens_its_page_and_names_its_row(purpose, handle, epoch, organization, key):
    text = tokens.make(purpose, handle, epoch, organization, [key])
    token = tokens.parse(text)
    tokens.verify(token, purpose, epoch, organization, [key])
    assert (len(text), token.purpose, token.handle) == (40, purpose, handle)


@pytest.mark.parametrize("position", range(40))
def test_no_character_can_be_replaced_by_another(position):
    others = (UNSUBSCRIBE[:position] + letter + UNSUBSCRIBE[position + 1 :] for letter in LETTERS)
    tampered = [text for text in others if text != UNSUBSCRIBE]
    assert len(tampered) == 31
    assert not any(opens(text, purpose) for text in tampered for purpose in tokens.PURPOSES)


@pytest.mark.parametrize("length", range(40))
def test_a_link_that_was_cut_off_is_refused(length):
    with pytest.raises(tokens.BadLink):
        tokens.parse(UNSUBSCRIBE[:length])


@pytest.mark.parametrize("more", ["a", " ", "\n", "=", "/", ".", "\0", "é"])
def test_a_link_with_something_before_or_after_it_is_refused(more):
    for text in (UNSUBSCRIBE + more, more + UNSUBSCRIBE):
        with pytest.raises(tokens.BadLink):
            tokens.parse(text)


@pytest.mark.parametrize("character", ["0", "1", "8", "9", "A", "=", "-", "é", "\u0660", "\n"])
def test_characters_outside_the_alphabet_are_refused(character):
    with pytest.raises(tokens.BadLink):
        tokens.parse(UNSUBSCRIBE[:39] + character)


def test_a_link_in_capitals_is_refused_until_it_is_repaired():
    with pytest.raises(tokens.BadLink):
        tokens.parse(UNSUBSCRIBE.upper())
    assert opens(tokens.repair(UNSUBSCRIBE.upper()))


@pytest.mark.parametrize("tail", [".", ",", ";", ":", "!", "?", ")", ">", "]", "'", '"', "=", "*", '.">', "!?)"])
def test_punctuation_that_a_mail_program_glued_to_a_link_is_repaired(tail):
    with pytest.raises(tokens.BadLink):
        tokens.parse(UNSUBSCRIBE + tail)
    assert tokens.repair(UNSUBSCRIBE + tail) == UNSUBSCRIBE


@pytest.mark.parametrize("damage", [" ", "a", "/", "-", "%3D", ".a"])
def test_other_damage_is_not_repaired(damage):
    assert not opens(tokens.repair(UNSUBSCRIBE + damage))


@given(st.text(LETTERS, min_size=40, max_size=40))
def test_repairing_a_canonical_token_changes_nothing(text):
    assert tokens.repair(text) == text


@pytest.mark.parametrize(("made_for", "page"), list(itertools.product(tokens.PURPOSES, repeat=2)))
def test_a_link_for_one_page_never_opens_another(made_for, page):
    text = tokens.make(made_for, HANDLE, 0, ORGANIZATION, [KEY])
    assert opens(text, page) == (made_for == page)


@pytest.mark.parametrize(("made_for", "page"), list(itertools.permutations(tokens.PURPOSES, 2)))
def test_relabelling_a_link_for_another_page_breaks_its_signature(made_for, page):
    raw = base64.b32decode(tokens.make(made_for, HANDLE, 0, ORGANIZATION, [KEY]).upper())
    head = base64.b32decode(tokens.make(page, HANDLE, 0, ORGANIZATION, [KEY]).upper())[:1]
    assert not opens(base64.b32encode(head + raw[1:]).decode().lower(), page)


@pytest.mark.parametrize("epoch", [1, 2, 255, 256, 2**32 - 1])
def test_raising_the_epoch_ends_a_link(epoch):
    assert not opens(UNSUBSCRIBE, epoch=epoch)


@pytest.mark.parametrize("organization", [bytes(16), bytes(range(0x10, 0x1F)) + b"\0", ORGANIZATION[::-1], b""])
def test_a_link_of_one_organization_never_opens_anothers_page(organization):
    assert not opens(UNSUBSCRIBE, organization=organization)


@pytest.mark.parametrize("keys", [[], [bytes(32)], [KEY[::-1]], [KEY + b"!", "another"]])
def test_a_link_that_none_of_our_keys_signed_is_refused(keys):
    assert not opens(UNSUBSCRIBE, keys=keys)


@pytest.mark.parametrize("keys", [[KEY], [b"n" * 32, KEY], [b"n" * 32, b"o" * 32, KEY], [KEY, b"n" * 32]])
def test_links_signed_with_an_old_key_still_open(keys):
    assert opens(UNSUBSCRIBE, keys=keys)


def test_the_first_key_signs_new_links():
    text = tokens.make("u", HANDLE, 0, ORGANIZATION, [b"n" * 32, KEY])
    assert opens(text, keys=[b"n" * 32])
    assert not opens(text, keys=[KEY])


def test_a_key_means_the_same_as_text_and_as_bytes():
    assert opens(tokens.make("u", HANDLE, 0, ORGANIZATION, ["k" * 32]), keys=[b"k" * 32])


@pytest.mark.parametrize("byte", [b for b in range(256) if b not in {0x20 | n << 2 for n in range(6)}])
def test_other_versions_purposes_and_reserved_bits_are_refused(byte):
    raw = bytes([byte]) + base64.b32decode(UNSUBSCRIBE.upper())[1:]
    with pytest.raises(tokens.BadLink):
        tokens.parse(base64.b32encode(raw).decode().lower())


def test_an_unsubscribe_address_is_as_long_as_the_longest_that_no_mail_program_folds():
    host = "consent.acme-example.com"
    assert len(host) == 24
    assert len(f"https://{host}/u/{UNSUBSCRIBE}") == 75


@given(st.text(LETTERS, min_size=40, max_size=40), st.sampled_from(sorted(tokens.PURPOSES)))
def test_random_text_of_the_right_shape_never_opens_anything(text, purpose):
    assert not opens(text, purpose)


@given(st.binary(min_size=24, max_size=24), st.sampled_from(sorted(tokens.PURPOSES)))
def test_a_well_formed_token_with_a_guessed_signature_never_opens_anything(tail, purpose):
    head = bytes([0x20 | tokens.PURPOSES[purpose] << 2])
    assert not opens(base64.b32encode(head + tail).decode().lower(), purpose)


@given(st.text())
def test_any_text_at_all_is_either_a_token_or_a_bad_link(text):
    assert not opens(text)
    assert not opens(tokens.repair(text))


@given(
    st.lists(st.tuples(st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1)), max_size=40),
    st.sampled_from("uprec"),
)
def test_many_tokens_made_at_once_are_those_made_one_by_one(rows, purpose):
    handles, epochs = [handle for handle, _ in rows], [epoch for _, epoch in rows]
    organization, key = b"o" * 16, "k" * 32
    one_by_one = [tokens.make(purpose, handle, epoch, organization, [key]) for handle, epoch in rows]
    assert tokens.make_many(purpose, handles, epochs, organization, key) == one_by_one
