"""The clock: milliseconds, UTC, and an offset for rehearsals."""

from datetime import UTC, timedelta

import pytest

from consent import clock


@pytest.fixture
def shift():
    """Shift the clock; it is set right again whatever happens."""
    try:
        yield clock.set_offset
    finally:
        clock.set_offset(0)


def test_the_clock_reads_whole_milliseconds():
    assert {clock.now().microsecond % 1000 for _ in range(200)} == {0}


def test_the_clock_reads_utc():
    assert clock.now().tzinfo is UTC


def test_the_clock_does_not_run_backwards_when_read_twice():
    first = clock.now()
    assert first <= clock.now() < first + timedelta(hours=1)


@pytest.mark.parametrize("seconds", [86_400, -86_400, 30 * 86_400])
def test_an_offset_shifts_every_later_reading(shift, seconds):
    before = clock.now()
    shift(seconds)
    assert timedelta(0) <= clock.now() - before - timedelta(seconds=seconds) < timedelta(hours=1)


def test_a_second_offset_replaces_the_first(shift):
    before = clock.now()
    shift(86_400)
    shift(3_600)
    assert timedelta(hours=1) <= clock.now() - before < timedelta(hours=2)


def test_a_shifted_clock_still_reads_whole_milliseconds(shift):
    shift(7)
    assert {clock.now().microsecond % 1000 for _ in range(200)} == {0}


def test_monotonic_seconds_only_grow_and_ignore_the_offset(shift):
    before = clock.monotonic()
    shift(86_400)
    assert 0 <= clock.monotonic() - before < 3_600
