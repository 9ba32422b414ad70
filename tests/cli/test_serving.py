"""Real processes: the server, the worker, a real SMTP server, and a kill."""

import email
import email.policy
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from consent.cli import serving
from tests.cli.test_commands import ACME, environment, run
from tests.conftest import free_port, settings_for

CONSENT = str(Path(sys.executable).with_name("consent"))


class Keeper:
    """An SMTP server that keeps every message."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    async def handle_DATA(self, _s: Any, _x: Any, envelope: Any) -> str:  # noqa: N802
        self.contents.append(envelope.content)
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[Controller]:
    controller = Controller(Keeper(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def post(url: str, data: dict[str, str], headers: dict[str, str] | None = None) -> int:
    body = urllib.parse.urlencode(data).encode()
    request = urllib.request.Request(url, body, headers or {}, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def until(ready: Any, seconds: float = 20.0) -> Any:
    """Wait for *ready* to return something true, and return it; fail after *seconds*."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := ready():
                return found
        except (urllib.error.URLError, ConnectionError):
            pass
        select_nothing()
    raise AssertionError("it did not happen in time")


def select_nothing() -> None:
    """Give way for a moment."""
    signal.sigtimedwait([], 0.02)


class Service:
    """`consent serve --with-worker` on a free port."""

    def __init__(self, path: Path, smtp_url: str) -> None:
        self.port = free_port()
        self.env = environment(
            path, CONSENT_ENV="development", CONSENT_BASE_URL=f"http://127.0.0.1:{self.port}", CONSENT_SMTP_URL=smtp_url
        )
        self.path = path
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> float:
        """Start and return the seconds until it answered."""
        return self.run([CONSENT, "serve", "--bind", f"127.0.0.1:{self.port}", *words])

    def run(self, command: list[str]) -> float:
        """Run what serves, as :meth:`start`."""
        begun = time.monotonic()
        with (self.path / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.env, cwd=self.path, stdout=log, stderr=log, start_new_session=True
            )
        until(lambda: urllib.request.urlopen(self.url("/readyz"), timeout=2).status == 200)
        return time.monotonic() - begun

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal to the whole group and return the exit status."""
        assert self.process is not None
        os.killpg(self.process.pid, number)
        return self.process.wait(20)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def service(tmp_path: Path, smtp: Controller) -> Iterator[Service]:
    assert run(tmp_path, "migrate").returncode == 0
    assert run(tmp_path, "setup", ACME).returncode == 0
    service = Service(tmp_path, f"smtp://127.0.0.1:{smtp.port}")
    yield service
    if service.process and service.process.poll() is None:
        service.stop(signal.SIGKILL)


@pytest.mark.slow
def test_a_person_signs_up_confirms_and_leaves_over_real_http_and_smtp(service: Service, smtp: Controller) -> None:
    service.start("--with-worker")
    key = run_here(service, "api-key", "create", "esp", "--scope", "decisions").strip()
    assert post(service.url("/s/acme-news"), {"email": "anne@example.com", "topic": "acme/newsletter"}) == 200
    message = until(lambda: smtp.handler.contents and parse(smtp.handler.contents[0]))
    link = re.search(r"http://127\.0\.0\.1:\d+/c/[a-z2-7]{40}", message.get_body(("plain",)).get_content())
    assert link is not None
    assert post(link[0], {"confirm": "yes", "agree": "acme/newsletter"}) == 200
    assert decision(service, key) == "allow"
    welcome = until(lambda: len(smtp.handler.contents) > 1 and parse(smtp.handler.contents[1]))
    one_click = str(welcome["List-Unsubscribe"]).strip("<>")
    assert post(one_click, {"List-Unsubscribe": "One-Click"}) == 200
    assert decision(service, key) == "deny"
    assert service.stop() == 0
    log = (service.path / "serve.log").read_text()
    assert "anne" not in log and not re.search(r"/[cupr]/[a-z2-7]{40}", log) and "Traceback" not in log


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(service: Service) -> None:
    service.start()
    for number in range(25):
        form = {"email": f"person{number}@example.com", "topic": "acme/newsletter"}
        assert post(service.url("/s/acme-news"), form) == 200
    service.stop(signal.SIGKILL)
    service.start()
    out = run_here(service, "export", "--out", "after.jsonl")
    assert out.startswith("33 rows")  # 25 sign-ups beside the opening, and the 7 notices and forms of the example
    rows = [json.loads(line) for line in (service.path / "after.jsonl").read_text().splitlines()]
    assert sum(row["kind"] == "consent.requested" for row in rows) == 25


@pytest.mark.slow
def test_the_server_answers_within_seconds_of_its_start(service: Service) -> None:
    assert service.start() < 10  # the figure itself is in bench/results.md; this only finds a hang


@pytest.mark.slow
def test_another_process_takes_the_mail_over_when_the_one_that_had_it_is_killed(
    service: Service, smtp: Controller
) -> None:
    service.start("--workers", "2", "--with-worker")
    first = until(lambda: inner_workers(service))[0]
    begun = time.monotonic()
    os.kill(first, signal.SIGKILL)
    until(lambda: len(inner_workers(service)) == 2)
    assert time.monotonic() - begun < 5
    assert post(service.url("/s/acme-news"), {"email": "anne@example.com", "topic": "acme/newsletter"}) == 200
    until(lambda: smtp.handler.contents)
    assert service.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("signals", [1, 2])
def test_a_worker_with_mail_in_hand_stops_within_ten_seconds_and_at_a_second_signal_at_once(
    service: Service, signals: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service.env |= {"CONSENT_SMTP_URL": f"smtp://127.0.0.1:{listener.getsockname()[1]}"}
        service.start()
        assert post(service.url("/s/acme-news"), {"email": "anne@example.com", "topic": "acme/newsletter"}) == 200
        with (service.path / "worker.log").open("wb") as log:
            worker = subprocess.Popen([CONSENT, "worker"], env=service.env, cwd=service.path, stderr=log)
        with fall_silent(listener):
            status, took = stop_worker(worker, signals)
    said = (service.path / "worker.log").read_text()
    assert "Traceback" not in said
    if signals == 2:
        assert status == -signal.SIGTERM and took < 5
    else:
        assert status == 0 and took < 10
        assert "stopped with work in hand" in said


def fall_silent(listener: socket.socket) -> socket.socket:
    """Be a mail server that greets, and never answers to the first message; return once it was offered one."""
    connection = listener.accept()[0]
    for answer in (b"220 here\r\n", b"250 here\r\n"):
        connection.sendall(answer)
        connection.recv(1000)
    return connection


def stop_worker(worker: subprocess.Popen[bytes], signals: int) -> tuple[int, float]:
    """Send so many signals, and return the exit status and after how many seconds it came."""
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    if signals == 2:  # a signal that comes before the first was taken is the same one, so it is sent again
        until(lambda: worker.poll() is not None or worker.send_signal(signal.SIGTERM))
    return worker.wait(20), time.monotonic() - begun


def inner_workers(service: Service) -> list[int]:
    """Return the processes that were the worker of this host, oldest first."""
    said = (service.path / "serve.log").read_text("utf-8")
    return [int(pid) for pid in re.findall(r"process (\d+) is the worker of this host", said)]


def parse(content: bytes) -> Any:
    return email.message_from_bytes(content, policy=email.policy.default)


def run_here(service: Service, *words: str) -> str:
    found = subprocess.run(
        [CONSENT, *words], env=service.env, cwd=service.path, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def decision(service: Service, key: str) -> str:
    body = json.dumps({"email": "anne@example.com", "topic": "acme/newsletter"}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(service.url("/api/v1/decisions"), body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["decision"])


@pytest.mark.slow
def test_the_demo_does_the_main_job_in_one_process_and_keeps_its_data(tmp_path: Path) -> None:
    first, key = demo_round(tmp_path, "anne@example.com")
    second, same_key = demo_round(tmp_path, "bob@example.com")
    assert key == same_key
    assert first == ["anne@example.com"] and sorted(second) == ["anne@example.com", "bob@example.com"]


def demo_round(path: Path, address: str) -> tuple[list[str], str]:
    """Start the demo, sign *address* up, and return whom the mailbox has mail for, and the API key printed."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [CONSENT, "demo", "--port", str(port), "--data", "data"]
    with (path / "demo.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=path, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})
    try:
        until(lambda: urllib.request.urlopen(f"{url}/readyz", timeout=2).status == 200)
        assert post(f"{url}/s/acme-news", {"email": address, "topic": "acme/newsletter"}) == 200
        page = until(lambda: address in (text := read_page(f"{url}/dev/mailbox/")) and text)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    said = (path / "demo.log").read_text("utf-8")
    assert f"{url}/s/acme-news" in said and "Traceback" not in said
    key = re.search(r"API key\s+(ck_\S+)", said)
    assert key is not None
    return re.findall(r"→ (\S+@example\.com)", page), key[1]


def read_page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_two_servers_of_one_host_with_different_keys_each_have_a_worker(tmp_path: Path) -> None:
    url = "postgresql://web@db.example.com/consent"
    one, same, other = (
        serving._lock_path(settings_for(tmp_path, CONSENT_DATABASE_URL=url, CONSENT_LEDGER_KEY=f"{tmp_path}/{name}"))
        for name in ("a.key", "a.key", "b.key")
    )
    assert one == same != other
