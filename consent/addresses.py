"""Which spellings are one mailbox: strict where we allow, loose where we deny.

=============  ===============================================  ==============================
key            made of                                          used for
=============  ===============================================  ==============================
consent key    local part (NFC, case kept) @ ASCII domain       finding consent
deny key       local part casefolded @ ASCII domain             withdrawals, suppressions
abuse key      deny key without +tag; Gmail also without dots   caps on mails per person
=============  ===============================================  ==============================

A mistake in the looser keys then means less mail, never more.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import partial

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

_GMAIL = {"gmail.com", "googlemail.com"}


class BadAddress(ValueError):
    """The text is not an e-mail address that mail can reach; the message says why, for the person who typed it."""


@dataclass(frozen=True)
class Address:
    """One e-mail address: as typed, and under its three keys."""

    typed: str
    consent_key: str
    deny_key: str
    abuse_key: str


def parse(text: str) -> Address:
    """Return *text* as an Address; asks no DNS. Raises BadAddress with a sentence for people.

    Syntax as in RFC 5321 without quoted local parts and address literals; the local part is ASCII
    (RFC 6531 delivery is not assumed), the domain may be international (IDNA 2008, UTS 46).
    Addresses of the plain shape that most have are not put through the validator, which costs ten times as much.
    """
    if (plain := _PLAIN.match(text)) and len(text) <= _LONGEST_PLAIN and plain["ending"].lower() not in _SPECIAL:
        local, _, domain = text.partition("@")
        domain = domain.lower()
        return Address(text, f"{local}@{domain}", f"{local.lower()}@{domain}", _abuse_key(local, domain))
    return _parse_any(text)


def _parse_any(text: str) -> Address:
    """Do what :func:`parse` does, for an address of any shape."""
    try:
        found = _validate(text.strip())
    except EmailNotValidError as error:
        raise BadAddress(str(error)) from None
    if "=?" in found.local_part:
        raise BadAddress("The part before the @-sign must not hold =?, which mail programs take for something else.")
    local = unicodedata.normalize("NFC", found.local_part)
    domain = found.ascii_domain.lower()
    return Address(text.strip(), f"{local}@{domain}", f"{local.casefold()}@{domain}", _abuse_key(local, domain))


#: Letters, digits, _ + - and single dots before the @; after it labels without a double hyphen (which IDNA uses).
_PLAIN = re.compile(
    r"[A-Za-z0-9_+-]{1,32}(?:\.[A-Za-z0-9_+-]{1,15}){0,2}@"
    r"(?:[A-Za-z0-9](?:-?[A-Za-z0-9]){0,30}\.){1,3}(?P<ending>[A-Za-z]{2,20})\Z"
)
_LONGEST_PLAIN = 160
_SPECIAL = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)  # left to the validator

#: No DNS; ASCII before the @; the lengths of RFC 5321; ``.test`` is a domain like any other.
_validate = partial(
    validate_email, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
)


def _abuse_key(local: str, domain: str) -> str:
    base = local.casefold().partition("+")[0] or local.casefold()
    if domain in _GMAIL:
        return base.replace(".", "") + "@gmail.com"
    return f"{base}@{domain}"


def digest(key: str, secret: str | bytes) -> str:
    """Return the keyed digest (HMAC-SHA-256, hex) under which an address is remembered once it is erased."""
    secret = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(secret, b"consent/address/v1\0" + key.encode(), hashlib.sha256).hexdigest()


def mask(address: str) -> str:
    """Return *address* so that its owner knows it and a stranger learns little: ``a•••@d•••.org``."""
    local, _, domain = address.partition("@")
    name, dot, ending = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••{dot}{ending}"
