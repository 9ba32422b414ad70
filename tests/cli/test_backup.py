"""``consent backup``: a copy that is whole, that nobody else may read, and that overwrites nothing."""

import json
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from consent.records import backup, signing
from consent.records.backup import NoBackup
from consent.store import database
from tests.cli.calling import Run, runner
from tests.house import House
from tests.people import ANNE, BOB
from tests.postgres import Postgres
from tests.records.restoring import restore_dump, restore_file, with_programs
from tests.test_races import at_once
from tests.test_statements import on

LOG = "consent.example.com/ledger"
NOW = datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)


@pytest.fixture(autouse=True)
def programs_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", with_programs())


@pytest.fixture
def run(house: House, tmp_path: Path) -> Run:
    return runner(tmp_path)


@pytest.fixture
def restored(postgres: Postgres | None, tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """What restores a backup into a new place, and returns its URL."""
    names: list[str] = []

    def restore(path: Path) -> str:
        if postgres is None:
            return restore_file(path, tmp_path / "restored.db")
        names.append(f"restored_{uuid4().hex}")
        return restore_dump(path, postgres.make(names[-1]))

    yield restore
    for name in names:
        postgres.drop(name)  # type: ignore[union-attr]  # there are only names with a server


def taken(folder: Path) -> Path:
    """Return the one backup in *folder*."""
    (path,) = [*folder.glob("*.db"), *folder.glob("*.dump")]
    return path


def test_a_backup_that_is_restored_is_sound_and_continues_the_head_beside_it(
    house: House, run: Run, tmp_path: Path, restored: Callable[[Path], str]
) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    house.confirm(ANNE.email)
    house.drain()
    house.confirm(BOB.email)
    house.number()
    done = run("backup", str(tmp_path / "kept"))
    assert done.exit_code == 0, done.output
    path = taken(tmp_path / "kept")
    before, note = run("audit", "--json").stdout, str(path.with_suffix(".checkpoint"))
    audited = run("audit", "--json", "--checkpoint", note, CONSENT_DATABASE_URL=restored(path))
    assert audited.exit_code == 0, audited.stdout
    assert json.loads(audited.stdout)["root"] == json.loads(before)["root"]


def test_what_it_prints_names_the_files_the_counts_and_what_is_not_in_them(
    house: House, run: Run, tmp_path: Path
) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    house.drain()
    first, second, third = run("backup", str(tmp_path / "kept")).stdout.splitlines()
    path = taken(tmp_path / "kept")
    count = len(house.rows()["ledger_entry"])
    assert first.startswith(f"{path}  ") and first.endswith(f"B, {count} entries")
    assert second.startswith(f"{path.with_suffix('.checkpoint')}  covers {count} of them")
    assert "CONSENT_SECRET_KEYS" in third


def test_without_a_signed_head_there_is_no_file_of_one(house: House, run: Run, tmp_path: Path) -> None:
    assert len(run("backup", str(tmp_path / "kept")).stdout.splitlines()) == 2
    assert list((tmp_path / "kept").iterdir()) == [taken(tmp_path / "kept")]


def test_only_its_owner_may_read_it(house: House, run: Run, tmp_path: Path) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    house.drain()
    run("backup", str(tmp_path / "new" / "folder"))
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new" / "folder").iterdir()}
    assert modes == {on(sqlite=".db", postgresql=".dump"): 0o600, ".checkpoint": 0o600}
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700


def test_nothing_is_overwritten(house: House, tmp_path: Path) -> None:
    first = backup.make(tmp_path, NOW)
    assert first.path.stem == "consent-20260131T235958Z"
    before = first.path.read_bytes()
    house.sign_up(ANNE.email)
    with pytest.raises(NoBackup, match="nothing is overwritten"):
        backup.make(tmp_path, NOW)
    assert first.path.read_bytes() == before


def test_one_that_is_being_written_is_left_alone(house: House, tmp_path: Path) -> None:
    draft = tmp_path / on(sqlite=".consent-20260131T235958Z.db.part", postgresql=".consent-20260131T235958Z.dump.part")
    draft.write_text("the other one's")
    with pytest.raises(NoBackup, match="Another backup is being written"):
        backup.make(tmp_path, NOW)
    assert draft.read_text() == "the other one's"


def test_while_people_sign_up_it_is_one_moment_of_the_database(
    house: House, run: Run, tmp_path: Path, restored: Callable[[Path], str]
) -> None:
    def people() -> None:
        for number in range(20):
            house.app.test_client().post(
                "/s/acme-news", data={"email": f"p{number}@x.example", "topic": "acme/newsletter"}
            )

    assert at_once(house, [people, people, lambda: backup.make(tmp_path / "kept", NOW) and None]) == [None] * 3
    house.number()
    url = restored(taken(tmp_path / "kept"))
    assert run("worker", "--once", CONSENT_DATABASE_URL=url).exit_code == 0  # gives numbers to what waited for them
    audited = run("audit", CONSENT_DATABASE_URL=url)
    assert audited.exit_code == 0, audited.stdout


@pytest.mark.sqlite
def test_the_one_file_is_the_whole_copy_of_sqlite(house: House, run: Run, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "kept"))
    path = taken(tmp_path / "kept")
    path.chmod(0o400)
    path.parent.chmod(0o500)  # nothing can be written beside it
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        count = copy.execute("SELECT count(*) FROM ledger_entry").fetchone()[0]
    assert count == len(house.rows()["ledger_entry"])


@pytest.mark.sqlite
def test_a_damaged_database_gives_no_backup(house: House, tmp_path: Path) -> None:
    with database.reading() as connection:
        page = connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_standing_topic_state'"))
        start = (page.scalar_one() - 1) * connection.execute(text("PRAGMA page_size")).scalar_one()
    database.forget_freed_pages()
    database.db.engines["reader"].dispose()
    database.db.engine.dispose()
    with (tmp_path / "consent.db").open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 64)
    with pytest.raises(NoBackup, match="damaged"):
        backup.make(tmp_path / "kept", NOW)
    assert list((tmp_path / "kept").iterdir()) == []
