"""Several messages on their way at once: a domain that hangs holds up nobody but itself, and connections are kept."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from flask import Flask
from sqlalchemy import select

from consent import clock
from consent.cli import work
from consent.mail import headers
from consent.mail.transport import Carrier
from consent.store import database
from consent.store.outbox import OutboxRow
from tests.cli.test_serving import until
from tests.conftest import free_port, settings_for
from tests.house import House
from tests.mail.test_wire import letter

SLOW = "slow.example"


class Hanging:
    """An SMTP server that does not answer RCPT for one domain until it is let go, and counts connections."""

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.connections = 0
        self.hung = 0
        self.go = asyncio.Event()
        self.last = "250 OK"
        self.closing = False  # the next MAIL of a connection that is there is answered with 421

    async def handle_EHLO(self, _s: Any, session: Any, _e: Any, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802
        self.connections += 1
        self.closing = False
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, _s: Any, _x: Any, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if self.closing:
            return "421 4.4.2 idle for too long"
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(self, _s: Any, _x: Any, envelope: Envelope, address: str, _o: Any) -> str:  # noqa: N802
        if address.endswith(SLOW):
            self.hung += 1
            await self.go.wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _s: Any, _x: Any, envelope: Envelope) -> str:  # noqa: N802
        self.recipients += envelope.rcpt_tos
        return self.last


@pytest.fixture
def server() -> Iterator[tuple[Hanging, Controller]]:
    hanging = Hanging()
    controller = Controller(hanging, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield hanging, controller
    controller.loop.call_soon_threadsafe(hanging.go.set)
    controller.stop()


def carrier_to(server: tuple[Hanging, Controller]) -> Carrier:
    return Carrier(f"smtp://127.0.0.1:{server[1].port}", "consent.example.com")


def let_go(server: tuple[Hanging, Controller]) -> None:
    server[1].loop.call_soon_threadsafe(server[0].go.set)


@pytest.fixture
def working(app: Flask, server: tuple[Hanging, Controller], tmp_path: Path) -> Iterator[threading.Event]:
    """A worker with its lanes, which ends when the event is set."""
    app.config["CONSENT"] = settings_for(tmp_path, CONSENT_SMTP_URL=f"smtp://127.0.0.1:{server[1].port}")
    stop = threading.Event()
    thread = threading.Thread(target=work.run, args=(app, stop), daemon=True)
    thread.start()
    yield stop
    stop.set()
    let_go(server)
    thread.join(20)
    assert not thread.is_alive()


def test_a_domain_that_hangs_holds_up_no_message_to_another_one(
    house: House, server: tuple[Hanging, Controller], working: threading.Event
) -> None:
    hanging, _ = server
    for number in range(5):
        house.sign_up(f"person{number}@{SLOW}")
    assert until(lambda: hanging.hung)
    for number in range(30):
        house.sign_up(f"person{number}@domain{number % 10}.example")
    assert until(lambda: len(hanging.recipients) == 30)
    assert not any(address.endswith(SLOW) for address in hanging.recipients)
    assert hanging.hung == 1  # one lane at most
    let_go(server)
    assert until(lambda: len(hanging.recipients) == 35)
    assert len(set(hanging.recipients)) == 35


def test_what_waits_behind_a_message_that_hangs_is_given_back_unharmed(
    house: House, app: Flask, server: tuple[Hanging, Controller], tmp_path: Path
) -> None:
    hanging, _ = server
    for number in range(3):
        house.sign_up(f"person{number}@{SLOW}")
        house.sign_up(f"person{number}@zz.example")
    app.config["CONSENT"] = settings_for(tmp_path, CONSENT_SMTP_URL=f"smtp://127.0.0.1:{server[1].port}")
    stop = threading.Event()
    thread = threading.Thread(target=work.run, args=(app, stop), daemon=True)
    thread.start()
    assert until(lambda: len(hanging.recipients) == 3)
    with database.reading() as connection:
        waiting = connection.execute(select(OutboxRow.unanswered).where(OutboxRow.domain == SLOW)).scalars().all()
    assert sorted(waiting)[0] == 0 and sum(waiting) == hanging.hung
    stop.set()
    let_go(server)
    thread.join(20)
    assert not thread.is_alive()


def test_one_connection_carries_many_messages_and_a_new_one_is_made_when_it_was_closed(
    app: Flask, server: tuple[Hanging, Controller]
) -> None:
    hanging, carrier, content = server[0], carrier_to(server), headers.wire(letter(), clock.now())
    assert [carrier.carry(letter(), content).state for _ in range(150)] == ["sent"] * 150
    assert hanging.connections == 2  # a hundred, and the rest
    carrier.rest()
    assert carrier.carry(letter(), content).state == "sent"
    carrier.rest()
    assert hanging.connections == 3


def test_a_kept_connection_that_the_server_closes_with_a_word_costs_no_message_a_delay(
    app: Flask, server: tuple[Hanging, Controller]
) -> None:
    hanging, carrier, content = server[0], carrier_to(server), headers.wire(letter(), clock.now())
    assert carrier.carry(letter(), content).state == "sent"
    hanging.closing = True
    assert carrier.carry(letter(), content).state == "sent"
    carrier.rest()
    assert hanging.connections == 2


def test_a_message_that_was_refused_leaves_the_connection_to_the_next_one(
    app: Flask, server: tuple[Hanging, Controller]
) -> None:
    hanging, carrier, content = server[0], carrier_to(server), headers.wire(letter(), clock.now())
    hanging.last = "554 5.6.0 no"
    assert carrier.carry(letter(), content).state == "refused"
    hanging.last = "250 OK"
    assert carrier.carry(letter(), content).state == "sent"
    carrier.rest()
    assert hanging.connections == 1
