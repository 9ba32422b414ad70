"""The sentences: every one in both languages, with the same things put in."""

import re
from datetime import date
from pathlib import Path
from string import Formatter

import pytest

from consent.law import kinds, sentences
from consent.law.implied import TYPES
from consent.law.sentences import FACTS, NOUNS, SENTENCES, day, say

RULES = Path(sentences.__file__).parent
KEYS = sorted(SENTENCES)
VALUES = {"day": date(2026, 4, 1), "until": date(2028, 4, 1), "noun": "purchase", "period": 24, "fact": "receipt"}


def names(text):
    return sorted({name for _, name, _, _ in Formatter().parse(text) if name})


def said(key, language):
    return say(key, language, **{name: VALUES.get(name, f"<{name}>") for name in names(SENTENCES[key][0])})


@pytest.mark.parametrize("key", KEYS)
def test_both_languages_have_the_same_things_put_in(key):
    english, french = SENTENCES[key]
    assert names(english) == names(french)
    assert english != french


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_sentence_begins_with_a_capital_and_ends_with_a_full_stop(key, language):
    text = said(key, language)
    assert text[0].isupper() and text.endswith(".") and "  " not in text
    assert "{" not in text and "None" not in text


@pytest.mark.parametrize("key", KEYS)
def test_french_uses_its_own_apostrophe_and_its_own_dates(key):
    text = said(key, "fr")
    assert "'" not in text and "April" not in text
    assert "{day}" not in SENTENCES[key][1] or "1er avril 2026" in text


@pytest.mark.parametrize(
    ("of", "english", "french"),
    [
        ("2026-04-01", "1 April 2026", "1er avril 2026"),
        ("2026-04-02", "2 April 2026", "2 avril 2026"),
        ("2026-08-31", "31 August 2026", "31 août 2026"),
        ("2026-12-01", "1 December 2026", "1er décembre 2026"),
        ("2027-01-11", "11 January 2027", "11 janvier 2027"),
    ],
)
def test_a_day_is_written_as_in_a_letter(of, english, french):
    assert (day(date.fromisoformat(of)), day(date.fromisoformat(of), "fr")) == (english, french)


def test_all_twelve_months_differ():
    months = {day(date(2026, month, 2), language) for month in range(1, 13) for language in ("en", "fr")}
    assert len(months) == 24


@pytest.mark.parametrize("type", TYPES)
def test_every_relationship_has_its_noun_in_both_languages(type):
    english, french = NOUNS[type]
    assert english.startswith("The ") and re.match(r"L[ea] |L’", french)


def test_there_is_no_noun_without_a_relationship():
    assert set(NOUNS) == set(TYPES)


def test_every_fact_that_can_be_missing_has_its_words():
    without = {"legal_notice", "address_transfer_to_processor"}  # rest on the sender's note, so nothing can be missing
    assert set(FACTS) == kinds.EXEMPT - without


def test_values_are_put_in_in_the_language_of_the_sentence():
    values = {"noun": "inquiry", "day": date(2026, 3, 1), "period": 6, "until": date(2026, 9, 1)}
    assert say("implied", "en", **values) == (
        "The inquiry of 1 March 2026 gives implied consent for six months, until 1 September 2026."
    )
    assert say("implied", "fr", **values) == (
        "La demande de renseignements du 1er mars 2026 donne un consentement tacite pendant six mois, "
        "jusqu’au 1er septembre 2026."
    )


def test_what_the_person_left_is_every_message_if_nothing_is_named():
    assert "from every message on" in say("withdrawn", reach=None, day=date(2026, 3, 1))
    assert "pour tout message le" in say("withdrawn", "fr", reach=None, day=date(2026, 3, 1))


def test_a_key_that_is_none_and_a_language_that_is_none_are_refused():
    with pytest.raises(KeyError):
        say("no_such_key")
    with pytest.raises(ValueError, match="de"):
        say("send_nothing", "de")


def test_every_key_that_the_rules_name_exists():
    named = set()
    for path in RULES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'Reason\(\s*"([a-z_]+)"', text))
        named |= set(re.findall(r'(?:key = |key, ground = |, )"(implied\w*|agreed\w*|confirmed|exempt_\w+)"', text))
    assert len(named) > 20
    assert named <= set(SENTENCES)


def test_every_sentence_is_used_somewhere():
    source = "".join(p.read_text(encoding="utf-8") for p in RULES.parent.rglob("*.py") if p.name != "sentences.py")
    unused = [key for key in KEYS if f'"{key}"' not in source and not key.startswith("not_consent")]
    assert unused == []
