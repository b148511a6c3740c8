"""axe-core on a page."""

from pathlib import Path
from typing import Any

from django.conf import settings
from playwright.sync_api import Page

from tests.browser.layout import wait_until_still

AXE = Path(settings.BASE_DIR) / "node_modules" / "axe-core" / "axe.min.js"
_ALL = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
# All that another colour scheme can change.
_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


def violations_in_both_schemes(page: Page) -> dict[str, list[str]]:
    """What axe-core finds wrong in light and in dark, where anything is: in dark only colours can differ."""
    page.emulate_media(color_scheme="light")
    light = violations(page)
    page.emulate_media(color_scheme="dark")
    dark = violations(page, _COLOURS)
    return {scheme: sentences for scheme, sentences in (("light", light), ("dark", dark)) if sentences}


def violations(page: Page, rules: dict[str, Any] = _ALL) -> list[str]:
    """Everything that axe-core finds wrong, of whatever weight, once no colour is on its way to another."""
    wait_until_still(page)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    # Preloading would make style elements, which the Content-Security-Policy refuses.
    report = page.evaluate(
        "rules => axe.run({ runOnly: rules, preload: false, resultTypes: ['violations'] })", rules
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in report["violations"]
        for node in violation["nodes"]
    ]
