"""The header: each check with a message that passes and messages that do not. The rules are HD-1 to HD-4, HD-11, HD-14, PF-4."""

from dataclasses import replace

import pytest

from consent.law.headers import mailboxes
from tests.law.letters import ABOUT, PREFERENCES, UNSUBSCRIBE, found, keys, letter

SIGNED = "v=1; d=acme.example; s=a; h={}; b=eA=="


def test_a_message_that_carries_everything_has_no_finding_at_all():
    assert found(letter()) == []


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"From": None}, "from_truth.missing"),
        ({"From": "Acme"}, "from_truth.missing"),
        ({"From": "a@acme.example, b@acme.example"}, "from_truth.missing"),
        ({"From": "Acme <news@esp.example>"}, "from_truth"),
        ({"From": "Acme <news@notacme.example>"}, "from_truth"),
        ({"From": "Acme <news@acme.example.evil.example>"}, "from_truth"),
        ({"From": '"ceo@bank.example" <news@acme.example>'}, "from_truth.name"),
        ({"From": "=?utf-8?q?ceo=40bank=2Eexample?= <news@acme.example>"}, "from_truth.name"),
        ({"Reply_To": "someone@else.example"}, "reply_to"),
        ({"Reply_To": "nobody"}, "reply_to.unread"),
        ({"Date": None}, "date_missing"),
        ({"Date": "yesterday"}, "date_missing"),
        ({"Date": "2026-11-23T08:45:00Z"}, "date_missing"),
        ({"Message_ID": None}, "message_id_missing"),
        ({"Message_ID": "<1@localhost>"}, "message_id_missing"),
        ({"List_Unsubscribe": None}, "list_unsubscribe"),
        ({"List_Unsubscribe": "<mailto:leave@acme.example>"}, "list_unsubscribe.https"),
        ({"List_Unsubscribe": f"<{UNSUBSCRIBE}>, <http://acme.example/u>"}, "list_unsubscribe.https"),
        ({"List_Unsubscribe": f"<{UNSUBSCRIBE}>, <{PREFERENCES}>"}, "list_unsubscribe.https"),
        ({"List_Unsubscribe": "<http://consent.example.com/u/x>"}, "list_unsubscribe.https"),
        ({"List_Unsubscribe": "<https://>"}, "list_unsubscribe.https"),
        ({"List_Unsubscribe": ""}, "list_unsubscribe.https"),
        ({"List_Unsubscribe": UNSUBSCRIBE}, "list_unsubscribe.form"),
        ({"List_Unsubscribe": f"<{UNSUBSCRIBE}> <mailto:leave@acme.example>"}, "list_unsubscribe.form"),
        ({"List_Unsubscribe": "<https://consent.example.com/u/\r\n aaa>"}, "list_unsubscribe.form"),
        ({"List_Unsubscribe": "=?utf-8?q?=3Chttps=3A//consent=2Eexample=2Ecom/u/a=3E?="}, "list_unsubscribe.encoded"),
        ({"List_Unsubscribe": f"<{UNSUBSCRIBE}>\r\nList-Unsubscribe: <{UNSUBSCRIBE}>"}, "list_unsubscribe.twice"),
        ({"List_Unsubscribe": "<https://esp.example/leave>"}, "list_unsubscribe.elsewhere"),
        ({"List_Unsubscribe_Post": None}, "list_unsubscribe_post"),
        ({"List_Unsubscribe_Post": "List-Unsubscribe=One-Click;"}, "list_unsubscribe_post.value"),
        ({"List_Unsubscribe_Post": "List-Unsubscribe=One-Click, a=b"}, "list_unsubscribe_post.value"),
        ({"List_Unsubscribe_Post": "list-unsubscribe=one-click"}, "list_unsubscribe_post.value"),
        ({"DKIM_Signature": None}, "dkim_coverage.unsigned"),
        ({"DKIM_Signature": SIGNED.format("From:List-Unsubscribe")}, "dkim_coverage"),
        ({"DKIM_Signature": SIGNED.format("From")}, "dkim_coverage"),
        ({"DKIM_Signature": "v=1"}, "dkim_coverage"),
        ({"DKIM_Signature": "d=esp.example; h=list-unsubscribe:list-unsubscribe-post"}, "dkim_coverage.domain"),
        ({"List_Id": None}, "list_id"),
        ({"List_Id": "<promotions.acme.acme.example>"}, "list_id.form"),
        ({"Subject": "A\r\nSubject: B"}, "header_twice"),
        ({"To": "a@b.example\r\nTo: c@d.example"}, "header_twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_header_is_found(headers, key):
    assert key in keys(letter(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "news@acme.example"},
        {"From": '"Acme, the maker" <news@mail.acme.example>'},
        {"From": "ACME <News@ACME.example>"},
        {"Reply_To": "privacy@acme.example"},
        {"Reply_To": "Help <help@desk.acme.example>"},
        {"Date": "23 Nov 2026 08:45 GMT"},
        {"List_Unsubscribe": f"<mailto:leave@acme.example?subject=x>, <{UNSUBSCRIBE}>"},
        {"List_Unsubscribe": f"<{UNSUBSCRIBE}>,\r\n <mailto:leave@acme.example>"},
        {"List_Id": "Acme newsletter <newsletter.acme.acme.example>"},
        {"DKIM_Signature": SIGNED.format("From:\r\n list-unsubscribe :LIST-UNSUBSCRIBE-POST")},
        {"DKIM_Signature": SIGNED.format("From") + "\r\nDKIM-Signature: " + SIGNED.format("List-Unsubscribe:List-Unsubscribe-Post")},
    ],
)  # fmt: skip
def test_what_is_right_in_another_way_is_not_found(headers):
    assert keys(letter(**headers)) == set()


def test_a_receipt_needs_no_list_fields_but_those_it_has_must_be_right():
    about = replace(ABOUT, kind="receipt")
    bare = letter(List_Id=None, List_Unsubscribe=None, List_Unsubscribe_Post=None, DKIM_Signature=None)
    assert keys(bare, about) == set()
    assert "list_unsubscribe_post" in keys(letter(List_Unsubscribe_Post=None), about)


def test_a_receipt_must_still_say_truly_who_sends_it():
    assert "from_truth" in keys(letter(From="Acme <a@esp.example>"), replace(ABOUT, kind="receipt"))


def test_mailboxes_are_read_with_their_names():
    assert mailboxes('"A, B" <a@b.c>, c@d.e') == [("A, B", "a@b.c"), ("", "c@d.e")]
