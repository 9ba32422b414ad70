"""The list of pages is whole: nothing that people see is left out of what the browser looks at."""

from pathlib import Path

import pytest
from flask import template_rendered
from werkzeug.exceptions import HTTPException

from tests.browser.shown import NO_PAGES, PAGES, Shown, Story
from tests.house import House

TEMPLATES = Path(__file__).resolve().parents[2] / "templates/pages"


def ask(house: House, shown: Shown, story: Story) -> str:
    """Ask for the page without a browser, and return the endpoint that answered."""
    path = shown.path(story)
    method = "GET" if shown.posted is None else "POST"
    answer = house.client.open(path, method=method, data=shown.sends(story) or None)
    assert answer.status_code == shown.status, shown.name
    try:
        return house.app.url_map.bind("localhost").match(path, method)[0]
    except HTTPException:
        return "none"


@pytest.fixture
def seen(house: House) -> tuple[set[str], set[str]]:
    """The endpoints and the templates of all pages that are listed."""
    templates: set[str] = set()

    def note(_app: object, template: object, **_: object) -> None:
        templates.add(template.name)

    story = Story(house, "en")
    with template_rendered.connected_to(note, house.app):
        return {ask(house, shown, story) for shown in PAGES}, templates


def test_every_address_that_shows_a_page_is_listed(house: House, seen: tuple[set[str], set[str]]) -> None:
    rules = {rule.endpoint for rule in house.app.url_map.iter_rules()}
    pages = {endpoint for endpoint in rules if endpoint.partition(".")[0] in ("pages", "mailbox")}
    assert pages - NO_PAGES - seen[0] == set()


def test_every_template_of_a_page_is_listed(seen: tuple[set[str], set[str]]) -> None:
    assert {f"pages/{path.name}" for path in TEMPLATES.glob("*.html")} - seen[1] == {"pages/mailbox_message.html"}
