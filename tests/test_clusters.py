"""The PostgreSQL servers that tests crash and replicate do what those tests rely on."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from psycopg.rows import scalar_row

from tests.cli.test_serving import until
from tests.clusters import Cluster, cluster, inhabitants

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def primary() -> Iterator[Cluster]:
    with cluster(log_checkpoints="off") as made:
        made.make()
        made.run("CREATE TABLE kept (number int)", "consent")
        yield made


def numbers(server: Cluster) -> list[int]:
    with psycopg.connect(server.url(), row_factory=scalar_row) as connection:
        return connection.execute("SELECT number FROM kept ORDER BY number").fetchall()


def setting(server: Cluster, name: str) -> str:
    with psycopg.connect(server.url("postgres"), row_factory=scalar_row) as connection:
        return str(connection.execute("SELECT current_setting(%s)", [name]).fetchone())


def test_a_committed_row_is_there_after_a_kill_and_one_in_flight_is_not(primary: Cluster) -> None:
    primary.run("INSERT INTO kept VALUES (1)", "consent")
    with psycopg.connect(primary.url()) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
        primary.kill()
        assert not primary.running()
        with pytest.raises(psycopg.OperationalError):
            primary.run("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
        connection.close()
    primary.start()
    assert numbers(primary) == [1]
    primary.run("DELETE FROM kept", "consent")


def test_no_process_of_a_killed_server_is_left_however_many_were_just_being_started(primary: Cluster) -> None:
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            with suppress(psycopg.OperationalError):
                psycopg.connect(primary.url()).close()

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    for _ in range(10):
        primary.kill()
        assert inhabitants(primary.data) == []
        primary.start()
        assert inhabitants(primary.data) != []
    stop.set()
    for caller in callers:
        caller.join()


def test_a_sequence_of_a_copied_database_never_goes_back_after_a_crash(primary: Cluster) -> None:
    primary.make("numbered")
    primary.run("CREATE TABLE row (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x int)", "numbered")
    primary.run("INSERT INTO row (x) SELECT 1 FROM generate_series(1, 5)", "numbered")
    primary.copy("numbered", "copied")
    for _ in range(4):
        primary.run("INSERT INTO row (x) VALUES (1)", "copied")
    primary.kill()
    primary.start()
    primary.run("INSERT INTO row (x) VALUES (1)", "copied")  # would be refused: the number was given before
    primary.run('DROP DATABASE "copied"')


def test_it_can_be_killed_and_started_many_times(primary: Cluster) -> None:
    for number in range(5):
        primary.run(f"INSERT INTO kept VALUES ({number})", "consent")
        primary.kill()
        primary.start()
    assert numbers(primary) == [0, 1, 2, 3, 4]
    primary.stop()
    primary.start()
    primary.run("DELETE FROM kept", "consent")


def test_what_is_written_to_the_primary_appears_on_the_standby_which_can_only_be_read(primary: Cluster) -> None:
    copy = primary.standby()
    primary.run("INSERT INTO kept VALUES (7)", "consent")
    assert until(lambda: numbers(copy) == [7])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        copy.run("INSERT INTO kept VALUES (8)", "consent")
    primary.kill()
    assert numbers(copy) == [7]
    primary.start()
    primary.run("INSERT INTO kept VALUES (9)", "consent")
    assert until(lambda: numbers(copy) == [7, 9])
    primary.run("DELETE FROM kept", "consent")


def test_what_it_promises_is_on_disk(primary: Cluster) -> None:
    assert [setting(primary, name) for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
    assert setting(primary, "log_checkpoints") == "off"


def test_it_listens_on_a_port_when_asked_and_leaves_nothing_behind() -> None:
    with cluster(tcp=True) as made:
        url = made.make()
        assert url == f"postgresql://postgres@127.0.0.1:{made.port}/consent"
        copy = made.standby()
        assert until(lambda: setting(copy, "hot_standby_feedback")) == "on"
        folders = [made.folder, copy.folder]
    assert not any(folder.exists() for folder in folders)
    assert not made.running() and not copy.running()
