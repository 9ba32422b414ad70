"""Bundles as the service writes them, checked by the program that is inside them."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from consent import clock
from consent.ledger import verify
from consent.ledger.checkpoint import Checkpoint
from consent.records import bundles, erase, export, prove, publish, signing
from consent.records.append import Origin
from consent.records.bundle_files import OutputExists
from consent.records.bundles import BadKept, NothingSigned, NotSignedYet
from consent.records.export import Filters
from consent.records.signing import Publisher
from consent.store import database
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB
from tests.records.test_erase import contact_of

LOG = "consent.example.com/ledger"
Answer = dict[str, object]


@pytest.fixture
def publisher(app: object, tmp_path: Path) -> Publisher:
    return signing.create(tmp_path / "ledger.key", LOG)


@pytest.fixture
def lived_in(house: House) -> House:
    """A house with two people in it, one of whom left again."""
    house.press_unsubscribe(house.confirm(ANNE.email, ["acme/newsletter", "acme/promotions"]))
    house.confirm(BOB.email)
    return house


def sign(publisher: Publisher) -> None:
    publish.publish(publisher, Origin(LOG, clock.now()))


def save(out: Path, *fields: str, **conditions: str) -> bundles.Bundled:
    return bundles.save(out, Filters(**conditions), fields, Origin(LOG, clock.now()), "system")  # type: ignore[arg-type]


@pytest.fixture
def check(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Check a bundle and return the verifier's answer in full."""

    def check(out: Path, *more: str) -> Answer:
        status = verify.main([str(out), "--key", publisher.signers[0].verifier.vkey, "--json", *more])
        answer: Answer = json.loads(capsys.readouterr().out)
        assert answer["exit"] == status
        return answer

    return check


def result(answer: Answer, line: str) -> str:
    return next(str(found["result"]) for found in answer["lines"] if found["line"].startswith(line))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
@pytest.mark.parametrize("scope", ["full", "contact", "selection"])
def test_every_scope_is_sound_as_a_folder_and_as_a_zip(
    lived_in: House, publisher: Publisher, tmp_path: Path, check: Callable[..., Answer], name: str, scope: str
) -> None:
    sign(publisher)
    conditions = {"full": {}, "contact": {"contact": contact_of(ANNE.email)}, "selection": {"topic": "acme/newsletter"}}
    made = save(tmp_path / name, "email", **conditions[scope])
    answer = check(tmp_path / name)
    assert (answer["verdict"], answer["scope"], made.scope) == ("SOUND", scope, scope), answer
    assert result(answer, "EVIDENCE") == "ok"
    assert result(answer, "COMPLETE") == ("ok" if scope == "full" else "not claimed")


def test_the_program_inside_runs_alone(lived_in: House, publisher: Publisher, tmp_path: Path) -> None:
    sign(publisher)
    save(tmp_path / "bundle")
    command = [sys.executable, "-I", "verify.py", ".", "--key", publisher.signers[0].verifier.vkey]
    done = subprocess.run(command, cwd=tmp_path / "bundle", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "SOUND", "")


def test_a_contacts_bundle_continues_every_head_that_was_published(
    lived_in: House, publisher: Publisher, tmp_path: Path, check: Callable[..., Answer]
) -> None:
    kept = []
    for number in range(4):
        sign(publisher)
        kept.append(tmp_path / f"kept{number}")
        kept[-1].write_text(publisher.note())
        lived_in.sign_up(f"person{number}@example.com")
    sign(publisher)
    save(tmp_path / "bundle", contact=contact_of(ANNE.email))
    answer = check(tmp_path / "bundle", *(word for path in kept for word in ("--checkpoint", str(path))))
    assert answer["verdict"] == "SOUND"
    assert sum(found["line"].startswith("CONSISTENT-WITH") for found in answer["lines"]) == 4  # type: ignore[attr-defined]


def test_only_the_fields_that_were_asked_for_are_opened(lived_in: House, publisher: Publisher, tmp_path: Path) -> None:
    sign(publisher)
    save(tmp_path / "bundle", "ip", contact=contact_of(ANNE.email))
    content = b"".join(path.read_bytes() for path in (tmp_path / "bundle").rglob("*") if path.is_file())
    assert ANNE.email.encode() not in content
    lines = [json.loads(line) for line in (tmp_path / "bundle/evidence.ndjson").read_text().splitlines()]
    assert {line["field"] for line in lines} == {"ip"}
    assert all(len(bytes.fromhex(line["salt"])) == 32 for line in lines)


def test_the_words_that_were_shown_are_in_it_under_their_digest(
    lived_in: House, publisher: Publisher, tmp_path: Path
) -> None:
    sign(publisher)
    save(tmp_path / "bundle", contact=contact_of(ANNE.email))
    (notice,) = (tmp_path / "bundle/notices").iterdir()
    bodies = (tmp_path / "bundle/entries.ndjson").read_text()
    assert notice.stem and len(bodies.splitlines()) > 5
    assert "Acme" in notice.read_text()


def test_an_old_and_a_new_bundle_agree_across_an_erasure(
    lived_in: House, publisher: Publisher, tmp_path: Path, check: Callable[..., Answer]
) -> None:
    anne = contact_of(ANNE.email)
    sign(publisher)
    save(tmp_path / "before", "email", contact=anne)
    erase.erase(anne, "request", None, Origin(LOG, clock.now()), "system")
    sign(publisher)
    for name, conditions in (("contact", {"contact": anne}), ("full", {}), ("topic", {"topic": "acme/newsletter"})):
        save(tmp_path / name, "email", **conditions)
        answer = check(tmp_path / name, "--checkpoint", str(tmp_path / "before/checkpoint"))
        assert (answer["verdict"], result(answer, "EVIDENCE")) == ("SOUND", "ok"), (name, answer)
        assert ANNE.email not in (tmp_path / name / "evidence.ndjson").read_text()
    assert check(tmp_path / "before")["verdict"] == "SOUND"


def test_while_an_erasure_is_not_signed_no_bundle_opens_evidence(
    lived_in: House, publisher: Publisher, tmp_path: Path, api: Caller, check: Callable[..., Answer]
) -> None:
    sign(publisher)
    erase.erase(contact_of(ANNE.email), "request", None, Origin(LOG, clock.now()), "system")
    with pytest.raises(NotSignedYet):
        save(tmp_path / "bundle", "email")
    answer = api.post("/exports", format="bundle")
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "10")
    save(tmp_path / "closed")
    assert check(tmp_path / "closed")["verdict"] == "SOUND"
    sign(publisher)
    save(tmp_path / "bundle", "email")
    assert check(tmp_path / "bundle")["verdict"] == "SOUND"


def test_a_bundle_shows_that_it_continues_a_checkpoint_that_is_not_among_the_published(
    lived_in: House, publisher: Publisher, tmp_path: Path, check: Callable[..., Answer]
) -> None:
    sign(publisher)
    with database.reading() as connection:
        old = Checkpoint(LOG, 5, prove.root(connection, 5))
    (tmp_path / "kept").write_text(publisher.sign(old))
    anne = contact_of(ANNE.email)
    for name, notes, verdict in (("with", [publisher.sign(old)], "SOUND"), ("without", [], "UNUSABLE")):
        filters, origin = Filters(contact=anne), Origin(LOG, clock.now())
        bundles.save(tmp_path / name, filters, (), origin, "system", notes)
        assert check(tmp_path / name, "--checkpoint", str(tmp_path / "kept"))["verdict"] == verdict


@pytest.mark.parametrize("note", ["", "no note", f"{LOG}\n99999\n{'A' * 43}=\n\n— {LOG} AAAA\n", "other\n1\nAAAA\n\n"])
def test_what_is_no_checkpoint_of_this_ledger_cannot_be_continued(
    lived_in: House, publisher: Publisher, tmp_path: Path, note: str
) -> None:
    sign(publisher)
    with pytest.raises(BadKept):
        bundles.save(tmp_path / "bundle", Filters(), (), Origin(LOG, clock.now()), "system", [note])
    assert not (tmp_path / "bundle").exists()


def test_evidence_that_vanished_without_an_erasure_is_missing(
    lived_in: House, publisher: Publisher, tmp_path: Path, check: Callable[..., Answer]
) -> None:
    with database.writing() as connection:
        connection.execute(text("DELETE FROM evidence WHERE field = 'email'"))
    sign(publisher)
    save(tmp_path / "bundle", "email")
    answer = check(tmp_path / "bundle")
    assert answer["verdict"] == "TAMPERED"
    assert {found["finding"] for found in answer["findings"]} == {"evidence"}  # type: ignore[attr-defined]


def test_a_ledger_of_several_tiles_is_sound_in_every_scope(
    house: House, publisher: Publisher, tmp_path: Path, check: Callable[..., Answer]
) -> None:
    for number in range(520):
        assert house.sign_up(f"person{number}@example.com").status_code == 200
    sign(publisher)
    for name, conditions in (("full", {}), ("some", {"topic": "acme/newsletter"})):
        made = save(tmp_path / f"{name}.zip", "email", **conditions)
        assert made.entries > 512
        assert check(tmp_path / f"{name}.zip")["verdict"] == "SOUND"


def test_nothing_of_the_half_written_bundle_is_left_when_the_disk_is_full(
    lived_in: House, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(publisher)
    before = lived_in.rows()
    monkeypatch.setattr(
        bundles.bundle, "manifest", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    for name in ("bundle", "bundle.zip"):
        with pytest.raises(OSError, match="No space left"):
            save(tmp_path / "out" / name)
    assert list((tmp_path / "out").iterdir()) == []
    assert lived_in.rows() == before


def test_what_a_killed_process_left_does_not_hinder_the_next(
    lived_in: House, publisher: Publisher, tmp_path: Path, check: Callable[..., Answer]
) -> None:
    sign(publisher)
    for name in ("bundle", "bundle.zip"):
        leftover = tmp_path / f".{name}.part"
        leftover.mkdir()
        (leftover / "checkpoint").write_text("half")
        save(tmp_path / name)
        assert check(tmp_path / name)["verdict"] == "SOUND"
        assert not leftover.exists()


def test_a_folder_that_holds_something_is_left_alone(lived_in: House, publisher: Publisher, tmp_path: Path) -> None:
    sign(publisher)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter").write_text("dear")
    with pytest.raises(OutputExists):
        save(tmp_path / "mine")
    assert (tmp_path / "mine/letter").read_text() == "dear"


def test_without_a_signed_head_there_is_no_bundle(house: House, tmp_path: Path, api: Caller) -> None:
    with pytest.raises(NothingSigned):
        save(tmp_path / "bundle")
    assert api.post("/exports", format="bundle").status_code == 409


def test_taking_a_bundle_is_an_entry_with_the_manifests_digest(
    lived_in: House, publisher: Publisher, tmp_path: Path
) -> None:
    sign(publisher)
    made = save(tmp_path / "bundle", "email", contact=contact_of(ANNE.email))
    lived_in.number()
    last = next(row for row in export.rows(Filters()) if row["kind"] == "export.made")
    assert last["details"]["sha256"] == made.sha256
    assert (last["details"]["scope"], last["details"]["evidence"]) == ("contact", ["email"])


def test_the_api_gives_a_bundle_as_a_zip(
    lived_in: House, publisher: Publisher, tmp_path: Path, api: Caller, check: Callable[..., Answer]
) -> None:
    sign(publisher)
    made = api.post("/exports", format="bundle", contact=ANNE.email, evidence=["email", "ip"])
    assert made.status_code == 201, made.text
    answer = api.client.get(made.get_json()["download_url"], headers=api.headers)
    assert answer.mimetype == "application/zip"
    (tmp_path / "api.zip").write_bytes(answer.data)
    assert check(tmp_path / "api.zip")["scope"] == "contact"
    with zipfile.ZipFile(tmp_path / "api.zip") as archive:
        assert ANNE.email in archive.read("evidence.ndjson").decode()
    assert api.post("/exports", format="bundle", evidence=["salary"]).status_code == 422


def test_both_languages_say_how_to_check(lived_in: House, publisher: Publisher, tmp_path: Path) -> None:
    sign(publisher)
    save(tmp_path / "bundle")
    for language in ("en", "fr"):
        words = (tmp_path / f"bundle/README.{language}.txt").read_text("utf-8")
        assert f"{LOG}+1a2b3c4d" in words and "--checkpoint" in words and "{" not in words
