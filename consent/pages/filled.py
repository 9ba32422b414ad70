"""Read a sign-up as a form or as JSON sent it. Both pass the same checks."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, HTTPException, UnprocessableEntity, UnsupportedMediaType

from consent import addresses, catalogue
from consent.catalogue import Form, Notice, Topic
from consent.web import answers, dwell, languages, visitor
from consent.web.languages import gettext as _
from consent.web.origins import Site

_LONGEST_NAME = 200
_LINES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FORM_TYPES = ("", "application/x-www-form-urlencoded", "multipart/form-data")
_LISTS = {"topic": "topic", "topics": "topic"}  # the form's word, and the API's
_TEXTS = ("email", "name", "language", "notice", "website")

Sent = MultiDict[str, str]


@dataclass(frozen=True)
class Filled:
    """The form as it was sent; *errors* maps a field to what is wrong with it.

    *made* is the signed time of the page, if it had a good one; *return_url* one that is registered, if it named one;
    *robot* what gave a robot away.
    """

    email: str
    name: str
    topics: tuple[Topic, ...]
    notice: Notice | None
    made: str | None
    return_url: str | None
    robot: str | None
    errors: Mapping[str, str]


def body() -> Sent:
    """Return the fields of the request's body; the query is never looked at.

    Raises UnsupportedMediaType, BadRequest, UnprocessableEntity by field for JSON of another shape.
    """
    if request.mimetype == "application/json":
        return _json()
    if request.mimetype not in _FORM_TYPES:
        raise UnsupportedMediaType
    return request.form


def _json() -> Sent:
    try:
        found = json.loads(request.get_data())
        json.dumps(found, ensure_ascii=False).encode()  # an escape may spell half a character, which no text may hold
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(found, dict):
        raise BadRequest
    errors = {name: problem for name, value in found.items() if (problem := _misshapen(name, value))}
    if errors:
        raise refusal(errors)
    sent: Sent = MultiDict((name, found[name]) for name in _TEXTS if name in found)
    for name in _LISTS.keys() & found.keys():
        values = [found[name]] if isinstance(found[name], str) else found[name]
        sent.setlist("topic", [*sent.getlist("topic"), *values])
    return sent


def refusal(errors: Mapping[str, str]) -> HTTPException:
    """Return what to raise so that a program is told of *errors*, by field."""
    by_field = {field: [text] for field, text in errors.items()}
    return answers.explained(
        UnprocessableEntity(), "Nothing was recorded; errors says what is wrong, by field.", by_field
    )


def _misshapen(name: str, value: object) -> str | None:
    """Return what is wrong with the field of that *name*, whatever its text says, or None."""
    if name in _TEXTS:
        return None if isinstance(value, str) else "This must be text."
    if name not in _LISTS:
        return "There is no such field."
    listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return None if listed or isinstance(value, str) else "This must be a list of texts."


def check(form: Form, sent: Sent, site: Site) -> Filled:
    """Return what was *sent* from *site* for *form*, with every mistake in it."""
    email, name = sent.get("email", "").strip(), sent.get("name", "").strip()
    slugs = sent.getlist("topic")
    topics = tuple(topic for topic in form.topics if topic.slug in slugs)
    notice = _shown(form, sent.get("notice"))
    waited = _waited(form, sent, site)
    return_url = sent.get("return_url")
    errors = _mistakes(email, name)
    if not topics or len(topics) != len(set(slugs)):
        errors["topic"] = _("Choose at least one of the subscriptions on this page.")
    if return_url is not None and return_url not in form.return_urls:
        errors["return_url"] = _("This form may not lead on to the address that the site asked for. Send it from here.")
        return_url = None
    if notice is None or waited is None:
        errors["notice"] = _("This page was out of date; it is fresh now. Please send it again.")
    made = None if waited is None else sent.get("made")
    return Filled(email, name, topics, notice, made, return_url, _robot(sent, waited), errors)


def _robot(sent: Sent, waited: timedelta | None) -> str | None:
    if sent.get("website"):
        return "decoy"
    return "haste" if waited is not None and waited < dwell.LEAST else None


def _mistakes(email: str, name: str) -> dict[str, str]:
    errors = {}
    try:
        addresses.parse(email)
    except addresses.BadAddress:
        errors["email"] = _("This is not a complete e-mail address, like anne@example.com.")
    if len(name) > _LONGEST_NAME:
        errors["name"] = _("This name is too long.")
    elif _LINES.search(name):
        errors["name"] = _("Write the name on one line.")
    return errors


def _waited(form: Form, sent: Sent, site: Site) -> timedelta | None:
    """Return for how long the page was looked at; None if it must be shown again to know.

    A form on another site cannot carry a time that we signed, and a client that is no browser can leave it out: from
    there none is asked for. Our own pages always carry one; if it is old, broken or gone, a fresh page is the answer.
    """
    made = sent.get("made")
    if made is None:
        return None if site is Site.OURS else dwell.LEAST
    waited = dwell.since(form.slug, made, visitor.settings().secret_keys)
    return waited if waited is not None and waited <= dwell.MOST else None


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
