"""The hosted sign-up page."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import abort, request
from flask.typing import ResponseReturnValue

from consent import addresses, catalogue
from consent.catalogue import Form, Notice, Topic
from consent.pages import pages
from consent.pages.showing import here, page
from consent.subscriptions import signup
from consent.web import languages, visitor
from consent.web.languages import gettext as _

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Filled:
    """The form as it was sent; *errors* maps a field to what is wrong with it."""

    email: str
    name: str
    topics: tuple[Topic, ...]
    notice: Notice | None
    decoy: bool
    errors: Mapping[str, str]


@pages.get("/s/<form>")
def show_form(form: str) -> ResponseReturnValue:
    """Show the form: nothing is ticked, nothing is stored."""
    return _page(_form(form), {"email": "", "name": "", "topics": []}, {})


@pages.post("/s/<form>")
def sign_up(form: str) -> ResponseReturnValue:
    """Take the sign-up; the answer is the same whatever is known of the address."""
    found = _form(form)
    filled = _read(found)
    if filled.errors or filled.notice is None:
        values = {"email": filled.email, "name": filled.name, "topics": [t.slug for t in filled.topics]}
        return _page(found, values, filled.errors), 422
    if not filled.decoy:
        address = addresses.parse(filled.email)
        wanted = signup.Request(
            address, found, filled.topics, filled.notice.language, filled.notice, found.source, name=filled.name or None
        )
        signup.request(wanted, visitor.act())
    return page("check_inbox", found.brand)


def _form(slug: str) -> Form:
    try:
        found = catalogue.form(slug)
    except catalogue.Unknown:
        abort(404)
    languages.settle(found.language(request.form.get("language") or languages.language()))
    return found


def _page(form: Form, values: Mapping[str, object], errors: Mapping[str, str]) -> str:
    notice = form.notices[form.language(languages.language())]
    return page("signup", form.brand, form=form, notice=notice, values=values, errors=errors, action=here())


def _read(form: Form) -> Filled:
    """Read the body; the query is never looked at."""
    sent = request.form
    email, name = sent.get("email", "").strip(), sent.get("name", "").strip()
    slugs = sent.getlist("topic")
    topics = tuple(topic for topic in form.topics if topic.slug in slugs)
    notice = _shown(form, sent.get("notice"))
    errors = {}
    try:
        addresses.parse(email)
    except addresses.BadAddress:
        errors["email"] = _("This is not a complete e-mail address, like anne@example.com.")
    if not topics or len(topics) != len(set(slugs)):
        errors["topic"] = _("Choose at least one of the subscriptions on this page.")
    if len(name) > _LONGEST_NAME:
        errors["name"] = _("This name is too long.")
    if notice is None:
        errors["form"] = _("This page was out of date; it is fresh now. Please send it again.")
    return Filled(email, name, topics, notice, bool(sent.get("website")), errors)


def _shown(form: Form, sha256: str | None) -> Notice | None:
    """Return the notice whose words the page carried: one of this form's, in whatever version it was shown."""
    current = form.notices[form.language(languages.language())]
    if not sha256:
        return current
    try:
        shown = catalogue.notice(sha256)
    except catalogue.Unknown:
        return None
    return shown if (shown.slug, shown.brand) == (current.slug, current.brand) else None
