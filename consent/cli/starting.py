"""What ``consent serve`` and ``consent worker`` look at before they begin, and say in one line each."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from consent.config import BadSettings, Settings
from consent.mail import dkim_keys, overrides
from consent.records import permissions
from consent.records.permissions import Role
from consent.store import database, trouble
from consent.web import health

_log = logging.getLogger("consent.starting")


def check(settings: Settings, *, works: bool) -> None:
    """Raise BadSettings if the database's login cannot do what the service needs, a worker's part too if it *works*.

    A worker's keys for DKIM and the company's own mails are looked at as well: BadDkim, BadTemplate.

    A login that could change the ledger, and a database that takes no writes for now, are only told: mail must stop
    when people ask, whoever owns the tables, and a standby becomes the primary without anybody starting us again.
    """
    if works and settings.dkim_keys:
        dkim_keys.load(settings.dkim_keys)
    if works and settings.mail_templates:
        overrides.load(settings.mail_templates)
    roles = [Role.WEB, *([Role.SEQUENCER] if works else [])]
    if works and settings.ledger_key.exists():
        roles.append(Role.PUBLISHER)
    try:
        with database.reading() as connection:
            lacking, excess = permissions.lacking(connection, roles), permissions.excess(connection)
        unwritable = health.unwritable()
    except SQLAlchemyError as error:
        raise BadSettings(trouble.sentence(error)) from None
    if lacking:
        raise BadSettings(lacking)
    if excess and settings.environment == "production":
        _log.warning("%s", excess)
    if unwritable:
        _log.warning("%s", unwritable)
