"""A browser for the whole run, and the house behind a real port."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from tests.browser.shown import Shown, Story
from tests.house import House

CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
MILLISECONDS = 20_000  # after which a page that does not come is a failure
MISSING = (
    "There is no chromium, so no test opened a page in a browser. Install it (Debian: apt-get install chromium). "
    "With CI set in the environment this would be a failure."
)


def chromium() -> str:
    """Return where Debian's Chromium is. Where it is missing CI fails, and others are told."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    return str(CHROMIUM)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def base(house: House) -> Iterator[str]:
    """The address at which the house answers over HTTP."""
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def window(browser: Browser, base: str) -> Iterator[Callable[..., Page]]:
    """A way to open an empty window: the options are Playwright's, such as ``color_scheme`` and ``viewport``."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> Page:
        contexts.append(browser.new_context(base_url=base, **options))
        contexts[-1].set_default_timeout(MILLISECONDS)
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def open_shown(page: Page, shown: Shown, story: Story) -> None:
    """Let *page* show *shown* in the story's language, as a link or a form would."""
    path = shown.path(story) + f"?lang={story.language}"
    if shown.posted is None:
        answer = page.goto(path)
        assert answer is not None and answer.status == shown.status, shown.name
        return
    page.goto("/robots.txt")
    with page.expect_navigation() as navigation:
        page.evaluate(_SEND, [path, [[name, value] for name, value in _pairs(shown.sends(story))]])
    assert navigation.value.status == shown.status, shown.name


def _pairs(sent: Mapping[str, str | list[str]]) -> Iterator[tuple[str, str]]:
    for name, value in sent.items():
        for one in [value] if isinstance(value, str) else value:
            yield name, one


_SEND = """([path, fields]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = path;
  for (const [name, value] of fields) {
    const field = document.createElement("input");
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}"""
