"""A way out for people without a link: type the address, get the link by mail. Same answer either way."""

from flask import request
from flask.typing import ResponseReturnValue

from consent import addresses
from consent.pages import pages
from consent.pages.showing import here, page
from consent.subscriptions import preferences
from consent.web import visitor
from consent.web.languages import gettext as _


@pages.get("/find")
def find() -> ResponseReturnValue:
    """Show the form."""
    return page("find", action=here(), errors={}, values={"email": ""})


@pages.post("/find")
def send_link() -> ResponseReturnValue:
    """Mail the link if the address is known."""
    email = request.form.get("email", "").strip()
    try:
        address = addresses.parse(email)
    except addresses.BadAddress:
        errors = {"email": _("This is not a complete e-mail address, like anne@example.com.")}
        return page("find", action=here(), errors=errors, values={"email": email}), 422
    preferences.send_link(address, visitor.act())
    return page("find_sent")
