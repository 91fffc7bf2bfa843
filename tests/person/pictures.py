"""Takes the pictures of `docs/page.md`.

python -m tests.person.pictures
"""

from __future__ import annotations

from pathlib import Path

from tests.person.states import STATES, chromium, opened

PICTURES = Path(__file__).parents[2] / "docs" / "page"


def main() -> None:
    """One picture of each state, as a phone shows it."""
    PICTURES.mkdir(exist_ok=True)
    with chromium() as browser:
        for name, state in STATES.items():
            with opened(browser, state.site()) as shown:
                state.reach(shown.page)
                shown.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
