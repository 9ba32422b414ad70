"""DKIM: the public key by which receivers check the signature of the domain (RFC 6376).

The key is the TXT record of ``<selector>._domainkey.<domain>``: ``v=DKIM1; k=rsa; p=<base64>``.
"""

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from consent.mail.domain.findings import Answer, Finding, fault, publish, tags, unanswered, verdict

LEAST_BITS, GOOD_BITS = 1024, 2048  # RFC 8301 s. 3.2
_ED25519_BYTES = 32  # RFC 8463 s. 4
_ASK_FOR_KEY = "have your mail service make a key of 2048 bits with a new selector, and"


def name_of(selector: str, domain: str) -> str:
    """Return where the key of *selector* is (RFC 6376 s. 3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def no_selector(domain: str) -> Finding:
    """Return the line for when nobody said which key to look at: DNS cannot list them."""
    text = "not looked at: add --selector NAME, which is the s= in the DKIM-Signature of a mail that arrived."
    return Finding("warn", "dkim", f"{domain}: {text}")


def judge(selector: str, domain: str, answer: Answer, has_another: bool = False) -> list[Finding]:
    """Return what is wrong with the key of *selector*, and what to do.

    If the domain *has_another* of the selectors that were named, this one may be another brand's.
    """
    name = name_of(selector, domain)
    if answer.trouble:
        return fault("dkim", name, unanswered(answer))
    if not answer.records and has_another:
        return verdict(
            "dkim", name, [], ["no key; that is well if mail of this domain is signed with another one."], ""
        )
    if not answer.records:
        text = f"no key; switch DKIM on at your mail service for {domain}, and {_record(name)} as it tells you."
        return fault("dkim", name, text)
    if len(answer.records) > 1:
        return fault("dkim", name, f"{len(answer.records)} TXT records: receivers pick any; keep one.")
    found = tags(answer.records[0])
    if found is None or found.get("v", "DKIM1") != "DKIM1" or "p" not in found:
        return fault("dkim", name, f"not a DKIM key; {_record(name)}")
    return _key(name, found)


def _record(name: str) -> str:
    return publish(name, "v=DKIM1; k=rsa; p=THE-PUBLIC-KEY")


def _key(name: str, found: dict[str, str]) -> list[Finding]:
    value, kind = "".join(found["p"].split()), found.get("k", "rsa")
    wrong, doubtful, well = _refused(found), [], ""
    if "y" in found.get("t", "").split(":"):
        doubtful.append("t=y says that you are only testing, and receivers may ignore it: take it out.")
    if not value:
        wrong.append(f"the key is revoked (p= is empty): sign with another selector; {_ASK_FOR_KEY} {_record(name)}")
    elif kind == "ed25519":
        doubtful.append("Ed25519, which not every receiver checks: sign with an RSA key as well.")
        wrong += [] if _length(value) == _ED25519_BYTES else ["p= is not an Ed25519 key: copy it again."]
    elif (bits := rsa_bits(value)) is None:
        wrong.append("p= is not an RSA key: copy it again, whole. A cut or doubled string is the usual cause.")
    elif bits < LEAST_BITS:
        wrong.append(f"RSA of {bits} bits, which receivers must not believe; {_ASK_FOR_KEY} {_record(name)}")
    elif bits < GOOD_BITS:
        doubtful.append(f"RSA of {bits} bits is still believed, but weak; {_ASK_FOR_KEY} {_record(name)}")
    else:
        well = f"RSA of {bits} bits"
    return verdict("dkim", name, wrong, doubtful, well)


def _refused(found: dict[str, str]) -> list[str]:
    """Return which tags keep receivers from using the key at all (RFC 6376 s. 3.6.1)."""
    wrong = []
    if found.get("k", "rsa") not in ("rsa", "ed25519"):
        wrong.append(f"k={found['k']} is no kind of key: write k=rsa.")
    if "h" in found and "sha256" not in found["h"].replace(" ", "").split(":"):
        wrong.append("h= does not allow sha256: take it out.")
    if not {"*", "email"} & set(found.get("s", "*").replace(" ", "").split(":")):
        wrong.append("s= does not allow e-mail: take it out.")
    return wrong


def rsa_bits(value: str) -> int | None:
    """Return the size of the RSA key in base64, in bits; None if it is not one."""
    try:
        key = load_der_public_key(base64.b64decode(value, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None


def _length(value: str) -> int:
    try:
        return len(base64.b64decode(value, validate=True))
    except binascii.Error:
        return 0
