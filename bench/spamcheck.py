"""What two spam filters say about each of our own mails, in both languages, without a network: ``make spamcheck``.

The letters come from a house of their own, as people would cause them. SpamAssassin runs its local tests; rspamd runs
with its stock configuration and a name server that does not exist. It says nothing about Gmail or Outlook.
"""

import email
import email.policy
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from bench import company, report
from bench.filters import NoFilter, Scored, rspamd, spamassassin, versions
from consent import clock, config
from consent.app import create_app
from consent.cli import work
from consent.law.periods import minus
from consent.records.append import Origin
from consent.resources import folder
from consent.setup import apply, keys, read
from consent.store import schema

PEOPLE = {"en": "bob@boston.example", "fr": "anne@montreal.example"}
MOST = {"SpamAssassin": 0.1, "rspamd": 1.0}
_LINK = re.compile(r"https://consent\.example\.com(/c/[a-z2-7]{40})")
_IMPLIED_MONTHS = 6  # an inquiry's, CASL s. 10(10)(e)
_HEAD = """
SpamAssassin's local tests and rspamd's stock rules over each mail that we write ourselves, as a server would receive it
that has no name server to ask. The goal is at most {SpamAssassin} and {rspamd} points; 5 and 6 would be taken for spam.
It says nothing about Gmail or Outlook.
"""


def main() -> None:
    """Write the letters, score them, print, and put the table into bench/results.md; exit 1 over a limit."""
    with tempfile.TemporaryDirectory() as name:
        letters = dict(_letters(Path(name)))
        try:
            scores = {"SpamAssassin": spamassassin(letters), "rspamd": rspamd(letters, Path(name))}
        except NoFilter as error:
            sys.exit(f"spamcheck: {error}")
    report.put("What spam filters say", _report(scores))
    over = [f"{by} {letter}" for by, found in scores.items() for letter in found if found[letter].ours > MOST[by]]
    sys.exit("spamcheck: too many points: " + ", ".join(over) if over else 0)


def _report(scores: Mapping[str, Mapping[str, Scored]]) -> str:
    lines = [f"`make spamcheck`, {report.machine()}; {versions()}.", *_HEAD.format(**MOST).splitlines(), ""]
    lines += ["| mail | " + " | ".join(scores) + " | costs points |", "|---|" + "---|" * (len(scores) + 1)]
    for letter in next(iter(scores.values())):
        found = [by[letter] for by in scores.values()]
        costly = _symbols({name: points for one in found for name, points in one.costly.items()})
        lines.append(f"| {letter} | " + " | ".join(f"{one.ours:.2f}" for one in found) + f" | {costly} |")
    apart = {name: points for by in scores.values() for one in by.values() for name, points in one.network.items()}
    return "\n".join([*lines, "", f"Not counted, for want of a network and of a signature: {_symbols(apart)}."])


def _symbols(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {points:.1f}" for name, points in sorted(found.items())) or "nothing"


def _letters(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield ``confirmation en`` and its bytes, and so on: each kind of mail that we send, in each language."""
    app = create_app(config.read(company.environment(path)))
    with app.app_context():
        schema.migrate()
        apply.apply(read.read(_set_up(path)), Origin("spamcheck", clock.now()))
        key = keys.create("spamcheck", keys.SCOPES, clock.now())
    for language, address in PEOPLE.items():
        yield from _story(app, path / "mail", language, address, key)


def _set_up(path: Path) -> Path:
    """Return the example company under a real top-level domain: filters count links in others differently."""
    text = (folder("examples") / "acme.toml").read_text("utf-8")
    (path / "company.toml").write_text(text.replace("acme.example", "example.com"), "utf-8")
    return path / "company.toml"


def _story(app: Flask, mail: Path, language: str, address: str, key: str) -> Iterator[tuple[str, bytes]]:
    """Let somebody sign up, confirm, ask for the link, and have bought nothing since an inquiry of long ago."""
    client = app.test_client(use_cookies=False)
    form = {"email": address, "topic": "acme/newsletter", "language": language}
    _ok(client, "/s/acme-news", data=form)
    confirmation = _newest(app, mail, address)
    yield f"confirmation {language}", confirmation
    _ok(client, _link(confirmation), data={"confirm": "yes", "agree": "acme/newsletter"})
    yield f"welcome {language}", _newest(app, mail, address)
    _ok(client, "/find", data={"email": address})
    yield f"preferences {language}", _newest(app, mail, address)
    asked_on = minus((clock.now() + timedelta(days=20)).date(), _IMPLIED_MONTHS)
    inquiry = {"email": address, "brand": "acme", "kind": "inquiry", "occurred_at": f"{asked_on}T15:00:00Z"}
    _ok(client, "/api/v1/relationships", json=inquiry, headers={"Authorization": f"Bearer {key}"})
    yield f"renewal {language}", _newest(app, mail, address)


def _ok(client: FlaskClient, path: str, **body: Any) -> None:
    answer = client.post(path, **body)
    assert answer.status_code < 300, (path, answer.status_code, answer.text)


def _newest(app: Flask, mail: Path, address: str) -> bytes:
    before = set(mail.glob("*.eml"))
    work.drain(app)
    (new,) = set(mail.glob("*.eml")) - before
    return new.read_bytes()


def _link(letter: bytes) -> str:
    body = email.message_from_bytes(letter, policy=email.policy.default).get_body(("plain",))
    assert body is not None
    found = _LINK.search(body.get_content())
    assert found
    return found[1]


if __name__ == "__main__":
    main()
