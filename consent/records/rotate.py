"""Replace the signing key, in steps of which each can be cut short and done again.

First the new key takes the place of the old one, which signs beside it: one head at least is signed by both, so that
whoever holds either public key can follow. Weeks later the old one goes. At no point does the only key that fits the
last note disappear.
"""

from pathlib import Path

from consent.records import publish, signing
from consent.records.append import Origin
from consent.records.signing import KeyTrouble, Publisher


def begin(key: Path, origin: Origin) -> str:
    """Put a new key in place, have it announced and a head signed by both, and return its public line.

    Nothing is touched unless the ledger still continues what was signed. Raises KeyTrouble, publish.Contradiction.
    """
    with signing.turn(key):
        publish.publish(_loaded(key, origin), origin)
        signing.replace(key, origin.log)
        both = _loaded(key, origin)
        both.sign_again()
        publish.publish(both, origin)
    return both.signers[0].verifier.vkey


def finish(key: Path, origin: Origin) -> str:
    """End the time in which both sign: record it, delete the old key, and return the public line of the new one.

    Raises KeyTrouble, also if no key is being retired.
    """
    with signing.turn(key):
        return _finish(key, origin)


def _finish(key: Path, origin: Origin) -> str:
    both = _loaded(key, origin)
    if len(both.signers) == 1:
        signing.drop_retiring(key)  # a copy of the key in use, which a rotation that was cut short left
        raise KeyTrouble("No key is being retired; begin with `consent ledger key rotate`.")
    new, old = (signer.verifier.vkey for signer in both.signers)
    both.sign_again()
    publish.publish(both, origin)
    publish.retire(old, new, origin)
    signing.drop_retiring(key)
    publish.publish(_loaded(key, origin), origin)
    return new


def _loaded(key: Path, origin: Origin) -> Publisher:
    found = signing.load(key, origin.log)
    if found is None:
        raise KeyTrouble(f"There is no key at {key}; make one with `consent ledger key new`.")
    return found
