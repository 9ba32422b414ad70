"""``consent preflight``: does a message carry what it must before it goes out?"""

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from consent import catalogue
from consent.cli.records import Place
from consent.cli.session import app_context
from consent.law.findings import LEVELS
from consent.law.kinds import KINDS
from consent.law.message import About
from consent.law.mime import LARGEST
from consent.sends import preflight as preflights
from consent.sends.preflight import Checked
from consent.sends.probe import probe as try_link

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
_LABELS = {
    "en": {"error": "error", "warning": "warning", "note": "note", "ok": "ok", "no": "must not go out",
           "none": "nothing to mend", "sum": "{errors} of {files} messages must not go out as they are."},
    "fr": {"error": "erreur", "warning": "avis", "note": "note", "ok": "conforme", "no": "à ne pas envoyer",
           "none": "rien à corriger", "sum": "{errors} message(s) sur {files} à ne pas envoyer tels quels."},
}  # fmt: skip
_WIDTH = 100


class NoMessages(Exception):
    """There is nothing to check. The message says where."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE.eml|DIR…")
@click.option("--topic", required=True, metavar="BRAND/TOPIC")
@click.option("--kind", default="commercial", show_default=True, type=click.Choice(KINDS))
@click.option("--place", type=Place(), help="Where the recipient is, such as CA-QC.")
@click.option("--on-behalf", multiple=True, metavar="NAME", help="Whom it must name beside the brand; may be repeated.")
@click.option(
    "--earlier",
    type=click.Path(exists=True, path_type=Path),
    help="A message, or a folder of them, not to be repeated.",
)
@click.option("--probe", is_flag=True, help="Open every unsubscribe link over https, and see whether it works.")
@click.option("--language", default="en", show_default=True, type=click.Choice(catalogue.LANGUAGES))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as the API answers.")
def preflight(
    files: tuple[Path, ...],
    topic: str,
    kind: str,
    place: str | None,
    on_behalf: tuple[str, ...],
    earlier: Path | None,
    probe: bool,
    language: str,
    as_json: bool,
) -> None:
    """Check messages before they go out; exit status 1 if one has an error.

    FILE is a message as it goes over the wire (RFC 5322), with one person's own links; of a DIR every .eml is checked.
    """
    with app_context() as app:
        known = preflights.about(catalogue.topic(topic), app.config["CONSENT"].base_url, kind, place, on_behalf)
    said_before = [preflights.check(_read(path), known).fingerprint for path in _messages(earlier)] if earlier else []
    paths = [path for given in files for path in _messages(given)]
    errors = 0
    for path in paths:
        checked = preflights.check(_read(path), known, said_before, try_link if probe else None)
        errors += not checked.ok
        click.echo(_line(path, checked, language) if as_json else _page(path, checked, known, language))
    if not as_json and len(paths) > 1:
        click.echo(_LABELS[language]["sum"].format(errors=errors, files=len(paths)))
    sys.exit(1 if errors else 0)


def _messages(given: Path) -> Iterator[Path]:
    """Yield *given*, or the messages in it. Raises NoMessages for a folder without any."""
    if not given.is_dir():
        yield given
        return
    found = sorted(given.glob("*.eml"))
    if not found:
        raise NoMessages(f"{given} holds no .eml file.")
    yield from found


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _line(path: Path, checked: Checked, language: str) -> str:
    answer: dict[str, Any] = {"file": str(path)} | preflights.as_json(checked, language)
    return json.dumps(answer, ensure_ascii=False)


def _page(path: Path, checked: Checked, known: About, language: str) -> str:
    """Return the findings in lines for a terminal, the worst first."""
    labels = _LABELS[language]
    verdict = click.style(labels["ok"], fg="green") if checked.ok else click.style(labels["no"], fg="red", bold=True)
    counts = {level: sum(found.level == level for found in checked.findings) for level in LEVELS}
    summary = ", ".join(f"{count} × {labels[level]}" for level, count in counts.items() if count) or labels["none"]
    lines = [f"{path.name}: {verdict} ({summary}; {known.kind})"]
    for found in checked.findings:
        label = click.style(f"{labels[found.level]:<8}", fg=_COLOURS[found.level])
        lines.append(f"  {label} {found.id}")
        lines += textwrap.wrap(found.text(language), _WIDTH, initial_indent=" " * 11, subsequent_indent=" " * 11)
        lines.append(f"{' ' * 11}{click.style(found.citation.cite(language), dim=True)}")
    return "\n".join(lines)
