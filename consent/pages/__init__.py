"""What subscribers see: HTML without script and without cookies. GET shows, only POST acts, on the form body alone."""

from flask import Blueprint

pages = Blueprint("pages", __name__)

# They put their views on the blueprint above, and nothing here uses them.
from consent.pages import confirm, embed, find, home, preferences, receipt, signup, unsubscribe  # noqa: E402, F401
