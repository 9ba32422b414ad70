"""``consent decide`` and ``consent export``."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from consent import addresses, catalogue, clock
from consent.cli import work
from consent.cli.session import app_context, origin
from consent.law.cases import YEARS
from consent.law.decision import STATES
from consent.law.kinds import KINDS
from consent.law.places import PLACE
from consent.records import bundles
from consent.records import export as record
from consent.records.append import Origin
from consent.records.export import FORMATS, Filters, Made
from consent.sends import decide as deciding
from consent.sends import wording


class Time(click.ParamType[datetime]):
    """An instant in RFC 3339, with a zone."""

    name = "TIME"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant, or fail with what to write."""
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a time; write it like 2026-11-23T08:45:00Z.", param, ctx)
        if found.tzinfo is None:
            self.fail(f"{value} has no zone; write it like 2026-11-23T08:45:00Z.", param, ctx)
        if found.year not in YEARS:
            self.fail(f"{value} is outside of the years 1900 to 9000.", param, ctx)
        return found.astimezone(UTC)


class Place(click.ParamType[str]):
    """A country, with a province if it is known."""

    name = "PLACE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the place, or fail with what to write."""
        if not PLACE.fullmatch(value):
            self.fail(f"{value} is no place; write a country like CA, or with a province CA-QC.", param, ctx)
        return value


@click.command()
@click.argument("email")
@click.option("--topic", required=True, metavar="BRAND/TOPIC")
@click.option("--kind", default="commercial", show_default=True, type=click.Choice(KINDS))
@click.option("--at", type=Time(), help="As of this instant; by default now.")
@click.option("--place", type=Place(), help="Where the person is, such as CA-QC; by default what is on record.")
@click.option("--language", default="en", show_default=True, type=click.Choice(catalogue.LANGUAGES))
@click.option("--json", "as_json", is_flag=True, help="The API's answer instead of words.")
def decide(
    email: str, topic: str, kind: str, at: datetime | None, place: str | None, language: str, as_json: bool
) -> None:
    """Say whether mail may go to EMAIL, and why."""
    address = addresses.parse(email)
    with app_context():
        answer = deciding.ask(address, catalogue.topic(topic), kind, clock.now(), at, place=place)
    if as_json:
        click.echo(json.dumps(wording.as_json(answer, language), ensure_ascii=False, indent=2))
    else:
        click.echo(wording.as_text(answer, language))


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR|FILE", help="DIR, or FILE.zip.")
@click.option("--format", "format_", default="jsonl", show_default=True, type=click.Choice([*FORMATS, "bundle"]))
@click.option("--brand")
@click.option("--topic", metavar="BRAND/TOPIC")
@click.option("--state", type=click.Choice(STATES))
@click.option("--contact", metavar="ID|EMAIL")
@click.option("--occurred-from", type=Time())
@click.option("--occurred-until", type=Time())
@click.option("--recorded-from", type=Time())
@click.option("--recorded-until", type=Time())
@click.option(
    "--evidence",
    multiple=True,
    default=("email",),
    show_default=True,
    type=click.Choice([*bundles.FIELDS, "all", "none"]),
    help="Personal data that a bundle opens; repeat it.",
)
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that an auditor kept: a bundle then shows that it continues it. Repeat it.",
)
def export(
    out: Path,
    format_: str,
    contact: str | None,
    evidence: tuple[str, ...],
    kept: tuple[Path, ...],
    **conditions: str | datetime | None,
) -> None:
    """Write the record to DIR/records.FORMAT, or into FILE.zip, or to a FILE that ends in the format's name.

    A bundle is the ledger itself, or a part of it, with proof that a stranger can check (`consent verify`).
    """
    with app_context() as app:
        chosen = record.contact_id(contact) if contact else None
        filters = Filters(contact=chosen, **conditions)  # type: ignore[arg-type]  # click gave each its type
        if format_ == "bundle":
            work.sign(app.config["CONSENT"])  # if the key is here, so that the newest entries are in it
            notes = [path.read_text("utf-8", "replace") for path in kept]
            bundled = bundles.save(out, filters, bundles.fields_of(evidence), origin(app), "system", notes)
            if contact and not bundled.entries:
                click.echo("No entry is about this contact; the bundle is empty.", err=True)
            click.echo(f"{bundled.entries} entries ({bundled.scope}) in {out}, manifest SHA-256 {bundled.sha256}")
            return
        path, made = _write(out, format_, filters, origin(app))
    click.echo(f"{made.rows} rows in {path}, SHA-256 {made.sha256}")


def _write(out: Path, format_: str, filters: Filters, origin: Origin) -> tuple[Path, Made]:
    name = f"records.{format_}"
    if out.suffix == f".{format_}":
        out.parent.mkdir(parents=True, exist_ok=True)
        return out, record.write(out, format_, filters, origin, "system")
    if out.suffix != ".zip":
        out.mkdir(parents=True, exist_ok=True)
        return out / name, record.write(out / name, format_, filters, origin, "system")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent) as folder:
        made = record.write(Path(folder) / name, format_, filters, origin, "system")
        with zipfile.ZipFile(Path(folder) / "out.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(Path(folder) / name, name)
        (Path(folder) / "out.zip").replace(out)
    return out, made
