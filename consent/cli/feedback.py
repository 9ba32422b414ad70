"""``consent feedback mail``: a bounce or a complaint that came as mail, as a mail server's pipe delivers it."""

import json
import sys

import click

from consent.cli.session import app_context, origin
from consent.config import Settings
from consent.feedback import mail as mail_reports
from consent.feedback.mail import Taken
from consent.subscriptions.acts import Act

_LARGEST = 32 * 1024 * 1024  # bytes that are taken from a pipe; of a longer message the beginning


@click.group()
def feedback() -> None:
    """Take what comes back about mail that went out."""


@feedback.command("mail")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
def take_mail(as_json: bool) -> None:
    """Read one message from standard input, and record the bounce (RFC 3464) or complaint (RFC 5965) in it.

    It is believed only if it holds a token of ours, which the return path of our mail has. Exit status 0 whatever it
    was, since a pipe that fails makes a mail server send a bounce in turn.
    """
    raw = sys.stdin.buffer.read(_LARGEST)
    with app_context() as app:
        settings: Settings = app.config["CONSENT"]
        act = Act(origin(app), {}, actor="system", channel="mail")
        taken = mail_reports.read(raw, settings.secret_keys, act)
    click.echo(json.dumps(_as_json(taken)) if as_json else _as_text(taken))


def _as_json(taken: Taken) -> dict[str, object]:
    found = [
        {"hard": f.diagnosis.hard, "dead": f.diagnosis.dead, "alarm": f.diagnosis.alarm, "code": f.diagnosis.code}
        for f in taken.report.failures
    ]
    return {
        "kind": taken.report.kind,
        "what": list(taken.what),
        "recorded": taken.recorded,
        "proved": taken.proved,
        "again": taken.again,
        "feedback": taken.report.feedback or None,
        "failures": found,
    }


def _as_text(taken: Taken) -> str:
    what = ", ".join(taken.what) or taken.report.kind
    if not taken.what:
        return f"{what}: nothing to record."
    if not taken.proved:
        return f"{what}: not recorded, for it holds no token of ours."
    if taken.again:
        return f"{what}: recorded before."
    return f"{what}: recorded." if taken.recorded else f"{what}: nothing to record."
