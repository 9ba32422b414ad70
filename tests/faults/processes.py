"""Real ``consent serve`` and ``consent worker`` on a prepared database, each in a process group of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.cli.test_commands import ACME, environment
from tests.cli.test_serving import until
from tests.clusters import Cluster, children, gone
from tests.conftest import free_port
from tests.faults.post_office import PostOffice, post_office

CONSENT = str(Path(sys.executable).with_name("consent"))
SCOPES = ("signups", "decisions", "records", "contacts")
ORIGIN = "consent.example.com/ledger"
STOP_SECONDS = 10.0
WEB_PROCESSES = 2


@dataclass
class Process:
    """One of our commands; what it says is appended to *log*."""

    words: tuple[str, ...]
    env: dict[str, str]
    log: Path
    started: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a group of its own."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [CONSENT, *self.words], env=self.env, cwd=self.log.parent, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.started += 1

    @property
    def pid(self) -> int:
        """The number of the process that was started."""
        assert self._process is not None
        return self._process.pid

    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Kill the whole group, and wait until none of it is left."""
        if not self.running():
            return
        group = [self.pid, *children(self.pid)]
        counts = {folder for pid in group for folder in _counts(pid)}
        os.killpg(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(STOP_SECONDS)
        until(lambda: all(map(gone, group)))
        for folder in counts:  # a server that is killed cannot remove it
            shutil.rmtree(folder, ignore_errors=True)

    def kill_child(self, number: int) -> bool:
        """Kill one of its children, and return whether there was one."""
        found = sorted(children(self.pid))
        with suppress(ProcessLookupError):
            if found:
                os.kill(found[number % len(found)], signal.SIGKILL)
        return bool(found)

    def signal(self, number: int = signal.SIGTERM) -> "Ending":
        """Ask it to stop, and return what waits for that."""
        assert self._process is not None
        ending = Ending(self._process, [self.pid, *children(self.pid)], time.monotonic())
        os.kill(self.pid, number)
        return ending


@dataclass(frozen=True)
class Ending:
    """A process that was asked to stop at *begun*, and what belongs to it."""

    process: subprocess.Popen[bytes]
    group: list[int]
    begun: float

    def wait(self) -> tuple[int, float]:
        """Return its exit status, and after how many seconds nothing of it was left."""
        status = self.process.wait(3 * STOP_SECONDS)
        until(lambda: all(map(gone, self.group)), STOP_SECONDS)
        return status, time.monotonic() - self.begun


@dataclass
class Site:
    """The service on a database of its own: a web server, a worker, and the post office that it hands mail to."""

    folder: Path
    database_url: str
    port: int
    office: PostOffice
    api_key: str

    def __post_init__(self) -> None:
        self.env = _environment(self.folder, self.database_url) | {
            "CONSENT_BASE_URL": f"http://127.0.0.1:{self.port}",
            "CONSENT_SMTP_URL": self.office.url,
        }
        serve = ("serve", "--bind", f"127.0.0.1:{self.port}", "--workers", str(WEB_PROCESSES))
        self.web = Process(serve, self.env, self.folder / "serve.log")
        self.worker = Process(("worker",), self.env, self.folder / "worker.log")

    @property
    def logs(self) -> tuple[Path, ...]:
        """What our processes said."""
        return (self.web.log, self.worker.log, self.folder / "commands.log")

    def start(self) -> float:
        """Start both, and return after how many seconds the service was ready."""
        begun = time.monotonic()
        self.web.start()
        self.worker.start()
        until(self.ready)
        ready = time.monotonic()
        until(lambda: len(children(self.web.pid)) == WEB_PROCESSES)  # any one of them may have answered first
        return ready - begun

    def stop(self) -> None:
        """Kill what still runs."""
        self.web.kill()
        self.worker.kill()

    def ready(self) -> bool:
        """Whether ``/readyz`` says that the service can take work."""
        return self.readiness()[0] == 200

    def answers(self) -> bool:
        """Whether the web server answers, be it that it is not ready."""
        return self.readiness()[0] != 0

    def url(self, path: str) -> str:
        """Return the URL of *path* on this site."""
        return f"http://127.0.0.1:{self.port}{path}"

    def readiness(self) -> tuple[int, str]:
        """Return the status of ``/readyz`` (0 for no answer), and what it says."""
        try:
            with urllib.request.urlopen(self.url("/readyz"), timeout=10) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def command(self, *words: str, ahead: int = 0, database: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command with the clock *ahead* by so many seconds, on this *database* instead of the site's."""
        more = {"CONSENT_CLOCK_OFFSET": str(ahead), "CONSENT_DATABASE_URL": database or self.database_url}
        done = _run(self.folder, self.env | more, *words)
        with (self.folder / "commands.log").open("a") as log:
            log.write(f"{' '.join(words)}\n{done.stdout}{done.stderr}\n")
        return done


def prepare(folder: Path, database_url: str) -> None:
    """Give the database its schema, the example company, a ledger key, and an API key in ``folder/api-key``."""
    env = _environment(folder, database_url)
    for words in (("migrate",), ("ledger", "key", "new"), ("setup", ACME)):
        done = _run(folder, env, *words)
        assert done.returncode == 0, done.stderr
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    (folder / "api-key").write_text(_run(folder, env, "api-key", "create", "load", *scopes).stdout.strip())


@contextmanager
def site(prepared: Path, folder: Path, cluster: Cluster | None = None, template: str = "") -> Iterator[Site]:
    """Give a site on a copy of the *prepared* folder and, of *cluster*, a copy of the database *template*."""
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    name = f"site_{uuid.uuid4().hex[:12]}"
    if cluster:
        cluster.copy(template, name)
    url = cluster.url(name) if cluster else sqlite_url(folder)
    with post_office(folder) as office:
        made = Site(folder, url, free_port(), office, (folder / "api-key").read_text())
        try:
            yield made
        finally:
            made.stop()
    if cluster:
        cluster.run(f'DROP DATABASE "{name}" WITH (FORCE)')


def sqlite_url(folder: Path) -> str:
    """Return the URL of the SQLite file in *folder*."""
    return f"sqlite:///{folder}/consent.db"


def _environment(folder: Path, database_url: str) -> dict[str, str]:
    return environment(
        folder,
        CONSENT_ENV="development",
        CONSENT_BASE_URL="http://127.0.0.1:8000",
        CONSENT_DATABASE_URL=database_url,
        CONSENT_LEDGER_KEY=str(folder / "ledger.key"),
        CONSENT_LEDGER_ORIGIN=ORIGIN,
        CONSENT_TRUSTED_PROXIES="1",
    )


def _run(folder: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CONSENT, *words], env=env, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def _counts(pid: int) -> set[str]:
    """Return the folders in memory in which the process counts for ``/metrics``."""
    with suppress(OSError):
        return set(re.findall(r"/\S+/consent-metrics-\w+", Path(f"/proc/{pid}/maps").read_text()))
    return set()


def audited(done: subprocess.CompletedProcess[str]) -> str:
    """Return what was wrong with the answer of ``consent audit --json``, or nothing."""
    if done.returncode == 0:
        return ""
    try:
        return json.dumps(json.loads(done.stdout)["findings"])[:2000]
    except ValueError:
        return f"exit {done.returncode}: {done.stdout} {done.stderr}"
