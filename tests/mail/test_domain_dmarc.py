"""DMARC: a policy that receivers read, that somebody gets reports of, and that our mail passes."""

import pytest

from consent.mail.domain import dmarc
from consent.mail.domain.findings import Answer, Finding

DOMAIN = "acme.example"
GOOD = "v=DMARC1; p=reject; rua=mailto:dmarc@acme.example"


def judged(*records: str, envelope: str = DOMAIN) -> list[Finding]:
    return dmarc.judge(DOMAIN, envelope, {DOMAIN: Answer(records)}, {})


def marks(found: list[Finding]) -> list[str]:
    return [one.mark for one in found]


def test_a_policy_with_reports_is_well() -> None:
    assert marks(judged(GOOD)) == marks(judged("v=DMARC1;p=Quarantine;rua=mailto:a@acme.example!10m;")) == ["ok"]


def test_no_policy_says_which_one_to_begin_with() -> None:
    (found,) = judged("v=spf1 -all")
    assert found.mark == "FAIL"
    assert 'publish _dmarc.acme.example. TXT "v=DMARC1; p=none; rua=mailto:dmarc@acme.example"' in found.text


@pytest.mark.parametrize("record", ["v=DMARC1; p=allow", "v=DMARC1", "v=DMARC1; p", "v=DMARC1; p=none; p=none"])
def test_a_policy_that_cannot_be_read_is_a_fault(record: str) -> None:
    assert marks(judged(record)) == ["FAIL"]


def test_two_policies_are_none() -> None:
    assert marks(judged(GOOD, GOOD)) == ["FAIL"]


def test_none_is_a_beginning_and_the_next_step_is_said() -> None:
    (found,) = judged("v=DMARC1; p=none; rua=mailto:dmarc@acme.example")
    assert found.mark == "warn" and '"v=DMARC1; p=quarantine; rua=mailto:dmarc@acme.example"' in found.text


def test_reports_come_first_and_a_stronger_policy_after_them() -> None:
    (found,) = judged("v=DMARC1; p=none")
    assert '"v=DMARC1; p=none; rua=mailto:dmarc@acme.example"' in found.text


def test_reports_that_nobody_gets_are_a_doubt() -> None:
    assert "rua=mailto:dmarc@acme.example" in judged("v=DMARC1; p=reject")[0].text
    assert marks(judged("v=DMARC1; p=reject; rua=dmarc@acme.example")) == ["warn"]


def test_somebody_outside_must_agree_to_get_the_reports() -> None:
    record = "v=DMARC1; p=reject; rua=mailto:a@reports.example, mailto:b@acme.example"
    assert dmarc.outsiders(DOMAIN, record) == ["reports.example"]
    said = {DOMAIN: Answer((record,))}
    (found,) = dmarc.judge(DOMAIN, DOMAIN, said, {"reports.example": Answer()})
    assert found.mark == "warn"
    assert 'publish acme.example._report._dmarc.reports.example. TXT "v=DMARC1"' in found.text
    assert marks(dmarc.judge(DOMAIN, DOMAIN, said, {"reports.example": Answer(("v=DMARC1",))})) == ["ok"]


def test_a_subdomain_is_spoken_for_by_the_domain_above_with_its_own_policy() -> None:
    def of(record: str) -> list[Finding]:
        said = {"news.acme.example": Answer(), DOMAIN: Answer((record,))}
        return dmarc.judge("news.acme.example", "news.acme.example", said, {})

    assert dmarc.above("news.acme.example") == ["news.acme.example", "acme.example"]
    assert marks(of(GOOD)) == ["ok"]
    (found,) = of(f"{GOOD}; sp=none")
    assert found.mark == "warn" and "sp=quarantine" in found.text


@pytest.mark.parametrize(
    ("envelope", "mode", "is_aligned"),
    [
        ("acme.example", "s", True),
        ("bounces.acme.example", "s", False),
        ("bounces.acme.example", "r", True),
        ("relay.example", "r", False),
        ("notacme.example", "r", False),
    ],
)
def test_the_envelope_must_be_in_the_domain_that_people_see(envelope: str, mode: str, is_aligned: bool) -> None:
    (found,) = judged(f"{GOOD}; aspf={mode}", envelope=envelope)
    assert (found.mark == "ok") == is_aligned


def test_a_server_that_fails_is_a_fault() -> None:
    assert marks(dmarc.judge(DOMAIN, DOMAIN, {DOMAIN: Answer(trouble="failed")}, {})) == ["FAIL"]
