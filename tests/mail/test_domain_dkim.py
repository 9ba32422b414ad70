"""DKIM: a key that is there, whole, long enough and not taken back."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consent.mail.domain import dkim
from consent.mail.domain.findings import Answer, Finding

# openssl genrsa 512: the library no longer makes keys as short as this.
SHORT = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAOf9hqIY3/HP31CzMFTEqRXv12i04Y/xUKodLDQVoE/94bT6CCGxVy8Nx99KeLXzLChjIjw4P4yJGQr6"
    "unLRW20CAwEAAQ=="
)


def key(bits: int, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, form)).decode()


@pytest.fixture(scope="module")
def good() -> str:
    return key(2048)


def judged(*records: str) -> Finding:
    (found,) = dkim.judge("s1", "acme.example", Answer(records))
    return found


def test_two_thousand_bits_are_well_however_the_record_is_written(good: str) -> None:
    written = [f"v=DKIM1; k=rsa; p={good}", f"p={good}", f"v=DKIM1;h=sha256;s=email;t=s;p={good[:99]} {good[99:]};"]
    assert [judged(text).mark for text in written] == ["ok"] * 3
    assert "RSA of 2048 bits" in judged(written[0]).text


def test_a_bare_rsa_key_is_one_too(good: str) -> None:
    assert dkim.rsa_bits(key(2048, PublicFormat.PKCS1)) == 2048


def test_a_short_key_is_a_doubt_and_a_very_short_one_a_fault() -> None:
    weak, broken = judged(f"v=DKIM1; p={key(1024)}"), judged(f"v=DKIM1; p={SHORT}")
    assert (weak.mark, broken.mark) == ("warn", "FAIL")
    assert "1024 bits" in weak.text and "512 bits" in broken.text
    assert 'publish s1._domainkey.acme.example. TXT "v=DKIM1; k=rsa; p=THE-PUBLIC-KEY"' in broken.text


def test_no_key_and_a_revoked_one_are_told_apart() -> None:
    assert "switch DKIM on" in judged().text
    assert "revoked" in judged("v=DKIM1; p=").text


def test_a_key_that_is_cut_or_something_else_is_a_fault(good: str) -> None:
    wrong = [
        f"v=DKIM1; p={good[:100]}",
        "v=DKIM1; p=?",
        f"v=DKIM2; p={good}",
        "v=DKIM1",
        "hello",
        f"p={good}; p={good}",
    ]
    assert [judged(text).mark for text in wrong] == ["FAIL"] * len(wrong)


@pytest.mark.parametrize("more", ["h=sha1", "s=other", "k=dsa"])
def test_a_key_that_receivers_must_not_use_names_the_tag(good: str, more: str) -> None:
    found = judged(f"v=DKIM1; {more}; p={good}")
    assert found.mark == "FAIL" and more[:2] in found.text


def test_testing_is_a_doubt(good: str) -> None:
    assert judged(f"v=DKIM1; t=y:s; p={good}").mark == "warn"


def test_ed25519_alone_is_a_doubt_and_half_of_it_a_fault() -> None:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert judged(f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}").mark == "warn"
    half = dkim.judge("s1", "acme.example", Answer((f"k=ed25519; p={base64.b64encode(raw[:16]).decode()}",)))
    assert half[0].mark == "FAIL"


def test_two_records_at_one_name_are_a_fault(good: str) -> None:
    assert judged(f"p={good}", f"p={good}").mark == "FAIL"
