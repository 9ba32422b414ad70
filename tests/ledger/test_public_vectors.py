"""The proof vectors that transparency-dev/merkle publishes: put its ``testdata`` where CONSENT_TEST_VECTORS says."""

import base64
import json
import os
from pathlib import Path

import pytest

from consent.ledger.merkle import BadProof, verify_consistency, verify_inclusion

FOLDER = os.environ.get("CONSENT_TEST_VECTORS")
FILES = sorted(Path(FOLDER).rglob("*.json")) if FOLDER else []
SAMPLES = [  # one of each kind, so that the reader itself is tested where the folder is not
    {"leafIdx": 0, "treeSize": 1, "root": "AA==", "leafHash": "AA==", "proof": None, "wantErr": True},
    {"size1": 0, "size2": 0, "root1": "AA==", "root2": "AA==", "proof": None, "wantErr": True},
]


def refused(vector: dict[str, object]) -> bool:
    """Whether the proof is refused."""

    def read(name: str) -> bytes:
        return base64.b64decode(str(vector[name] or ""))

    proof = [base64.b64decode(text) for text in vector["proof"] or ()]  # type: ignore[attr-defined]
    try:
        if "leafIdx" in vector:
            index, size = int(str(vector["leafIdx"])), int(str(vector["treeSize"]))
            verify_inclusion(proof, index=index, size=size, leaf=read("leafHash"), root=read("root"))
        else:
            old, new = int(str(vector["size1"])), int(str(vector["size2"]))
            roots = {"old_root": read("root1"), "new_root": read("root2")}
            verify_consistency(proof, old_size=old, new_size=new, **roots)
    except BadProof:
        return True
    return False


@pytest.mark.parametrize("vector", SAMPLES)
def test_a_vector_is_read_as_its_publishers_write_it(vector: dict[str, object]) -> None:
    assert refused(vector) == vector["wantErr"]


@pytest.mark.skipif(not FILES, reason="set CONSENT_TEST_VECTORS to the testdata folder of transparency-dev/merkle")
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}/{path.stem}")
def test_a_published_vector_is_judged_as_its_publishers_say(path: Path) -> None:
    vector = json.loads(path.read_text("utf-8"))
    assert refused(vector) == vector["wantErr"]
