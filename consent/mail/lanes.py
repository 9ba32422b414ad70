"""Several messages on their way at once, so that a domain that hangs holds up nobody but itself.

Each lane is a thread with a connection of its own, and each domain is in the hands of one lane at most. A watch sees to
it that a message that takes long has its lane's other messages given back, and that one that takes too long is broken
off; its domain is then left alone for a while.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from consent import clock
from consent.mail import deliver
from consent.mail.deliver import Round
from consent.mail.transport import MESSAGE_SECONDS
from consent.outbox import Job

LANES = 4
LONG_SECONDS = 0.5  # after which a message counts as held up
PAUSE_SECONDS = 60.0  # for which a domain is left alone that held a message up for SLOW_SECONDS
SLOW_SECONDS = 5.0
IDLE_SECONDS = 0.1
_OTHERS_IDLE_SECONDS = 0.4  # with LONG_SECONDS less than a second


@dataclass
class Lanes:
    """The rounds of a worker's threads, the domain that each has in hand, and those that are left alone for a while."""

    rounds: list[Round]
    _paused: dict[str, float] = field(default_factory=dict)  # until when by the monotonic clock; only the watch writes
    _hands: dict[int, str] = field(default_factory=dict)  # by the round's place
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for place, round_ in enumerate(self.rounds):
            round_.choose = partial(self._choose, place)

    def left_alone(self, place: int = -1) -> set[str]:
        """Return the domains to which the round at *place* is to begin nothing now."""
        now = clock.monotonic()
        paused = {domain for domain, end in list(self._paused.items()) if end > now}
        return paused | {domain for other, domain in list(self._hands.items()) if other != place}

    def _choose(self, place: int, rest: "deque[Job]") -> Job | None:
        """Take the next message to a domain that no other lane has in hand: a domain can hold up one lane at most."""
        with self._lock:
            self._hands.pop(place, None)
            alone = self.left_alone(place)
            for _ in range(len(rest)):
                job = deliver.first(rest)
                if job and job.domain not in alone:
                    self._hands[place] = job.domain
                    return job
                if job:
                    rest.append(job)
        return None

    def work(self, place: int) -> int:
        """Do one round in the lane at *place*, and return how many rows were worked on."""
        round_ = self.rounds[place]
        try:
            done = deliver.deliver_due(round_, self.left_alone(place))
        finally:
            self._hands.pop(place, None)
        if not done:
            round_.carrier.rest()
        return done

    def watch(self) -> int:
        """Give back what waits behind a message that takes long, and return how many messages that were."""
        now, relieved = clock.monotonic(), 0
        for domain in [domain for domain, end in self._paused.items() if end <= now]:
            del self._paused[domain]
        for round_ in self.rounds:
            took = _took(round_, now)
            if took > SLOW_SECONDS:
                self._paused[round_.domain] = now + PAUSE_SECONDS
            if took > MESSAGE_SECONDS:
                round_.carrier.abort()
            if took > LONG_SECONDS and round_.rest:
                relieved += deliver.relieve(round_)
        return relieved


def _took(round_: Round, now: float) -> float:
    since = round_.since
    return now - since if since is not None else 0.0


def idle(place: int) -> float:
    """Return for how long the lane at *place* rests when it found nothing to do."""
    return IDLE_SECONDS if place == 0 else _OTHERS_IDLE_SECONDS


def start(lanes: Lanes, loop: Callable[[int], None]) -> list[threading.Thread]:
    """Start a thread for each lane that runs *loop* with its place."""
    threads = [
        threading.Thread(target=loop, args=(place,), name=f"lane {place}", daemon=True)
        for place in range(len(lanes.rounds))
    ]
    for thread in threads:
        thread.start()
    return threads
