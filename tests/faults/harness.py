"""Strike a site that is at work, let it settle, and check what is left.

How much is struck: ``CONSENT_FAULTS`` kills (a tenth as many crashes of PostgreSQL), and on until so many changes were
acknowledged as ``CONSENT_FAULTS_CHANGES`` says. What is struck next is drawn from ``CONSENT_FAULTS_SEED``.
"""

import json
import os
import random
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.test_serving import until
from tests.faults import checker
from tests.faults.checker import Evidence
from tests.faults.history import CHANGES, History
from tests.faults.processes import Site, audited

KILLS = int(os.environ.get("CONSENT_FAULTS", "12"))
CHANGES_WANTED = int(os.environ.get("CONSENT_FAULTS_CHANGES", "0"))
SEED = int(os.environ.get("CONSENT_FAULTS_SEED", "1"))
CRASHES = max(2, KILLS // 10)
LONGEST = 900.0  # seconds, after which a run that does not get there is given up
_LEASE_OVER, _RETRY_OVER = 120, 7200  # seconds that the clock is put ahead, to have the rest delivered
_MOST_KEPT = 5
_BETWEEN = (0.05, 0.4)  # seconds from one kill to the next


@dataclass
class Striker:
    """Kills processes of *site*, counts them, and keeps the checkpoints that it saw."""

    site: Site
    seed: int = SEED
    weights: dict[str, int] = field(default_factory=lambda: {"child": 12, "worker": 4, "web": 1})
    struck: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds until the web server answered after it was started again
    kept: list[Path] = field(default_factory=list)
    _note: bytes = b""
    _mailed: int = 0  # bytes of the post office's log when the worker was started last

    def __post_init__(self) -> None:
        self._rng = random.Random(f"kills/{self.seed}")

    def strike(self, history: History, kills: int, changes: int = 0) -> None:
        """Kill *kills* times, 50 to 400 ms apart, and on until *changes* were acknowledged."""
        end = time.monotonic() + LONGEST
        while self.struck.total() < kills or history.changed < changes:
            assert time.monotonic() < end, f"{self.struck}, {history.changed} changes: too slow"
            pause(self._rng.uniform(*_BETWEEN))
            self._strike()
            self.keep_checkpoint()

    def _strike(self) -> None:
        (target,) = self._rng.choices(list(self.weights), list(self.weights.values()))
        if target == "worker" and not self._delivers():
            if "child" not in self.weights:
                return
            target = "child"
        if target == "child":
            self.struck["child"] += self.site.web.kill_child(self._rng.randrange(2))
            return
        self.struck[target] += 1
        process = {"worker": self.site.worker, "web": self.site.web}[target]
        process.kill()
        self._mailed = self.site.office.log.stat().st_size
        process.start()
        if target == "web":
            begun = time.monotonic()
            until(self.site.answers)
            self.slowest = max(self.slowest, time.monotonic() - begun)

    def _delivers(self) -> bool:
        """Whether the worker has delivered since its start: to kill it before would only test its start."""
        return self.site.office.log.stat().st_size > self._mailed

    def keep_checkpoint(self) -> None:
        """Keep the ledger's signed head, if it is one that we have not."""
        try:
            with urllib.request.urlopen(self.site.url("/ledger/checkpoint"), timeout=10) as answer:
                note = answer.read()
        except OSError:  # the server is being struck, or nothing is signed yet
            return
        if note != self._note:
            self._note = note
            self.kept.append(self.site.folder / f"checkpoint-{len(self.kept)}")
            self.kept[-1].write_bytes(note)


def pause(seconds: float) -> None:
    """Let time pass between two faults."""
    threading.Event().wait(seconds)


@dataclass
class Outcome:
    """What a run came to. *breaches* is what a test asserts to be empty; the rest is for the report."""

    breaches: list[str]
    summary: dict[str, Any]
    evidence: Evidence


def settle(site: Site, striker: Striker, worker_kills: int) -> Outcome:
    """Stop the site in order, deliver what is left, audit, and compare."""
    site.web.kill()
    if site.worker.running():
        site.worker.signal().wait()
    ahead = _drain(site)
    entries, rows = checker.read(site.database_url)
    site.office.look()
    calls = History(site.folder / "history.jsonl")
    evidence = Evidence(calls.calls(), entries, rows, site.office.letters, site.logs, worker_kills)
    calls.close()
    found = checker.breaches(evidence) + checker.intact(site.database_url) + _audit(site, striker.kept, ahead)
    summary = _summary(evidence, striker)
    say(site, summary)
    return Outcome(found, summary, evidence)


def _drain(site: Site) -> int:
    """Let a worker deliver what leases and waits held back, and return by how far its clock was ahead."""
    ahead = 0
    for ahead in (_LEASE_OVER, _RETRY_OVER):
        done = site.command("worker", "--once", ahead=ahead)
        assert done.returncode == 0, done.stderr
        if not any(row.state == "due" for row in checker.read(site.database_url)[1]):
            break
    return ahead


def _audit(site: Site, kept: Sequence[Path], ahead: int) -> list[str]:
    """I7 and I9: the ledger is sound, every standing is what its entries add up to, and no kept head is contradicted."""
    step = max(1, len(kept) // _MOST_KEPT)
    old = [word for path in kept[::step] for word in ("--checkpoint", str(path))]
    wrong = audited(site.command("audit", "--json", *old, ahead=ahead))
    return [f"I7 {wrong}"] if wrong else []


def _summary(found: Evidence, striker: Striker) -> dict[str, Any]:
    changes = [call for call in found.calls if call.operation in CHANGES]
    return {
        "seed": striker.seed,
        "struck": dict(striker.struck),
        "acknowledged changes": sum(call.result == "ok" for call in changes),
        "unknown": sum(call.result == "info" for call in changes),
        "not done": sum(call.result == "fail" for call in changes),
        "decisions": sum(call.operation == "decide" and call.result == "ok" for call in found.calls),
        "mails": len(found.letters),
        "sent twice": len(found.letters) - len({letter.id for letter in found.letters}),
        "recorded though answered 503": len(found.recorded_after_503),
        "checkpoints kept": len(striker.kept),
        "slowest start": round(striker.slowest, 2),
    }


def say(site: Site, summary: dict[str, Any]) -> None:
    """Print the figures, and add them to the file that CONSENT_FAULTS_REPORT names."""
    line = json.dumps({"database": site.database_url.partition(":")[0], **summary})
    print(line)
    if path := os.environ.get("CONSENT_FAULTS_REPORT"):
        with Path(path).open("a") as report:
            report.write(line + "\n")
