"""Links that somebody made up or bent: ten classes of them, and none is ever accepted."""

import base64
import os
import random
from collections import Counter
from collections.abc import Callable

from consent import tokens
from consent.tokens import PURPOSES, BadLink

FORGERIES = int(os.environ.get("CONSENT_FORGERIES", "100000"))
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
KEYS, ORGANIZATION, OTHER = ("k" * 32, "old" * 12), bytes(range(16)), bytes(range(16, 32))
EPOCH = 3


def spell(raw: bytes) -> str:
    return base64.b32encode(raw).decode().lower()


def bend(raw: bytes, place: int, bits: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ bits]) + raw[place + 1 :]


def raw(token: str) -> bytes:
    return base64.b32decode(token.upper())


#: From a true token for confirming, and a source of chance, a false one.
CLASSES: dict[str, Callable[[str, random.Random], str]] = {
    "one letter changed": lambda t, r: t[: (i := r.randrange(40))] + r.choice(LETTERS.replace(t[i], "")) + t[i + 1 :],
    "cut": lambda t, r: t[: r.randrange(40)],
    "longer": lambda t, r: t + r.choice(LETTERS),
    "other letters": lambda t, r: t[: (i := r.randrange(40))] + r.choice("0189ABCZ=-_é ") + t[i + 1 :],
    "another purpose": lambda t, r: spell(bend(raw(t), 0, r.randrange(1, 8) << 2)),
    "another version": lambda t, r: spell(bend(raw(t), 0, r.choice([1, 2, 3, 0x20, 0x40, 0x80]))),
    "another row": lambda t, r: spell(bend(raw(t), r.randrange(1, 9), r.randrange(1, 256))),
    "another signature": lambda t, r: spell(raw(t)[:9] + r.randbytes(16)),
    "a foreign key": lambda t, r: tokens.make("c", raw(t)[1:9], EPOCH, ORGANIZATION, [r.randbytes(32)]),
    "another organization or epoch": lambda t, r: tokens.make("c", raw(t)[1:9], *r.choice(ELSEWHERE), KEYS),
}
ELSEWHERE = [(EPOCH, OTHER), (EPOCH - 1, ORGANIZATION), (EPOCH + 1, ORGANIZATION), (0, OTHER)]


def accepted(text: str) -> bool:
    try:
        tokens.verify(tokens.parse(text), "c", EPOCH, ORGANIZATION, KEYS)
    except BadLink:
        return False
    return True


def test_of_very_many_forged_links_none_is_accepted() -> None:
    """How many: ``CONSENT_FORGERIES``; `make soak` makes a million."""
    chance, wrong, made = random.Random(7), Counter[str](), Counter[str]()
    for _ in range(FORGERIES // len(CLASSES)):
        true = tokens.make("c", chance.randbytes(8), EPOCH, ORGANIZATION, KEYS)
        for name, forge in CLASSES.items():
            made[name] += 1
            wrong[name] += accepted(forge(true, chance))
    assert accepted(true)
    assert made.total() >= FORGERIES - len(CLASSES) and +wrong == Counter()


def test_a_link_works_for_its_own_purpose_alone() -> None:
    works = set()
    for made in PURPOSES:
        token = tokens.parse(tokens.make(made, b"12345678", EPOCH, ORGANIZATION, KEYS))
        for asked in PURPOSES:
            try:
                tokens.verify(token, asked, EPOCH, ORGANIZATION, KEYS)
            except BadLink:
                continue
            works.add((made, asked))
    assert works == {(purpose, purpose) for purpose in PURPOSES}
