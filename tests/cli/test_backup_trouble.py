"""``consent backup`` where something is in its way: a line that says what to do, and nothing half written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from consent import clock
from consent.records import backup, signing
from consent.records.backup import NoBackup
from consent.store import database, trouble
from tests.cli.calling import Run
from tests.cli.test_backup import programs_are_found, run
from tests.cli.test_commands import environment
from tests.conftest import free_port
from tests.house import House
from tests.test_statements import on

__all__ = ["programs_are_found", "run"]  # fixtures
LOG = "consent.example.com/ledger"
CONSENT = Path(sys.executable).with_name("consent")
CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND state LIKE 'idle in %'"


def url_of(**more: str) -> str:
    """Return the URL of the database of the test, with other parts."""
    return database.db.engine.url.set(**more).render_as_string(hide_password=False)  # type: ignore[arg-type]  # each part has its own type


def left(folder: Path) -> list[Path]:
    """Return what is in the folder, drafts too."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def wrap(folder: Path, program: str, script: str) -> str:
    """Put a program of that name before the real one, and return the PATH."""
    folder.mkdir(exist_ok=True)
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.postgresql
def test_the_password_is_in_no_command_line(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    real, seen = shutil.which("pg_dump"), tmp_path / "seen"
    monkeypatch.setenv("PATH", wrap(tmp_path / "bin", "pg_dump", f'echo "$PGPASSWORD" "$@" >{seen}\nexec {real} "$@"'))
    url = url_of(password="a s&cr:t")
    assert run("backup", str(tmp_path / "kept"), CONSENT_DATABASE_URL=url).exit_code == 0
    said = seen.read_text()
    assert said.startswith("a s&cr:t ") and "s&cr:t" not in said.removeprefix("a s&cr:t ")


@pytest.mark.postgresql
def test_a_secret_that_would_have_to_be_in_a_command_line_is_refused(house: House, run: Run, tmp_path: Path) -> None:
    url = database.db.engine.url.update_query_dict({"sslpassword": "s&cr:t"}).render_as_string(hide_password=False)
    done = run("backup", str(tmp_path / "kept"), CONSENT_DATABASE_URL=url)
    assert isinstance(done.exception, NoBackup)
    assert str(done.exception).startswith("sslpassword in CONSENT_DATABASE_URL would be seen")
    assert left(tmp_path / "kept") == []


OLD_PROGRAM = """\
echo 'pg_dump: warning: there are circular foreign-key constraints' >&2
echo 'pg_dump: error: aborting because of server version mismatch' >&2
echo 'pg_dump: detail: server version: 17.2; pg_dump version: 14.9' >&2
exit 1"""


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("program", "script", "said"),
    [
        (
            "pg_dump", OLD_PROGRAM,
            "pg_dump failed: aborting because of server version mismatch; server version: 17.2; pg_dump version: 14.9",
        ),
        ("pg_dump", "echo 'pg_dump: cannot execute' >&2; exit 126", "pg_dump failed: pg_dump: cannot execute"),
        ("pg_dump", "exit 3", "pg_dump failed: exit status 3"),
        ("pg_dump", "kill -9 $$", "pg_dump failed: ended by signal 9"),
        ("pg_restore", "echo 'pg_restore: error: no header' >&2; exit 1", "pg_restore failed: no header"),
    ],
)  # fmt: skip
def test_a_program_that_fails_leaves_nothing_and_is_quoted(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, script: str, said: str
) -> None:
    monkeypatch.setenv("PATH", wrap(tmp_path / "bin", program, script))
    with pytest.raises(NoBackup) as refused:
        backup.make(tmp_path / "kept", clock.now())
    assert str(refused.value) == said
    assert left(tmp_path / "kept") == []


@pytest.mark.postgresql
def test_a_server_that_cuts_off_who_idles_takes_nothing_from_a_dump_that_was_made(
    house: House, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    house.drain()
    name, server = database.db.engine.url.database, url_of(drivername="postgresql")
    cut_off = f'psql --quiet --output=/dev/null -c "{CUT_OFF.format(name=name)}" "{server}"'
    real = shutil.which("pg_dump")
    monkeypatch.setenv("PATH", wrap(tmp_path / "bin", "pg_dump", f'"{real}" "$@" && {cut_off}'))
    done = run("backup", str(tmp_path / "kept"))
    assert done.exit_code == 0, (done.output, done.exception)
    assert [path.suffix for path in left(tmp_path / "kept")] == [".checkpoint", ".dump"]


@pytest.mark.postgresql
def test_while_the_dump_is_read_through_no_transaction_is_open(
    house: House, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.db.engine.dispose()
    name, server = database.db.engine.url.database, url_of(drivername="postgresql")
    count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
    real, seen = shutil.which("pg_restore"), tmp_path / "seen"
    script = f'psql -At -c "{count}" "{server}" >{seen}\nexec "{real}" "$@"'
    monkeypatch.setenv("PATH", wrap(tmp_path / "bin", "pg_restore", script))
    assert run("backup", str(tmp_path / "kept")).exit_code == 0
    assert seen.read_text() == "0\n"


@pytest.mark.postgresql
def test_without_postgresqls_programs_it_says_what_to_install(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBackup, match="pg_dump is not in the PATH: install"):
        backup.make(tmp_path / "kept", clock.now())
    assert left(tmp_path / "kept") == []


@pytest.mark.postgresql
def test_one_that_is_killed_leaves_a_draft_which_does_not_hinder_the_next(house: House, tmp_path: Path) -> None:
    path = wrap(tmp_path / "bin", "pg_dump", "kill -9 $PPID")
    assert apart(tmp_path, PATH=path).returncode == -9
    (draft,) = left(tmp_path / "kept")
    assert draft.name.endswith(".dump.part") and draft.name.startswith(".consent-")
    done = apart(tmp_path, CONSENT_CLOCK_OFFSET="60")
    assert done.returncode == 0, done.stderr
    assert [path.suffix for path in left(tmp_path / "kept") if path != draft] == [".dump"]


def apart(folder: Path, *before: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Make a backup of the database of the test in a process of its own."""
    settings = {"CONSENT_ENV": "development", "CONSENT_DATABASE_URL": url_of()} | more
    words = [*before, str(CONSENT), "backup", str(folder / "kept")]
    return subprocess.run(
        words, env=environment(folder, **settings), cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_disk_without_room_for_it_gives_one_line_and_nothing_is_left(house: House, tmp_path: Path) -> None:
    done = apart(tmp_path, "prlimit", "--fsize=40000", PYTHONDONTWRITEBYTECODE="1")  # or they would be cut short
    said = on(sqlite=r"The database could not be copied to .+: .+", postgresql="pg_dump failed: ended by signal 25")
    assert done.returncode == 2
    assert re.fullmatch(rf"consent: {said}\n", done.stderr)
    assert left(tmp_path / "kept") == []


def test_a_folder_that_cannot_be_made_is_named_in_one_line(house: House, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    done = apart(tmp_path)
    assert done.returncode == 2 and f"{tmp_path}/kept" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "kept").unlink()
    (tmp_path / "kept").symlink_to(tmp_path / "nowhere" / "at all")
    done = apart(tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "kept" in done.stderr


@pytest.mark.postgresql
def test_a_database_that_is_away_is_said_in_one_line(house: House, tmp_path: Path) -> None:
    done = apart(tmp_path, CONSENT_DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/consent")
    assert (done.returncode, done.stderr) == (2, f"consent: {trouble.AWAY}\n")
    assert left(tmp_path / "kept") == []


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "The database has no tables yet: run `consent migrate`."), (b"no database" * 99, "is not a database")],
)
def test_what_is_no_database_of_ours_is_said_in_one_line(
    house: House, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "other.db").write_bytes(content)
    done = apart(tmp_path, CONSENT_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and said in done.stderr
    assert left(tmp_path / "kept") == []
