"""Any colour that a company chooses can be read: as the ground of words, and as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import colours
from consent.catalogue import DARK_PAPER, LIGHT_PAPER

COLOURS = st.binary(min_size=3, max_size=3).map(lambda three: f"#{three.hex()}")


def contrast(one: str, other: str) -> float:
    return colours.contrast(colours.parse(one), colours.parse(other))


@given(COLOURS)
def test_words_on_any_colour_can_be_read(colour: str) -> None:
    assert contrast(colours.written_on(colour), colour) >= colours.READABLE


@given(COLOURS, st.sampled_from([LIGHT_PAPER, DARK_PAPER]))
def test_any_colour_is_made_readable_on_either_paper(colour: str, paper: str) -> None:
    assert contrast(colours.readable(colour, paper), paper) >= colours.READABLE


@pytest.mark.parametrize(("colour", "paper"), [("#0b5d51", LIGHT_PAPER), ("#3fb8a5", DARK_PAPER)])
def test_a_colour_that_can_be_read_stays_as_it_is(colour: str, paper: str) -> None:
    assert colours.readable(colour, paper) == colour


@pytest.mark.parametrize("text", ["red", "#fff", "0b5d51x", "#0b5d5g", ""])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        colours.parse(text)
