"""Count the reports that come as mail: a worker or a pipe reads them, and another process answers for the metrics."""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Connection, Insert, select

from consent.store import database
from consent.store.database import upserting
from consent.store.reports import MailReport


@database.retried
def count(what: str, *, proved: bool) -> None:
    """Count one report, *what* it was taken for and whether it was *proved* to be about mail of ours."""
    with database.writing() as connection:
        connection.execute(_one_more(connection.dialect.name), {"what": what, "proved": proved, "number": 1})


def counted(connection: Connection) -> Mapping[tuple[str, bool], int]:
    """Return how many reports came, by what they were taken for and whether they were proved."""
    rows = connection.execute(select(MailReport.what, MailReport.proved, MailReport.number))
    return {(row.what, row.proved): row.number for row in rows}


@cache
def _one_more(dialect: str) -> Insert:
    return upserting(dialect, MailReport).on_conflict_do_update(
        index_elements=["what", "proved"], set_={"number": MailReport.number + 1}
    )
