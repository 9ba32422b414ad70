"""SIGTERM under load (F12): what was begun is finished, and the processes end within ten seconds."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.cli.test_serving import until
from tests.faults import checker
from tests.faults.conftest import OpenSite
from tests.faults.harness import SEED, Striker, pause, say, settle
from tests.faults.history import Answer, History
from tests.faults.load import load
from tests.faults.processes import STOP_SECONDS, Site

pytestmark = pytest.mark.slow
BEGUN = 2  # requests whose body is half sent when the signal comes


@pytest.mark.parametrize("database", ("sqlite", "postgresql"))
def test_what_is_in_flight_is_finished_when_the_processes_are_told_to_stop(open_site: OpenSite, database: str) -> None:
    site = open_site(database)
    site.office.pace(before=0.05, after=0.05)  # the worker is in the middle of a delivery
    site.start()
    striker = Striker(site, SEED)
    with load(site, SEED) as history, ExitStack() as stack:
        until(lambda: history.changed > 30 and len(site.office.letters) > 5)
        striker.keep_checkpoint()
        begun = [stack.enter_context(half_a_request(site, history, f"half{n}@d0.example.com")) for n in range(BEGUN)]
        pause(0.5)  # they are being worked on by now
        endings = [process.signal() for process in (site.web, site.worker)]
        pause(0.3)
        answers = [finish() for finish in begun]
        (web, web_took), (worker, worker_took) = [ending.wait() for ending in endings]
    site.office.pace(0, 0)
    leased = [row for row in tried_rows(site) if row[1] > 0]
    outcome = settle(site, striker, worker_kills=0)
    broken = [call for call in outcome.evidence.calls if call.result == "info"]
    say(site, {"web ended after": web_took, "worker": worker_took, "broken": len(broken), "leased": len(leased)})
    assert answers == [201] * BEGUN
    assert (web, worker) == (0, 0)
    assert max(web_took, worker_took) <= STOP_SECONDS
    assert leased == []
    assert broken == []
    assert outcome.breaches == []


def tried_rows(site: Site) -> list[tuple[str, int]]:
    """Return the rows that a stopped worker left, with how often each was tried."""
    return [(row.id, row.attempts) for row in checker.read(site.database_url)[1] if row.state == "due"]


@contextmanager
def half_a_request(site: Site, history: History, address: str) -> Iterator[Callable[[], int]]:
    """Send the head of a request and half of its body; give what sends the rest, and returns the status (0 for none)."""
    purchase = {"email": address, "brand": "acme", "kind": "purchase", "occurred_at": "2026-11-01T12:00:00Z"}
    body = json.dumps(purchase).encode()
    head = (
        f"POST /api/v1/relationships HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {site.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    begun = history.invoke("relate", address)
    with socket.create_connection(("127.0.0.1", site.port), timeout=STOP_SECONDS) as connection:
        connection.sendall(head.encode() + body[:20])

        def finish() -> int:
            answer = _rest(connection, body[20:])
            history.done(begun, "relate", answer)
            return answer.status

        yield finish


def _rest(connection: socket.socket, rest: bytes) -> Answer:
    try:
        connection.sendall(rest)
        with http.client.HTTPResponse(connection) as response:
            response.begin()
            return Answer("ok" if response.status == 201 else "fail", response.status, json.loads(response.read()))
    except (OSError, http.client.HTTPException) as error:
        return Answer("info", why=type(error).__name__)
