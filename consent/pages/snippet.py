"""The sign-up form as HTML to put into a company's own page."""

from flask import render_template
from flask_babel import force_locale

from consent.catalogue import Form

KINDS = ("iframe", "html", "fetch")
_AROUND, _A_TOPIC = 900, 130  # pixels of the framed form on a phone of 320, without topics, and for each of them


def snippet(form: Form, kind: str, language: str, base_url: str) -> str:
    """Return *form* as a *kind* of KINDS: a frame of ours, a plain form, or one that a script sends as JSON.

    The plain form leads on to the first return URL that is registered, if there is one.
    """
    url = f"{base_url}/embed/{form.slug}?lang={language}" if kind == "iframe" else f"{base_url}/s/{form.slug}"
    return_url = form.return_urls[0] if kind == "html" and form.return_urls else None
    shown = {"form": form, "notice": form.notices[language], "url": url, "return_url": return_url}
    with force_locale(language):
        return render_template(
            f"snippets/{kind}.html",
            kind=kind,
            height=_AROUND + _A_TOPIC * len(form.topics),
            **shown,
            language=language,
        )
