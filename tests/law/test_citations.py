"""Citations: what a lawyer reads."""

import re

import pytest

from consent.law import citations

PROVISIONS = [provision for table in citations.TABLES for provision in table.values()]
SECTION = re.compile(r"\d+(\.\d+)?(\(\d+\))?(\([a-z]\))?")
#: How each statute is cited in English and in French, for one of its sections.
WRITTEN = [
    (citations.CASL["10(10)(a)"], "S.C. 2010, c. 23, s. 10(10)(a)", "L.C. 2010, ch. 23, art. 10(10)a)"),
    (citations.CASL["10(1)"], "S.C. 2010, c. 23, s. 10(1)", "L.C. 2010, ch. 23, art. 10(1)"),
    (citations.ECPR["4"], "SOR/2012-36, s. 4", "DORS/2012-36, art. 4"),
    (citations.GIC["3(b)"], "SOR/2013-221, s. 3(b)", "DORS/2013-221, art. 3b)"),
    (citations.INTERPRETATION["28"], "R.S.C. 1985, c. I-21, s. 28", "L.R.C. 1985, ch. I-21, art. 28"),
    (citations.CRTC["2012-548"], "CRTC 2012-548", "CRTC 2012-548"),
    (citations.COURT["2020 FCA 103"], "2020 FCA 103", "2020 FCA 103"),
    (citations.USC["7704(a)(4)(A)"], "15 U.S.C. 7704(a)(4)(A)", "15 U.S.C. 7704(a)(4)(A)"),
    (citations.CFR["316.3(a)(2)"], "16 CFR 316.3(a)(2)", "16 CFR 316.3(a)(2)"),
    (citations.PECR["22(3)"], "S.I. 2003/2426, reg. 22(3)", "S.I. 2003/2426, reg. 22(3)"),
    (citations.GDPR["21(3)"], "GDPR Art. 21(3)", "RGPD art. 21(3)"),
    (citations.EPRIVACY["13(2)"], "Directive 2002/58/EC Art. 13(2)", "Directive 2002/58/CE art. 13(2)"),
    (citations.COMPETITION["74.011"], "R.S.C. 1985, c. C-34, s. 74.011", "L.R.C. 1985, ch. C-34, art. 74.011"),
    (citations.CHARTER["52"], "CQLR, c. C-11, s. 52", "RLRQ, ch. C-11, art. 52"),
    (citations.RFC["8058 s. 4"], "RFC 8058 s. 4", "RFC 8058 s. 4"),
    (citations.PROVIDERS["Google Email sender guidelines"], *["Google Email sender guidelines"] * 2),
    (citations.QUEBEC["14"], "CQLR, c. P-39.1, s. 14", "RLRQ, ch. P-39.1, art. 14"),
]


@pytest.mark.parametrize(("provision", "english", "french"), WRITTEN, ids=str)
def test_each_statute_is_cited_as_lawyers_write_it(provision, english, french):
    assert (str(provision), provision.cite("en"), provision.cite("fr")) == (english, english, french)


def test_every_statute_but_our_own_policy_is_among_those():
    assert {p.statute for p, _, _ in WRITTEN} == {p.statute for p in PROVISIONS} - {
        citations.POLICY["Spamhaus Marketing FAQ"].statute
    }


@pytest.mark.parametrize("provision", PROVISIONS, ids=str)
def test_a_provision_says_what_it_says_in_one_plain_sentence(provision):
    assert re.fullmatch(r"[A-Z][^.]*( \(secondary\))?\.", provision.says)


@pytest.mark.parametrize("provision", PROVISIONS, ids=str)
def test_a_provision_stands_under_its_own_section(provision):
    (table,) = [t for t in citations.TABLES if provision in t.values()]
    assert table[provision.section] is provision
    assert str(provision).endswith(provision.section)


@pytest.mark.parametrize("section", [*citations.CASL, *citations.ECPR, *citations.GIC, *citations.INTERPRETATION])
def test_a_section_of_a_canadian_statute_is_a_section(section):
    assert SECTION.fullmatch(section)


def test_no_section_is_cited_that_is_repealed_or_says_something_else():
    """Unknown third parties are in SOR/2013-221; the private right of action (ss. 47 to 51) never came into force."""
    assert {section.split("(")[0] for section in citations.ECPR} == {
        "2",
        "3",
        "4",
    }  # 2(2), a link instead, is not for mail
    assert "2(2)" not in citations.ECPR
    assert not {section.split("(")[0] for section in citations.CASL} & {str(n) for n in range(47, 52)}


def test_no_time_limit_is_claimed_for_addresses_that_were_published_or_disclosed():
    for section in ("10(9)(b)", "10(9)(c)"):
        assert not re.search(r"year|month", citations.CASL[section].says)


def test_a_section_that_is_not_in_the_table_cannot_be_cited():
    with pytest.raises(KeyError):
        citations.CASL["99"]
