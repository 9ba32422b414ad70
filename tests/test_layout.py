"""The shape of the repository: sizes, who may read the clock, and what no file may hold."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "consent").rglob("*.py"))
LONGEST_FILE = 350
ONE_FILE = "consent/ledger/verify.py"  # lies in every bundle, alone, and must need no other file
LONGEST_FUNCTION = 50
CLOCKS = re.compile(r"\b(datetime\.(now|utcnow)|date\.today|time\.time(_ns)?)\(")
REGISTRIES = [
    name + "." + ending
    for name, ending in [
        ("pypi", "org"),
        ("files.pythonhosted", "org"),
        ("registry.npmjs", "org"),
        ("deb.debian", "org"),
    ]
]
HOMES = re.compile(rb"(?<![\w.\-/])/(home|root|work|Users)" + rb"/\w")


def kept_files() -> list[Path]:
    """Return every file that git tracks or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in found if name and (ROOT / name).is_file()]


in_a_checkout = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="an unpacked sdist has no git to ask")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in MODULES if relative(path) != ONE_FILE], ids=relative)
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_function_fits_on_a_screen(path):
    found = [
        (node.name, node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [function for function in found if function[1] > LONGEST_FUNCTION] == []


def test_only_the_clock_reads_the_clock():
    readers = [relative(path) for path in MODULES if CLOCKS.search(path.read_text(encoding="utf-8"))]
    assert readers == ["consent/clock.py"]


@in_a_checkout
@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_package_registry(registry):
    assert [relative(path) for path in kept_files() if registry.encode() in path.read_bytes()] == []


@in_a_checkout
def test_no_file_names_a_folder_of_the_machine_it_was_written_on():
    assert [relative(path) for path in kept_files() if HOMES.search(path.read_bytes())] == []


@pytest.mark.parametrize(
    ("text", "found"), [("=/ho%s/anne", True), ("=/ro%s/x", True), ("https://acme.example/ho%s/x", False)]
)
def test_a_folder_of_a_machine_is_told_from_a_page(text, found):
    text %= "ot" if "/ro%s" in text else "me"
    assert bool(HOMES.search(text.encode())) == found
