"""The only reader of the clock. Everything else takes the time as an argument."""

import time
from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def set_offset(seconds: int) -> None:
    """Add *seconds* to every later reading, so that expiry can be rehearsed (development only)."""
    global _offset  # noqa: PLW0603 - one process has one clock
    _offset = timedelta(seconds=seconds)


def now() -> datetime:
    """Return the present instant in UTC, to the millisecond that the ledger keeps."""
    read = datetime.now(UTC) + _offset
    return read.replace(microsecond=read.microsecond // 1000 * 1000)


def monotonic() -> float:
    """Return seconds that only ever grow, for caches and timeouts; not related to the date."""
    return time.monotonic()
