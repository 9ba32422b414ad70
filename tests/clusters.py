"""A PostgreSQL server that may be crashed, replicated and restored: its own folder, its own processes, fsync on.

    with clusters.cluster(synchronous_standby_names="*") as primary:
        url = primary.make()
        copy = primary.standby()
        primary.kill()
        primary.start()

`tests/postgres.py` has the quick one that the other tests share.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.conftest import free_port
from tests.postgres import call, programs

REPOSITORY = Path(__file__).parent.parent
_SECONDS = 30.0
_PORT = 5432  # without TCP it is only a part of the socket's name
_SETTINGS = {
    "max_connections": "100",
    "dynamic_shared_memory_type": "mmap",
}  # mmap: what a crash leaves is in the folder


@dataclass
class Cluster:
    """A PostgreSQL server of its own, with fsync on, on a unix socket in a short folder."""

    folder: Path
    port: int = _PORT
    tcp: bool = False  # whether it also listens on 127.0.0.1, at *port*
    standbys: list["Cluster"] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """The folder of its files."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The file of what it says."""
        return self.folder / "log"

    def start(self) -> None:
        """Start, and wait until it answers; after :meth:`kill` that is after its crash recovery."""
        call(programs() / "pg_ctl", "-w", "-t", int(_SECONDS), "-D", self.data, "-l", self.log, "start")

    def stop(self) -> None:
        """Stop in order: transactions in flight are rolled back, and everything is written out."""
        call(programs() / "pg_ctl", "-w", "-t", int(_SECONDS), "-D", self.data, "-m", "fast", "stop")

    def kill(self) -> None:
        """End every process of the server at once, as a power cut would; what it had not written is gone.

        What lies in the kernel's page cache survives, so this shows what a crash of the processes loses, not
        what a disk that lies about flushing would.
        """
        _kill([self.pid()])  # first: it would start others, and tidy up
        end = time.monotonic() + _SECONDS
        while family := inhabitants(self.data):  # one that was just being started would write beside the next server
            if time.monotonic() > end:
                pytest.fail(f"some of the processes {family} do not end")
            _kill(family)
            signal.sigtimedwait([], 0.01)
        for path in (self.data / "postmaster.pid", self.folder / f".s.PGSQL.{self.port}.lock"):
            path.unlink(missing_ok=True)  # the next start would take a dead process that nobody buried for a live one

    def pid(self) -> int:
        """Return the number of the process that all others are children of."""
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def running(self) -> bool:
        """Tell whether the server's processes are there, whether or not they answer."""
        return (self.data / "postmaster.pid").exists() and not gone(self.pid())

    def url(self, name: str = "consent", user: str = "postgres") -> str:
        """Return the URL of the database *name*, for *user*."""
        if self.tcp:
            return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"
        return f"postgresql://{user}@/{name}?host={self.folder}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def make(self, name: str = "consent") -> str:
        """Create the empty database *name*, and return its URL."""
        self.run(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def copy(self, template: str, name: str) -> None:
        """Make the database *name* as a copy of *template*, of which a crash right afterwards loses nothing.

        PostgreSQL logs a sequence 32 values ahead, and takes a copied one for logged, though its copy in the log stands
        where the template was: after a crash it would give the same values again. A checkpoint makes it log anew.
        """
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self.run("CHECKPOINT")

    def standby(self) -> "Cluster":
        """Return a hot standby that streams from this server; it ends when this one's block does."""
        copy = Cluster(_short_folder(), free_port() if self.tcp else _PORT, self.tcp)
        self.standbys.append(copy)
        call(
            programs() / "pg_basebackup", "--no-sync", "-R", "-X", "stream", "-c", "fast", "-D", copy.data,
            "-d", f"host={self.folder} port={self.port} user=postgres",
        )  # fmt: skip
        copy.configure({"hot_standby_feedback": "on"})
        copy.start()
        return copy

    def configure(self, settings: Mapping[str, str]) -> None:
        """Write *settings* into the server's file, with where it listens; they hold from its next start."""
        place = {
            "unix_socket_directories": str(self.folder),
            "listen_addresses": "127.0.0.1" if self.tcp else "",
            "port": str(self.port),
        }
        with (self.data / "postgresql.conf").open("a") as file:
            for name, value in (place | dict(settings)).items():
                quoted = value.replace("'", "''")
                file.write(f"{name} = '{quoted}'\n")

    def remove(self) -> None:
        """End the server and its standbys, and delete their folders."""
        for copy in self.standbys:
            copy.remove()
        if self.running():
            self.kill()  # nothing of it is needed any more
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def cluster(*, tcp: bool = False, **settings: str) -> Iterator[Cluster]:
    """Give a server with *settings* that runs; it and its standbys end with the block.

    With *tcp* it listens on 127.0.0.1 too, at a free port. Where no PostgreSQL is to be had the test is skipped,
    but not in CI: there it fails.
    """
    made = Cluster(_short_folder(), free_port() if tcp else _PORT, tcp)
    try:
        try:
            call(
                programs() / "initdb", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres",
                "-D", made.data,
            )  # fmt: skip
            made.configure(_SETTINGS | settings)
            made.start()
        except (OSError, subprocess.CalledProcessError) as error:
            _give_up(made, error)
        yield made
    finally:
        made.remove()


def _give_up(made: Cluster, error: Exception) -> None:
    said = made.log.read_text("utf-8", "replace") if made.log.exists() else ""
    why = f"{str(getattr(error, 'stderr', '') or error).strip()} {said}"
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"PostgreSQL cannot be started here. {why[:1000]}")


def _short_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # noqa: S108 - a socket's path must be short
    folder.chmod(0o755)
    return folder


def children(parent: int) -> list[int]:
    """Return the processes that *parent* started, as the kernel lists them now."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        if (stat := _stat(path)) and int(stat[1]) == parent:
            found.append(int(path.parent.name))
    return found


def inhabitants(folder: Path) -> list[int]:
    """Return the processes whose working folder is *folder*, as that of every process of a server is its data's."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it ended, or nobody has buried it yet
            found += [int(path.parent.name)] if path.readlink() == folder else []
    return found


def gone(pid: int) -> bool:
    """Tell whether *pid* runs no more; one that nobody has buried yet is gone too."""
    stat = _stat(Path(f"/proc/{pid}/stat"))
    return not stat or stat[0] in "ZX"


def _stat(path: Path) -> list[str]:
    """Return the state, the parent and what follows them, or nothing if there is no such process any more."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return path.read_text("utf-8", "replace").rpartition(")")[2].split()
    return []


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
