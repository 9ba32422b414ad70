"""What every page needs: the brand it speaks for, and its own address in the other language."""

from typing import Any

from flask import render_template, request

from consent.catalogue import LANGUAGES, Brand
from consent.web import languages


def page(name: str, brand: Brand | None = None, **context: Any) -> str:
    """Return the page ``templates/pages/<name>.html`` in the language of its reader."""
    return render_template(
        f"pages/{name}.html",
        brand=brand,
        other_language_url=None if brand and len(brand.languages) < 2 else other_language(),
        **context,
    )


def here(path: str | None = None) -> str:
    """Return *path* (by default this page's) as a form should post to it, keeping the language asked for."""
    chosen = request.args.get("lang")
    path = path or request.path
    return f"{path}?lang={chosen}" if chosen in LANGUAGES else path


def other_language() -> str:
    """Return this page's address in the other language."""
    other = "en" if languages.language() == "fr" else "fr"
    return f"{request.path}?lang={other}"
