"""The root, health, and the small files that every site has."""

from flask import Response, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue

from consent import catalogue, clock
from consent.pages import pages
from consent.pages.showing import page
from consent.web import health, languages, metrics, visitor


@pages.get("/")
def index() -> ResponseReturnValue:
    """Show the way to the forms and out of them."""
    language = languages.language()
    forms = [
        {
            "title": form.title[form.language(language)],
            "brand": form.brand,
            "url": url_for("pages.show_form", form=form.slug),
        }
        for form in catalogue.current().forms.values()
    ]
    mailbox_url = url_for("mailbox.messages") if visitor.settings().mailbox else None
    return page("index", forms=forms, find_url=url_for("pages.find"), mailbox_url=mailbox_url)


@pages.get("/brand/<brand>.css")
def brand_css(brand: str) -> ResponseReturnValue:
    """Return the brand's colours for the stylesheet (nothing for an unknown one); public pages have no inline style."""
    found = catalogue.current().brands.get(brand)
    return Response(render_template("brand.css", brand=found) if found else "", mimetype="text/css")


@pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that the process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say whether work can be taken, and if not, why; reads only."""
    problems = health.problems(clock.now())
    return jsonify(status="red" if problems else "ok", problems=problems), 503 if problems else 200


@pages.route("/metrics", methods=("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))
def scrape() -> ResponseReturnValue:
    """Answer Prometheus; whoever may not see the metrics is told that there is no such page, whatever the method."""
    return metrics.answer()


@pages.get("/.well-known/security.txt")
def security_txt() -> ResponseReturnValue:
    """Say where to report a weakness (RFC 9116): to the brands' own contacts."""
    contacts = {f"mailto:{b.email}" for b in catalogue.current().brands.values() if b.email}
    expires = clock.now().replace(month=12, day=31, hour=0, minute=0, second=0, microsecond=0)
    lines = [*(f"Contact: {c}" for c in sorted(contacts)), f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}"]
    return Response("\n".join([*lines, "Preferred-Languages: en, fr", ""]), mimetype="text/plain")


@pages.get("/robots.txt")
def robots_txt() -> ResponseReturnValue:
    """Ask crawlers to stay away: every page is either a form or one person's."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")
