"""Every state of the page, and how a person gets there with a keyboard alone and without scripts."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.person.site import Site, Visitor, serving

PHONE = {"width": 360, "height": 740}
SMALLEST = {"width": 320, "height": 568}  # WCAG 2.2, 1.4.10 (reflow)
INSTALL = "apt-get update && apt-get install -y chromium fonts-noto-core fonts-noto-cjk"

# Nothing of what a browser does for itself: it is started for our pages and closed.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class NoBrowser(Exception):
    """There is no Chromium on this machine."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium. Raises NoBrowser, which says how to install it."""
    path = shutil.which("chromium")
    if path is None:
        raise NoBrowser(f"the page is tested in a real browser, and there is no chromium here: {INSTALL}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=Path(path), args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Shown:
    """A page that a person has before them."""

    page: Page
    visitor: Visitor
    origin: str


@contextlib.contextmanager
def opened(browser: Browser, site: Site, **options: Any) -> Iterator[Shown]:
    """The first view of somebody's page on a phone, scripts off."""
    settings = {"viewport": PHONE, "java_script_enabled": False, **options}
    with serving(site) as origin, contextlib.closing(browser.new_context(**settings)) as context:
        page = context.new_page()
        visitor = site.person()
        page.goto(f"{origin}/p/{visitor.token}")
        yield Shown(page, visitor, origin)


def tab_to(page: Page, selector: str) -> None:
    """Go on by the Tab key until something that matches has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"the Tab key never reached {selector}")


def press(page: Page, act: str) -> None:
    """Press a button with the Enter key, and wait for the page that follows."""
    tab_to(page, f'button[value="{act}"]')
    with page.expect_navigation():
        page.keyboard.press("Enter")


def first(_: Page) -> None:
    """The page as the link opens it."""


def stopped(page: Page) -> None:
    """One press."""
    press(page, "opt_out")


def thanked(page: Page) -> None:
    """A reason, and a line of one's own."""
    stopped(page)
    tab_to(page, "input[name=why]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, "input[name=words]")
    page.keyboard.type("Three a day")
    press(page, "reason")


def resubscribed(page: Page) -> None:
    """Back again, by mistake pressed or not."""
    stopped(page)
    press(page, "resubscribe")


def saved(page: Page) -> None:
    """E-mail yes, announcements by SMS as they were."""
    tab_to(page, "summary")
    page.keyboard.press("Enter")
    tab_to(page, 'input[value="email:marketing"]')
    page.keyboard.press("Space")
    press(page, "preferences")


def unknown(page: Page) -> None:
    """A link that leads nowhere."""
    page.goto(page.url.rpartition("/")[0] + "/" + "0" * 14)


@dataclass(frozen=True)
class State:
    """How a state is reached, from where, and what it says."""

    site: Callable[[], Site]
    reach: Callable[[Page], None]
    heading: str
    notice: str | None = None


def _english() -> Site:
    return Site(language="en", country="GB")


def _indonesian() -> Site:
    return Site(language="id", country="ID")


def _arabic() -> Site:
    return Site(language="ar", country="GB")


STATES = {
    "first": State(_english, first, "Stop messages from ShopX?"),
    "stopped": State(_english, stopped, "You will get no more messages from ShopX"),
    "thanked": State(
        _english, thanked, "You will get no more messages from ShopX", "Thank you for telling us."
    ),
    "resubscribed": State(
        _english,
        resubscribed,
        "Stop messages from ShopX?",
        "You are subscribed again: offers and promotions by SMS.",
    ),
    "to-confirm": State(
        _indonesian,
        resubscribed,
        "Anda tidak akan menerima pesan lagi dari ShopX",
        "Tinggal satu langkah: kirim YA ke +6285811223344 dari ponsel ini.",
    ),
    "saved": State(_english, saved, "Stop messages from ShopX?", "Saved."),
    "right-to-left": State(_arabic, stopped, "لن تصلك رسائل من ShopX بعد الآن"),
    "unknown": State(_english, unknown, "This link no longer works"),
}
