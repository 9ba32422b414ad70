"""The checker finds what it is there to find: each breach is planted in a record that is otherwise sound."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import checker
from tests.faults.checker import Entry, Evidence, Row
from tests.faults.history import Answer, Call, History
from tests.faults.post_office import Letter

ANNE, BOB = "p1@d0.example.com", "q2@d0.example.com"
DENY, ALLOW = ({"decision": word, "code": "because"} for word in ("deny", "allow"))


def call(line: int, operation: str, address: str, answer: Answer) -> Call:
    return Call(operation, address, line, line + 1, answer, at=float(line), took=1.0)


@pytest.fixture
def sound(tmp_path: Path) -> Evidence:
    """Anne signs up, agrees and leaves; Bob buys and says no on the telephone."""
    page, made = Answer("ok", 200), lambda entry: Answer("ok", 201, {"entry": entry})
    calls = [
        call(0, "sign_up", ANNE, page),
        call(2, "decide", ANNE, Answer("ok", 200, DENY)),
        call(4, "confirm", ANNE, page),
        call(6, "decide", ANNE, Answer("ok", 200, ALLOW)),
        call(8, "one_click", ANNE, page),
        call(10, "decide", ANNE, Answer("ok", 200, DENY)),
        call(12, "relate", BOB, made("e6")),
        call(14, "withdraw", BOB, made("e7")),
        call(16, "decide", BOB, Answer("ok", 200, DENY)),
        call(18, "decide", BOB, Answer("fail", 503, None, "5")),
        call(20, "decide", BOB, Answer("info", why="ConnectionResetError")),
    ]
    kinds = ("consent.requested", "confirmation.sent", "consent.given", "welcome.sent", "consent.withdrawn")
    bodies = ("{}", '{"message_id":"<r1@acme.example>"}', "{}", '{"message_id":"<r2@acme.example>"}', "{}")
    entries = [
        Entry(f"e{n}", *one, body) for n, (*one, body) in enumerate(zip(kinds, [ANNE] * 5, bodies, strict=True), 1)
    ]
    entries += [Entry("e6", "relationship.recorded", BOB, "{}"), Entry("e7", "consent.withdrawn", BOB, "{}")]
    entries += [Entry("e0", "ledger.opened", None, "{}")]
    rows = [Row("r1", "mail.confirmation", "e1", "done", 1, "250"), Row("r2", "mail.welcome", "e3", "done", 1, "250")]
    letters = [Letter(n, f"<r{n + 1}@acme.example>", ANNE, {}, "") for n in range(2)]
    log = tmp_path / "serve.log"
    log.write_text("INFO answered route=/c/<token> entry=019abcde-f012-7345-89ab-cdef01234567\n")
    return Evidence(calls, entries, rows, letters, [log])


def test_a_sound_record_has_no_breach(sound: Evidence) -> None:
    assert checker.breaches(sound) == []
    assert sound.recorded_after_503 == []


def without(found: Evidence, entry: str) -> Evidence:
    return replace(found, entries=[one for one in found.entries if one.id != entry])


def with_call(found: Evidence, *calls: Call) -> Evidence:
    return replace(found, calls=[*found.calls, *calls])


def with_row(found: Evidence, **change: object) -> Evidence:
    return replace(found, rows=[found.rows[0], replace(found.rows[1], **change)])


PLANTED: dict[str, tuple[str, Callable[[Evidence], Evidence]]] = {
    "an acknowledged sign-up is lost": ("I1 sign_up", lambda e: without(e, "e1")),
    "an acknowledged confirmation is lost": ("I1 confirm", lambda e: without(e, "e3")),
    "an acknowledged withdrawal is lost": ("I1 one_click", lambda e: without(e, "e5")),
    "an acknowledged entry of the API is lost": ("I1 relate", lambda e: without(e, "e6")),
    "a withdrawal is there twice": ("I1 one_click", lambda e: replace(e, entries=[*e.entries, replace(e.entries[4], id="e9")])),
    "an entry has no request": ("I2 1 entries", lambda e: replace(e, entries=[*e.entries, Entry("e9", "consent.given", BOB, "{}")])),
    "an entry is of a kind that nobody asked for": ("I2 nothing", lambda e: replace(e, entries=[*e.entries, Entry("e9", "contact.erased", BOB, "{}")])),
    "a mail has no row": ("I3", lambda e: replace(e, letters=[*e.letters, Letter(2, "<r9@acme.example>", ANNE, {}, "")])),
    "a mail went to somebody else": ("I3", lambda e: replace(e, letters=[e.letters[0], replace(e.letters[1], to=BOB)])),
    "a request has no mail": ("I4 consent.given", lambda e: replace(e, rows=e.rows[:1])),
    "a mail that is done was never accepted": ("I4 mail.welcome", lambda e: replace(e, letters=e.letters[:1])),
    "a mail is still due": ("I4 mail.welcome r2 is due", lambda e: with_row(e, state="due")),
    "a mail that went has no entry": ("I4 mail.welcome", lambda e: without(e, "e4")),
    "a mail went twice though nothing was killed": ("I5 1 mails", lambda e: replace(e, letters=[*e.letters, e.letters[0]])),
    "a mail went three times": ("I5 <r1@", lambda e: replace(e, letters=[*e.letters, e.letters[0], e.letters[0]], worker_kills=9)),
    "a mail went under a second Message-ID": ("I5 one row", lambda e: replace(e, letters=[*e.letters, replace(e.letters[0], id="<r1@zest.example>")], worker_kills=9)),
    "a decision allows after a withdrawal": ("I6", lambda e: with_call(e, call(30, "decide", ANNE, Answer("ok", 200, ALLOW)))),
    "a decision allows what nobody agreed to": ("I6", lambda e: with_call(e, call(30, "decide", "p3@d0.example.com", Answer("ok", 200, ALLOW)))),
    "a fault of ours": ("STATUS decide was answered 500", lambda e: with_call(e, call(30, "decide", BOB, Answer("fail", 500)))),
    "a 503 without Retry-After": ("STATUS decide was answered 503 without", lambda e: with_call(e, call(30, "decide", BOB, Answer("fail", 503)))),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_breach_is_found(sound: Evidence, name: str) -> None:
    says, plant = PLANTED[name]
    assert [breach for breach in checker.breaches(plant(sound)) if breach.startswith(says)]


def test_a_confirmation_may_be_refused_after_the_person_has_left_and_not_before(sound: Evidence) -> None:
    refused = Answer("fail", 404)
    assert checker.breaches(with_call(sound, call(30, "confirm", ANNE, refused))) == []
    assert checker.breaches(with_call(sound, call(6, "confirm", ANNE, refused))) != []


@pytest.mark.parametrize("text", [ANNE, "x" * 40, "ck_abcd1234", "Traceback (most recent call last):"])
def test_a_secret_in_a_log_is_found(sound: Evidence, text: str) -> None:
    sound.logs[0].write_text(f"INFO fine\nERROR {text}\n")
    (breach,) = checker.breaches(sound)
    assert breach.startswith("I10 serve.log, line 2")


def test_an_entry_whose_request_was_answered_503_is_told_apart(sound: Evidence) -> None:
    found = with_call(sound, call(30, "relate", BOB, Answer("fail", 503, None, "5")))
    found = replace(found, entries=[*found.entries, Entry("e9", "relationship.recorded", BOB, "{}")])
    assert checker.breaches(found) == []
    assert found.recorded_after_503 == [f"relationship.recorded of {BOB}"]


def test_a_request_without_an_answer_is_unknown_and_the_order_of_lines_is_kept(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    first = history.invoke("sign_up", ANNE)
    second = history.invoke("decide", ANNE)
    history.done(second, "decide", Answer("ok", 200, DENY))
    history.close()
    lost, told = history.calls()
    assert (lost.operation, lost.result, lost.begun, lost.ended) == ("sign_up", "info", first, 3)
    assert (told.result, told.begun, told.ended, told.answer.body) == ("ok", 1, 2, DENY)


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1), (2)")
    assert checker.intact(f"sqlite:///{path}") == []
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(4096) + content[8192:])
    assert checker.intact(f"sqlite:///{path}")[0].startswith("I8")
