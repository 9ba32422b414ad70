"""A backup under load, and the database restored from it (F14): a beginning of the ledger, and what is lost is named."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.cli.test_serving import until
from tests.clusters import Cluster
from tests.faults import checker
from tests.faults.checker import Evidence
from tests.faults.conftest import OpenSite
from tests.faults.harness import SEED, Striker, settle
from tests.faults.history import CHANGES, Call, History
from tests.faults.load import Client, load
from tests.faults.processes import Site
from tests.records.restoring import restore_dump, restore_file, with_programs

pytestmark = pytest.mark.slow
ENOUGH = 60  # changes before the backup, and after it


@pytest.mark.parametrize("database", ("sqlite", "postgresql"))
def test_a_backup_taken_under_load_is_restored_its_links_work_and_what_came_after_it_is_named(
    open_site: OpenSite, request: pytest.FixtureRequest, database: str
) -> None:
    site = open_site(database)
    site.env["PATH"] = with_programs()
    site.start()
    with load(site, SEED) as history:
        assert until(lambda: history.changed >= ENOUGH)
        before = [call for call in history.calls() if call.result == "ok" and call.operation in CHANGES]
        do(site, "backup", "kept")
        enough = history.changed + ENOUGH
        assert until(lambda: history.changed >= enough)
    assert settle(site, Striker(site), worker_kills=0).breaches == []
    later = site.folder / "ledger.key.signed"
    (path,) = [path for path in (site.folder / "kept").iterdir() if path.suffix != ".checkpoint"]
    copy = restored(site, path, request.getfixturevalue("durable") if database == "postgresql" else None)
    assert lost(before, copy) == []
    assert numbered(site)[: len(numbered(copy))] == numbered(copy)
    assert do(copy, "audit", "--checkpoint", str(path.with_suffix(".checkpoint")))
    assert named(copy, later) == missing(copy, later)
    leave(copy, next(call.address for call in before if call.operation == "sign_up"))


def do(site: Site, *words: str) -> bool:
    """Run a command that must succeed."""
    done = site.command(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def restored(site: Site, backup: Path, server: Cluster | None) -> Site:
    """Return a site on a database of its own that was filled from the *backup*, and that has no key to sign with."""
    if server:
        url = restore_dump(backup, server.make(f"restored_{site.port}"))
    else:
        url = restore_file(backup, site.folder / "restored.db")
    copy = replace(site, database_url=url)
    copy.env["CONSENT_LEDGER_KEY"] = str(site.folder / "elsewhere.key")
    return copy


def lost(before: list[Call], copy: Site) -> list[str]:
    """Return what was acknowledged *before* the backup began and is not in the copy."""
    entries, rows = checker.read(copy.database_url)
    return [one for one in checker.breaches(Evidence(before, entries, rows, [], [])) if one.startswith("I1")]


def numbered(site: Site) -> list[tuple[str, bytes]]:
    """Return the entries that have a number, with their hashes, in the order of the numbers."""
    engine = create_engine(site.database_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT entry_id, leaf_hash FROM ledger_leaf ORDER BY seq")).all()
    engine.dispose()
    return [(row.entry_id, bytes(row.leaf_hash)) for row in rows]


def named(copy: Site, later: Path) -> str:
    """Return what an audit of the copy says about a head from after the backup."""
    done = copy.command("audit", "--checkpoint", str(later))
    assert done.returncode == 1, done.stdout + done.stderr
    (said,) = [line for line in done.stdout.splitlines() if "missing" in line]
    return said.partition(f"{later}: ")[2].partition(". ")[0]


def missing(copy: Site, later: Path) -> str:
    """Return what it should say."""
    size, has = int(later.read_text("utf-8").splitlines()[1]), len(numbered(copy))
    return f"It covers {size} entries, and the ledger has {has}: numbers {has} to {size - 1} are missing"


def leave(copy: Site, address: str) -> None:
    """Leave, on the restored site, through the link in a letter from before the backup."""
    letter = next(letter for letter in copy.office.letters if letter.to == address)
    history = History(copy.folder / "restored.jsonl")
    copy.web.start()
    try:
        assert until(copy.answers)
        client = Client(copy, history, 1)
        assert client.one_click(address, letter.one_click).result == "ok"
        assert client.decide(address).body["decision"] == "deny"
    finally:
        copy.web.kill()
        history.close()
