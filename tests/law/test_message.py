"""Preflight as a whole: whatever the bytes, it answers, with sentences in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.law import likeness, markup, mime
from consent.law.findings import LEVELS, RULES
from consent.law.message import check, passes, read
from consent.law.mime import parse
from tests.law.letters import ABOUT, letter

GOOD = letter()
HTML = b"Content-Type: text/html\n\n"


def whole(raw: bytes) -> set[str]:
    """Return the ids of all that is found, each said in both languages, and the fingerprint taken."""
    view = read(raw, ABOUT)
    found = check(view)
    likeness.fingerprint(view)
    assert all(item.text("en") and item.text("fr") for item in found)
    return {item.id for item in found}


@given(st.binary(max_size=2000))
def test_no_bytes_break_it(raw):
    assert whole(raw)


@given(st.lists(st.sampled_from([b"\n", b": ", b"--b", b"--", b"<a href=", b">", b'"', b"=?utf-8?q?", b"?=", b"<", b"\xff",
                                 b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Transfer-Encoding: base64\n", b"unsubscribe"]), max_size=60))  # fmt: skip
def test_no_order_of_the_pieces_of_a_message_breaks_it(pieces):
    assert whole(b"".join(pieces))


@pytest.mark.parametrize("at", range(0, len(GOOD), 64))
def test_no_cut_of_a_message_breaks_it_and_none_passes(at):
    assert not passes(check(read(GOOD[:at], ABOUT)))
    assert whole(GOOD[:at])


@pytest.mark.parametrize(
    "piece", [b"<", b"<a ", b"<!--", b"<b>", b"<b></i>", b"<a href=x>unsubscribe", b"&amp", b"{{", b"1", b"\xff", b"a@"]
)
def test_ten_megabytes_are_read_in_part_and_said_to_be(piece):
    raw = piece * (10_000_000 // len(piece))
    assert "malformed" in whole(HTML + raw) and "malformed" in whole(b"From: " + raw)
    assert "cut" in parse(HTML + raw).defects
    assert len(parse(HTML + raw).html or "") <= mime.LARGEST


def test_multiparts_inside_a_thousand_multiparts_are_not_followed():
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000))
    assert "nested" in parse(raw).defects and "malformed" in whole(raw)


def test_more_parts_than_anybody_reads_are_not_read():
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000
    assert "nested" in parse(raw).defects and len(parse(raw).text or "") < 1000


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (b"\n\nHello", "headless"),
        (b"Subject: a\nno field\n\nHello", "field"),
        (b"X: 1\n" * 600 + b"\nHello", "fields"),
        (b"Subject: \xe9t\xe9\n\nHello", "eight_bit"),
        (b"Content-Type: text/plain; charset=utf-8\n\n\xc3\xa9", "eight_bit"),
        (b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\xe9", "charset"),
        (b"Content-Type: text/plain; charset=punycode\n\nHello", "charset"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVsbG8", "encoding"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello", "unclosed"),
        (b"Content-Type: multipart/mixed; boundary=b\n\nHello", "no_parts"),
        (b"Content-Type: multipart/mixed\n\nHello", "no_parts"),
        (b"From a@b Mon Nov 23\nSubject: a\n\nHello", None),
    ],
)
def test_what_is_wrong_with_the_form_is_named(raw, defect):
    assert parse(raw).defects == (frozenset({defect}) if defect else frozenset())
    assert defect in (None, "headless") or f"malformed.{defect}" in {item.key for item in check(read(raw, ABOUT))}


def test_texts_are_read_in_their_encodings():
    raw = (b"Subject: =?utf-8?q?=C3=A9?=\r\n =?iso-8859-1?b?6Q==?=\r\nContent-Type: multipart/mixed; boundary=\"b c\"\r\n\r\n--b c\r\n"
           b"Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=E9\r\n--b c\r\n"
           b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw6k=\r\n--b c\r\n"
           b"Content-Type: image/png\r\n\r\nx\r\n--b c\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b c--\r\n")  # fmt: skip
    found = parse(raw)
    assert (found.header("subject"), found.html, found.text, found.images, found.attachments) == (
        "éé",
        "<p>é",
        "é",
        1,
        1,
    )
    assert found.defects == frozenset()


def test_a_page_is_read_as_it_is_seen():
    page = markup.read(
        '<title>t</title><style>p{}</style><p title="a > b">One<br>two &amp; <b style="display:none">not</b>three</p>'
        '<a href="https://a.example/?x=1&amp;y=2">words</a><script>no()</script>'
    )
    assert page.text.split() == ["One", "two", "&", "three", "words"]
    assert [(link.href, link.text) for link in page.links] == [("https://a.example/?x=1&y=2", "words")]


@pytest.mark.parametrize("key", RULES)
def test_every_finding_says_in_both_languages_what_to_do(key):
    rule = RULES[key]
    assert rule.level in LEVELS and rule.english != rule.french
    assert rule.english[0] in "{" or rule.english[0].isupper()
    assert rule.english.endswith((".", "}", "…", "alone", "One-Click"))
    names = [{part.partition("}")[0] for part in text.split("{")[1:]} for text in (rule.english, rule.french)]
    assert names[0] == names[1]


def test_the_worst_stands_first():
    levels = [LEVELS.index(item.level) for item in check(read(b"Subject: a\n\nHello", ABOUT))]
    assert levels == sorted(levels) and len(set(levels)) == 3
