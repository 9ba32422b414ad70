"""Processes are killed while they work (F1, F2): nothing that was acknowledged is lost, and nothing is made up."""

import pytest

from tests.faults.conftest import OpenSite
from tests.faults.harness import CHANGES_WANTED, KILLS, SEED, Striker, settle
from tests.faults.load import load

pytestmark = pytest.mark.slow
DATABASES = ("sqlite", "postgresql")


@pytest.mark.parametrize("seed", [SEED])
@pytest.mark.parametrize("database", DATABASES)
def test_nothing_acknowledged_is_lost_when_processes_are_killed_under_load(
    open_site: OpenSite, database: str, seed: int
) -> None:
    site = open_site(database)
    site.start()
    striker = Striker(site, seed)
    with load(site, seed) as history:
        striker.strike(history, KILLS, CHANGES_WANTED)
    outcome = settle(site, striker, worker_kills=striker.struck["worker"])
    assert outcome.breaches == []
    assert outcome.summary["recorded though answered 503"] == 0
    assert outcome.summary["acknowledged changes"] > 0 and outcome.summary["mails"] > 0


@pytest.mark.parametrize("seed", [SEED])
@pytest.mark.parametrize("database", DATABASES)
def test_a_worker_killed_in_the_middle_of_a_delivery_loses_no_mail_and_repeats_only_what_it_had_in_hand(
    open_site: OpenSite, database: str, seed: int
) -> None:
    site = open_site(database)
    site.office.pace(before=0.02, after=0.02)  # so that nearly every kill comes while a message is on its way
    site.start()
    striker = Striker(site, seed, weights={"worker": 1})
    with load(site, seed) as history:
        striker.strike(history, max(3, KILLS // 4))
    site.office.pace(0, 0)
    outcome = settle(site, striker, worker_kills=striker.struck["worker"])
    assert outcome.breaches == []
    assert outcome.summary["mails"] > 0
