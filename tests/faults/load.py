"""The people and programs of the fault tests: threads that sign up, confirm, leave, and ask, until told to stop."""

import http.client
import json
import random
import threading
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from tests.faults.history import Answer, History
from tests.faults.processes import Site

THREADS = 6
WAITING = 100  # when so many sign-ups wait for their mail, the threads mostly do something else
GONE = 404  # what a confirmation is answered whose owner has left since
SECONDS = 20.0  # after which a request has timed out
_PERSON = {"Content-Type": "application/x-www-form-urlencoded"}


class Client:
    """Sends one request at a time, each over a connection of its own, and keeps the history."""

    def __init__(self, site: Site, history: History, number: int) -> None:
        self.site, self.history = site, history
        self._person = _PERSON | {"X-Forwarded-For": f"203.0.{number}.9"}
        self._program = {"Content-Type": "application/json", "Authorization": f"Bearer {site.api_key}"}

    def press(self, operation: str, address: str, url: str, **form: str) -> Answer:
        """Post a form as a person does, or a mailbox."""
        path = url.removeprefix(f"http://127.0.0.1:{self.site.port}")
        return self._call(operation, address, path, urllib.parse.urlencode(form), self._person)

    def tell(self, operation: str, address: str, path: str, **body: str) -> Answer:
        """Call the API."""
        return self._call(operation, address, f"/api/v1/{path}", json.dumps({"email": address} | body), self._program)

    def _call(self, operation: str, address: str, path: str, body: str, headers: dict[str, str]) -> Answer:
        begun = self.history.invoke(operation, address)
        answer = post(self.site.port, path, body, headers)
        self.history.done(begun, operation, answer)
        return answer

    def sign_up(self, address: str) -> Answer:
        """Fill the form in."""
        return self.press("sign_up", address, "/s/acme-news", email=address, topic="acme/newsletter")

    def confirm(self, address: str, link: str) -> Answer:
        """Press the button behind the link of the confirmation mail."""
        return self.press("confirm", address, link, confirm="yes", agree="acme/newsletter")

    def one_click(self, address: str, link: str) -> Answer:
        """Leave, as a mailbox does for its owner."""
        return self.press("one_click", address, link, **{"List-Unsubscribe": "One-Click"})

    def relate(self, address: str) -> Answer:
        """Record a purchase, which implies consent for two years."""
        purchase = {"brand": "acme", "kind": "purchase", "occurred_at": "2026-11-01T12:00:00Z"}
        return self.tell("relate", address, "relationships", **purchase)

    def withdraw(self, address: str) -> Answer:
        """Record that the person said no on the telephone."""
        return self.tell("withdraw", address, "withdrawals", scope="acme/newsletter", channel="phone")

    def decide(self, address: str) -> Answer:
        """Ask whether the newsletter may be sent."""
        return self.tell("decide", address, "decisions", topic="acme/newsletter")


def post(port: int, path: str, body: str, headers: dict[str, str]) -> Answer:
    """Send one POST and return what became of it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.connect()
    except OSError as error:
        connection.close()
        return Answer("fail", why=type(error).__name__)
    try:
        connection.request("POST", path, body, headers | {"Connection": "close"})
        with connection.getresponse() as response:
            return _answer(response, response.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer("info", why=type(error).__name__)
    finally:
        connection.close()


def _answer(response: http.client.HTTPResponse, body: bytes) -> Answer:
    is_json = response.headers.get_content_type() == "application/json"
    result = "ok" if 200 <= response.status < 300 else "fail"
    return Answer(result, response.status, json.loads(body) if is_json else None, response.headers["Retry-After"])


class Load:
    """What the threads share: who waits for which mail, and the numbers of the addresses."""

    def __init__(self, site: Site, history: History, seed: int) -> None:
        self.site, self.history, self.seed = site, history, seed
        self.stopped = threading.Event()
        self._numbers = count()
        self._signed_up: set[str] = set()
        self._to_confirm: deque[tuple[str, str]] = deque()
        self._to_leave: deque[tuple[str, str]] = deque()
        self._threads = [threading.Thread(target=self._live, args=(number,)) for number in range(THREADS)]

    def start(self) -> None:
        """Let the threads begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait until every thread has had its last answer."""
        self.stopped.set()
        for thread in self._threads:
            thread.join(3 * SECONDS)
            assert not thread.is_alive()

    def _live(self, number: int) -> None:
        rng, client = random.Random(f"{self.seed}/{number}"), Client(self.site, self.history, number)
        while not self.stopped.is_set():
            self._read_mail()
            answer = self._next(rng)(client)
            if answer.result != "ok":
                self.stopped.wait(rng.uniform(0.01, 0.05))

    def _read_mail(self) -> None:
        for letter in self.site.office.look():
            self._signed_up.discard(letter.to)
            if "c" in letter.links:
                self._to_confirm.append((letter.to, letter.links["c"]))
            elif "r" in letter.links:
                self._to_leave.append((letter.to, letter.one_click))

    def _next(self, rng: random.Random) -> Callable[[Client], Answer]:
        drawn = rng.random()
        if drawn < 0.3 and (mailed := _take(self._to_confirm)):
            return self._confirmation(*mailed)
        if drawn < 0.5 and (mailed := _take(self._to_leave)):
            return self._leaving(*mailed)
        if drawn < 0.8 and (len(self._signed_up) < WAITING or rng.random() < 0.1):
            address = self._address("p", rng)
            self._signed_up.add(address)
            return lambda client: client.sign_up(address)
        return self._telephone(self._address("q", rng), leaves=rng.random() < 0.7)

    def _address(self, letter: str, rng: random.Random) -> str:
        return f"{letter}{next(self._numbers)}@d{rng.randrange(3)}.example.com"

    def _confirmation(self, address: str, link: str) -> Callable[[Client], Answer]:
        def go(client: Client) -> Answer:
            answer = client.confirm(address, link)
            if answer.result != "ok" and answer.status != GONE:
                self._to_confirm.append((address, link))  # press again later
            client.decide(address)
            return answer

        return go

    def _leaving(self, address: str, link: str) -> Callable[[Client], Answer]:
        def go(client: Client) -> Answer:
            answer = client.one_click(address, link)
            if answer.result != "ok":
                self._to_leave.append((address, link))
            client.decide(address)
            return answer

        return go

    @staticmethod
    def _telephone(address: str, leaves: bool) -> Callable[[Client], Answer]:
        def go(client: Client) -> Answer:
            answer = client.relate(address)
            client.decide(address)
            if leaves:
                answer = client.withdraw(address)
                client.decide(address)
            return answer

        return go


def _take(queue: deque[tuple[str, str]]) -> tuple[str, str] | None:
    try:
        return queue.popleft()
    except IndexError:
        return None


@contextmanager
def load(site: Site, seed: int) -> Iterator[History]:
    """Let the threads live on *site* while the block runs; give their history."""
    history = History(site.folder / "history.jsonl")
    living = Load(site, history, seed)
    living.start()
    try:
        yield history
    finally:
        living.stop()
        history.close()
