"""Bounces and complaints that come as mail: what they say, whom they are believed about, and that nothing crashes."""

import email
import json
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from consent import tokens
from consent.cli import work
from consent.feedback import reports
from consent.mail.diagnosis import diagnose
from consent.records import links
from consent.store import database
from tests.cli.calling import runner
from tests.conftest import settings_for
from tests.house import House
from tests.people import ANNE
from tests.web.test_metrics import scrape


def dsn(original: bytes, to: str, status: str = "5.1.1", action: str = "failed", words: str = "") -> bytes:
    """Return the report of a mail server (RFC 3464) about *original*, addressed to the return path *to*."""
    words = words or f"smtp; 550 {status} <anne@montreal.example>: Recipient address rejected: User unknown"
    head = (
        "From: MAILER-DAEMON@mx.example (Mail Delivery System)\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"To: {to}\r\nMessage-ID: <20260131.{status}@mx.example>\r\nDate: Sat, 31 Jan 2026 12:00:00 +0000\r\n"
        'Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; boundary="=b"; '
        "report-type=delivery-status\r\n\r\n--=b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--=b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; anne@montreal.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {words}\r\n\r\n--=b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
    )
    return head.encode() + original + b"\r\n--=b--\r\n"


def arf(original: bytes, feedback: str = "abuse") -> bytes:
    """Return the complaint of a mailbox provider (RFC 5965) about *original*, its reader's address taken out."""
    head = (
        "From: feedback@mailbox.example\r\nTo: abuse@acme.example\r\nSubject: FW: complaint\r\n"
        f"Message-ID: <{feedback}@mailbox.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "
        'report-type=feedback-report; boundary="=b"\r\n\r\n--=b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n'
        "--=b\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {feedback}\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n"
        "Original-Rcpt-To: redacted@mailbox.example\r\n\r\n--=b\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + original.replace(b"anne@montreal.example", b"redacted@example") + b"\r\n--=b--\r\n"


@pytest.fixture
def ours(house: House) -> bytes:
    """Our welcome mail as it went out, once the sign-up was confirmed."""
    house.confirm(ANNE.email)
    house.letters(ANNE.email)
    return max(house.mail.glob("*.eml"), key=lambda path: path.name).read_bytes()


Pipe = Callable[[bytes], dict[str, object]]


@pytest.fixture
def pipe(app: Flask, tmp_path: Path) -> Pipe:
    """What a mail server's pipe does, and what is answered."""
    run_with = runner(tmp_path, "feedback", "mail", "--json")

    def run(raw: bytes) -> dict[str, object]:
        found = run_with(input=raw)
        assert found.exit_code == 0, found.output
        answer: dict[str, object] = json.loads(found.stdout)
        return answer

    return run


def test_a_hard_bounce_that_holds_our_message_stops_delivery_and_leaves_the_consent(
    house: House, ours: bytes, pipe: Pipe
) -> None:
    answer = pipe(dsn(ours, "news@acme.example"))
    assert (answer["what"], answer["recorded"], answer["proved"]) == (["hard_bounce"], True, True)
    assert house.decide(ANNE.email).decision.code == "undeliverable"
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


def test_the_return_path_alone_proves_it(house: House, ours: bytes, pipe: Pipe) -> None:
    token = tokens.parse(house.one_click(email.message_from_bytes(ours, _class=EmailMessage)).rpartition("/")[2])
    with database.reading() as connection:
        link = links.by_handle(connection, token.handle)
    assert link is not None
    to = f"b+{link.token('b', house.app.config['CONSENT'].secret_keys)}@acme.example"
    answer = pipe(dsn(b"Subject: cut\r\n", to))
    assert (answer["recorded"], answer["proved"]) == (True, True)


def test_it_is_recorded_once(house: House, ours: bytes, pipe: Pipe) -> None:
    pipe(dsn(ours, "news@acme.example"))
    before = house.rows()
    assert pipe(dsn(ours, "news@acme.example"))["again"] is True
    assert house.rows() == before


def test_a_forged_one_is_counted_and_changes_nothing(house: House, ours: bytes, pipe: Pipe) -> None:
    before = house.rows()
    forged = ours.replace(b"/u/", b"/u/a").replace(b"/p/", b"/p/a")
    answer = pipe(dsn(forged, f"b+{'a' * 40}@acme.example"))
    assert (answer["what"], answer["recorded"], answer["proved"]) == (["hard_bounce"], False, False)
    assert house.rows() == before


@pytest.mark.parametrize(
    ("status", "action", "words", "what"),
    [
        ("5.2.2", "failed", "smtp; 552 5.2.2 Mailbox full", "hard_bounce"),
        ("4.2.2", "delayed", "smtp; 452 4.2.2 Mailbox full", "soft_bounce"),
        ("5.7.515", "failed", "smtp; 550 5.7.515 Access denied, sending domain does not meet the level", "alarm"),
        ("5.7.26", "failed", "smtp; 550-5.7.26 This mail is unauthenticated", "alarm"),
    ],
)
def test_what_is_not_the_addresss_fault_stops_nothing(
    house: House, ours: bytes, pipe: Pipe, status: str, action: str, words: str, what: str
) -> None:
    assert pipe(dsn(ours, "news@acme.example", status, action, words))["what"] == [what]
    assert house.allows(ANNE.email)


def test_the_third_full_mailbox_in_a_month_stops_delivery(house: House, ours: bytes, pipe: Pipe) -> None:
    for number in range(3):
        assert house.allows(ANNE.email)
        pipe(
            dsn(ours, "news@acme.example", "5.2.2", words="smtp; 552 5.2.2 over quota").replace(b"<20", b"<%d" % number)
        )
    assert house.decide(ANNE.email).decision.code == "undeliverable"


def test_a_complaint_is_a_no_to_the_whole_organization(house: House, ours: bytes, pipe: Pipe) -> None:
    assert pipe(arf(ours))["what"] == ["complaint"]
    assert house.decide(ANNE.email).decision.code == "complained"
    assert not house.allows(ANNE.email, "zest/newsletter")


@pytest.mark.parametrize("feedback", ["not-spam", "virus", "auth-failure"])
def test_other_feedback_changes_nothing(house: House, ours: bytes, pipe: Pipe, feedback: str) -> None:
    before = house.rows()
    assert pipe(arf(ours, feedback))["recorded"] is False
    assert house.rows() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"X-Autoreply": "yes"},
        {"Precedence": "auto_reply"},
        {"Subject": "Out of office: until Monday"},
        {"Subject": "Automatic reply: Please confirm"},
    ],
)
def test_the_answer_of_a_machine_is_nothing(house: House, ours: bytes, pipe: Pipe, headers: dict[str, str]) -> None:
    before = house.rows()
    reply = EmailMessage()
    reply["From"] = ANNE.email
    for name, value in headers.items():
        reply[name] = value
    reply.set_content(f"I am away.\n\n> {ours.decode()[-400:]}")
    assert pipe(reply.as_bytes())["kind"] == "reply"
    assert house.rows() == before


def test_a_bounce_about_somebody_who_was_erased_is_nothing(
    house: House, ours: bytes, pipe: Pipe, tmp_path: Path
) -> None:
    assert runner(tmp_path, "erase", ANNE.email, "--reason", "request")().exit_code == 0
    before = house.rows()
    assert pipe(dsn(ours, "news@acme.example"))["recorded"] is False
    assert house.rows() == before


def test_what_lies_in_a_maildir_is_taken_once_and_marked_as_seen(
    house: House, app: Flask, ours: bytes, tmp_path: Path
) -> None:
    new = tmp_path / "bounces" / "new"
    new.mkdir(parents=True)
    (new / "1.host").write_bytes(dsn(ours, "news@acme.example"))
    (new / "2.host").write_bytes(b"no mail at all")
    app.config["CONSENT"] = settings_for(tmp_path, CONSENT_FEEDBACK_MAILDIR=str(tmp_path / "bounces"))
    assert work.read_maildir(app.config["CONSENT"]) == 2
    assert house.decide(ANNE.email).decision.code == "undeliverable"
    assert sorted(path.name for path in (tmp_path / "bounces" / "cur").iterdir()) == ["1.host:2,S", "2.host:2,S"]
    assert work.read_maildir(app.config["CONSENT"]) == 0


def test_what_cannot_be_recorded_stays_new(house: House, app: Flask, ours: bytes, tmp_path: Path) -> None:
    new = tmp_path / "bounces" / "new"
    new.mkdir(parents=True)
    (new / "1.host").write_bytes(dsn(ours, "news@acme.example"))
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE told RENAME TO away")
    settings = settings_for(tmp_path, CONSENT_FEEDBACK_MAILDIR=str(tmp_path / "bounces"))
    with pytest.raises(DBAPIError):
        work.read_maildir(settings)
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO told")
    assert work.read_maildir(settings) == 1
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


def test_whoever_answers_for_the_metrics_knows_what_others_read_and_whether_it_was_proved(
    house: House, ours: bytes, pipe: Pipe
) -> None:
    pipe(dsn(ours, "news@acme.example", status="4.2.2", action="delayed", words="smtp; 452 4.2.2 full"))
    for number in range(3):
        pipe(dsn(b"Subject: not ours\r\n", "news@acme.example", status=f"5.1.{number}"))
    pipe(b"Subject: hello\r\n\r\n")
    found = scrape(house.client)
    assert found["consent_mail_reports_total", "yes", "soft_bounce"] == 1
    assert found["consent_mail_reports_total", "no", "hard_bounce"] == 3
    assert found["consent_mail_reports_total", "no", "other"] == 1


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_without_a_fault(raw: bytes) -> None:
    assert reports.read(raw).kind in ("bounce", "complaint", "reply", "other")


@pytest.mark.parametrize("made", [dsn(b"Subject: x\r\n", "x@y"), arf(b"Subject: x\r\n")])
def test_a_report_that_is_cut_anywhere_is_read_without_a_fault(made: bytes) -> None:
    kinds = {reports.read(made[:end]).kind for end in range(0, len(made), 16)}
    assert kinds <= {"bounce", "complaint", "reply", "other"}


def test_a_bounce_of_a_bounce_a_thousand_deep_and_one_of_ten_megabytes_are_read() -> None:
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(1000))
    assert reports.read(deep).kind == "other"
    large = dsn(b"Subject: x\r\n\r\n" + b"x" * 10_000_000, "x@y")
    assert reports.read(large).kind == "bounce"


@pytest.mark.parametrize(
    ("words", "hard", "dead", "alarm"),
    [
        ("550 5.1.1 User unknown", True, True, False),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", True, True, False),
        ("550 5.4.1 Recipient address rejected: Access denied", True, True, False),
        ("554 delivery error: dd This user doesn't have a yahoo.com account", True, True, False),
        ("550 Requested action not taken: mailbox unavailable", True, True, False),
        ("550 5.2.1 The email account that you tried to reach is inactive", True, True, False),
        ("552 5.2.2 The email account that you tried to reach is over quota", True, False, False),
        ("550 5.1.1 mailbox full, quota exceeded", True, False, False),
        ("552 5.3.4 Message size exceeds fixed limit", True, False, False),
        ("421 4.7.0 try again later", False, False, False),
        ("450 4.2.0 Greylisted", False, False, False),
        ("451 4.4.1 connection timed out", False, False, False),
        ("550 5.7.515 Access denied", True, False, True),
        (
            "550-5.7.26 Unauthenticated email from acme.example is not accepted due to domain's DMARC policy",
            True,
            False,
            True,
        ),
        ("550 5.7.606 Access denied, banned sending IP", True, False, True),
        ("554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org", True, False, True),
        ("550 SPF check failed", True, False, True),
        ("550", True, True, False),
    ],
)
def test_a_refusal_is_understood_by_its_code_and_its_words(words: str, hard: bool, dead: bool, alarm: bool) -> None:
    assert diagnose(words)[:3] == (hard, dead, alarm)
