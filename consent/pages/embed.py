"""The sign-up form in a frame of a company's own page. Only the sites that the form names may hold it.

It is the form and nothing else: whoever is shown it hidden under something else can be made to ask for a confirmation
mail, never to confirm or to leave.
"""

from flask.typing import ResponseReturnValue

from consent.catalogue import Form
from consent.pages import pages, signup
from consent.web import security


@pages.get("/embed/<form>")
def show_embedded(form: str) -> ResponseReturnValue:
    """Show the form without our frame of name and footer; nothing is ticked, nothing is stored."""
    return signup.show(_named(form), framed=True)


@pages.post("/embed/<form>")
def sign_up_embedded(form: str) -> ResponseReturnValue:
    """Take the sign-up as ``/s/<form>`` does."""
    return signup.take(_named(form), framed=True)


def _named(slug: str) -> Form:
    found = signup.named(slug)
    security.allow(leads_to=found.return_origins, framed_by=found.origins)
    return found
