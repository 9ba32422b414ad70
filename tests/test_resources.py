"""The folders beside the package are found from any current folder, and nowhere else."""

from pathlib import Path

import pytest

import consent
from consent import resources

CHECKOUT = Path(consent.__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["templates", "migrations", "examples"])
def test_a_folder_is_found_in_the_checkout(name):
    assert resources.folder(name) == CHECKOUT / name


def test_a_folder_is_found_whatever_the_current_folder_is(tmp_path, monkeypatch):
    (tmp_path / "templates").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resources.folder("templates") == CHECKOUT / "templates"


def test_the_packages_own_folder_comes_first():
    assert resources.folder("law") == CHECKOUT / "consent" / "law"


@pytest.mark.parametrize("name", ["no_such_folder", "pyproject.toml"])
def test_a_folder_that_is_not_there_is_named_with_the_cure(name):
    with pytest.raises(FileNotFoundError, match=rf"{name}/ .* install the package again"):
        resources.folder(name)
