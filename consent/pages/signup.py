"""The sign-up form: as a page of ours, and as it is sent from a company's own site, with or without script."""

import json
from collections.abc import Mapping
from dataclasses import replace

from flask import Response, abort, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from consent import addresses, catalogue, clock
from consent.catalogue import Form
from consent.pages import filled, pages
from consent.pages.filled import Filled
from consent.pages.showing import here, page
from consent.subscriptions import signup
from consent.subscriptions.acts import Act
from consent.web import answers, dwell, languages, metrics, origins, security, visitor
from consent.web.languages import gettext as _
from consent.web.origins import Site


@pages.get("/s/<form>", provide_automatic_options=False)
def show_form(form: str) -> ResponseReturnValue:
    """Show the form: nothing is ticked, nothing is stored."""
    return show(named(form))


@pages.route("/s/<form>", methods=("OPTIONS",), provide_automatic_options=False)
def preflight(form: str) -> ResponseReturnValue:
    """Tell a browser which sites may send the form as JSON: those registered, and no other."""
    origins.share(named(form))
    return Response(status=204, headers={"Allow": "GET, HEAD, OPTIONS, POST"})


@pages.post("/s/<form>", provide_automatic_options=False)
def sign_up(form: str) -> ResponseReturnValue:
    """Take the sign-up; the answer is the same whatever is known of the address."""
    return take(named(form))


def named(slug: str) -> Form:
    """Return the form of that name, and let its page end where the form may lead on to; 404 if there is none."""
    try:
        found = catalogue.form(slug)
    except catalogue.Unknown:
        abort(404)
    security.allow(leads_to=found.return_origins)
    return found


def show(form: Form, framed: bool = False) -> str:
    """Return the page of *form*, empty; *framed* for somebody else's page."""
    languages.settle(form.language(languages.language()))
    return _page(form, framed, {}, email="", name="", topics=[])


def take(form: Form, framed: bool = False) -> ResponseReturnValue:
    """Return the answer to a sign-up by *form*, which is recorded unless something is wrong with it."""
    origins.share(form)
    site = origins.site(form)
    sent = filled.body()
    languages.settle(form.language(sent.get("language") or languages.language()))
    if site is Site.FOREIGN:
        return _stranger(form, framed)
    found = filled.check(form, sent, site)
    if found.errors or found.notice is None:
        return _again(form, framed, found)
    if found.robot:
        metrics.dropped(found.robot)
    else:
        language = found.notice.language
        address, name = addresses.parse(found.email), found.name or None
        wanted = signup.Request(address, form, found.topics, language, found.notice, form.source, name=name)
        signup.request(wanted, _act(site, found))
    return _thanks(form, framed, found)


def _act(site: Site, found: Filled) -> Act:
    """Return the person's act. Its evidence says on whose site the form was, and if no time tells how long it took."""
    told: dict[str, object] = {} if found.made else {"signals": ["no_time"]}
    if site is Site.REGISTERED:
        told["origin"] = origins.origin()
    act = visitor.act()
    return replace(act, evidence={**act.evidence, "form_data": json.dumps(told) if told else None})


def _thanks(form: Form, framed: bool, found: Filled) -> ResponseReturnValue:
    if _program():
        return jsonify(state="requested"), 202
    if found.return_url:
        return redirect(found.return_url, 303)
    return page("check_inbox", form.brand, framed=framed)


def _again(form: Form, framed: bool, found: Filled) -> ResponseReturnValue:
    if _program():
        raise filled.refusal(found.errors)
    chosen = [topic.slug for topic in found.topics]
    kept = {"email": found.email, "name": found.name, "return_url": found.return_url}
    return _page(form, framed, found.errors, found.made, topics=chosen, **kept), 422


def _stranger(form: Form, framed: bool) -> ResponseReturnValue:
    """Refuse what a site sends that the form does not name; a person may go on from here, with an empty form."""
    if _program():
        raise answers.explained(
            Forbidden(), "This form does not name your site's origin: see origins in the set-up file."
        )
    text = _("The site you come from is not registered for this form. You can sign up here instead.")
    return _page(form, framed, {"site": text}, email="", name="", topics=[]), 403


def _page(
    form: Form, framed: bool, errors: Mapping[str, str], made: str | None = None, **values: str | list[str] | None
) -> str:
    notice = form.notices[form.language(languages.language())]
    values["made"] = made or dwell.stamp(form.slug, visitor.settings().secret_keys, clock.now())
    shown = {"form": form, "notice": notice, "values": values, "errors": errors, "action": here()}
    return page("signup", form.brand, framed=framed, **shown)


def _program() -> bool:
    return request.mimetype == "application/json"
