"""The verifier: signatures, notes and proofs by vectors; sound bundles; what it says and what it does not claim."""

import ast
import base64
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.ledger import entries, merkle, verify
from consent.ledger.verify import BadNote, Checkpoint
from tests.ledger import bundles

SCRIPT = Path(verify.__file__)
LOG = bundles.sample(300, contacts=7)
ERASED = LOG.erase(3)
NEWEST = LOG.add("consent.given", 4, {"email": "last@example.com"})
SIZE = len(LOG.bodies)
FULL = bundles.bundle(LOG, earlier=(0, 3, 100, 256))
CONTACT = bundles.bundle(LOG, "contact", bundles.of_contact(LOG, 4), earlier=(0, 3, 100, 256))
SELECTION = bundles.bundle(LOG, "selection", {5, 8, 40, 41, 299}, earlier=(0, 3, 100, 256))
SCOPES = {"full": FULL, "contact": CONTACT, "selection": SELECTION}
KEY = ["--key", bundles.LOG.vkey]

EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
WISDOM = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
PETERS_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCHS_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
OUR_NOTES = {
    70_000: ("pipUvjMpT/1aXExjf9dUYwtxqJLoNW46Zmpcin/9FRg=", "nBfvkxNDl5P7RULJ4EtTK/FeYsqHHJRPrM0+Ts8xwvhgGdJNwE70Jxh502BZFE6RgUNoYdGbYVdzxEceMhm19xRr/Qg="),
    3: ("pkvybgkSj2/i/m+LLYyAHhZrV8BHp82bK4Ceepai8cs=", "nBfvk1Sy/Q0x+BaBu+yTPWw1ap1DkHfL0TFwBTCae+cXK5elSair6ctSMrrkWaXgJWLtXwlAZi5Biax9ExNdS6J7ew0="),
    0: ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "nBfvkwmkNeCkvhxCkBq60I5agmeO+bMZzPsZo2wC/I3d6HVvFUqDSO2g85V6/RqkxTHSuByeIdDBVzKXGSFDsJorQQ0="),
}  # fmt: skip


def run(files, tmp_path, *options, key=KEY):
    """Return the exit status for *files* as a zip; what was printed is in capsys."""
    return verify.main([str(bundles.write_zip(tmp_path / "bundle.zip", files)), *key, *map(str, options)])


def keep(tmp_path, size, *signers, name="kept", log=LOG, at=bundles.START):
    path = tmp_path / f"{name}-{size}"
    path.write_text(bundles.note_of(log, size, *signers, at=at))
    return path


def signed_by(note, *vkeys):
    text, signatures = verify.split_note(note.encode())
    return [one.key.name for one in verify.signers(text, signatures, [verify.parse_vkey(vkey) for vkey in vkeys])]


# Signatures


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ],
)  # fmt: skip
def test_the_signatures_of_rfc_8032_are_valid_and_no_byte_of_them_may_change(public, message, signature):
    public, message, signature = map(bytes.fromhex, (public, message, signature))
    assert verify.verify_signature(public, message, signature)
    for place in range(0, 64, 7):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not verify.verify_signature(public, message, bytes(changed))
    assert not verify.verify_signature(public, message + b"!", signature)


@settings(max_examples=10, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_what_another_library_signs_is_valid_here(seed, message):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    assert verify.verify_signature(public, message, key.sign(message))
    assert not verify.verify_signature(public, message + b"\0", key.sign(message))


def test_a_second_signature_made_by_adding_the_order_of_the_group_is_refused():
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"x")
    order = 2**252 + 27742317777372353535851937790883648493
    larger = int.from_bytes(signature[32:], "little") + order
    assert not verify.verify_signature(
        key.public_key().public_bytes_raw(), b"x", signature[:32] + larger.to_bytes(32, "little")
    )


@pytest.mark.parametrize(
    "public",
    [
        b"", bytes(31), bytes(33), bytes([2] + [0] * 31), (2**255 - 19).to_bytes(32, "little"), (2**255 - 18).to_bytes(32, "little"),
        (2**255 + 1).to_bytes(32, "little"), b"\xff" * 32,
    ],
    ids=["empty", "short", "long", "not on the curve", "y = p", "y = p + 1", "x = 0 with a sign", "all ones"],
)  # fmt: skip
def test_a_key_that_is_no_point_signs_nothing(public):
    assert not verify.verify_signature(public, b"", bytes(64))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_refused(length):
    assert not verify.verify_signature(bundles.LOG.material[1:], b"", bytes(length))


# Keys and notes


@pytest.mark.parametrize("vkey", [EXAMPLE, PETER, ENOCH, bundles.LOG.vkey, bundles.WITNESS.vkey])
def test_a_vkey_is_read(vkey):
    key = verify.parse_vkey(vkey)
    assert f"{key.name}+{key.id.hex()}+{base64.b64encode(bytes([key.kind]) + key.public).decode()}" == vkey


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "c74f20a4"), PETER.replace("c74f20a3", "C74F20A3"), PETER.replace("Peter", "Pe ter"),
        PETER.replace("Peter", "Paula"), PETER + "=", PETER + "\n", PETER[:-1], PETER[1:], "", "++", "a+b",
    ],
)  # fmt: skip
def test_a_malformed_vkey_is_refused(vkey):
    with pytest.raises(ValueError):
        verify.parse_vkey(vkey)


def test_notes_that_other_programs_signed_are_valid():
    assert signed_by(EXAMPLE_NOTE, EXAMPLE) == ["example.com/foo"]
    assert signed_by(WISDOM + PETERS_LINE + ENOCHS_LINE, PETER, ENOCH) == ["PeterNeumann", "EnochRoot"]


@pytest.mark.parametrize("size", OUR_NOTES)
def test_our_own_checkpoints_are_valid(size):
    root, signature = OUR_NOTES[size]
    note = f"{bundles.ORIGIN}\n{size}\n{root}\n\n— {bundles.ORIGIN} {signature}\n"
    assert signed_by(note, bundles.LOG.vkey) == [bundles.ORIGIN]
    assert verify.parse_checkpoint(verify.split_note(note.encode())[0]) == (
        bundles.ORIGIN,
        size,
        base64.b64decode(root),
    )


def test_signatures_by_unknown_keys_are_passed_over_and_sixteen_are_accepted():
    strangers = "".join(bundles.Signer(f"stranger-{n}", bytes([n]) * 32).line(WISDOM) for n in range(15))
    assert signed_by(WISDOM + strangers + PETERS_LINE, PETER) == ["PeterNeumann"]


def test_a_false_signature_under_a_known_name_and_key_spoils_the_note_even_beside_a_good_one():
    false = PETERS_LINE.replace("ZJku", "ZJkv")
    with pytest.raises(BadNote):
        signed_by(WISDOM + ENOCHS_LINE + false, PETER, ENOCH)
    assert signed_by(WISDOM + ENOCHS_LINE + false, ENOCH) == ["EnochRoot"]


def test_the_text_ends_at_the_last_empty_line():
    text, _ = verify.split_note(("one\n\ntwo\n\n" + PETERS_LINE).encode())
    assert text == b"one\n\ntwo\n"


@pytest.mark.parametrize(
    "note",
    [
        b"", b"\n\n", b"text\n", b"text\n\n", b"text\n\n\n", b"te\rxt\n\n" + PETERS_LINE.encode(), b"te\0xt\n\n" + PETERS_LINE.encode(),
        b"te\xffxt\n\n" + PETERS_LINE.encode(), (WISDOM + PETERS_LINE[:-1]).encode(), (WISDOM + PETERS_LINE[2:]).encode(),
        (WISDOM + PETERS_LINE.replace("=\n", "\n")).encode(), (WISDOM + PETERS_LINE.replace(" x08", "  x08")).encode(),
        (WISDOM + "— Peter AAAA\n").encode(), (WISDOM + PETERS_LINE.replace("nAM=", "nAN=")).encode(), (WISDOM + PETERS_LINE * 101).encode(),
    ],
)  # fmt: skip
def test_a_malformed_note_is_refused(note):
    with pytest.raises(BadNote):
        verify.split_note(note)


def test_a_checkpoint_of_another_program_is_read():
    text = b"go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
    assert verify.parse_checkpoint(text)[:2] == ("go.sum database tree", 123456789012)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("123456789012", "0xabcdef"), ("Bb0=", "Bb0=AAAA"), ("Bb0=", "Bb1="), ("123456789012", "0123"), ("123456789012", "-1"), ("123456789012", "١"),
        ("123456789012", str(2**63)), ("123456789012", "9" * 40), ("go.sum database tree\n", "\n"), ("Bb0=\n", "Bb0=\nmore\n"), ("Bb0=\n", "Bb0="),
    ],
)  # fmt: skip
def test_a_malformed_checkpoint_is_refused(old, new):
    text = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
    with pytest.raises(BadNote):
        verify.parse_checkpoint(text.replace(old, new).encode())


# The tree


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.data())
def test_proofs_are_judged_as_the_ledger_judges_them(size, data):
    tree, index = bundles.Tree(LOG.bodies[:size]), data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    head, before = Checkpoint("", size, tree.root()), Checkpoint("", old, bundles.Tree(LOG.bodies[:old]).root())
    inclusion, consistency = tree.proof(index), tree.consistency(old)
    assert verify.included(inclusion, index, tree.levels[0][index], head)
    assert verify.consistent(consistency, before, head)
    wrong = data.draw(st.sampled_from(["short", "long", "garbled", "other", "bytes"]))
    for proof, check in (
        (inclusion, lambda p: verify.included(p, index, tree.levels[0][index], head)),
        (consistency, lambda p: verify.consistent(p, before, head)),
    ):
        place = data.draw(st.integers(0, max(0, len(proof) - 1)))
        changed = {
            "short": proof[:-1],
            "long": [*proof, bytes(32)],
            "garbled": [*proof[:place], bytes(32), *proof[place + 1 :]],
            "other": proof[::-1],
            "bytes": [p + b"x" for p in proof],
        }[wrong]
        assert changed == proof or not check(changed)


@pytest.mark.parametrize("size", [1, 3, 255, 256, 257, 300])
def test_a_node_cannot_be_passed_off_as_a_leaf(size):
    tree = bundles.Tree(LOG.bodies[:size])
    above = merkle.node_hash(bytes(32), bytes(32))
    assert not verify.included([], 0, above, Checkpoint("", size, tree.root()))
    body = bytes(32) + bytes(32)
    assert verify.leaf_hash(body) != verify.node_hash(bytes(32), bytes(32))


def test_an_index_beyond_the_tree_is_never_included():
    assert not verify.included([], 1, bytes(32), Checkpoint("", 1, bytes(32)))
    assert not verify.included([], -1, bytes(32), Checkpoint("", 1, bytes(32)))
    assert not verify.included([], 0, bytes(32), Checkpoint("", 0, bytes(32)))


def test_every_ledger_begins_with_the_empty_one_and_with_itself():
    head = Checkpoint("", 5, bytes(32))
    assert verify.consistent([], Checkpoint("", 0, verify.EMPTY_ROOT), head)
    assert verify.consistent([], head, head)
    assert not verify.consistent([], Checkpoint("", 0, bytes(32)), head)
    assert not verify.consistent([], Checkpoint("", 6, bytes(32)), head)


@pytest.mark.parametrize(
    ("size", "root"),
    [
        (0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), (3, "pkvybgkSj2/i/m+LLYyAHhZrV8BHp82bK4Ceepai8cs="), (255, "RdqfN0dI4Xo3L3HABCKxLiv5aELx9hxXQP5JTkvs/w8="),
        (256, "+F9OrTQIBxC00egIMBVDqquBqgTeuIWZNQ3Cak8vWN4="), (257, "kYsc7GTzF8duPPVcBTaEHAOe/wZ3LruIKM58F2Aotaw="), (65535, "75cnkElE5H+sSzR8H7M/zrkX3OPTFOLCCy0Pz+EQwoE="),
        (65536, "3yxgbRFEFvpgC/NJUVLgnjnovj0OLlUBw1KCZTmr2o4="), (65537, "tjAHv2A1m9y8HR7x7SVv41nSudFaumijzuMKgy9Ax54="), (70000, "pipUvjMpT/1aXExjf9dUYwtxqJLoNW46Zmpcin/9FRg="),
    ],
)  # fmt: skip
def test_the_tree_of_tiles_has_the_roots_on_which_programs_agreed(size, root):
    seen = []
    tree = verify.Tree(lambda level, index, hashes: seen.append((level, index, len(hashes))))
    leaves = [verify.leaf_hash(f"entry-{n}".encode()) for n in range(size)]
    for start in range(0, size // 256 * 256, 256):
        tree.add(leaves[start : start + 256])
    assert base64.b64encode(tree.root(leaves[size // 256 * 256 :])).decode() == root
    tree.finish()
    if size == 70_000:
        assert sorted(seen) == [(1, 0, 256), (1, 1, 17), (2, 0, 1)]


def test_the_entry_and_the_commitments_of_the_specification_are_what_it_says():
    assert (
        verify.commitment("name", bundles.SALT, "Zoé".encode())
        == "268f764ab14f63d517663d967d5ab2e56a8820a6b972eef612da8004117c9a43"
    )
    assert (
        verify.commitment("email", bundles.SALT, b"jane@example.com")
        == "a8d328dcc06db4c737a649c6112dd4cf797e40be8929e6f5c1f316aa11366965"
    )


def test_every_entry_that_the_ledger_writes_is_canonical():
    for body in LOG.bodies:
        entry = entries.decode(body)
        assert verify.shape(entry) == verify.style(entry, body, bundles.ORIGIN) == ""


# Sound bundles


@pytest.mark.parametrize("quick", [[], ["--quick"]])
@pytest.mark.parametrize("scope", SCOPES)
def test_a_sound_zip_is_sound(scope, quick, tmp_path, capsys):
    assert run(SCOPES[scope], tmp_path, *quick) == 0
    assert bundles.plain(capsys.readouterr().out).endswith("\nSOUND\n")


@pytest.mark.parametrize("scope", SCOPES)
def test_a_sound_folder_is_sound_whatever_its_name(scope, tmp_path, capsys):
    folder = bundles.write_folder(tmp_path / "my [bundle] é", SCOPES[scope])
    assert verify.main([f"{folder}/", *KEY]) == 0


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 301])
def test_full_bundles_of_every_shape_are_sound(size):
    log = bundles.sample(size)
    assert bundles.in_memory(bundles.bundle(log, earlier=()), kept=[(0, verify.EMPTY_ROOT)]).verdict == "SOUND"


def test_the_lines_stand_in_their_order_and_say_how_they_ended(tmp_path, capsys):
    run(FULL, tmp_path, "--checkpoint", keep(tmp_path, 100))
    said = bundles.plain(capsys.readouterr().out).splitlines()
    ends = {line.split(":")[0]: line.rsplit(": ")[-1] for line in said[:10]}
    assert ends == {
        "SIGNATURE": "ok", "WITNESS": "not claimed", "FILES": "ok", "ROOT": "ok", "COMPLETE": "ok", "CANONICAL": "ok", "CONTACT-CHAINS": "ok",
        "TIME": "not claimed", "EVIDENCE": "ok", "CONSISTENT-WITH 100": "ok",
    }  # fmt: skip
    assert list(ends)[0] == "SIGNATURE" and list(ends)[-1] == "CONSISTENT-WITH 100"


def test_a_quick_check_says_skipped_and_never_ok_for_what_it_did_not_do(tmp_path, capsys):
    run(FULL, tmp_path, "--quick")
    said = bundles.plain(capsys.readouterr().out).splitlines()
    for name in ("FILES", "CANONICAL", "CONTACT-CHAINS", "TIME", "EVIDENCE"):
        assert [line for line in said if line.startswith(name)] == [f"{name}: --quick: skipped"]


def test_a_contact_and_a_selection_do_not_claim_to_be_complete(tmp_path, capsys):
    for files, limit in ((CONTACT, "newest entries of a contact may be left out"), (SELECTION, "Other entries exist")):
        run(files, tmp_path)
        said = bundles.plain(capsys.readouterr().out)
        assert f"of {SIZE} entries are here: not claimed" in said
        assert limit in said


def test_a_selection_does_not_claim_that_chains_are_whole(tmp_path, capsys):
    run(SELECTION, tmp_path)
    assert "CONTACT-CHAINS: parts of the chains of 3 contacts: not claimed" in bundles.plain(capsys.readouterr().out)


def test_sound_says_what_it_cannot_show_when_no_checkpoint_was_kept(tmp_path, capsys):
    run(FULL, tmp_path)
    said = bundles.plain(capsys.readouterr().out)
    assert "No kept checkpoint was given: whoever has the signing key could have rebuilt the whole ledger" in said
    assert "never recorded" in said


def test_sound_names_the_size_of_the_newest_checkpoint_that_was_kept(tmp_path, capsys):
    run(FULL, tmp_path, "--checkpoint", keep(tmp_path, 100), "--checkpoint", keep(tmp_path, 3))
    said = bundles.plain(capsys.readouterr().out)
    assert "changes to what is newer than the last checkpoint you hold (size 100)" in said
    assert "never recorded" in said


def test_the_answer_is_one_object_of_json_when_asked(tmp_path, capsys):
    assert run(FULL, tmp_path, "--json", "--checkpoint", keep(tmp_path, 100)) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["verdict", "exit", "origin", "size", "root", "scope", "lines", "findings", "limits"]
    assert (said["verdict"], said["exit"], said["origin"], said["size"], said["scope"]) == (
        "SOUND",
        0,
        bundles.ORIGIN,
        SIZE,
        "full",
    )
    assert said["lines"][0] == {
        "line": "SIGNATURE",
        "result": "ok",
        "text": f"size {SIZE}, signed by {bundles.LOG.vkey.rsplit('+', 1)[0]}",
    }
    assert said["findings"] == [] and len(said["limits"]) == 2


def test_evidence_is_counted_as_opened_not_opened_and_erased(tmp_path, capsys):
    run(FULL, tmp_path)
    erased = len([s for s in bundles.of_contact(LOG, 3) if b'"email"' in LOG.bodies[s]])
    assert f" not opened, {erased} erased, 0 MISSING (asked for: email): ok" in bundles.plain(capsys.readouterr().out)


def test_evidence_of_an_erased_contact_may_still_be_there():
    log = bundles.sample(20)
    kept_back = list(log.evidence)
    log.erase(3)
    log.evidence = kept_back
    assert bundles.in_memory(bundles.bundle(log)).verdict == "SOUND"


def test_a_rectification_explains_the_evidence_that_it_replaced():
    log = bundles.sample(20)
    log.add("evidence.rectified", 4, {"email": "right@example.com"}, refs=[bundles.entry_id(4)])
    log.evidence = [one for one in log.evidence if one[0] != bundles.entry_id(4)]
    report = bundles.in_memory(bundles.bundle(log))
    assert report.verdict == "SOUND"
    assert ", 1 erased, 0 MISSING" in report.lines[8].text


@pytest.mark.parametrize(("contact", "fields"), [(4, {"name": "Zoé"}), (5, {"email": "right@example.com"})])
def test_a_rectification_of_another_field_or_person_explains_nothing(contact, fields):
    log = bundles.sample(20)
    log.add("evidence.rectified", contact, fields, refs=[bundles.entry_id(4)])
    log.evidence = [one for one in log.evidence if one[0] != bundles.entry_id(4)]
    report = bundles.in_memory(bundles.bundle(log))
    assert {found.finding for found in report.findings} == {"evidence"}


def test_a_rectification_explains_the_evidence_that_it_says_it_removed():
    log = bundles.sample(20)
    details = {"removed": ["email"]}
    log.add("evidence.rectified", actor="officer:1", refs=[bundles.entry_id(4)], details=details)
    log.evidence = [one for one in log.evidence if one[0] != bundles.entry_id(4)]
    assert bundles.in_memory(bundles.bundle(log)).verdict == "SOUND"


@pytest.mark.parametrize("removed", [{}, "email", 1, None, [{}], [["email"]], [None, 1]])
def test_a_rectification_that_removed_what_is_no_field_explains_nothing(removed):
    log = bundles.sample(20)
    log.add("evidence.rectified", 4, refs=[bundles.entry_id(4)], details={"removed": removed})
    log.evidence = [one for one in log.evidence if one[0] != bundles.entry_id(4)]
    report = bundles.in_memory(bundles.bundle(log))
    assert {found.finding for found in report.findings} == {"evidence"}


def test_nothing_is_claimed_about_evidence_when_none_was_asked_for():
    assert bundles.in_memory(bundles.bundle(LOG, opened=())).lines[8].result == "not claimed"


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("size", [0, 3, 100, 256, SIZE])
def test_a_bundle_continues_every_checkpoint_that_was_kept(scope, size, tmp_path):
    assert run(SCOPES[scope], tmp_path, "--checkpoint", keep(tmp_path, size)) == 0


@pytest.mark.parametrize("scope", ["contact", "selection"])
@pytest.mark.parametrize("more", [[], ["--quick"]])
def test_a_part_without_a_proof_from_the_kept_size_says_where_to_ask(scope, more, tmp_path, capsys):
    assert run(SCOPES[scope], tmp_path, "--checkpoint", keep(tmp_path, 101), *more) == 2
    said = capsys.readouterr()
    assert bundles.plain(said.out).splitlines()[-1] == "UNUSABLE"
    assert "CONSISTENT-WITH 101: nothing in this bundle shows that it continues" in bundles.plain(said.out)
    assert "not claimed" in said.out
    assert "ask for a full bundle, or for one made with `consent export --checkpoint" in said.err
    assert f"/ledger/consistency?from=101&to={SIZE}" in said.err


def test_a_part_without_a_proof_from_the_kept_size_is_tampered_if_anything_else_is(tmp_path, capsys):
    files = bundles.seal(CONTACT | {"README.en.txt": b"Read me.\n"}) | {"README.en.txt": b"Read me not.\n"}
    assert run(files, tmp_path, "--checkpoint", keep(tmp_path, 101)) == 1
    assert "not claimed" in capsys.readouterr().out


# Witnesses and time


def test_all_named_witnesses_signed(tmp_path, capsys):
    files = bundles.bundle(LOG, signers=(bundles.LOG, bundles.WITNESS, bundles.WITNESS_2))
    named = ["--witness", bundles.WITNESS.vkey, "--witness", bundles.WITNESS_2.vkey]
    assert run(files, tmp_path, *named, "--require-witness") == 0
    assert "WITNESS: 2 of 2 named witnesses signed the checkpoint: ok" in bundles.plain(capsys.readouterr().out)


def test_a_missing_witness_is_not_claimed_unless_it_is_required(tmp_path, capsys):
    files = bundles.bundle(LOG, signers=(bundles.LOG, bundles.WITNESS))
    named = ["--witness", bundles.WITNESS.vkey, "--witness", bundles.WITNESS_2.vkey]
    assert run(files, tmp_path, *named) == 0
    assert "WITNESS: 1 of 2 named witnesses signed the checkpoint: not claimed" in bundles.plain(
        capsys.readouterr().out
    )
    assert run(files, tmp_path, *named, "--require-witness") == 3
    said = bundles.plain(capsys.readouterr().out)
    assert "1 of 2 named witnesses signed the checkpoint: FAIL\n    witness: " in said
    assert said.endswith("\nSOUND BUT UNWITNESSED\n")


def test_a_witness_that_is_required_and_not_named_is_missing(tmp_path):
    assert run(FULL, tmp_path, "--require-witness") == 3


def test_a_tampered_bundle_is_tampered_and_not_only_unwitnessed(tmp_path):
    assert run(bundles.seal(FULL | {"tile/0/000": bytes(8192)}), tmp_path, "--require-witness") == 1


def test_a_false_cosignature_spoils_the_checkpoint(tmp_path, capsys):
    false = bundles.WITNESS.line("another text", bundles.START).encode()
    assert (
        run(
            bundles.seal(FULL | {"checkpoint": FULL["checkpoint"] + false}), tmp_path, "--witness", bundles.WITNESS.vkey
        )
        == 1
    )
    assert (
        "    signature: checkpoint: the signature under the name and key of witness.example/one is false"
        in bundles.plain(capsys.readouterr().out)
    )


def test_a_stated_time_is_judged(tmp_path, capsys):
    at = (bundles.START + timedelta(minutes=100)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert run(FULL, tmp_path, "--checkpoint", f"{keep(tmp_path, 100)}@{at}") == 0
    assert "TIME: 1 kept checkpoints with a known time: ok" in bundles.plain(capsys.readouterr().out)


def test_a_stated_time_has_a_minute_of_play_on_both_sides(tmp_path):
    kept = keep(tmp_path, 100)  # entry 99 was recorded at minute 99, entry 100 at minute 100
    for minutes, status in ((97.9, 1), (98, 0), (101, 0), (101.1, 1)):
        at = (bundles.START + timedelta(minutes=minutes)).isoformat()
        assert run(FULL, tmp_path, "--checkpoint", f"{kept}@{at}") == status


def test_the_time_of_a_witness_on_the_kept_checkpoint_is_judged(tmp_path, capsys):
    late = keep(tmp_path, 100, bundles.LOG, bundles.WITNESS, at=bundles.START + timedelta(days=1))
    assert run(FULL, tmp_path, "--checkpoint", late) == 0  # an unnamed witness says nothing
    assert run(FULL, tmp_path, "--checkpoint", late, "--witness", bundles.WITNESS.vkey) == 1
    assert "    time: entry " in bundles.plain(capsys.readouterr().out)


def test_a_file_with_an_at_sign_in_its_name_is_no_stated_time(tmp_path):
    assert run(FULL, tmp_path, "--checkpoint", keep(tmp_path, 100, name="mail@yesterday")) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T08:45:00Z", datetime(2026, 11, 23, 8, 45, tzinfo=UTC)),
        ("2026-11-23t03:45:00.250-05:00", datetime(2026, 11, 23, 8, 45, 0, 250_000, tzinfo=UTC)),
        ("2026-11-23T08:45:00", None), ("2026-02-30T08:45:00Z", None), ("0001-01-01T00:00:00+14:00", None), ("9999-12-31T00:00:00Z", None), ("kept", None),
    ],
)  # fmt: skip
def test_a_stated_time_has_a_zone_and_exists(text, expected):
    assert verify.parse_time(text) == expected


# The file by itself


def test_the_file_runs_by_itself_where_the_service_is_not_installed(tmp_path):
    shutil.copy(SCRIPT, tmp_path / "verify.py")
    bundles.write_zip(tmp_path / "bundle.zip", FULL)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "bundle.zip", *KEY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "SOUND", "")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "bundle.zip"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "UNUSABLE\n")
    assert done.stderr.startswith("verify.py: the following arguments are required: --key")


def test_the_file_is_written_in_python_3_9_and_imports_nothing_of_ours():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 9))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {
        "__future__", "argparse", "base64", "binascii", "collections.abc", "datetime", "hashlib", "io", "json", "os", "re", "struct", "sys", "typing",
        "unicodedata", "zipfile", "zlib",
    }  # fmt: skip


def test_help_is_no_error(capsys):
    assert verify.main(["--help"]) == 0
    assert "--require-witness" in bundles.plain(capsys.readouterr().out)
