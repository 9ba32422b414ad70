"""Several messages on their way at once, so that a domain that hangs holds up nobody but itself.

Each lane is a thread with a connection of its own. One of them watches: a message that takes long has its lane's other
messages given back, and its domain left alone by the other lanes until it is through, and for a while after that.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from consent import clock
from consent.mail import deliver
from consent.mail.deliver import Round

LANES = 4
LONG_SECONDS = 0.5  # after which a message counts as held up
PAUSE_SECONDS = 60.0  # for which a domain is left alone that held a message up for SLOW_SECONDS
SLOW_SECONDS = 5.0
IDLE_SECONDS = 0.1
_OTHERS_IDLE_SECONDS = 0.4  # with LONG_SECONDS less than a second


@dataclass
class Lanes:
    """The rounds of a worker's threads, and the domains that are left alone until an instant of the monotonic clock."""

    rounds: list[Round]
    paused: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def left_alone(self) -> set[str]:
        """Return the domains to which nothing is to be begun now."""
        now = clock.monotonic()
        with self._lock:
            self.paused = {domain: end for domain, end in self.paused.items() if end > now}
            return set(self.paused) | {round_.domain for round_ in self.rounds if _took(round_, now) > LONG_SECONDS}

    def work(self, round_: Round) -> int:
        """Do one round in its lane, and return how many rows were worked on."""
        done = deliver.deliver_due(round_, self.left_alone())
        if not done:
            round_.carrier.rest()
        return done

    def watch(self) -> int:
        """Give back what waits behind a message that takes long, and return how many messages that were."""
        now, relieved = clock.monotonic(), 0
        for round_ in self.rounds:
            took = _took(round_, now)
            if took > SLOW_SECONDS:
                with self._lock:
                    self.paused[round_.domain] = now + PAUSE_SECONDS
            if took > LONG_SECONDS and round_.rest:
                relieved += deliver.relieve(round_)
        return relieved


def _took(round_: Round, now: float) -> float:
    since = round_.since
    return now - since if since is not None else 0.0


def idle(number: int) -> float:
    """Return for how long the lane *number* rests when it found nothing to do."""
    return IDLE_SECONDS if number == 0 else _OTHERS_IDLE_SECONDS


def start(lanes: Lanes, loop: Callable[[Round, int], None]) -> list[threading.Thread]:
    """Start a thread for each lane that runs *loop* with its round and its number."""
    threads = [
        threading.Thread(target=loop, args=(round_, number), name=f"lane {number}", daemon=True)
        for number, round_ in enumerate(lanes.rounds)
    ]
    for thread in threads:
        thread.start()
    return threads
