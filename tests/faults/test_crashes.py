"""PostgreSQL crashes under load (F3): a 503 meanwhile, everything as before after it, and no process of ours restarted."""

import random
import time
from dataclasses import astuple, dataclass

import pytest

from tests.cli.test_serving import until
from tests.clusters import Cluster, children
from tests.faults.conftest import OpenSite
from tests.faults.harness import CRASHES, SEED, Outcome, Striker, pause, say, settle
from tests.faults.load import load
from tests.faults.processes import Site

pytestmark = pytest.mark.slow
READY_SECONDS = 5.0


@dataclass(frozen=True)
class Crash:
    """When, by the monotonic clock, the database was being killed, away, started, and back; and the service ready."""

    killing: float
    killed: float
    noticed: float
    started: float
    back: float
    ready: float


@pytest.mark.parametrize("seed", [SEED])
def test_a_crash_of_the_database_is_answered_503_and_lived_through_without_a_restart(
    open_site: OpenSite, durable: Cluster, seed: int
) -> None:
    site = open_site("postgresql")
    site.start()
    striker, rng = Striker(site, seed), random.Random(seed)
    processes = [site.worker.pid, site.web.pid, *sorted(children(site.web.pid))]
    with load(site, seed):
        crashes = [crash(site, durable, rng, striker) for _ in range(CRASHES)]
        mailed = len(site.office.letters)
        until(lambda: len(site.office.letters) > mailed)  # the worker has found its way back too
        pause(1)
    assert [site.worker.pid, site.web.pid, *sorted(children(site.web.pid))] == processes
    outcome = settle(site, striker, worker_kills=0)
    slowest = max(c.ready - c.back for c in crashes)
    say(site, {"crashes": len(crashes), "slowest ready after it": round(slowest, 2)})
    assert outcome.breaches == []
    assert slowest <= READY_SECONDS
    assert max(c.noticed - c.killed for c in crashes) <= READY_SECONDS
    assert meanwhile(outcome, crashes) == []


def crash(site: Site, durable: Cluster, rng: random.Random, striker: Striker) -> Crash:
    """Kill the database under load, start it after a while, and wait until the service can take work again."""
    pause(rng.uniform(0.5, 1.5))
    striker.keep_checkpoint()
    killing = time.monotonic()
    durable.kill()
    killed = time.monotonic()
    until(lambda: site.readiness()[0] == 503)
    noticed = time.monotonic()
    pause(rng.uniform(0.1, 1.0))
    started = time.monotonic()
    durable.start()
    back = time.monotonic()
    until(site.ready)
    striker.struck["crash"] += 1
    return Crash(killing, killed, noticed, started, back, time.monotonic())


def meanwhile(outcome: Outcome, crashes: list[Crash]) -> list[str]:
    """Return what was not answered 503 while the database was away, and what was not done once it was back."""
    wrong = []
    for call in outcome.evidence.calls:
        end = call.at + call.took
        shown = f"{call.operation} {call.answer[:2]} at {call.at - crashes[0].killed:.2f}, took {call.took:.2f}"
        if any(c.killed < call.at and end < c.started for c in crashes) and call.answer.status != 503:
            wrong.append(f"away: {shown}")
        if call.result == "info":
            wrong.append(f"unknown: {shown}")
        after = [c for c in crashes if c.ready < call.at]
        before = [c for c in crashes if end < c.killing]
        if len(after) + len(before) == len(crashes) and call.result != "ok":
            wrong.append(f"back: {shown}")
    times = [tuple(round(t - crashes[0].killed, 2) for t in astuple(c)) for c in crashes]
    return [*wrong, str(times)] if wrong else []
