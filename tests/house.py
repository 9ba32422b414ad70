"""What people and machines do with the service, so that tests read as stories."""

import email
import email.policy
import re
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from consent import addresses, catalogue, clock
from consent.records import history, publish
from consent.sends import decide
from consent.store import database
from consent.store.base import Base

#: What a person sends who opens the link as soon as the mail is there, and so is asked to tick each topic as well.
TICKED = {"confirm": "yes", "agree": ["acme/newsletter", "acme/promotions", "zest/newsletter", "zest/promotions"]}
_LINK = re.compile(r"https://consent\.example\.com(/[cupr]/[a-z2-7]{40})\b")


class House:
    """The service, seen from outside."""

    def __init__(self, app: Flask, client: FlaskClient, mail: Path, drain: Callable[[], int]) -> None:
        self.app = app
        self.client = client
        self.mail = mail
        self.drain = drain

    def sign_up(
        self, address: str, topics: Sequence[str] = ("acme/newsletter",), form: str = "acme-news", **more: str
    ) -> TestResponse:
        """Fill the hosted form."""
        return self.client.post(f"/s/{form}", data={"email": address, "topic": list(topics), **more})

    def letters(self, to: str = "@") -> list[EmailMessage]:
        """Deliver what is due and return every letter ever sent (*to* somebody, if given), oldest first."""
        self.drain()
        files = [path.read_bytes() for path in sorted(self.mail.glob("*.eml"))]
        likely = [content for content in files if to.encode() in content]  # most are somebody else's
        found = [email.message_from_bytes(content, policy=email.policy.default) for content in likely]
        return [letter for letter in found if to in str(letter["To"])]

    def link(self, letter: EmailMessage, purpose: str) -> str:
        """Return the path of the letter's link for *purpose*, from its text."""
        body = letter.get_body(("plain",))
        assert body is not None
        found = [path for path in _LINK.findall(body.get_content()) if path.startswith(f"/{purpose}/")]
        assert found, f"no /{purpose}/ link in {letter['Subject']}"
        return str(found[0])

    def one_click(self, letter: EmailMessage) -> str:
        """Return the path of the letter's List-Unsubscribe header."""
        return str(letter["List-Unsubscribe"]).removeprefix("<https://consent.example.com").removesuffix(">")

    def press_unsubscribe(self, letter: EmailMessage) -> TestResponse:
        """Do what a mail client's button does (RFC 8058)."""
        return self.client.post(self.one_click(letter), data={"List-Unsubscribe": "One-Click"})

    def confirm(
        self, address: str, topics: Sequence[str] = ("acme/newsletter",), form: str = "acme-news"
    ) -> EmailMessage:
        """Sign up, press the button in the mail, and return the confirmation mail."""
        assert self.sign_up(address, topics, form).status_code == 200
        letter = self.letters(address)[-1]
        assert self.client.post(self.link(letter, "c"), data=TICKED).status_code == 200
        return letter

    def decide(self, address: str, topic: str = "acme/newsletter", kind: str = "commercial") -> decide.Answer:
        """Ask whether mail may go to *address* now."""
        return decide.ask(addresses.parse(address), catalogue.topic(topic), kind, clock.now())

    def allows(self, address: str, topic: str = "acme/newsletter") -> bool:
        """Whether commercial mail may go to *address* now."""
        return bool(self.decide(address, topic).decision)

    def kinds(self, address: str) -> list[str]:
        """Return the kinds of the address's entries, in order."""
        parsed = addresses.parse(address)
        with database.reading() as connection:
            found = history.find(connection, parsed.deny_key, parsed.consent_key)
        return [item.body["kind"] for item in found.own] if found else []

    def number(self) -> None:
        """Give the entries that wait their numbers, as the worker does; on SQLite none ever waits."""
        publish.number_all(clock.now())

    def rows(self) -> dict[str, list[Any]]:
        """Return every row of every table but the counts for metrics: two equal answers mean that nothing changed."""
        with database.reading() as connection:
            return {
                table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
                for table in Base.metadata.sorted_tables
                if table.name != "mail_report"
            }
