"""``consent form``: what a company's web site needs of a sign-up form."""

import click

from consent import catalogue
from consent.catalogue import LANGUAGES
from consent.cli.session import app_context
from consent.pages.snippet import KINDS, snippet


@click.group()
def form() -> None:
    """Sign-up forms."""


@form.command("snippet")
@click.argument("slug")
@click.option("--kind", type=click.Choice(KINDS), default="iframe", help="A frame, a plain form, or one with script.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of the form; by default its brand's first.")
def print_snippet(slug: str, kind: str, language: str | None) -> None:
    """Print the form SLUG as HTML, to copy into a page of your own."""
    with app_context() as app:
        found = catalogue.form(slug)
        click.echo(snippet(found, kind, found.language(language), app.config["CONSENT"].base_url))
        if not found.origins:
            click.echo(f"consent: No site may use it yet: add origins to the form {slug} and run setup.", err=True)
