"""The whole way by keyboard alone; and browsers that machines drive, which run scripts and press buttons."""

from collections.abc import Callable

from playwright.sync_api import Page

from consent import clock
from tests.house import House
from tests.people import ANNE

Window = Callable[..., Page]
BUTTON = "button:not(.second)"


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until *selector* has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"No Tab leads to {selector} on {page.url}")


def press(page: Page, selector: str, key: str = "Enter") -> None:
    tab_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press(key)


def test_the_keyboard_alone_signs_up_confirms_looks_and_leaves(
    house: House, window: Window, later: Callable[..., None]
) -> None:
    page = window()
    page.goto("/s/acme-news")
    tab_to(page, "[name=topic]")
    page.keyboard.press("Space")
    tab_to(page, "[name=email]")
    page.keyboard.type(ANNE.email)
    later(seconds=3)  # a person takes longer than a robot
    press(page, BUTTON)
    page.goto(house.link(house.letters()[-1], "c"))
    tab_to(page, "[name=agree]")  # the mail went out a moment ago
    page.keyboard.press("Space")
    press(page, BUTTON, "Space")
    assert house.allows(ANNE.email)
    welcome = house.letters()[-1]
    page.goto(house.link(welcome, "p"))
    press(page, "[value=leave_all]")
    assert not house.allows(ANNE.email)
    house.confirm(ANNE.email)
    page.goto(house.one_click(house.letters()[-1]))
    press(page, BUTTON)
    assert not house.allows(ANNE.email)


def test_a_browser_that_runs_scripts_and_waits_a_minute_sends_nothing(house: House, window: Window) -> None:
    house.sign_up(ANNE.email)
    letter = house.letters()[-1]
    before, sent, page = house.rows(), [], window()
    page.on("request", lambda request: sent.append(request.method))
    page.clock.install()
    for url in (house.link(letter, "c"), house.one_click(letter), "/s/acme-news"):
        page.goto(url)
        page.clock.fast_forward(60_000)
    assert set(sent) == {"GET"} and page.context.cookies() == []
    assert house.rows() == before


def test_a_browser_that_presses_every_button_where_the_boxes_are_on_gives_nothing(house: House, window: Window) -> None:
    house.sign_up(ANNE.email)
    link, page = house.link(house.letters()[-1], "c"), window()
    page.goto(link)
    for button in page.locator("button").all():
        button.click(no_wait_after=True)
    assert page.url.endswith(link) and house.kinds(ANNE.email)[-1] == "confirmation.sent"
    with page.expect_navigation():
        page.evaluate("document.forms[0].submit()")  # the one without a button
    assert house.kinds(ANNE.email)[-1] == "confirmation.touched"


def test_a_person_who_took_their_time_presses_one_button(house: House, window: Window) -> None:
    house.sign_up(ANNE.email)
    link, page = house.link(house.letters()[-1], "c"), window()
    clock.set_offset(60)
    page.goto(link)
    clock.set_offset(90)
    press(page, BUTTON)
    assert house.allows(ANNE.email)
