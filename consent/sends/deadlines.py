"""By when a withdrawal must have been acted on where holidays are taken out of the business days, for display.

The rules use :func:`consent.law.periods.act_by`, which is never later. The calendars come from the package
``holidays`` (``pip install 'consent[holidays]'``); without it there is nothing to show.
"""

from datetime import date
from importlib import import_module
from importlib.util import find_spec

from consent.law.periods import INTERNAL_LIMIT_WEEKDAYS, business_day

#: Place as the list shows it, and its calendar: country and subdivision.
PLACES = {
    "Ontario": ("CA", "ON"),
    "Québec": ("CA", "QC"),
    "British Columbia": ("CA", "BC"),
    "Alberta": ("CA", "AB"),
    "Nova Scotia": ("CA", "NS"),
    "Newfoundland and Labrador": ("CA", "NL"),
    "United States, federal": ("US", None),
}


def by_place(sent_on: date) -> dict[str, date]:
    """Return the tenth business day after *sent_on* by place; empty without the package ``holidays``."""
    if find_spec("holidays") is None:
        return {}
    country_holidays = import_module("holidays").country_holidays
    years = [sent_on.year, sent_on.year + 1]
    return {
        place: business_day(
            sent_on,
            INTERNAL_LIMIT_WEEKDAYS,
            frozenset(country_holidays(country, subdiv=part, years=years, observed=True)),
        )
        for place, (country, part) in PLACES.items()
    }
