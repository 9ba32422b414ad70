"""Bundles that somebody tampered with, and files that are no bundles: each is found, or the verdict claims no more.

The numbers are those of the attacks in the ledger's specification: a log of 600 entries, checkpoints kept at 300
and 500. *Re-signed*: the attacker has the signing key.
"""

import hashlib
import io
import json
import struct
import zipfile
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.ledger import verify
from consent.ledger.verify import Unusable
from tests.ledger import bundles
from tests.ledger.bundles import Log, Tree, in_memory, note_of, seal

LOG = bundles.sample(600)
KEPT = [(size, Tree(LOG.bodies[:size]).root()) for size in (300, 500)]
TIMED = [(size, root, bundles.START + timedelta(minutes=size)) for size, root in KEPT]
FULL = bundles.bundle(LOG)
CONTACT = bundles.bundle(LOG, "contact", bundles.of_contact(LOG, 4), earlier=(0, 3, 300))
SELECTION = bundles.bundle(LOG, "selection", {5, 8, 40, 41, 299})
SMALL_LOG = bundles.sample(260, contacts=5)
SMALL_KEPT = [(250, Tree(SMALL_LOG.bodies[:250]).root())]
SMALL = {
    "full": bundles.bundle(SMALL_LOG, earlier=(0, 200)),
    "contact": bundles.bundle(SMALL_LOG, "contact", bundles.of_contact(SMALL_LOG, 2), earlier=(200,)),
    "selection": bundles.bundle(SMALL_LOG, "selection", {1, 2, 3, 200, 259}, earlier=(200,)),
}
KEY = ["--key", bundles.LOG.vkey]
REPLACED = (
    "The key may have been replaced: ask the company, another way than by this bundle, for every key of this log, "
    "and give each with --key."
)


def changed(bodies, log=LOG):
    """Return *log* with other *bodies* and the evidence that it had."""
    return Log(bodies=list(bodies), evidence=log.evidence)


def edited(place, **fields):
    """Return the bodies of the log, one of them with other fields, canonical as before."""
    bodies = list(LOG.bodies)
    bodies[place] = bundles.json_line(json.loads(bodies[place]) | fields).rstrip(b"\n")
    return bodies


def under_old_checkpoint(log):
    """Return the bundle of a changed *log* below the checkpoint that was signed before."""
    note = note_of(LOG).encode()
    size, root = len(LOG.bodies), bundles.b64(Tree(LOG.bodies).root())
    return seal(
        bundles.bundle(log) | {"checkpoint": note, "checkpoints.ndjson": FULL["checkpoints.ndjson"]},
        size=size,
        root=root,
    )


def findings(files, kept=(), **options):
    return {finding.finding for finding in in_memory(files, kept=kept, **options).findings}


def verdict(files, kept=(), **options):
    return in_memory(files, kept=kept, **options).verdict


def main(tmp_path, files, *options):
    return verify.main([str(bundles.write_zip(tmp_path / "bundle.zip", files)), *KEY, *map(str, options)])


# The attacks 1 to 11


def test_1_an_edited_entry_under_the_old_checkpoint_breaks_root_and_chain():
    files = under_old_checkpoint(changed(edited(100, topic="acme/other")))
    assert findings(files) == {"root", "chain"}
    assert findings(files, KEPT) == {"root", "chain", "inconsistent"}


def test_2_an_edited_entry_re_signed_breaks_its_chain_and_contradicts_what_was_kept():
    files = bundles.bundle(changed(edited(100, topic="acme/other")))
    assert findings(files) == {"chain"}
    assert findings(files, KEPT) == {"chain", "inconsistent"}


def test_3_a_deleted_entry_under_the_old_checkpoint_breaks_root_completeness_and_chain():
    files = under_old_checkpoint(changed(LOG.bodies[:100] + LOG.bodies[101:]))
    assert {"root", "complete", "chain"} <= findings(files)
    assert {"root", "complete", "chain", "inconsistent"} <= findings(files, KEPT)


def test_4_a_deleted_entry_re_signed_breaks_its_chain():
    files = bundles.bundle(changed(LOG.bodies[:100] + LOG.bodies[101:]))
    assert findings(files) == {"chain"}
    assert findings(files, KEPT) == {"chain", "inconsistent"}


def test_4_the_last_entry_of_a_contact_deleted_and_re_signed_is_seen_only_with_a_kept_checkpoint():
    last = bundles.of_contact(LOG, 4)[-1]
    files = bundles.bundle(changed(LOG.bodies[:last] + LOG.bodies[last + 1 :]))
    assert verdict(files, KEPT) == "SOUND"  # it came after what was kept
    assert findings(files, [(599, Tree(LOG.bodies[:599]).root())]) == {"inconsistent"}


def test_5_two_swapped_entries_of_two_contacts_re_signed_are_seen_only_with_a_kept_checkpoint():
    bodies = list(LOG.bodies)
    bodies[100], bodies[101] = bodies[101], bodies[100]
    files = bundles.bundle(changed(bodies))
    assert verdict(files) == "SOUND"
    assert findings(files, KEPT) == {"inconsistent"}


def test_6_a_ledger_cut_below_a_kept_size_is_seen_only_with_that_checkpoint():
    files = bundles.bundle(changed(LOG.bodies[:450]))
    assert verdict(files) == "SOUND"
    assert findings(files, KEPT) == {"rollback"}


def test_7_a_ledger_cut_above_the_last_kept_size_is_not_seen():
    assert verdict(bundles.bundle(changed(LOG.bodies[:550])), TIMED) == "SOUND"


def test_8_a_ledger_rebuilt_as_a_whole_is_seen_only_with_a_kept_checkpoint():
    files = bundles.bundle(bundles.sample(600, contacts=19))
    assert verdict(files) == "SOUND"
    assert findings(files, KEPT) == {"inconsistent"}


def test_9_a_backdated_entry_is_seen_only_with_a_kept_checkpoint_whose_time_is_known():
    log = bundles.sample(600)
    log.add("consent.given", 4, at=bundles.START)
    files = bundles.bundle(log)
    assert verdict(files) == verdict(files, KEPT) == "SOUND"
    assert findings(files, TIMED) == {"time"}


def test_9_an_entry_dated_into_the_future_below_a_kept_checkpoint_is_seen():
    log = bundles.sample(299)
    log.add("consent.given", 4, at=bundles.START + timedelta(days=9))
    assert findings(bundles.bundle(log), [(300, Tree(log.bodies).root(), bundles.START + timedelta(minutes=300))]) == {
        "time"
    }


def test_10_a_tail_rewritten_after_the_last_kept_size_is_not_seen():
    log = bundles.sample(500)
    log.add("consent.withdrawn", 7)
    assert verdict(bundles.bundle(log), TIMED) == "SOUND"


def test_11_the_newest_entry_of_a_contact_dropped_after_the_last_kept_size_is_not_seen():
    log = bundles.sample(599)
    assert verdict(bundles.bundle(log), TIMED) == "SOUND"
    without = [s for s in bundles.of_contact(LOG, 4)][:-1]
    assert verdict(bundles.bundle(LOG, "contact", without)) == "SOUND"


# Evidence: 17 and 18


def lines_of(files):
    return files["evidence.ndjson"].splitlines(keepends=True)


def with_evidence(lines, files=FULL):
    return seal(files | {"evidence.ndjson": b"".join(lines)})


def test_17_altered_evidence_is_found_and_its_entry_is_named():
    line = json.loads(lines_of(FULL)[7]) | {"value": "mallory@example.com"}
    report = in_memory(with_evidence([*lines_of(FULL)[:7], bundles.json_line(line), *lines_of(FULL)[8:]]))
    assert [f.finding for f in report.findings] == ["evidence"]
    assert line["entry"] in report.findings[0].text


@pytest.mark.parametrize("files", [FULL, CONTACT, SELECTION], ids=["full", "contact", "selection"])
def test_18_evidence_deleted_without_an_erasure_is_missing(files):
    report = in_memory(with_evidence(lines_of(files)[1:], files))
    assert [f.finding for f in report.findings] == ["evidence"]
    assert "email MISSING" in report.findings[0].text
    assert ", 1 MISSING " in report.lines[8].text


def test_18_an_erasure_explains_only_what_came_before_it_and_only_for_its_contact():
    log = bundles.sample(100)
    log.erase(3)
    files = bundles.bundle(log)
    assert findings(with_evidence(lines_of(files)[1:], files)) == {"evidence"}


def test_18_the_erasure_of_a_contact_explains_nothing_about_an_entry_without_contact():
    log = bundles.sample(10)
    log.add("notice.published", evidence={"email": "x@example.com"})
    log.evidence.pop()
    log.erase(3)
    assert findings(bundles.bundle(log)) == {"evidence"}


@pytest.mark.parametrize("change", ["swapped", "twice", "of no entry", "malformed", "salt", "not asked"])
def test_evidence_that_does_not_belong_there_is_found(change):
    lines, line = lines_of(FULL), json.loads(lines_of(FULL)[5])
    files = {
        "swapped": lambda: with_evidence([lines[1], lines[0], *lines[2:]]),
        "twice": lambda: with_evidence([lines[0], *lines]),
        "of no entry": lambda: with_evidence([*lines, bundles.json_line(line | {"entry": bundles.entry_id(7000)})]),
        "malformed": lambda: with_evidence([*lines, b'{"entry": 1}\n']),
        "salt": lambda: with_evidence([*lines[:5], bundles.json_line(line | {"salt": "0" * 64}), *lines[6:]]),
        "not asked": lambda: seal(bundles.bundle(LOG, opened=("email", "ip")), evidence=["email"]),
    }[change]()
    assert findings(files) == {"evidence"}


# Keys, spellings and proofs: 22 to 25


def test_22_a_bundle_with_a_foreign_key_in_it_is_not_believed():
    files = bundles.bundle(LOG, signers=(bundles.THIEF,))
    files = seal(files | {"vkeys.txt": bundles.THIEF.vkey.encode()})
    assert findings(files) == {"signature"}


@pytest.mark.parametrize(
    ("vkeys", "hint"),
    [
        (bundles.THIEF.vkey.encode(), True),
        (b"\xff\nx\n" + bundles.THIEF.vkey.encode() + b"\n", True),
        (bundles.LOG.vkey.encode(), True),
        (bundles.Signer("another.example/log").vkey.encode(), False),
        (bundles.Signer(kind=4).vkey.encode(), False),
        (b"\xff", False),
        (None, False),
    ],
)
def test_a_key_that_may_have_been_replaced_is_still_a_failure_and_says_whom_to_ask(vkeys, hint):
    files = bundles.bundle(LOG, signers=(bundles.THIEF,))
    del files["vkeys.txt"]
    report = in_memory(seal(files if vkeys is None else files | {"vkeys.txt": vkeys}))
    assert [(found.finding, REPLACED in found.text) for found in report.findings] == [("signature", hint)]
    assert report.verdict == "TAMPERED"


def test_a_list_of_keys_that_is_too_long_does_not_hide_a_foreign_signature():
    files = bundles.bundle(LOG, signers=(bundles.THIEF,)) | {"vkeys.txt": b"x" * (2 << 20)}
    assert findings(files, quick=True) == {"signature"}


def test_the_name_of_the_key_must_be_the_origin():
    other = bundles.Signer("another.example/log")
    assert findings(bundles.bundle(LOG, signers=(other,)), keys=(other,)) == {"signature"}


def test_a_log_cannot_be_passed_off_as_another_of_the_same_key():
    log = changed(LOG.bodies)
    log.origin = "another.example/log"
    assert findings(bundles.bundle(log, signers=(bundles.LOG,))) >= {"signature", "canonical"}


@pytest.mark.parametrize(
    "spell",
    [
        lambda body: body.replace(b'"v":1', b'"v": 1'), lambda body: body.replace(b'"v":1', b'"v":1,"v":1'), lambda body: body.replace(b'"v":1', b'"v":1.0'),
        lambda body: body.replace(b'"v":1', b'"v":true'), lambda body: body.replace(b'"v":1', b'"v":2'), lambda body: body.replace(b'"v":1', b'"v":1,"w":1'),
        lambda body: body.replace(b'"kind":"', b'"kind":"\\u0063'), lambda body: body.replace(b',"v":1', b""), lambda body: body + b"\n", lambda body: b"",
        lambda body: b"[" * 9000, lambda body: b'"\xff"', lambda body: b"9" * 5000, lambda body: b"NaN", lambda body: b"[]", lambda body: b"null",
        lambda body: body.replace(b'"details":{', b'"details":{"a":1.5,'), lambda body: body.replace(b'"details":{', b'"details":{"a":9007199254740992,'),
        lambda body: body.replace(b'"details":{', b'"details":{"A":1,'), lambda body: body.replace(b'"details":{', b'"details":{"a":[[[[[1]]]]],'),
        lambda body: body.replace(b'"details":{', '"details":{"a":"e\u0301",'.encode()), lambda body: body.replace(b'"details":{', b'"details":{"a":"\\ud800",'),
        lambda body: body.replace(b'"details":{', b'"details":{"a":"' + b"x" * 16_384 + b'",'), lambda body: body.replace(b".000Z", b"Z"),
        lambda body: body.replace(b"2026-11-01", b"2026-02-30"), lambda body: body.replace(bundles.ORIGIN.encode(), b"another.example/log"),
        lambda body: body.replace(b'"actor":"contact"', b'"actor":"nobody"'), lambda body: body.replace(b'"refs":[]', b'"refs":[1]'),
        lambda body: body.replace(b'"brand":"acme"', b'"brand":7'), lambda body: body.replace(b'"cseq":', b'"cseq":-'), lambda body: body.replace(b'"id":"0', b'"id":"x'),
    ],
)  # fmt: skip
def test_23_an_entry_in_another_form_is_found(spell):
    bodies = list(LOG.bodies)
    last = bundles.of_contact(LOG, 4)[-1]
    bodies[last] = spell(bodies[last])
    assert bodies[last] != LOG.bodies[last]
    assert "canonical" in findings(bundles.bundle(changed(bodies)))


def test_23_a_body_of_the_greatest_depth_and_with_unknown_kind_and_details_is_allowed():
    body = bundles.json_line(json.loads(LOG.bodies[-1]) | {"kind": "something.new", "details": {"a": [[[1]]]}}).rstrip(
        b"\n"
    )
    assert verdict(bundles.bundle(changed([*LOG.bodies[:-1], body]))) == "SOUND"


def entry_lines(files):
    return [json.loads(line) for line in files["entries.ndjson"].splitlines()]


@pytest.mark.parametrize("files", [CONTACT, SELECTION], ids=["contact", "selection"])
@pytest.mark.parametrize(
    "change", ["short", "long", "garbled", "reversed", "sequence", "order", "huge", "below zero", "malformed", "node"]
)
def test_25_a_wrong_proof_breaks_the_root(files, change):
    said = entry_lines(files)
    one = said[1]
    proof = one["proof"]
    one.update(
        {
            "short": {"proof": proof[:-1]}, "long": {"proof": [*proof, proof[0]]}, "garbled": {"proof": [*proof[:-1], bundles.b64(bytes(32))]},
            "reversed": {"proof": proof[::-1]}, "sequence": {"sequence": one["sequence"] + 1}, "order": {}, "huge": {"sequence": 2**70},
            "below zero": {"sequence": -1}, "malformed": {"proof": "x"}, "node": {"body": bundles.b64(bytes(64)), "proof": proof[1:]},
        }[change]
    )  # fmt: skip
    if change == "order":
        said.append(said[0])
    lines = b"".join(map(bundles.json_line, said))
    assert "root" in findings(seal(files | {"entries.ndjson": lines}))


@pytest.mark.parametrize(
    ("proof", "found"),
    [([], True), (["AAAA"], True), (["x"], False), ([bundles.b64(bytes(32))] * 3, True), ("x", False), (None, False)],
)
def test_25_a_wrong_consistency_proof_fails_the_files_and_one_that_can_be_read_the_kept_checkpoint(proof, found):
    lines = [json.loads(line) for line in CONTACT["checkpoints.ndjson"].splitlines()]
    lines[2]["proof"] = proof
    files = seal(CONTACT | {"checkpoints.ndjson": b"".join(map(bundles.json_line, lines))})
    assert findings(files, KEPT[:1]) == ({"files", "inconsistent"} if found else {"files"})


# Chains


def test_two_entries_of_one_id_are_found_in_every_scope():
    bodies = edited(300, id=bundles.entry_id(5))
    log = changed(bodies)
    assert "chain" in findings(bundles.bundle(log, opened=()))
    assert findings(bundles.bundle(log, "selection", {5, 300}, opened=())) == {"chain"}


def test_an_entry_after_the_erasure_of_its_contact_is_found():
    log = bundles.sample(100)
    log.erase(3)
    log.add("consent.given", 3)
    files = bundles.bundle(log)
    assert findings(files) == {"chain"}
    assert findings(bundles.bundle(log, "contact", bundles.of_contact(log, 3))) == {"chain"}


@pytest.mark.parametrize("left_out", [0, 3])
def test_a_gap_in_the_extract_of_a_contact_is_found(left_out):
    mine = bundles.of_contact(LOG, 4)
    assert findings(bundles.bundle(LOG, "contact", [*mine[:left_out], *mine[left_out + 1 :]])) == {"chain"}


def test_a_selection_contradicts_itself_only_where_two_entries_follow_each_other():
    mine = bundles.of_contact(LOG, 4)
    log = changed(edited(mine[3], topic="acme/other"))
    assert findings(bundles.bundle(log, "selection", {mine[3], mine[4]})) == {"chain"}
    assert verdict(bundles.bundle(log, "selection", {mine[3], mine[5]})) == "SOUND"


# Files


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("tile/entries/000", "complete"), ("tile/entries/001", "complete"), ("tile/entries/002.p/88", "complete"), ("tile/0/000", "root"),
        ("tile/0/002.p/88", "root"), ("tile/1/000.p/2", "root"), ("verify.py", "files"), ("README.fr.txt", "files"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sealed", [False, True])
def test_a_missing_file_is_found(name, finding, sealed):
    files = {other: content for other, content in FULL.items() if other != name}
    files = seal(files) if sealed else files
    assert (finding in findings(files)) == (finding != "files" or not sealed)


@pytest.mark.parametrize(
    "name", ["manifest.json", "checkpoint", "checkpoints.ndjson", "evidence.ndjson", "entries.ndjson"]
)
@pytest.mark.parametrize("quick", [False, True])
def test_a_bundle_without_a_file_that_every_bundle_has_is_unusable(name, quick):
    with pytest.raises(Unusable, match=f"{name} is missing"):
        in_memory({other: content for other, content in CONTACT.items() if other != name}, quick=quick)


@pytest.mark.parametrize(
    "name",
    ["tile/entries/003", "tile/entries/002", "tile/entries/002.p/89", "tile/entries/x000/000", "tile/entries/foo"],
)
def test_a_tile_of_entries_too_many_is_found(name):
    assert findings(seal(FULL | {name: FULL["tile/entries/000"]})) == {"complete"}


@pytest.mark.parametrize(
    "name",
    ["tile/0/003", "tile/1/000", "tile/2/000.p/1", "tile/99/000.p/1", "tile/foo", "tile/0/00", "tile/0/002.p/088"],
)
def test_a_tile_of_hashes_too_many_is_found(name):
    assert findings(seal(FULL | {name: bytes(32)})) == {"root"}


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\0\5abc", FULL["tile/entries/000"][:-1], FULL["tile/entries/000"] + b"\0\1x"]
)
def test_a_tile_of_entries_of_another_length_is_not_complete(content):
    assert "complete" in findings(seal(FULL | {"tile/entries/000": content}))


def test_entries_too_many_and_entries_too_few_do_not_make_up_for_each_other():
    first, second = LOG.bodies[:257], LOG.bodies[257:512]
    files = FULL | {"tile/entries/000": bundles.entry_tile(first), "tile/entries/001": bundles.entry_tile(second)}
    assert {"complete", "root"} <= findings(seal(files))


def test_a_checkpoint_of_a_giant_ledger_over_few_entries_is_judged_at_once():
    size, root = 2**63 - 1, Tree(LOG.bodies).root()
    files = seal(FULL | {"checkpoint": bundles.note(size, root).encode()}, size=size)
    assert {"complete", "root"} <= findings(files, KEPT)


def test_a_surplus_file_and_a_notice_under_another_name_are_found():
    assert findings(FULL | {"more.txt": b""}) == {"files"}
    assert findings(seal(FULL | {"notices/" + "0" * 64 + ".txt": b"other words"})) == {"files"}


@pytest.mark.parametrize("change", [{"size": 599}, {"size": True}, {"root": "x"}, {"root": None}])
def test_a_manifest_that_contradicts_the_checkpoint_is_found(change):
    assert findings(seal(FULL, **change)) == {"files"}


def test_a_manifest_of_another_origin_is_found():
    assert findings(seal(FULL, origin="another.example/log")) == {"signature", "files"}


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"[]", b"\n", b'{"created_at":null,"note":"x","proof":[],"size":3}', b'{"created_at":null,"note":"x","proof":[],"size":3,"size":3}',
        bundles.json_line({"created_at": "yesterday", "note": note_of(LOG, 0), "proof": [], "size": 0}),
        bundles.json_line({"created_at": None, "note": note_of(LOG, 0), "proof": [], "size": 1}),
        bundles.json_line({"created_at": None, "note": note_of(LOG, 5), "proof": [], "size": 5}),
        bundles.json_line({"created_at": None, "note": note_of(bundles.sample(600, 9)), "proof": [], "size": 600}),
        bundles.json_line({"created_at": None, "note": bundles.note(0, verify.EMPTY_ROOT, origin="another.example/log"), "proof": [], "size": 0}),
    ],
)  # fmt: skip
def test_an_earlier_checkpoint_that_does_not_lead_here_is_found(line):
    files = seal(FULL | {"checkpoints.ndjson": line + b"\n"})
    assert findings(files) == {"files"}


def test_an_earlier_checkpoint_with_a_false_signature_by_a_known_key_is_found():
    false = note_of(LOG, 0).replace("nBfvkwmk", "nBfvkwmj")
    line = bundles.json_line({"created_at": None, "note": false, "proof": [], "size": 0})
    assert findings(seal(FULL | {"checkpoints.ndjson": line})) == {"files"}


def test_earlier_checkpoints_out_of_order_are_found():
    lines = FULL["checkpoints.ndjson"].splitlines(keepends=True)
    assert findings(seal(FULL | {"checkpoints.ndjson": b"".join(lines[::-1])})) == {"files"}


def test_a_finding_tells_the_first_place_and_how_many_more(tmp_path, capsys):
    files = seal(FULL | {"tile/0/000": bytes(8192), "tile/0/001": bytes(8192)})
    assert main(tmp_path, files) == 1
    said = bundles.plain(capsys.readouterr().out).splitlines()
    at = said.index("ROOT: computed from 600 entries: FAIL")
    assert (
        said[at + 1]
        == "    root: tile/0/000 is not made of the hashes of what lies below it, first at sequence 0 (and 1 more)"
    )
    assert said[-1] == "TAMPERED"
    assert not any("cannot show" in line for line in said)


def test_json_names_the_findings(tmp_path, capsys):
    assert main(tmp_path, FULL | {"verify.py": b"changed"}, "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["exit"], said["limits"]) == ("TAMPERED", 1, [])
    assert said["findings"] == [{"finding": "files", "text": "verify.py is not the file that manifest.json lists"}]


@pytest.mark.parametrize("note", [b"", b"\xff", b"x", FULL["checkpoint"].replace(b"600", b"0x258"), b"\n\n" * 5])
def test_a_malformed_checkpoint_fails_the_signature_and_everything_else_is_skipped(note):
    report = in_memory(seal(FULL | {"checkpoint": note}), kept=KEPT)
    assert (report.verdict, {f.finding for f in report.findings}) == ("TAMPERED", {"signature"})
    assert {line.result for line in report.lines[2:]} == {"skipped"}
    assert [line.line for line in report.lines[-2:]] == ["CONSISTENT-WITH 300", "CONSISTENT-WITH 500"]


# One change anywhere


@pytest.mark.parametrize("scope", SMALL)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_one_changed_byte_in_any_checked_file_is_found(scope, data):
    files = dict(SMALL[scope])
    name = data.draw(st.sampled_from(sorted(files.keys() - {"manifest.json"})))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    content = bytearray(files[name])
    content[place] ^= data.draw(st.integers(1, 255))
    files[name] = bytes(content)
    try:
        report = in_memory(files, kept=SMALL_KEPT if scope == "full" else ())
    except Unusable:
        return
    assert report.verdict == "TAMPERED"


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_one_changed_byte_in_a_tile_is_found_even_when_the_manifest_was_sealed_again(data):
    files = dict(SMALL["full"])
    name = data.draw(st.sampled_from(sorted(name for name in files if name.startswith("tile/"))))
    content = bytearray(files[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert {"root", "complete"} & findings(seal(files | {name: bytes(content)}), quick=data.draw(st.booleans()))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["delete", "duplicate", "swap"]), st.integers(0, 249), st.integers(0, 249), st.booleans())
def test_what_is_deleted_doubled_or_swapped_below_a_kept_checkpoint_is_found_though_re_signed(
    change, one, other, quick
):
    bodies = list(SMALL_LOG.bodies)
    if change == "delete":
        del bodies[one]
    elif change == "duplicate":
        bodies.insert(one, bodies[other])
    else:
        bodies[one], bodies[other] = bodies[other], bodies[one]
    log = changed(bodies, SMALL_LOG)
    assert bodies == SMALL_LOG.bodies or "inconsistent" in findings(
        bundles.bundle(log, earlier=()), SMALL_KEPT, quick=quick
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_zip_with_any_byte_changed_or_cut_off_never_ends_in_a_traceback(data):
    whole = io.BytesIO()
    bundles.write_zip(whole, SMALL["contact"])
    content = bytearray(whole.getvalue())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
            names = verify._names_of_zip(archive)
            key = verify.parse_vkey(bundles.LOG.vkey)
            verify.check(
                verify.Bundle(names, lambda name: verify._buffered(archive, name)),
                verify.Given([key], (), (), False, False),
            )
    except (Unusable, *verify._UNREADABLE):
        return


# No bundle at all


def unusable(capsys, status):
    said = capsys.readouterr()
    assert (status, said.out) == (2, "UNUSABLE\n")
    assert said.err.startswith("consent verify: ")
    assert "unexpected" not in said.err
    return said.err


@pytest.mark.parametrize(
    "manifest",
    [
        b"", b"x", b"[]", b"null", b"\xff", b"{}", b"[" * 100_000, b"9" * 5000, b'{"format":"consent-bundle/2"}', b'{"format":"consent-bundle/1"}',
        b'{"a":1,"a":1}', b'{"a":1.5}', b'{"a":NaN}', FULL["manifest.json"].replace(b'"scope": "full"', b'"scope": "half"'), FULL["manifest.json"].replace(b'"evidence"', b'"evidenze"'),
        FULL["manifest.json"].replace(b'"files"', b'"filez"'), FULL["manifest.json"].replace(b'"size"', b'"size": 1, "size"'),
        FULL["manifest.json"].replace(hashlib.sha256(FULL["verify.py"]).hexdigest().encode(), b"x"),
    ],
)  # fmt: skip
def test_a_bundle_with_a_malformed_manifest_is_unusable(manifest, tmp_path, capsys):
    assert "manifest.json" in unusable(capsys, main(tmp_path, FULL | {"manifest.json": manifest}))


@pytest.mark.parametrize("content", [b"", b"x", b"PK\3\4", b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 18])
def test_what_is_no_zip_is_unusable(content, tmp_path, capsys):
    (tmp_path / "bundle.zip").write_bytes(content)
    unusable(capsys, verify.main([str(tmp_path / "bundle.zip"), *KEY]))


def test_a_zip_cut_off_is_unusable(tmp_path, capsys):
    path = bundles.write_zip(tmp_path / "bundle.zip", FULL)
    path.write_bytes(path.read_bytes()[:-100])
    unusable(capsys, verify.main([str(path), *KEY]))


@pytest.mark.parametrize("path", ["nothing", ".", "", "a\0b", "/dev/null"])
def test_a_path_that_leads_to_no_bundle_is_unusable(path, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unusable(capsys, verify.main([path, *KEY]))


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "..", "a\\b", "C:evil"])
def test_a_zip_that_names_files_outside_of_itself_is_unusable(name, tmp_path, capsys):
    assert "outside of itself" in unusable(capsys, main(tmp_path, FULL | {name: b""}))


def test_a_zip_with_two_files_of_one_name_is_unusable(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        for name, content in FULL.items():
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("checkpoint", FULL["checkpoint"])
    assert "two files of one name: checkpoint" in unusable(capsys, verify.main([str(tmp_path / "bundle.zip"), *KEY]))


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_compressed_in_an_unusual_way_is_unusable(compression, tmp_path, capsys):
    unusable(capsys, verify.main([str(bundles.write_zip(tmp_path / "bundle.zip", FULL, compression)), *KEY]))


def test_an_encrypted_zip_is_unusable(tmp_path, capsys):
    path = bundles.write_zip(tmp_path / "bundle.zip", {"manifest.json": b"{}"})
    content = bytearray(path.read_bytes())
    for start, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(start) + at] |= 1
    path.write_bytes(bytes(content))
    assert "encrypted" in unusable(capsys, verify.main([str(path), *KEY]))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("README.en.txt", 17 << 20),
        ("checkpoint", 2 << 20),
        ("evidence.ndjson", 1 << 20),
        ("tile/entries/000", 5 << 20),
        ("tile/0/000", 8193),
    ],
)
def test_a_file_that_unpacks_to_more_than_it_may_is_unusable(name, size, tmp_path, capsys):
    assert "larger" in (said := unusable(capsys, main(tmp_path, seal(FULL | {name: b"0" * size})))) or "longer" in said
    assert (tmp_path / "bundle.zip").stat().st_size < 500_000


def test_a_zip_that_lies_about_the_size_of_a_file_is_found(tmp_path, capsys):
    path = bundles.write_zip(tmp_path / "bundle.zip", FULL)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\1\2")  # the first file in the directory at the end is the checkpoint
    content[at + 24 : at + 28] = struct.pack("<I", 40)
    path.write_bytes(bytes(content))
    assert verify.main([str(path), *KEY]) in (1, 2)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_a_name_that_would_write_to_the_terminal_is_spelled_out(tmp_path, capsys):
    assert main(tmp_path, FULL | {"\x1b[2Jé": b""}) == 1
    assert "files: \\x1b[2J\\xe9 is not listed" in bundles.plain(capsys.readouterr().out)


def test_a_folder_without_a_manifest_is_unusable(tmp_path, capsys):
    folder = bundles.write_folder(tmp_path / "folder", {"checkpoint": FULL["checkpoint"]})
    assert "manifest.json" in unusable(capsys, verify.main([str(folder), *KEY]))


def test_the_manifest_of_a_folder_cannot_make_it_read_other_files(tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    files = seal(FULL | {"../secret": b"x"})
    del files["../secret"]
    folder = bundles.write_folder(tmp_path / "folder", files)
    assert verify.main([str(folder), *KEY]) == 1


# Wrong arguments


@pytest.mark.parametrize(
    "options",
    [
        [], ["--key", "x"], ["--key", bundles.WITNESS.vkey], [*KEY, "--witness", bundles.LOG.vkey], [*KEY, "--witness", "x"], [*KEY, "--checkpoint", "nothing"],
        [*KEY, "--checkpoint", "nothing@2026-11-23T08:45:00Z"], [*KEY, "--nonsense"], [*KEY, "--checkpoint"], [*KEY, "more"], [*KEY, "--qui"],
    ],
)  # fmt: skip
def test_wrong_arguments_are_unusable(options, tmp_path, capsys):
    unusable(capsys, verify.main([str(bundles.write_zip(tmp_path / "bundle.zip", SELECTION)), *options]))


@pytest.mark.parametrize(
    "note",
    [
        "",
        "x",
        "\n\n",
        note_of(LOG, 300, bundles.THIEF),
        note_of(LOG, 300) + "more",
        note_of(LOG, 300).replace("\n300\n", "\n301\n"),
        "x" * (2 << 20),
    ],
)
def test_a_kept_checkpoint_that_the_key_did_not_sign_is_unusable(note, tmp_path, capsys):
    (tmp_path / "kept").write_text(note)
    assert "--checkpoint" in unusable(capsys, main(tmp_path, SELECTION, "--checkpoint", tmp_path / "kept"))


def test_a_kept_checkpoint_that_no_key_signed_may_be_older_than_the_key(tmp_path, capsys):
    (tmp_path / "kept").write_text(note_of(LOG, 300, bundles.THIEF))
    assert REPLACED in unusable(capsys, main(tmp_path, SELECTION, "--checkpoint", tmp_path / "kept"))


def test_a_kept_checkpoint_of_another_log_is_unusable(tmp_path, capsys):
    other = bundles.Signer("another.example/log")
    (tmp_path / "kept").write_text(bundles.note(3, bytes(32), other, origin=other.name))
    assert "of another log" in unusable(
        capsys, main(tmp_path, FULL, "--checkpoint", tmp_path / "kept", "--key", other.vkey)
    )


def test_a_foreign_bundle_does_not_hide_behind_a_kept_checkpoint_of_the_right_log(tmp_path, capsys):
    other = bundles.Signer("another.example/log")
    log = changed(LOG.bodies)
    log.origin = other.name
    (tmp_path / "kept").write_text(note_of(LOG, 300))
    assert main(tmp_path, bundles.bundle(log, signers=(other,)), "--checkpoint", tmp_path / "kept") == 1
    said = bundles.plain(capsys.readouterr().out)
    assert "    signature: " in said
    assert "    inconsistent: " in said


def test_unusable_is_said_in_json_as_well(tmp_path, capsys):
    assert verify.main([str(tmp_path), *KEY, "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["exit"], said["lines"], said["findings"][0]["finding"]) == (
        "UNUSABLE",
        2,
        [],
        "unusable",
    )
