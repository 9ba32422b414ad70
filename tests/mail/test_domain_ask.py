"""What is asked of DNS, and that each of its ways of saying no is heard as what it means."""

import base64
import re
from pathlib import Path

import dns.resolver
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consent.mail.domain.ask import about_domain, about_links, asking
from consent.mail.domain.findings import Answer, Finding
from tests.mail.domains import Zone, real_resolver, txt

GOOD = {
    "acme.example": {
        "TXT": [txt("v=spf1 include:_spf.relay.example", " -all"), txt("other")],
        "MX": ["10 mx.acme.example."],
    },
    "mx.acme.example": {"A": ["192.0.2.1"]},
    "_spf.relay.example": {"TXT": [txt("v=spf1 ip4:192.0.2.0/24 -all")]},
    "_dmarc.acme.example": {"TXT": [txt("v=DMARC1; p=reject; rua=mailto:dmarc@acme.example")]},
    "consent.acme.example": {"CNAME": ["host.relay.example."]},
    "host.relay.example": {"AAAA": ["2606:4700::1111"]},
}


@pytest.fixture(scope="module")
def rsa_record() -> str:
    """A key too long for one string of a TXT record."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


def about(zone: Zone, domain: str = "acme.example", *selectors: str) -> dict[str, Finding]:
    return {found.about: found for found in about_domain(asking(zone), domain, domain, selectors)}


def marks(found: dict[str, Finding]) -> dict[str, str]:
    return {name: one.mark for name, one in found.items()}


def test_a_domain_that_has_everything_is_well_but_for_the_key_that_nobody_named() -> None:
    found = about(Zone(GOOD))
    assert marks(found) == {"spf": "ok", "dkim": "warn", "dmarc": "ok", "mx": "ok"}
    assert "v=spf1 include:_spf.relay.example -all" in found["spf"].text, "strings are joined without a space"


def test_a_key_behind_an_alias_is_found(rsa_record: str) -> None:
    zone = Zone(
        GOOD
        | {
            "s1._domainkey.acme.example": {"CNAME": ["s1.acme.relay.example."]},
            "s1.acme.relay.example": {"TXT": [txt(rsa_record[:200], rsa_record[200:])]},
        }
    )
    assert marks(about(zone, "acme.example", "s1"))["dkim"] == "ok"
    assert "no key" in about(zone, "acme.example", "s2")["dkim"].text


def test_of_selectors_that_belong_to_several_brands_each_needs_one(rsa_record: str) -> None:
    zone = Zone(GOOD | {"s1._domainkey.acme.example": {"TXT": [txt(rsa_record[:200], rsa_record[200:])]}})
    found = [one for one in about_domain(asking(zone), "acme.example", "acme.example", ["s1", "s2"])]
    assert [one.mark for one in found if one.about == "dkim"] == ["ok", "warn"]
    none = about_domain(asking(Zone(GOOD)), "acme.example", "acme.example", ["s1", "s2"])
    assert [one.mark for one in none if one.about == "dkim"] == ["FAIL", "FAIL"]


def test_a_domain_that_does_not_exist_lacks_everything() -> None:
    found = about(Zone({}))
    assert marks(found) == {"spf": "FAIL", "dkim": "warn", "dmarc": "FAIL", "mx": "FAIL"}
    assert [one.text for one in found.values() if "publish" not in one.text and one.about != "dkim"] == []


@pytest.mark.parametrize(("fault", "words"), [("SERVFAIL", "servers failed"), ("TIMEOUT", "no name server answered")])
def test_servers_that_fail_are_not_taken_for_an_empty_zone(fault: str, words: str) -> None:
    broken = {kind: [fault] for kind in ("TXT", "MX", "A", "AAAA")}
    found = about(Zone({name: broken for name in ("acme.example", "_dmarc.acme.example", "s._domainkey.acme.example")}))
    wrong = [one for one in found.values() if one.mark == "FAIL"]
    assert [one.about for one in wrong] == ["spf", "dmarc", "mx"]
    assert [one.text for one in wrong if words not in one.text or "publish" in one.text] == []


def test_a_name_that_dns_cannot_hold_is_a_line_and_not_a_crash() -> None:
    assert asking(dns.resolver.Resolver(configure=False))("a" * 64 + ".example", "TXT").trouble


def test_replies_and_bounces_need_somewhere_to_go() -> None:
    def mail(**more: dict[str, list[str]]) -> str:
        names = {name.replace("_", "."): records for name, records in more.items()}
        return about(Zone(names))["mx"].mark

    mx = {"MX": ["10 a.example.", "20 b.example."]}
    assert mail(acme_example=mx, a_example={"A": ["192.0.2.1"]}, b_example={"AAAA": ["2001:db8::1"]}) == "ok"
    assert mail(acme_example=mx, b_example={"A": ["192.0.2.1"]}) == "warn", "one of two is dead"
    assert mail(acme_example=mx) == "FAIL"
    assert mail(acme_example={"A": ["192.0.2.1"]}) == "warn", "RFC 5321 s. 5.1 tries the domain itself"
    assert mail(acme_example={"MX": ["0 ."], "A": ["192.0.2.1"]}) == "FAIL", "RFC 7505"


def test_links_must_lead_where_everybody_can_go() -> None:
    def host(name: str, **records: list[str]) -> str:
        (found,) = about_links(asking(Zone({"consent.acme.example": records})), name)
        return found.mark

    assert about_links(asking(Zone(GOOD)), "consent.acme.example")[0].mark == "ok"
    assert host("consent.acme.example", A=["8.8.8.8"]) == "ok"
    assert host("consent.acme.example", A=["10.0.0.7"]) == "FAIL"
    assert host("consent.acme.example", TXT=[txt("x")]) == host("elsewhere.example") == "FAIL"
    assert host("consent.acme.example", A=["SERVFAIL"]) == host("203.0.113.7") == "FAIL"


def test_the_policy_above_is_looked_for_and_no_top_level_domain_is_asked() -> None:
    zone = Zone(GOOD | {"news.shop.acme.example": {"TXT": [txt("v=spf1 -all")]}})
    assert about(zone, "News.Shop.acme.example")["dmarc"].mark == "ok"
    asked = [name for name, _ in zone.asked if name.startswith("_dmarc")]
    assert asked == ["_dmarc.news.shop.acme.example", "_dmarc.shop.acme.example", "_dmarc.acme.example"]


def test_an_endless_chain_of_includes_is_given_up() -> None:
    chain = {f"{n}.example": {"TXT": [txt(f"v=spf1 include:{n + 1}.example -all")]} for n in range(500)}
    zone = Zone(chain)
    found = about(zone, "0.example")["spf"]
    assert found.mark == "FAIL" and "lookups" in found.text
    assert len(zone.asked) < 40


def test_no_question_is_asked_twice() -> None:
    zone = Zone(GOOD)
    ask = asking(zone)
    for _ in range(2):
        assert ask("acme.example", "MX") == Answer(("10 mx.acme.example.",))
    assert len(zone.asked) == 1


def test_the_real_resolver_hears_a_real_server_as_the_tests_server_does(rsa_record: str) -> None:
    records = GOOD | {
        "s1._domainkey.acme.example": {"CNAME": ["s1.acme.relay.example."]},
        "s1.acme.relay.example": {"TXT": [txt(rsa_record[:200], rsa_record[200:])]},
        "broken.example": {"TXT": ["SERVFAIL"], "MX": ["SERVFAIL"]},
    }
    with real_resolver(records) as real:
        for domain in ("acme.example", "broken.example", "nowhere.example"):
            told = list(about_domain(asking(real), domain, domain, ["s1"]))
            assert told == list(about_domain(asking(Zone(records)), domain, domain, ["s1"])), domain
        assert about_links(asking(real), "consent.acme.example") == about_links(
            asking(Zone(records)), "consent.acme.example"
        )
    assert [one.mark for one in about_domain(asking(Zone(records)), "acme.example", "acme.example", ["s1"])] == [
        "ok"
    ] * 4


def test_the_records_that_the_page_for_operators_shows_are_the_ones_that_are_asked_for(rsa_record: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "deliverability.md").read_text("utf-8")
    page = page.replace("SELECTOR", "s1").replace("NAME ~", "_spf.relay.example ~")
    key = rsa_record.partition(" p=")[2]
    page = page.replace("THE-PUBLIC-KEY", f'{key[:200]}" "{key[200:]}')
    shown: dict[str, dict[str, list[str]]] = {}
    for name, kind, record in re.findall(r"^(\S+)\. +(TXT|MX) +(.+)$", page, re.M):
        shown.setdefault(name, {}).setdefault(kind, []).append(record)
    rest = {name: GOOD[name] for name in ("mx.acme.example", "_spf.relay.example")}
    found = marks(about(Zone(shown | rest), "acme.example", "s1"))
    assert found == {"spf": "ok", "dkim": "ok", "dmarc": "warn", "mx": "ok"}, "p=none is where one begins"
