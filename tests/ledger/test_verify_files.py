"""What the verifier does with files that are none, and when nobody can read its answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from consent.ledger import verify
from tests.ledger import bundles

LOG = bundles.sample(60)
FULL = bundles.bundle(LOG)
KEY = bundles.LOG.vkey


def answer(path: Path, *more: str, **streams: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(verify.__file__), str(path), "--key", KEY, *more]
    streams = streams or {"stdout": subprocess.PIPE}
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=30, check=False, **streams)  # type: ignore[call-overload]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundles.write_folder(tmp_path / "bundle", FULL)
    assert answer(tmp_path / "bundle").returncode == 0
    return tmp_path / "bundle"


def test_a_device_or_a_pipe_is_no_bundle_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe", tmp_path / "nowhere"):
        done = answer(path)
        assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_pipe_is_no_checkpoint(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert answer(folder, "--checkpoint", str(tmp_path / "pipe")).returncode == 2


@pytest.mark.parametrize("kind", ["pipe", "loop", "root", "link to a file"])
def test_a_folder_with_anything_but_files_is_unusable(folder: Path, kind: str) -> None:
    if kind == "pipe":
        (folder / "evidence.ndjson").unlink()
        os.mkfifo(folder / "evidence.ndjson")
    else:
        (folder / "more").symlink_to({"loop": ".", "root": "/"}.get(kind, "checkpoint"))
    done = answer(folder)
    assert done.returncode == 2 and "neither a file nor a folder" in done.stderr


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_answer_that_cannot_be_written_is_no_verdict(folder: Path, more: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = answer(folder, *more, stdout=full.fileno())
    assert done.returncode == 2
    assert "could not be written" in done.stderr and "Traceback" not in done.stderr


def test_a_reader_that_went_away_is_no_verdict(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = answer(folder, stdout=write)
    os.close(write)
    assert done.returncode == 2 and "Traceback" not in done.stderr


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_answer_without_any_place_to_go_is_no_verdict(folder: Path, more: list[str]) -> None:
    command = [sys.executable, "-I", str(verify.__file__), str(folder), "--key", KEY, *more]
    with Path("/dev/full").open("w") as full:
        assert subprocess.run(command, stdout=full, stderr=full, timeout=30, check=False).returncode == 2
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == 2 and "could not be written" in done.stderr and "Traceback" not in done.stderr


def test_a_reason_that_cannot_be_written_is_still_unusable(tmp_path: Path) -> None:
    command = [sys.executable, "-I", str(verify.__file__), str(tmp_path / "nowhere"), "--key", KEY]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "UNUSABLE\n")


def test_a_link_in_a_folder_is_named(folder: Path) -> None:
    (folder / "itself").symlink_to("itself")
    done = answer(folder)
    assert done.returncode == 2 and "itself" in done.stderr


def test_a_manifest_that_is_a_pipe_is_not_waited_for(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    assert answer(folder).returncode == 2
