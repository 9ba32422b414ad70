"""Sign what goes out with DKIM (RFC 6376), for companies whose mail server does not do it.

The signature covers the fields of one-click unsubscribing, without which mailbox providers ignore them (RFC 8058 s. 4).
"""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_NAME = re.compile(r"(?P<selector>[a-z0-9-]{1,63})\._domainkey\.(?P<domain>[a-z0-9.-]+)\.pem\Z")
_LEAST_BITS = 1024
_SIGNED = (
    b"From", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type", b"Content-Language",
    b"List-Id", b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Auto-Submitted",
)  # fmt: skip


class BadDkim(ValueError):
    """A key cannot be used; the message names the file and says what to do."""


@dataclass(frozen=True)
class Key:
    """A private key, and the selector under which DNS has its public half."""

    selector: str
    pem: bytes = field(repr=False)


def load(folder: Path) -> Mapping[str, Key]:
    """Return the keys in *folder* by domain: files named like the DNS record, ``s1._domainkey.acme.example.pem``.

    Raises BadDkim for a file that is no such key, for two keys of one domain, and if dkimpy is not installed.
    """
    if importlib.util.find_spec("dkim") is None:
        raise BadDkim("CONSENT_DKIM_KEYS needs the package dkimpy: pip install 'consent[dkim]'.")
    found: dict[str, Key] = {}
    for path in sorted(folder.glob("*.pem")):
        named = _NAME.match(path.name)
        if not named:
            raise BadDkim(f"{path} must be named like its DNS record: selector._domainkey.example.com.pem.")
        if named["domain"] in found:
            raise BadDkim(f"{folder} holds two keys of {named['domain']}: leave the one in use.")
        found[named["domain"]] = Key(named["selector"], _checked(path))
    if not found:
        raise BadDkim(f"CONSENT_DKIM_KEYS: {folder} holds no key named selector._domainkey.example.com.pem.")
    return found


def _checked(path: Path) -> bytes:
    pem = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise BadDkim(f"{path} is no private key in PEM without a password.") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise BadDkim(f"{path} must be an RSA key of 2048 bits: openssl genrsa -out {path.name} 2048.")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return key.private_bytes(*form)


def sign(content: bytes, domain: str, keys: Mapping[str, Key]) -> bytes:
    """Return the message *content* with a signature of *domain* in front; as it is if there is no key of it."""
    key = keys.get(domain.lower())
    if key is None:
        return content
    import dkim  # noqa: PLC0415 - an extra: only whoever signs here has it

    how = {"canonicalize": (b"relaxed", b"relaxed"), "include_headers": list(_SIGNED)}
    header: bytes = dkim.sign(content, key.selector.encode(), domain.lower().encode(), key.pem, **how)
    return header + content
