"""By when a withdrawal must have been acted on: our own limit, and what provinces and states say."""

from datetime import date

import pytest

from consent.law.periods import act_by
from consent.sends import deadlines

#: Sent on, and the tenth business day there, worked out with a paper calendar.
CASES = [
    (date(2026, 6, 29), {"Ontario": date(2026, 7, 14), "Québec": date(2026, 7, 14), "United States, federal": date(2026, 7, 14)}),
    (date(2026, 8, 28), {"Ontario": date(2026, 9, 14), "Alberta": date(2026, 9, 14), "United States, federal": date(2026, 9, 14)}),
    (date(2026, 5, 11), {"Ontario": date(2026, 5, 26), "Québec": date(2026, 5, 26), "United States, federal": date(2026, 5, 26)}),
    (date(2026, 4, 13), {"Ontario": date(2026, 4, 27), "Québec": date(2026, 4, 27), "United States, federal": date(2026, 4, 27)}),
    (date(2026, 9, 21), {"British Columbia": date(2026, 10, 6), "Ontario": date(2026, 10, 5)}),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "expected"), CASES)
def test_the_tenth_business_day_leaves_out_the_holidays_of_the_place(sent: date, expected: dict[str, date]) -> None:
    found = deadlines.by_place(sent)
    assert {place: found[place] for place in expected} == expected


def test_our_own_limit_is_never_later_than_that_of_any_place() -> None:
    for ordinal in range(date(2025, 1, 1).toordinal(), date(2029, 1, 1).toordinal(), 3):
        sent = date.fromordinal(ordinal)
        assert all(act_by(sent) <= there for there in deadlines.by_place(sent).values()), sent
