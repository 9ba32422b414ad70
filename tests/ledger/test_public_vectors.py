"""Proof vectors in the form in which transparency-dev/merkle publishes them.

A few are here, made of the hashes of the well-known tree of eight leaves. CONSENT_TEST_VECTORS may name a folder with
more: the publishers' ``testdata``.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from consent.ledger.merkle import BadProof, verify_consistency, verify_inclusion

R1 = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="
R8 = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
PROOF = [
    "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
    "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
    "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
]
INCLUDED = {"leafIdx": 0, "treeSize": 8, "root": R8, "leafHash": R1, "proof": PROOF}
CONSISTENT = {"size1": 1, "size2": 8, "root1": R1, "root2": R8, "proof": PROOF}
HERE = [
    INCLUDED | {"wantErr": False},
    INCLUDED | {"proof": ["", *PROOF], "wantErr": True},
    INCLUDED | {"proof": PROOF[:-1], "wantErr": True},
    INCLUDED | {"leafIdx": 1, "wantErr": True},
    CONSISTENT | {"wantErr": False},
    CONSISTENT | {"size1": 2, "wantErr": True},
    CONSISTENT | {"root1": R8, "root2": R1, "wantErr": True},
    CONSISTENT | {"size2": 1, "root2": R1, "proof": None, "wantErr": False},
    CONSISTENT | {"size1": 0, "size2": 0, "root1": R1, "root2": R1, "proof": None, "wantErr": True},
]
THERE = sorted(Path(os.environ["CONSENT_TEST_VECTORS"]).rglob("*.json")) if "CONSENT_TEST_VECTORS" in os.environ else []


def refused(vector: dict[str, Any]) -> bool:
    """Return whether the proof is refused."""

    def read(name: str) -> bytes:
        return base64.b64decode(vector[name] or "")

    proof = [base64.b64decode(text) for text in vector["proof"] or ()]
    try:
        if "leafIdx" in vector:
            place = {"index": vector["leafIdx"], "size": vector["treeSize"]}
            verify_inclusion(proof, **place, leaf=read("leafHash"), root=read("root"))
        else:
            sizes = {"old_size": vector["size1"], "new_size": vector["size2"]}
            verify_consistency(proof, **sizes, old_root=read("root1"), new_root=read("root2"))
    except BadProof:
        return True
    return False


@pytest.mark.parametrize("vector", [*HERE, *THERE])
def test_a_published_vector_is_judged_as_its_publishers_say(vector: dict[str, Any] | Path) -> None:
    found = json.loads(vector.read_text("utf-8")) if isinstance(vector, Path) else vector
    assert refused(found) == found["wantErr"]
