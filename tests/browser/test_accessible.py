"""Every page in both languages for everybody: WCAG 2.2 AA by axe, light and dark, enlarged, in forced colours."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import open_shown
from tests.browser.shown import PAGES, Story
from tests.house import House

Window = Callable[..., Page]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"],
    "resultTypes": ["violations"],
    "iframes": False,
}
PHONE = {"width": 360, "height": 640}
ENLARGED = {"width": 320, "height": 256}  # what is left of 1280 × 1024 at 400 % (WCAG 2.2, 1.4.10)


def axe_finds(page: Page) -> list[tuple[str, str]]:
    """Return every violation, in light, in dark, and in forced colours."""
    found = []
    for media in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}):
        page.emulate_media(**media)
        violations = Axe().run(page, options=RULES).response["violations"]
        found += [(one["id"], node["html"][:200]) for one in violations for node in one["nodes"]]
    found += [("no edge in forced colours", html) for html in page.evaluate(_EDGES)]
    page.emulate_media(color_scheme="light", forced_colors="none")
    return found


def hidden_focus(page: Page) -> list[str]:
    """Return what has the focus without being seen to have it, on the way through the page with the Tab key."""
    found = []
    for _ in range(page.locator("a[href], button, input:not([type=hidden]), select, summary").count()):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        found += [focused["html"]] if focused and focused["outline"] < 2 else []
    return found


def too_wide(page: Page) -> list[int]:
    """Return how wide the page is, enlarged four times, if it scrolls sideways then."""
    page.set_viewport_size(ENLARGED)
    width = page.evaluate("document.documentElement.scrollWidth")
    return [width] if width > ENLARGED["width"] else []


def too_small(page: Page) -> list[str]:
    """Return what is smaller than a thumb needs: 24 by 24 pixels, but for links in a sentence (WCAG 2.2, 2.5.8)."""
    page.set_viewport_size(PHONE)
    return list(page.evaluate(_SMALL))


def too_heavy(page: Page) -> list[object]:
    """Return what the page loads beyond its stylesheet, one request more and 30 kB, or what else holds its paint up."""
    resources = page.evaluate('performance.getEntriesByType("resource").map(e => [e.name, e.decodedBodySize])')
    resources = [one for one in resources if not one[0].endswith("/icon.svg")]  # the tab's, not the page's
    weight = sum(size for _, size in resources) + len(page.content().encode())
    heavy = [weight, *resources] if len(resources) > 2 or weight > 30_000 else []
    return heavy + [url for url in page.evaluate(_BLOCKING) if not url.partition("?")[0].endswith(".css")]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_page_has_a_fault_for_anybody(house: House, window: Window, language: str) -> None:
    page, story, faults = window(), Story(house, language), {}
    for shown in PAGES:
        open_shown(page, shown, story)
        assert page.evaluate("document.documentElement.lang") == language, shown.name
        for check in (too_heavy, axe_finds, hidden_focus, too_small, too_wide):
            if found := check(page):
                faults[shown.name, check.__name__] = found
    assert faults == {}


_BLOCKING = """performance.getEntriesByType("resource")
  .filter(entry => entry.renderBlockingStatus === "blocking").map(entry => entry.name)"""
_EDGES = """[...document.querySelectorAll("button")].filter(b => b.checkVisibility())
  .filter(b => parseFloat(getComputedStyle(b).borderTopWidth) < 1).map(b => b.outerHTML)"""
_SMALL = """[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")]
  .filter(e => e.checkVisibility() && !e.closest("p, li, dd, .decoy, pre") && !e.matches(".skip, label input"))
  .map(e => [e.outerHTML.slice(0, 100), e.getBoundingClientRect()])
  .filter(([_, box]) => box.height < 24 || box.width < 24).map(([html, box]) => html + box.height)"""
_FOCUSED = """(() => {
  const e = document.activeElement;
  if (!e || e === document.body || e.tagName === "IFRAME") return null;
  const style = getComputedStyle(e);
  return {html: e.outerHTML.slice(0, 100), outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth)};
})()"""
