"""Keys are replaced while people sign up, confirm and leave: no link stops working, and the ledger stays one."""

import secrets

import pytest

from tests.cli.test_serving import until
from tests.faults.conftest import OpenSite
from tests.faults.harness import SEED, Striker, settle
from tests.faults.history import History
from tests.faults.load import load
from tests.faults.processes import Site
from tests.faults.test_restoring import do

pytestmark = pytest.mark.slow
MORE = 40  # changes between two steps


@pytest.mark.parametrize("database", ("sqlite", "postgresql"))
def test_the_keys_of_links_and_of_the_ledger_are_replaced_under_load(open_site: OpenSite, database: str) -> None:
    site = open_site(database)
    site.start()
    striker = Striker(site, SEED)
    with load(site, SEED) as history:
        go_on(history)
        assert until(lambda: signatures(striker) == 1)
        do(site, "ledger", "key", "rotate")
        assert until(lambda: signatures(striker) == 2)
        with_a_new_secret(site)
        go_on(history)
        do(site, "ledger", "key", "rotate", "--finish")
        assert until(lambda: signatures(striker) == 1)
        go_on(history)
    assert settle(site, striker, worker_kills=0).breaches == []


def signatures(striker: Striker) -> int:
    """Keep the newest head, and return how many signatures it has: the next one comes within ten seconds."""
    striker.keep_checkpoint()
    return len(striker.kept[-1].read_text("utf-8").splitlines()[4:]) if striker.kept else 0


def go_on(history: History) -> None:
    """Wait until some more changes were acknowledged."""
    enough = history.changed + MORE
    assert until(lambda: history.changed >= enough)


def with_a_new_secret(site: Site) -> None:
    """Put a new key in front of the one that signs links: first where they are opened, then where they are made."""
    site.env["CONSENT_SECRET_KEYS"] = f"{secrets.token_hex(32)},{site.env['CONSENT_SECRET_KEYS']}"
    for process in (site.web, site.worker):
        assert process.signal().wait()[0] == 0
        process.start()
    assert until(site.ready)
