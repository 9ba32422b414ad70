"""What an SMTP server really receives, byte for byte."""

import email
import email.policy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from flask import Flask
from sqlalchemy import text

from consent import clock
from consent.cli import work
from consent.mail import headers
from consent.mail.headers import Letter, UnsafeHeader
from consent.mail.transport import Carrier
from consent.store import database
from tests.conftest import free_port, settings_for
from tests.house import House
from tests.people import ANNE


class Postbox:
    """An SMTP server that keeps what it is given, and answers RCPT and DATA as it is told."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.rcpt = "250 OK"
        self.data = "250 OK"
        self.port = 0

    async def handle_RCPT(self, _s: Any, _x: Any, envelope: Envelope, address: str, _o: Any) -> str:  # noqa: N802
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _s: Any, _x: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.data.startswith("250"):
            self.envelopes.append(envelope)
        return self.data


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def over_smtp(app: Flask, postbox: Postbox, tmp_path: Path) -> Flask:
    app.config["CONSENT"] = settings_for(tmp_path, CONSENT_SMTP_URL=f"smtp://127.0.0.1:{postbox.port}")
    return app


def raw(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


def test_the_confirmation_mail_on_the_wire(house: House, over_smtp: Flask, postbox: Postbox) -> None:
    house.sign_up(ANNE.email)
    work.drain(over_smtp)
    (envelope,) = postbox.envelopes
    head = raw(envelope).split(b"\r\n\r\n")[0].decode("ascii")
    assert envelope.rcpt_tos == [ANNE.email]
    assert re.fullmatch(r"b\+[a-z2-7]{40}@acme\.example", str(envelope.mail_from))
    assert re.search(r"^List-Unsubscribe: <https://consent\.example\.com/u/[a-z2-7]{40}>\r?$", head, re.M)
    assert re.search(r"^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$", head, re.M)
    assert re.search(r"^List-Id: <newsletter\.acme\.acme\.example>\r?$", head, re.M)
    assert re.search(r"^Auto-Submitted: auto-generated\r?$", head, re.M)
    assert re.search(r"^Message-ID: <[0-9a-f-]{36}@acme\.example>\r?$", head, re.M)
    assert re.search(r"^From: Acme <news@acme\.example>\r?$", head, re.M)


def test_plain_text_and_html_carry_the_same_links(house: House, over_smtp: Flask, postbox: Postbox) -> None:
    house.sign_up(ANNE.email)
    work.drain(over_smtp)
    message = email.message_from_bytes(raw(postbox.envelopes[0]), policy=email.policy.default)
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]  # type: ignore[attr-defined]
    plain, html = (set(re.findall(r"https://consent\.example\.com/[a-z]/[a-z2-7]{40}", text)) for text in texts)
    assert plain == html and len(plain) == 3
    assert "100 Queen Street West" in texts[0] and "100 Queen Street West" in texts[1]


def test_nothing_that_a_stranger_typed_is_in_the_confirmation_mail(
    house: House, over_smtp: Flask, postbox: Postbox
) -> None:
    agent = {"User-Agent": "Evil/1 buy-pills"}
    form = {"email": ANNE.email, "topic": "acme/newsletter", "name": "Buy-Pills http://evil.example"}
    house.client.post("/s/acme-news?utm=buy-pills", data=form, headers=agent)
    work.drain(over_smtp)
    content = email.message_from_bytes(raw(postbox.envelopes[0]), policy=email.policy.default).as_string().lower()
    assert "pills" not in content and "evil" not in content


def test_no_line_is_longer_than_the_standard_allows(house: House, over_smtp: Flask, postbox: Postbox) -> None:
    house.sign_up(ANNE.email, language="fr")
    work.drain(over_smtp)
    head, _, body = raw(postbox.envelopes[0]).partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert b"http" not in b"".join(line for line in head.split(b"\r\n") if line.startswith((b" ", b"\t")))


@pytest.mark.parametrize("answer", ["450 4.2.1 later", "421 4.3.2 closing"])
def test_a_server_that_is_busy_gets_the_same_message_again(
    house: House, over_smtp: Flask, postbox: Postbox, later: Any, answer: str
) -> None:
    house.sign_up(ANNE.email)
    postbox.data = answer
    work.drain(over_smtp)
    assert house.kinds(ANNE.email) == ["consent.requested"]
    work.drain(over_smtp)  # not before five minutes are over
    postbox.data = "250 OK"
    work.drain(over_smtp)
    assert postbox.envelopes == []
    later(minutes=5, seconds=1)
    work.drain(over_smtp)
    assert len(postbox.envelopes) == 1
    assert house.kinds(ANNE.email) == ["consent.requested", "confirmation.sent"]


def test_a_refused_recipient_is_not_tried_again(house: House, over_smtp: Flask, postbox: Postbox, later: Any) -> None:
    house.sign_up(ANNE.email)
    postbox.rcpt = "550 5.1.1 no such user"
    work.drain(over_smtp)
    later(days=1)
    assert work.drain(over_smtp) == 0
    assert [row for row in house.rows()["outbox"] if "'failed'" in row and "'550'" in row]
    assert house.kinds(ANNE.email) == ["consent.requested", "bounce.received"]
    assert house.decide(ANNE.email, kind="confirmation").decision.code == "undeliverable"


@pytest.mark.parametrize(
    ("rcpt", "data"),
    [
        ("550 5.7.515 Access denied, sending domain does not meet the required level", "250 OK"),
        ("250 OK", "554 5.7.1 this looks like spam"),
        ("250 OK", "550 5.6.0 no thanks"),
    ],
)
def test_a_refusal_that_is_about_us_or_the_message_is_no_bounce_of_the_person(
    house: House, over_smtp: Flask, postbox: Postbox, rcpt: str, data: str
) -> None:
    house.sign_up(ANNE.email)
    postbox.rcpt, postbox.data = rcpt, data
    work.drain(over_smtp)
    assert house.kinds(ANNE.email) == ["consent.requested"]


def test_a_server_that_is_away_is_tried_for_three_days(house: House, app: Flask, tmp_path: Path, later: Any) -> None:
    app.config["CONSENT"] = settings_for(tmp_path, CONSENT_SMTP_URL="smtp://127.0.0.1:9")
    house.sign_up(ANNE.email)
    work.drain(app)
    assert "'due'" in house.rows()["outbox"][0]
    tries = 1
    for hour in range(1, 4 * 24):
        later(hours=hour)
        tries += work.drain(app)
    assert "'failed'" in house.rows()["outbox"][0]
    assert 8 <= tries <= 14


def test_a_message_that_cannot_be_made_does_not_hold_up_the_others(house: House) -> None:
    house.sign_up(ANNE.email)
    with database.writing() as connection:
        connection.execute(text("UPDATE outbox SET payload = '{}'"))
    house.sign_up("bob@example.com")
    assert [str(letter["To"]) for letter in house.letters()] == ["bob@example.com"]
    assert "'KeyError'" in house.rows()["outbox"][0] and "'due'" in house.rows()["outbox"][0]


@pytest.mark.parametrize("host_length", [4, 10, 24, 40, 75, 120, 200])
def test_the_unsubscribe_header_is_never_folded_or_encoded(host_length: int) -> None:
    url = "https://" + "h" * (host_length - 3) + ".ca/u/" + "a" * 40
    content = headers.wire(letter(unsubscribe_url=url), clock.now())
    assert b"List-Unsubscribe: <" + url.encode() + b">\r\n" in content


@pytest.mark.parametrize("field", ["subject", "sender_name", "list_id", "unsubscribe_url", "language"])
@pytest.mark.parametrize(
    "text",
    [
        "x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\rBcc: e", "x\0y", "x\x0by", "x\x0cy", "x\x85y",
        "x\u2028y", "x\u2029y", "=?utf-8?q?x=0ABcc=3A_evil=40x=2Ecom?=", "x\x1fy", "x\x7fy",
    ],
)  # fmt: skip
def test_no_header_takes_a_line_break_or_an_encoded_word(field: str, text: str) -> None:
    with pytest.raises(UnsafeHeader):
        headers.wire(letter(**{field: text}), clock.now())


def test_a_french_name_and_subject_survive(postbox: Postbox) -> None:
    content = headers.wire(letter(subject="Votre reçu", sender_name="Érablière"), clock.now())
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert (str(parsed["Subject"]), parsed["From"].addresses[0].display_name) == ("Votre reçu", "Érablière")


def test_tls_is_verified(app: Flask, postbox: Postbox) -> None:
    carrier = Carrier(f"smtp+starttls://127.0.0.1:{postbox.port}", "consent.example.com")
    outcome = carrier.carry(letter(), headers.wire(letter(), clock.now()))
    assert outcome.state == "later"
    assert postbox.envelopes == []


def letter(**changes: str) -> Letter:
    plain = {
        "id": "019abcde-f012-7345-89ab-cdef01234567",
        "sender_name": "Acme",
        "sender": "news@acme.example",
        "recipient": "anne@example.com",
        "subject": "Hello",
        "text": "Hello\n",
        "html": "<p>Hello</p>\n",
        "language": "en",
        "list_id": "<newsletter.acme.acme.example>",
        "unsubscribe_url": "https://consent.example.com/u/" + "a" * 40,
        "bounce_token": "a" * 40,
    }
    return Letter(**(plain | changes))
