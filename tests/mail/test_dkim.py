"""DKIM: what a receiver can verify, and that the fields of one-click unsubscribing are covered."""

import base64
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask

from consent import clock
from consent.cli import work
from consent.mail import dkim_keys, headers
from consent.mail.dkim_keys import BadDkim
from tests.conftest import settings_for
from tests.house import House
from tests.mail.test_wire import Postbox, letter, postbox, raw
from tests.people import ANNE

__all__ = ["postbox"]
NAME = "s1._domainkey.acme.example.pem"
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@cache
def key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "dkim"
    folder.mkdir()
    (folder / NAME).write_bytes(key().private_bytes(*PEM))
    return folder


def dns() -> Callable[..., bytes]:
    """Return what answers for the record that belongs to the key."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(key().public_key().public_bytes(*form))
    return lambda name, timeout=5: record if name == b"s1._domainkey.acme.example." else b""


def test_a_receiver_can_verify_our_mail_and_one_click_is_covered(
    house: House, app: Flask, postbox: Postbox, tmp_path: Path, keys: Path
) -> None:
    smtp = f"smtp://127.0.0.1:{postbox.port}"
    app.config["CONSENT"] = settings_for(tmp_path, CONSENT_SMTP_URL=smtp, CONSENT_DKIM_KEYS=str(keys))
    house.sign_up(ANNE.email, language="fr")
    work.drain(app)
    content = raw(postbox.envelopes[0])
    assert dkim.verify(content, dnsfunc=dns())
    signed = re.sub(rb"\s", b"", content.partition(b"h=")[2].partition(b";")[0]).lower().split(b":")
    assert {b"from", b"subject", b"date", b"list-unsubscribe", b"list-unsubscribe-post", b"list-id"} <= set(signed)
    assert not dkim.verify(content.replace(b"/u/", b"/v/", 1), dnsfunc=dns())


def test_mail_of_a_domain_without_a_key_goes_as_it_is(keys: Path) -> None:
    content = headers.wire(letter(), clock.now())
    assert dkim_keys.sign(content, "zest.example", dkim_keys.load(keys)) == content


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("acme.pem", key().private_bytes(*PEM), "must be named like its DNS record"),
        ("s2._domainkey.acme.example.pem", key().private_bytes(*PEM), "two keys of acme.example"),
        (NAME, b"no key", "is no private key"),
        (NAME, ec.generate_private_key(ec.SECP256R1()).private_bytes(*PEM), "must be an RSA key"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_by_name(keys: Path, name: str, content: bytes, said: str) -> None:
    (keys / name).write_bytes(content)
    with pytest.raises(BadDkim, match=said):
        dkim_keys.load(keys)


def test_a_folder_without_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDkim, match="holds no key"):
        dkim_keys.load(tmp_path)
