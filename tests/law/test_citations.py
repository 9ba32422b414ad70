"""Citations: what a lawyer reads."""

import re

import pytest

from consent.law import citations

PROVISIONS = [*citations.CASL.items(), *citations.ECPR.items(), *citations.GIC.items()]
CITATION = re.compile(r"(S\.C\. \d{4}, c\. \d+|SOR/\d{4}-\d+), s\. \d+(\.\d+)?(\(\d+\))?(\([a-z]\))?")


@pytest.mark.parametrize(("section", "provision"), PROVISIONS, ids=str)
def test_a_provision_reads_as_lawyers_write_it(section, provision):
    assert CITATION.fullmatch(str(provision))
    assert str(provision).endswith(f", s. {section}")


@pytest.mark.parametrize(("section", "provision"), PROVISIONS, ids=str)
def test_a_provision_says_what_it_says_in_one_plain_sentence(section, provision):
    assert re.fullmatch(r"[A-Z][^.]*(e-mail[^.]*)?\.", provision.says)


@pytest.mark.parametrize(
    ("provision", "written"),
    [
        (citations.CASL["10(1)"], "S.C. 2010, c. 23, s. 10(1)"),
        (citations.ECPR["4"], "SOR/2012-36, s. 4"),
        (citations.GIC["3(b)"], "SOR/2013-221, s. 3(b)"),
    ],
)
def test_each_statute_is_cited_under_its_own_number(provision, written):
    assert str(provision) == written


def test_a_section_that_is_not_in_the_table_cannot_be_cited():
    with pytest.raises(KeyError):
        citations.CASL["99"]
