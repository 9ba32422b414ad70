"""Two databases from one copy (F15): the one that falls behind, or goes its own way, is never signed again."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy.engine import make_url

from tests.clusters import Cluster
from tests.faults.conftest import OpenSite
from tests.faults.processes import Site, sqlite_url

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("database", ("sqlite", "postgresql"))
def test_a_database_restored_from_a_copy_is_not_signed_any_more(
    open_site: OpenSite, request: pytest.FixtureRequest, database: str
) -> None:
    site = open_site(database)
    do(site, "worker", "--once")
    copy = copied(site, request.getfixturevalue("durable") if database == "postgresql" else None)
    do(site, "export", "--out", "first.jsonl")  # an entry, which is signed
    do(site, "worker", "--once")
    signed = (site.folder / "ledger.key.signed").read_bytes()
    behind = site.command("worker", "--once", database=copy)
    assert (behind.returncode, "restored from an old copy" in behind.stderr) == (2, True), behind.stderr
    do(site, "export", "--out", "second.jsonl", database=copy)
    apart = site.command("worker", "--once", database=copy)
    assert (apart.returncode, "the database was changed" in apart.stderr) == (2, True), apart.stderr
    assert (site.folder / "ledger.key.signed").read_bytes() == signed
    do(site, "worker", "--once")  # the real one goes on
    do(site, "audit")


def do(site: Site, *words: str, database: str = "") -> None:
    """Run a command that must succeed."""
    done = site.command(*words, database=database)
    assert done.returncode == 0, done.stderr


def copied(site: Site, server: Cluster | None) -> str:
    """Return the URL of a copy of the site's database."""
    if server:
        name = make_url(site.database_url).database
        server.copy(name, f"{name}_copy")
        return server.url(f"{name}_copy")
    folder = site.folder / "copy"
    folder.mkdir()
    places = [closing(sqlite3.connect(where / "consent.db")) for where in (site.folder, folder)]
    with places[0] as here, places[1] as there:
        here.backup(there)
    return sqlite_url(folder)
