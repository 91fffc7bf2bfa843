"""Does a person get through every state with a keyboard, without scripts, on a phone, by WCAG 2.2 AA?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from izin.domain.message import Channel, Purpose
from izin.page.texts import languages
from playwright.sync_api import Browser, Page

from tests.person.site import Site
from tests.person.states import PHONE, SMALLEST, STATES, NoBrowser, State, chromium, opened, stopped

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as running:
            yield running
    except NoBrowser as error:
        pytest.fail(str(error), pytrace=False)


def violations(page: Page) -> list[str]:
    """What axe finds on a page that may run scripts for it."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the phone."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def small_targets(page: Page) -> list[str]:
    """What can be pressed and is smaller than 44 pixels either way."""
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll("button, a, summary, label, input[type=text]")]
                .filter(e => e.checkVisibility())
                .filter(e => { const r = e.getBoundingClientRect(); return r.width < 44 || r.height < 44 })
                .map(e => e.outerHTML.slice(0, 80))"""
        )
    )


IN_THE_DARK = ("stopped", "saved", "to-confirm")  # they show every colour that there is


@pytest.mark.parametrize(
    ("name", "colours"), [*((name, "light") for name in STATES), *((name, "dark") for name in IN_THE_DARK)]
)
def test_every_state_is_reached_by_keyboard_and_found_without_fault(
    browser: Browser, name: str, colours: str
) -> None:
    state: State = STATES[name]
    with opened(browser, state.site(), color_scheme=colours) as shown:
        page, said = shown.page, list[str]()
        asked = list[str]()
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        state.reach(page)
        assert page.locator("h1").inner_text() == state.heading
        notices = page.locator("[role=status]").all_inner_texts()
        assert notices == ([state.notice] if state.notice else [])
        assert [line for line in said if "404" not in line] == []  # nothing breaks the page's own policy
        assert all(url.startswith(f"{shown.origin}/p/") for url in asked)
        context: dict[str, Any] = {"bypass_csp": True, "viewport": PHONE, "color_scheme": colours}
        looked = browser.new_context(**context)
        judged = looked.new_page()
        judged.goto(page.url)
        if judged.locator("summary").count():
            judged.evaluate("document.querySelector('details').open = true")
        assert violations(judged) == []
        assert small_targets(judged) == []
        judged.set_viewport_size(SMALLEST)
        assert overflow(judged) == 0
        looked.close()


def test_faults_would_be_found(browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><h1>x</h1><input><p style='color:#aaa'>faint</p>"
        "<a href='/'>x</a><div style='width:900px'>wide</div></main>"
    )
    found = {fault.partition(":")[0] for fault in violations(page)}
    assert {"label", "color-contrast"} <= found
    assert small_targets(page)
    assert overflow(page) > 0
    context.close()


def test_what_was_done_by_keyboard_was_recorded(browser: Browser) -> None:
    with opened(browser, STATES["saved"].site()) as shown:
        STATES["saved"].reach(shown.page)
        assert shown.page.locator('input[value="email:marketing"]').is_checked()
        assert not shown.visitor.standing.blocking(Channel.EMAIL, Purpose.MARKETING)
    with opened(browser, STATES["thanked"].site()) as shown:
        STATES["thanked"].reach(shown.page)
        reason = shown.visitor.events()[-1]
        assert reason["details"]["reason"] == "not_relevant"
        assert shown.visitor.sealed(reason) == {"words": "Three a day"}


def test_the_style_is_the_one_that_the_policy_names(browser: Browser) -> None:
    with opened(browser, STATES["first"].site()) as shown:
        colour = shown.page.locator("button").first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert colour == "rgb(13, 95, 87)"


def test_what_the_page_may_not_run_does_not_run(browser: Browser) -> None:
    site = Site(brand="<script>document.title='run'</script>Co", language="en", country="GB")
    with opened(browser, site, java_script_enabled=True) as shown:
        assert shown.page.title() == "Stop messages from <script>document.title='run'</script>Co?"


def test_going_back_and_reloading_press_nothing(browser: Browser) -> None:
    with opened(browser, STATES["stopped"].site()) as shown:
        stopped(shown.page)
        before = shown.visitor.site.written()
        shown.page.reload()
        shown.page.go_back()
        shown.page.go_forward()
        shown.page.reload()
        assert shown.visitor.site.written() == before


@pytest.mark.parametrize("language", languages())
def test_every_language_fits_the_smallest_phone(browser: Browser, language: str) -> None:
    site = Site(language=language, country="GB", brand="Toko Serba Ada Nusantara")
    with opened(browser, site, viewport=SMALLEST) as shown:
        page = shown.page
        assert page.locator("html").get_attribute("lang") == language
        page.locator("summary").click()
        assert overflow(page) == 0
        stopped(page)
        assert overflow(page) == 0
        right = page.locator("html").get_attribute("dir") == "rtl"
        box = page.locator(".done").bounding_box()
        assert box
        assert (box["x"] > SMALLEST["width"] / 2) is right
