"""Where a bundle is written: a zip or a folder, which appears under its name whole or not at all."""

import hashlib
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Protocol


class OutputExists(OSError):
    """The folder that was named holds something already."""


class Files(Protocol):
    """Takes the files of a bundle one after the other, and knows the SHA-256 of each by its name."""

    digests: dict[str, str]

    def add(self, name: str, content: Iterable[bytes], *, dense: bool = False) -> None:
        """Write a file of *content*, which comes in pieces; *dense* says that it cannot be compressed."""


class ZipFiles:
    """A bundle as one zip."""

    def __init__(self, file: IO[bytes]) -> None:
        self.digests: dict[str, str] = {}
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def add(self, name: str, content: Iterable[bytes], *, dense: bool = False) -> None:
        """Write one member; its time is the first that a zip can name, so that equal bundles are equal bytes."""
        member = zipfile.ZipInfo(name)
        member.compress_type = zipfile.ZIP_STORED if dense else zipfile.ZIP_DEFLATED
        member.external_attr = 0o644 << 16
        with self._archive.open(member, "w", force_zip64=not dense) as file:
            self.digests[name] = _pour(file, content)

    def close(self) -> None:
        """End the zip."""
        self._archive.close()


class FolderFiles:
    """A bundle as a folder of files."""

    def __init__(self, folder: Path) -> None:
        self.digests: dict[str, str] = {}
        self._folder = folder

    def add(self, name: str, content: Iterable[bytes], *, dense: bool = False) -> None:
        """Write one file, in the folders that its name says."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            self.digests[name] = _pour(file, content)


@contextmanager
def appearing(out: Path) -> Iterator[Files]:
    """Give the files of *out*, which appears when the block has ended well; a name ending in .zip makes a zip.

    What a killed process left is thrown away by the next one. Raises OutputExists for a folder that is not empty.
    """
    out = out.resolve()
    if not out.name:
        raise OutputExists(f"{out} cannot be a bundle; name a new folder, or a file that ends in .zip.")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.part")
    _remove(draft)
    try:
        if out.suffix == ".zip":
            with draft.open("wb") as file, closing(ZipFiles(file)) as archive:
                yield archive
        else:
            if out.exists() and any(out.iterdir()):
                raise OutputExists(f"{out} is not empty; name a new folder, or a file that ends in .zip.")
            draft.mkdir()
            yield FolderFiles(draft)
        draft.replace(out)
    finally:
        _remove(draft)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _pour(file: IO[bytes], content: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
        file.write(piece)
    return digest.hexdigest()
