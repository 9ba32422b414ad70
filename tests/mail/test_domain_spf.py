"""SPF: one record that receivers can evaluate, and that says no to strangers."""

from collections.abc import Iterable

import pytest

from consent.mail.domain import spf
from consent.mail.domain.findings import Answer, Finding

DOMAIN = "acme.example"


def judged(own: Iterable[str] | str, **others: str) -> list[Finding]:
    """Judge records of the domain and, by first label, of others under relay.example."""
    records = (own,) if isinstance(own, str) else tuple(own)
    said = {f"{name}.relay.example": Answer((text,) if text else ()) for name, text in others.items()}
    return spf.judge(DOMAIN, {DOMAIN: Answer(records)} | said)


def said(found: list[Finding]) -> str:
    return "\n".join(f"{one.mark} {one.text}" for one in found)


@pytest.mark.parametrize("end", ["-all", "~all"])
def test_a_record_that_names_its_servers_and_refuses_others_is_well(end: str) -> None:
    found = judged(f"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a mx/24 include:a.relay.example {end}", a="v=spf1 -all")
    assert said(found).startswith("ok") and "(3 of 10 lookups)" in said(found)


def test_no_record_says_which_one_to_publish() -> None:
    found = judged(["google-site-verification=x", "v=spf10 -all"])
    assert found[0].mark == "FAIL"
    assert 'publish acme.example. TXT "v=spf1 include:NAME ~all"' in found[0].text


def test_two_records_are_none_and_the_cure_is_both_in_one() -> None:
    found = judged(["v=spf1 include:a.relay.example -all", "V=SPF1 mx include:a.relay.example ~all"], a="v=spf1 -all")
    assert said(found).startswith("FAIL") and '"v=spf1 include:a.relay.example mx ~all"' in said(found)


def test_eleven_lookups_are_one_too_many_wherever_they_are_asked_for() -> None:
    ten = " ".join(f"exists:{n}.example" for n in range(9))
    assert said(judged("v=spf1 include:a.relay.example -all", a=f"v=spf1 {ten} -all")).startswith("ok")
    found = judged("v=spf1 mx include:a.relay.example -all", a=f"v=spf1 {ten} -all")
    assert said(found).startswith("FAIL") and "11 or more lookups" in said(found)
    assert "a.relay.example 10." in said(found)


def test_addresses_and_all_cost_no_lookup() -> None:
    assert "(0 of 10 lookups)" in said(judged("v=spf1 " + "ip4:192.0.2.1 " * 15 + "-all"))


def test_letting_everybody_send_is_a_fault_and_neutral_a_doubt() -> None:
    assert said(judged("v=spf1 mx +all")).startswith("FAIL") and "v=spf1 mx ~all" in said(judged("v=spf1 mx all"))
    assert said(judged("v=spf1 mx ?all")).startswith("warn")
    assert said(judged("v=spf1 mx")).startswith("warn")


def test_a_redirect_speaks_for_the_record_that_has_no_end_of_its_own() -> None:
    assert said(judged("v=spf1 redirect=a.relay.example", a="v=spf1 mx -all")).startswith("ok")
    assert said(judged("v=spf1 redirect=a.relay.example", a="v=spf1 +all")).startswith("FAIL")
    assert said(judged("v=spf1 redirect=b.relay.example -all", b="")).startswith("ok"), "all makes it void"


def test_an_include_that_has_no_record_breaks_the_whole() -> None:
    found = judged("v=spf1 include:a.relay.example -all", a="")
    assert "acme.example names a.relay.example, which has no SPF records" in said(found)
    deep = judged("v=spf1 include:a.relay.example -all", a="v=spf1 include:b.relay.example -all", b="nothing")
    assert "a.relay.example names b.relay.example" in said(deep)


def test_a_circle_of_includes_ends_in_a_fault_and_not_in_a_crash() -> None:
    found = judged(
        "v=spf1 include:a.relay.example -all",
        a="v=spf1 include:b.relay.example -all",
        b="v=spf1 include:A.relay.example. -all",
    )
    assert "a.relay.example includes itself" in said(found)


@pytest.mark.parametrize(
    "word", ["include", "include:", "ipv4:192.0.2.1", "ip4:192.0.2.300", "ip6:192.0.2.1", "ip4", "-all:x", "192.0.2.1"]
)
def test_a_word_that_is_no_spf_is_named(word: str) -> None:
    found = judged(f"v=spf1 {word} -all")
    assert found[0].mark == "FAIL" and repr(word) in found[0].text


def test_modifiers_that_nobody_knows_yet_and_macros_do_no_harm() -> None:
    assert said(judged("v=spf1 exists:%{i}._spf.acme.example exp=why.acme.example later=1 -all")).startswith("ok")


def test_a_server_that_is_named_too_late_is_a_doubt() -> None:
    assert said(judged("v=spf1 mx -all ip4:192.0.2.1")).startswith("warn")
    assert said(judged("v=spf1 mx -all exp=why.acme.example")).startswith("ok"), "a modifier may stand anywhere"


def test_a_slow_mechanism_is_a_doubt() -> None:
    assert said(judged("v=spf1 ptr -all")).startswith("warn") and "ptr" in said(judged("v=spf1 ptr -all"))


def test_a_server_that_fails_is_a_fault_also_behind_an_include() -> None:
    broken = Answer(trouble="the name servers failed")
    own = Answer(("v=spf1 include:a.relay.example -all",))
    assert said(spf.judge(DOMAIN, {DOMAIN: broken})).startswith("FAIL")
    assert "a.relay.example is included" in said(spf.judge(DOMAIN, {DOMAIN: own, "a.relay.example": broken}))
