"""Reports out of a mailbox over IMAP: taken once, marked after the commit, and nothing secret on the way."""

import logging
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy.exc import DBAPIError

from consent import clock, config
from consent.cli import mailbox
from consent.config import BadSettings, Imap
from consent.feedback import imap
from consent.feedback.imap import NoMailbox
from consent.records.append import Origin
from consent.store import database
from consent.subscriptions.acts import Act
from tests.cli.test_serving import until
from tests.conftest import SECRET, settings_for
from tests.feedback.post_box import PASSWORD, PostBox, opened
from tests.feedback.test_reports import dsn, ours
from tests.house import House
from tests.people import ANNE

__all__ = ["ours"]  # a fixture


@pytest.fixture
def box() -> Iterator[PostBox]:
    with opened() as found:
        yield found


def address(box: PostBox, scheme: str = "imap", password: str = PASSWORD, folder: str = "Re ports") -> str:
    return f"{scheme}://reports:{quote(password, safe='')}@127.0.0.1:{box.port}/{quote(folder)}"


def parsed(box: PostBox, **more: str) -> Imap:
    found = settings_for(Path(), CONSENT_FEEDBACK_IMAP=address(box, **more)).feedback_imap
    assert found is not None
    return found


def act() -> Act:
    return Act(Origin("log", clock.now()), {}, actor="system", channel="mail")


def poll(box: PostBox, **more: str) -> int:
    return imap.poll(parsed(box, **more), [SECRET], act)


def test_a_bounce_is_recorded_and_the_message_marked_as_seen(house: House, ours: bytes, box: PostBox) -> None:
    box.put(dsn(ours, "news@acme.example"))
    box.put(b"no mail at all")
    assert poll(box) == 2
    assert house.decide(ANNE.email).decision.code == "undeliverable"
    assert box.flags == {1: {"\\Seen"}, 2: {"\\Seen"}}


def test_what_was_seen_is_not_read_again(house: House, ours: bytes, box: PostBox) -> None:
    box.put(dsn(ours, "news@acme.example"))
    poll(box)
    before = house.rows()
    assert poll(box) == 0
    assert house.rows() == before


def test_a_message_stays_unseen_until_what_it_reports_is_recorded(house: House, ours: bytes, box: PostBox) -> None:
    box.put(dsn(ours, "news@acme.example"))
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE told RENAME TO away")
    with pytest.raises(DBAPIError):
        poll(box)
    assert box.flags == {1: set()}
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO told")
    assert poll(box) == 1
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


def test_a_message_that_cannot_be_recorded_is_flagged_and_does_not_block_the_others(
    house: House, ours: bytes, box: PostBox
) -> None:
    box.put(dsn(ours, "news@acme.example", status="5.1.2"))
    box.put(dsn(ours, "news@acme.example"))
    broken = Act(Origin("log", datetime(2026, 1, 1)), {}, actor="system", channel="mail")  # noqa: DTZ001 - a fault
    acts = iter([broken, act()])
    assert imap.poll(parsed(box), [SECRET], lambda: next(acts)) == 2
    assert box.flags == {1: {"\\Seen", "\\Flagged"}, 2: {"\\Seen"}}
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


def test_of_a_large_message_only_the_beginning_is_fetched(house: House, ours: bytes, box: PostBox) -> None:
    box.put(dsn(ours, "news@acme.example") + b"x" * 9_000_000)
    assert poll(box) == 1
    assert box.fetched == [1 << 20]
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


def test_a_message_that_somebody_deleted_meanwhile_is_passed_over(house: House, ours: bytes, box: PostBox) -> None:
    box.put(b"")
    box.put(dsn(ours, "news@acme.example"))
    assert poll(box) == 1
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


def test_what_was_marked_before_the_server_broke_off_stays_marked(house: House, ours: bytes, box: PostBox) -> None:
    box.put(dsn(ours, "news@acme.example"))
    box.put(b"the next")
    box.breaks_at = "UID FETCH 2"
    with pytest.raises(NoMailbox, match="breaks off"):
        poll(box)
    assert box.flags == {1: {"\\Seen"}, 2: set()}


@pytest.mark.parametrize(
    ("more", "why"), [({"password": "wrong-word"}, "refuses us"), ({"folder": "Other"}, "no folder Other")]
)
def test_what_is_wrong_is_logged_without_the_password(
    house: House, box: PostBox, caplog: pytest.LogCaptureFixture, more: dict[str, str], why: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert mailbox.look(settings_for(Path(), CONSENT_FEEDBACK_IMAP=address(box, **more))) == 0
    assert why in caplog.text
    assert "wrong-word" not in caplog.text and PASSWORD not in caplog.text


def test_a_server_that_is_away_is_logged_and_nothing_fails(caplog: pytest.LogCaptureFixture, app: Flask) -> None:
    with opened() as gone:
        pass
    assert mailbox.look(settings_for(Path(), CONSENT_FEEDBACK_IMAP=address(gone))) == 0
    assert "does not answer (ConnectionRefusedError)" in caplog.text


def test_the_worker_looks_while_it_runs(house: House, app: Flask, ours: bytes, box: PostBox) -> None:
    box.put(dsn(ours, "news@acme.example"))
    app.config["CONSENT"] = settings_for(Path(), CONSENT_FEEDBACK_IMAP=address(box))
    stop = threading.Event()
    mailbox.start(app, stop)
    until(lambda: box.flags[1] == {"\\Seen"})
    stop.set()
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost that it signed itself, and its key."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    first = datetime(2020, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    built = built.not_valid_before(first).not_valid_after(first.replace(year=2120))
    named = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    signed = built.add_extension(named, critical=False).sign(key, hashes.SHA256())
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


def test_over_tls_a_server_that_nobody_vouches_for_never_learns_the_password(
    app: Flask, certificate: tuple[Path, Path]
) -> None:
    with opened(certificate) as box:
        with pytest.raises(NoMailbox, match="certificate"):
            poll(box, scheme="imaps")
        assert box.said == []


def test_over_tls_a_server_that_is_vouched_for_is_read(
    house: House, ours: bytes, certificate: tuple[Path, Path]
) -> None:
    trust = ssl.create_default_context(cafile=certificate[0])
    with opened(certificate) as box:
        box.put(dsn(ours, "news@acme.example"))
        at = Imap("imaps", "localhost", box.port, "reports", PASSWORD, "Re ports")
        assert imap.poll(at, [SECRET], act, trust) == 1
    assert house.kinds(ANNE.email)[-1] == "bounce.received"


def test_a_server_without_starttls_never_learns_the_password(app: Flask, box: PostBox) -> None:
    with pytest.raises(NoMailbox):
        poll(box, scheme="imap+starttls")
    assert not any(command.startswith("LOGIN") for command in box.said)


@pytest.mark.parametrize(
    "text",
    ["imaps://host/INBOX", "imaps://user@host", "pop3://user:secret-word@host", "imaps://user:secret-wörd@host",
     "imap://user:secret-word@mail.example", "imaps://user:secret-word@host:99999", "imaps://user:secret%0aword@host"],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_refused_and_the_password_is_not_repeated(text: str) -> None:
    with pytest.raises(BadSettings, match="CONSENT_FEEDBACK_IMAP") as refused:
        config.read({"CONSENT_ENV": "development", "CONSENT_FEEDBACK_IMAP": text})
    assert "secret" not in str(refused.value)


def test_the_settings_do_not_show_the_password() -> None:
    found = config.read({"CONSENT_ENV": "development", "CONSENT_FEEDBACK_IMAP": "imaps://user:secret-word@host"})
    assert "secret-word" not in repr(found)
    assert found.feedback_imap == Imap("imaps", "host", 993, "user", "secret-word", "INBOX")
