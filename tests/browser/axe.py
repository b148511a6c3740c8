"""axe-core on a page."""

from pathlib import Path

from django.conf import settings
from playwright.sync_api import Page

from tests.browser.layout import wait_until_still

AXE = Path(settings.NODE_MODULES) / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """Everything that axe-core finds wrong, of whatever weight, once no colour is on its way to another."""
    wait_until_still(page)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    # Preloading would make style elements, which the Content-Security-Policy refuses.
    found = page.evaluate("rules => axe.run({ runOnly: rules, preload: false })", _RULES)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
