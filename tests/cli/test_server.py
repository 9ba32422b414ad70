"""The server's processes: what they share, what they do not, and how they stop."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from consent.cli import server
from tests.cli.test_serving import CONSENT, Service, read_page, service, smtp, until

__all__ = ["service", "smtp"]  # fixtures
READY = 'requests_total{method="GET",route="/readyz",status="200"}'


@pytest.mark.slow
def test_what_two_processes_answered_is_summed_and_survives_a_kill(service: Service) -> None:
    service.start("--workers", "2", "--threads", "1")
    processes = until(lambda: len(children(service)) == 2 and children(service))
    asked = 0
    while not all(counts(process) for process in processes):
        read_page(service.url("/healthz"))
        asked += 1
    assert metric(service, 'requests_total{method="GET",route="/healthz",status="200"}') == asked
    assert metric(service, 'request_seconds_count{route="/healthz"}') == asked
    os.kill(processes[0], signal.SIGKILL)
    until(lambda: set(children(service)) not in ({*processes}, {processes[1]}))
    assert metric(service, 'requests_total{method="GET",route="/healthz",status="200"}') == asked
    folder = counts_folder(service)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert service.stop() == 0 and not folder.exists()


@pytest.mark.slow
def test_the_parent_holds_no_database_and_each_process_its_own(service: Service) -> None:
    service.start("--workers", "2", "--threads", "1")
    processes = until(lambda: len(children(service)) == 2 and children(service))
    until(lambda: read_page(service.url("/readyz")) and all(databases(process) for process in processes))
    assert service.process is not None and databases(service.process.pid) == set()
    assert service.stop() == 0


@pytest.mark.slow
def test_stopping_under_load_fails_no_request_and_takes_ten_seconds_at_most(service: Service) -> None:
    service.start("--workers", "2", "--with-worker")
    outcomes: list[object] = []
    load = [threading.Thread(target=ask_until_refused, args=(service, outcomes)) for _ in range(6)]
    for thread in load:
        thread.start()
    with closing(half_a_request(service)) as slow, closing(half_a_request(service)):
        until(lambda: len(outcomes) > 50)
        begun = time.monotonic()
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        for thread in load:
            thread.join(15)
        slow.sendall(b"acme%2Fnewsletter")  # nobody new gets in any more; who was in is answered
        assert slow.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert service.process.wait(15) == 0  # the other half never comes: it is not waited for without end
        assert time.monotonic() - begun < 10
    assert set(outcomes) <= {200, "refused", "never taken"}
    log = (service.path / "serve.log").read_text("utf-8")
    taken = [line for line in log.splitlines() if "GET" in line and "/s/<form>" in line and "200" in line]
    assert outcomes.count(200) == len(taken) > 50  # every request that was begun has its answer


@pytest.mark.slow
def test_gunicorn_itself_can_be_started_with_our_configuration(service: Service) -> None:
    gunicorn = str(Path(CONSENT).with_name("gunicorn"))
    bind = f"127.0.0.1:{service.port}"
    command = [gunicorn, "-c", "python:consent.cli.server", "-b", bind, "-w", "2", "consent.app:create_app()"]
    refused = subprocess.run(
        command,
        env=service.env | {"CONSENT_ENV": "none"},
        cwd=service.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0 and refused.stderr == "consent: CONSENT_ENV must be production or development.\n"
    service.run(command)
    with urllib.request.urlopen(service.url("/healthz"), timeout=10) as answer:
        assert answer.headers["Server"] == "gunicorn"
    assert metric(service, 'requests_total{method="GET",route="/healthz",status="200"}') == 1
    assert service.stop() == 0


@pytest.mark.slow
def test_what_a_killed_server_left_is_removed_by_the_next_one_and_what_is_in_use_is_not(service: Service) -> None:
    service.start()
    assert metric(service, READY) == 1
    left = counts_folder(service)
    service.stop(signal.SIGKILL)
    assert left.exists()
    service.start()
    mine = counts_folder(service)
    assert not left.exists() and mine.exists()
    server._sweep(mine.parent)
    assert mine.exists() and metric(service, READY) == 1
    assert service.stop() == 0 and not mine.exists()


def counts_folder(service: Service) -> Path:
    """Return the folder in which the processes of the server count; one of them must have counted something."""
    return Path(next(filter(None, map(counts, children(service))))).parent


def ask_until_refused(service: Service, outcomes: list[object]) -> None:
    """Ask for a page, each time on a new connection, until no connection is to be had."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=15)
        try:
            connection.connect()
        except OSError:
            outcomes.append("refused")
            return
        try:
            connection.request("GET", "/s/acme-news")
            outcomes.append(connection.getresponse().status)
        except ConnectionResetError:  # it was still in the kernel's queue when the last socket closed
            outcomes.append("never taken")
        except (OSError, http.client.HTTPException) as error:
            outcomes.append(repr(error))
        finally:
            connection.close()


def half_a_request(service: Service) -> socket.socket:
    """Return a connection on which a sign-up was begun, and lacks its last 17 bytes."""
    body = b"email=anne%40example.com&topic="
    head = f"POST /s/acme-news HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + 17}\r\n"
    connection = socket.create_connection(("127.0.0.1", service.port), 15)
    connection.sendall(head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body)
    return connection


def children(service: Service) -> list[int]:
    assert service.process is not None
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(service.process.pid)], capture_output=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


def counts(process: int) -> str:
    """Return the file in which *process* counts requests, or nothing if it counted none yet."""
    found = re.search(rf"\S*/counter_{process}\.db", Path(f"/proc/{process}/maps").read_text())
    return found[0] if found else ""


def databases(process: int) -> set[str]:
    """Return the database's files that *process* has open."""
    opened = [os.readlink(file) for file in Path(f"/proc/{process}/fd").iterdir() if file.is_symlink()]
    return {name for name in opened if "consent.db" in name and not name.endswith(".worker")}


def metric(service: Service, name: str) -> float:
    line = re.search(rf"^consent_http_{re.escape(name)} (\S+)$", read_page(service.url("/metrics")), re.M)
    return float(line[1]) if line else 0.0
