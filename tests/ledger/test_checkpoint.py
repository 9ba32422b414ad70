"""Checkpoints and their keys: vectors of golang/mod and our own, and every way in which a note is refused."""

import base64

import pytest

from consent.ledger import checkpoint
from consent.ledger.checkpoint import BadKey, BadNote, Checkpoint

EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
OURS = checkpoint.signer("consent.example/ledger", bytes([7]) * 32)
ROOT = base64.b64decode("pipUvjMpT/1aXExjf9dUYwtxqJLoNW46Zmpcin/9FRg=")
NOTE = (
    "consent.example/ledger\n70000\npipUvjMpT/1aXExjf9dUYwtxqJLoNW46Zmpcin/9FRg=\n\n"
    "— consent.example/ledger nBfvkxNDl5P7RULJ4EtTK/FeYsqHHJRPrM0+Ts8xwvhgGdJNwE70Jxh502BZFE6RgUNoYdGbYVdzxEceMhm19xRr/Qg=\n"
)
EMPTY = "— consent.example/ledger nBfvkwmkNeCkvhxCkBq60I5agmeO+bMZzPsZo2wC/I3d6HVvFUqDSO2g85V6/RqkxTHSuByeIdDBVzKXGSFDsJorQQ0=\n"


@pytest.mark.parametrize("vkey", [EXAMPLE, PETER, ENOCH])
def test_a_public_key_is_read_and_written_in_the_same_way(vkey: str) -> None:
    assert checkpoint.read_vkey(vkey).vkey == vkey


def test_a_private_key_of_another_program_gives_its_public_key() -> None:
    assert checkpoint.read_private(PETERS_PRIVATE).verifier.vkey == PETER


def test_our_key_of_sevens_has_the_vkey_and_signs_the_bytes_that_other_programs_make() -> None:
    assert OURS.verifier.vkey == "consent.example/ledger+9c17ef93+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
    assert checkpoint.sign(Checkpoint("consent.example/ledger", 70000, ROOT), [OURS]) == NOTE


def test_the_head_of_an_empty_ledger_is_signed_as_other_programs_do() -> None:
    from consent.ledger.merkle import EMPTY_ROOT

    assert checkpoint.sign(Checkpoint("consent.example/ledger", 0, EMPTY_ROOT), [OURS]).endswith("\n\n" + EMPTY)


def test_a_note_opens_with_its_key() -> None:
    assert checkpoint.open_note(NOTE, [OURS.verifier]) == Checkpoint("consent.example/ledger", 70000, ROOT)


def test_signatures_of_strangers_are_passed_over_sixteen_and_more() -> None:
    stranger = "— somebody.example/else AAAAAAAA\n"
    head, gap, ours = NOTE.rpartition("\n\n")
    assert checkpoint.open_note(head + gap + stranger * 16 + ours + stranger * 16, [OURS.verifier]).size == 70000


def test_one_failing_signature_of_a_known_key_spoils_a_note_that_another_one_signed() -> None:
    other = checkpoint.signer("consent.example/ledger", bytes([8]) * 32)
    good = checkpoint.sign(Checkpoint("consent.example/ledger", 70000, ROOT), [OURS, other])
    bad = good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:]
    assert checkpoint.open_note(bad, [OURS.verifier]).size == 70000
    with pytest.raises(BadNote, match="changed"):
        checkpoint.open_note(bad, [OURS.verifier, other.verifier])


def test_a_key_of_the_same_name_and_other_bytes_opens_nothing() -> None:
    with pytest.raises(BadNote, match="None of the known keys"):
        checkpoint.open_note(NOTE, [checkpoint.signer("consent.example/ledger", bytes([9]) * 32).verifier])


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note.replace("70000", "70001"),
        lambda note: note.replace("70000", "070000"),
        lambda note: note.replace("70000", "0x11170"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.removesuffix("\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("FRg=\n\n", "FRg\n\n"),
        lambda note: note.replace("pipU", "pipUAAAA"),
        lambda note: note.replace("consent.example/ledger\n", "consent.example/other\n"),
        lambda note: note.replace("/Qg=", "/Qh="),
        lambda note: note.replace("\n70000", "\t\n70000"),
        lambda note: "",
    ],
)  # fmt: skip
def test_a_damaged_note_is_refused(damage: object) -> None:
    with pytest.raises(BadNote):
        checkpoint.open_note(damage(NOTE), [OURS.verifier])  # type: ignore[operator]


def test_the_checkpoint_of_another_log_parses() -> None:
    text = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
    assert checkpoint.parse(text).size == 123456789012
    assert checkpoint.parse(text).text() == text


@pytest.mark.parametrize(
    "text", ["go.sum database tree\n0xabcdef\nTszz\n", "a\n1\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=AAAA\n", "a\n1\n", "a\n1\nAAAA\n"]
)  # fmt: skip
def test_a_checkpoint_with_an_impossible_line_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        checkpoint.parse(text)


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("Peter", "Peter "),
        PETER + "=",
        "",
    ],
)
def test_a_public_key_that_is_none_is_refused(vkey: str) -> None:
    with pytest.raises(BadKey):
        checkpoint.read_vkey(vkey)


def test_a_private_key_is_not_in_what_is_printed_of_it() -> None:
    assert "7, 7" not in repr(OURS) and "seed" not in repr(OURS)
