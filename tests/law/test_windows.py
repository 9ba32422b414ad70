"""Stretches of time: joined, intersected and picked, against counting instants one by one."""

from datetime import timedelta

from hypothesis import given as for_any
from hypothesis import strategies as st

from consent.law.windows import NONE, both, lasting, union
from tests.law.histories import hour

ALL = range(-1, 14)
bounds = st.tuples(st.integers(0, 12), st.none() | st.integers(0, 13)).map(
    lambda pair: (hour(pair[0]), None if pair[1] is None else hour(pair[1]))
)
lists = st.lists(bounds, max_size=5)


def inside(windows):
    """Return the hours that some of *windows* holds."""
    return {n for n in ALL if any(a <= hour(n) and (b is None or hour(n) < b) for a, b in windows)}


@for_any(lists)
def test_joined_windows_hold_the_same_instants(windows):
    assert inside(union(windows)) == inside(windows)


@for_any(lists)
def test_joined_windows_are_in_order_and_never_touch(windows):
    joined = union(windows)
    for (_, closes), (opens, _) in zip(joined, joined[1:], strict=False):
        assert closes is not None and closes < opens
    assert all(closes is None or opens < closes for opens, closes in joined)


@for_any(lists, lists)
def test_what_is_in_both_is_what_each_holds(some, others):
    assert inside(both(some, others)) == inside(some) & inside(others)


def test_windows_that_touch_are_one():
    assert union([(hour(2), hour(3)), (hour(1), hour(2))]) == [(hour(1), hour(3))]


def test_a_window_without_end_swallows_what_follows():
    assert union([(hour(1), None), (hour(2), hour(3)), (hour(5), None)]) == [(hour(1), None)]
    assert union([(hour(1), hour(9)), (hour(2), None)]) == [(hour(1), None)]


def test_a_window_within_another_does_not_shorten_it():
    assert union([(hour(1), hour(9)), (hour(2), hour(3))]) == [(hour(1), hour(9))]


def test_an_empty_window_is_none():
    assert union([(hour(2), hour(2)), (hour(3), hour(1))]) == []


def test_nothing_and_anything_have_nothing_in_common():
    assert both([], [(hour(1), None)]) == []


def test_the_first_two_windows_that_have_not_closed_are_kept():
    past, now, then, later = [(hour(n), hour(n + 1)) for n in (0, 2, 4, 6)]
    assert lasting([past, now, then, later], hour(2)) == (now, then)
    assert lasting([past, now, then], hour(4)) == (then, NONE)


def test_a_window_has_closed_at_its_end_and_not_before():
    window = (hour(1), hour(2))
    tail = (hour(5), None)
    assert lasting([window, tail], hour(2) - timedelta(milliseconds=1)) == (window, tail)
    assert lasting([window, tail], hour(2)) == (tail, NONE)


def test_if_all_have_closed_the_last_is_told():
    assert lasting([(hour(1), hour(2)), (hour(3), hour(4))], hour(9)) == ((hour(3), hour(4)), NONE)


def test_if_there_is_none_none_is_told():
    assert lasting([], hour(9)) == (NONE, NONE)
