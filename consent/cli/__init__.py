"""The ``consent`` command. Errors say what is wrong and what to do, on stderr, without a traceback; exit 2."""

import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from consent.addresses import BadAddress
from consent.catalogue import Unknown
from consent.cli import (
    audit,
    backup,
    demo,
    doctor,
    erasing,
    feedback,
    forms,
    law,
    ledger,
    messages,
    records,
    serving,
    setting_up,
)
from consent.cli.law import BadCaseFile
from consent.cli.messages import NoMessages
from consent.config import BadSettings
from consent.mail.dkim_keys import BadDkim
from consent.mail.overrides import BadTemplate
from consent.records.backup import NoBackup
from consent.records.bundles import BadKept, NothingSigned, NotSignedYet
from consent.records.publish import Contradiction
from consent.records.sequence import ClockBehind
from consent.records.signing import KeyTrouble
from consent.setup.keys import NoSuchKey
from consent.setup.read import BadSetup
from consent.store import trouble
from consent.store.schema import NoSuchSchema

_EXPECTED = (
    BadSettings, Contradiction, KeyTrouble, NoBackup, NoMessages, NoSuchSchema, NothingSigned, NotSignedYet, BadKept,
    BadCaseFile, BadSetup, BadAddress, BadDkim, BadTemplate, ClockBehind, NoSuchKey, Unknown, OSError,
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="consent")
def consent() -> None:
    """May I send this person this message today, and how do I prove it?"""


for command in (
    demo.demo,
    serving.serve,
    serving.worker,
    setting_up.migrate,
    setting_up.setup,
    setting_up.api_key,
    doctor.doctor,
    records.decide,
    records.export,
    audit.audit,
    erasing.erase,
    backup.backup,
    feedback.feedback,
    forms.form,
    ledger.ledger,
    ledger.verify,
    law.law,
    messages.preflight,
):
    consent.add_command(command)


def main() -> None:
    """Run the command; what people can mend themselves is said in a line, with exit status 2."""
    try:
        consent()
    except _EXPECTED as error:
        click.echo(f"consent: {error}", err=True)
        sys.exit(2)
    except SQLAlchemyError as error:  # whose own text may hold an address
        if not trouble.passes(error):
            raise
        click.echo(f"consent: {trouble.sentence(error)}", err=True)
        sys.exit(2)
