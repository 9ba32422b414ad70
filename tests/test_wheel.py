"""The wheel serves and migrates from a foreign folder, and carries exactly the folders that git tracks."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import SECRET

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """
from consent.app import create_app
app = create_app()
client = app.test_client(use_cookies=False)
assert client.get("/s/acme-news?lang=fr").status_code == 200, "sign-up page"
assert "Infolettre" in client.get("/s/acme-news?lang=fr").text
assert client.get("/static/consent.css").status_code == 200, "stylesheet"
assert client.get("/readyz").status_code == 200, "readiness"
import consent
print(consent.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_it_carries_the_folders_that_git_tracks_and_nothing_else(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "templates", "migrations", "consent"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    expected = {path if path.startswith("consent/") else f"consent/{path}" for path in tracked}
    expected.add("consent/examples/acme.toml")
    assert {path for path in inside if path.startswith("consent/")} == expected
    assert not [path for path in inside if path.startswith(("wsgi", "tests", "docs"))]


@pytest.mark.slow
def test_it_migrates_sets_up_and_serves_from_a_foreign_folder(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True, timeout=120)
    site = next(home.glob("lib/python3*/site-packages"))
    # What the wheel needs is in our own environment already; only the package itself is installed anew.
    ours = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    (site / "dependencies.pth").write_text(f"{ours}\n", "utf-8")
    away = tmp_path / "away"
    away.mkdir()
    env = {
        "PATH": os.environ["PATH"],
        "CONSENT_DATABASE_URL": "sqlite:///data/consent.db",
        "CONSENT_BASE_URL": "https://consent.example.com",
        "CONSENT_SECRET_KEYS": SECRET,
        "CONSENT_SMTP_URL": "file:mail",
    }
    python = str(home / "bin" / "python")
    command = "import sys; from consent.cli import main; main()"

    def run(*words: str) -> str:
        found = subprocess.run(
            [python, *words], env=env, cwd=away, capture_output=True, text=True, timeout=120, check=False
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    assert "schema 0009" in run("-c", command, "migrate")
    assert "form acme-news: published" in run("-c", command, "setup", str(site / "consent/examples/acme.toml"))
    assert run("-c", SCRIPT).strip().startswith(str(site))
