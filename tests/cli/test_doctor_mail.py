"""``consent doctor --mail``: what DNS says about the brands' domains, a line each, and what to publish."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from consent.records import signing
from tests.cli.calling import Run, runner
from tests.house import House
from tests.mail.domains import Records, Zone, real_resolver, txt
from tests.mail.test_dkim import PEM, key
from tests.setup.test_setup import EXAMPLE, run

PUBLISHED = {
    "consent.example.com": {"A": ["8.8.8.8"]},
    "acme.example": {"TXT": [txt("v=spf1 mx -all")], "MX": ["10 mx.acme.example."]},
    "mx.acme.example": {"A": ["192.0.2.1"]},
    "_dmarc.acme.example": {"TXT": [txt("v=DMARC1; p=none; rua=mailto:dmarc@acme.example")]},
}
ZEST = {
    "zest.example": {"TXT": [txt("v=spf1 mx -all")], "MX": ["10 mx.acme.example."]},
    "_dmarc.zest.example": {"TXT": [txt("v=DMARC1; p=reject; rua=mailto:dmarc@zest.example")]},
}


@pytest.fixture
def well(house: House, tmp_path: Path) -> Path:
    """Everything but DNS is as it should be."""
    signing.create(tmp_path / "ledger.key", "consent.example.com/ledger")
    house.drain()
    return tmp_path


def doctor(path: Path, records: Records) -> Run:
    return runner(path, "doctor", obj=Zone(records))


def lines(done: Result) -> dict[str, list[str]]:
    """Return the lines by what they are about, without the eight of every doctor."""
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines()[8:]:
        mark, about, text = line.split(None, 2)
        found.setdefault(about, []).append(f"{mark} {text}")
    return found


def test_every_domain_that_a_brand_writes_from_is_looked_at(well: Path) -> None:
    done = doctor(well, PUBLISHED | ZEST)("--mail")
    assert done.exit_code == 0, done.stdout
    assert lines(done)["mx"] == ["ok acme.example: mx.acme.example", "ok zest.example: mx.acme.example"]
    assert lines(done)["host"] == ["ok consent.example.com: 8.8.8.8"]
    assert [line.split(":")[0] for line in lines(done)["dmarc"]] == ["warn acme.example", "ok zest.example"]


def test_what_is_missing_is_a_failure_with_the_record_to_publish(well: Path) -> None:
    done = doctor(well, PUBLISHED)("--mail")
    assert done.exit_code == 1
    wrong = [line for about in lines(done).values() for line in about if line.startswith("FAIL")]
    assert len(wrong) == 3 and all("zest.example: no " in line and "publish " in line for line in wrong)


def test_a_selector_is_looked_up_at_every_domain(well: Path) -> None:
    done = doctor(well, PUBLISHED | ZEST)("--mail", "--selector", "s1", "--selector", "s2")
    assert done.exit_code == 1
    names = [
        f"{selector}._domainkey.{domain}" for domain in ("acme.example", "zest.example") for selector in ("s1", "s2")
    ]
    assert [line.split(":")[0] for line in lines(done)["dkim"]] == [f"FAIL {name}" for name in names]


def test_the_keys_that_we_sign_with_are_looked_up_each_at_its_own_domain(well: Path) -> None:
    pem = key().private_bytes(*PEM)
    (well / "keys").mkdir()
    for name in ("own._domainkey.acme.example.pem", "own._domainkey.elsewhere.example.pem"):
        (well / "keys" / name).write_bytes(pem)
    done = doctor(well, PUBLISHED | ZEST)("--mail", CONSENT_DKIM_KEYS=str(well / "keys"))
    assert [line.split(":")[0] for line in lines(done)["dkim"] if "_domainkey" in line.split(":")[0]] == [
        "FAIL own._domainkey.acme.example"
    ]


def test_a_key_that_cannot_be_used_is_a_failure_of_its_own(well: Path) -> None:
    (well / "keys").mkdir()
    (well / "keys" / "acme.pem").write_bytes(b"")
    done = doctor(well, PUBLISHED | ZEST)("--mail", CONSENT_DKIM_KEYS=str(well / "keys"))
    assert done.exit_code == 1 and "must be named like its DNS record" in lines(done)["dkim"][0]


def test_the_selectors_that_a_brand_has_in_set_up_are_looked_up_at_its_domain(well: Path) -> None:
    run(well, EXAMPLE.replace('colour = "#b3401f"', 'dkim_selectors = ["zest1", "zest2"]'))
    done = doctor(well, PUBLISHED | ZEST)("--mail")
    assert [line.split(":")[0] for line in lines(done)["dkim"] if line.startswith("FAIL")] == [
        "FAIL zest1._domainkey.zest.example",
        "FAIL zest2._domainkey.zest.example",
    ]


def test_nothing_is_asked_of_dns_unless_the_mail_is_to_be_looked_at(app: Flask, well: Path) -> None:
    zone = Zone(PUBLISHED)
    assert runner(well, "doctor", obj=zone)().exit_code == 0
    assert zone.asked == []
    assert "add --mail" in runner(well, "doctor", obj=zone)("--selector", "s1").stderr


def test_the_command_reads_answers_that_came_over_the_wire(well: Path) -> None:
    with real_resolver(PUBLISHED | ZEST) as resolver:
        done = runner(well, "doctor", obj=resolver)("--mail")
    assert done.stdout.splitlines()[8:] == doctor(well, PUBLISHED | ZEST)("--mail").stdout.splitlines()[8:]
