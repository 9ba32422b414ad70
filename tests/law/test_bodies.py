"""What a message says: PF-5 to PF-8 and PF-12 to PF-16."""

from dataclasses import replace

import pytest

from consent.law.bodies import SOLELY
from consent.law.likeness import fingerprint
from consent.law.message import read
from tests.law.letters import ABOUT, HTML, TEXT, WORDS, found, keys, letter


def with_words(more: str) -> bytes:
    return letter(TEXT.replace(WORDS, f"{WORDS} {more}"), HTML.replace(WORDS, f"{WORDS} {more}"))


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        (None, "subject"), ("", "subject"), ("   ", "subject"), ("Re: our talk", "subject.reply"), ("FWD: this", "subject.reply"),
        ("Your invoice 1234", "subject.transaction"), ("Votre facture", "subject.transaction"),
        ("BUY EVERYTHING NOW", "subject.shouts"), ("Come and see!!", "subject.shouts"),
    ],
)  # fmt: skip
def test_a_subject_that_is_missing_misleads_or_shouts_is_found(subject, key):
    assert keys(letter(Subject=subject)) == {key}


@pytest.mark.parametrize(
    "subject", ["Report of the garden", "=?utf-8?q?D=C3=A9sherbage?=", "NASA calls", "Research: bees"]
)
def test_an_honest_subject_passes(subject):
    assert keys(letter(Subject=subject)) == set()


def test_an_answer_may_say_that_it_is_one():
    assert keys(letter(Subject="Re: widgets", In_Reply_To="<2@x.example>")) == set()


PROMOTIONS = [
    "Shop now for more.", "Take 20% off everything.", "Use code SPRING.", "A special offer for you.", "You may also like our hats.",
    "Save up to $30.", "Achetez maintenant.", "20 % de rabais sur tout.", "Offre spéciale.", "Vous aimerez aussi nos chapeaux.",
    "Profitez de nos soldes.",
]  # fmt: skip


@pytest.mark.parametrize("words", PROMOTIONS)
@pytest.mark.parametrize("kind", ["receipt", "confirmation", "recall"])
def test_a_promotion_in_a_message_that_may_hold_none_is_an_error(words, kind):
    findings = {item.key: item.level for item in found(with_words(words), replace(ABOUT, kind=kind))}
    assert findings == {"promotion_in_receipt": "error"}


@pytest.mark.parametrize("words", PROMOTIONS)
def test_a_commercial_message_may_promote(words):
    assert keys(with_words(words)) == set()
    assert keys(with_words(words), replace(ABOUT, kind="receipt_with_offer")) == set()


@pytest.mark.parametrize(
    "words", ["Discount: $5.00. You saved $5.00.", "Sale price 3.00", "Order 12 was paid.", "Votre rabais : 5 $."]
)
def test_a_receipt_may_say_what_was_paid(words):
    assert keys(with_words(words), replace(ABOUT, kind="receipt")) == set()


def test_american_law_lets_a_promotion_follow_the_transaction_but_not_lead_it_or_be_the_subject():
    about = replace(ABOUT, kind="receipt", place="US-MA")
    assert keys(with_words("Shop now."), about) == {"promotion_in_receipt.after"}
    first = letter(TEXT.replace(WORDS, f"Shop now. {WORDS}"), HTML.replace(WORDS, f"Shop now. {WORDS}"))
    assert keys(first, about) == {"promotion_in_receipt"}
    assert "promotion_in_receipt.subject" in keys(letter(Subject="Paid, and 20% off"), about)


def test_no_kind_that_may_hold_no_promotion_is_commercial():
    assert [kind for kind in SOLELY if replace(ABOUT, kind=kind).commercial] == []


def test_a_commercial_message_to_an_american_is_called_an_advertisement():
    american = replace(ABOUT, place="US-MA")
    assert keys(letter(), american) == {"advertisement"}
    assert keys(with_words("This is an advertisement."), american) == set()


def test_a_withdrawal_is_never_acknowledged_by_mail():
    assert "kind_never" in keys(letter(), replace(ABOUT, kind="unsubscribe_ack"))


def test_html_alone_is_a_warning_and_text_alone_is_fine():
    assert keys(letter(text=None)) == {"text_part"}
    assert keys(letter(text="")) == {"text_part"}
    assert keys(letter(html=None)) == set()


def test_a_message_without_words_is_an_error():
    assert "text_part.empty" in keys(letter("", "<p> </p>"))


def test_two_texts_that_say_different_things_are_a_warning():
    other = TEXT.replace(WORDS, "Your browser cannot show this. " * 3)
    assert keys(letter(other)) == {"text_matches_html"}


@pytest.mark.parametrize(("words", "wrong"), [("", True), (WORDS, False)])
def test_a_message_that_is_an_image_is_an_error(words, wrong):
    raw = letter(html=f'<img src="https://acme.example/all.png" alt="{WORDS}"><p>{words}</p>')
    assert ("image_only" in keys(raw)) == wrong


def test_a_counting_pixel_is_no_image():
    assert (
        keys(letter(html=HTML.replace("<body>", '<body><img src="https://acme.example/x" width="1" height="1">')))
        == set()
    )


@pytest.mark.parametrize(
    ("href", "shown", "lies"),
    [
        ("https://evil.example/x", "www.acme.example", True),
        ("https://evil.example/x", "https://acme.example/sale", True),
        ("https://acme.example.evil.example/", "acme.example", True),
        ("https://click.acme.example/x", "acme.example", False),
        ("https://www.acme.example/", "Acme.example/shop", False),
        ("https://evil.example/x", "our page", False),
        ("mailto:a@acme.example", "acme.example", False),
    ],
)
def test_a_link_leads_where_it_says(href, shown, lies):
    raw = letter(html=HTML.replace("<body>", f'<body><a href="{href}">{shown}</a>'))
    assert ("link_text_lies" in keys(raw)) == lies


@pytest.mark.parametrize("number", ["192.0.2.7", "3221225985", "[2001:db8::1]"])
def test_a_link_to_a_number_is_a_warning(number):
    assert keys(with_words(f"https://{number}/x")) == {"link_number"}


@pytest.mark.parametrize("field", ["{{ first_name }}", "*|FNAME|*", "%%name%%", "[[name]]", "${name}", "{% if x %}"])
def test_a_field_that_was_not_filled_in_is_a_warning(field):
    assert keys(with_words(f"Hello {field}")) == {"unfilled"}
    assert keys(letter(Subject=f"Hello {field}")) == {"unfilled"}


def test_a_message_that_repeats_an_earlier_one_is_a_warning():
    earlier = fingerprint(read(letter(), ABOUT))
    other = fingerprint(read(letter(TEXT.replace(WORDS, "x " * 30)), ABOUT))
    assert keys(letter(Subject="New"), earlier=(other, earlier)) == {"repeats_earlier"}
    new = (
        "Today we tell of lamps, of which there are four: a red one, a small one, one for reading, and the one we lost."
    )
    assert keys(letter(TEXT.replace(WORDS, new), HTML.replace(WORDS, new)), earlier=(earlier,)) == set()
