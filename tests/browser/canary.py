"""Whether anything of a hostile text came to life in a page."""

from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Dialog, Page

# What the Content-Security-Policy had to stop was let through by what comes before it.
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  violations.push(`${violatedDirective} ${blockedURI}`));
"""


class Canary(NamedTuple):
    """Watches a browser's pages from their start; ``alive`` says what moved."""

    requests: list[str]
    dialogs: list[str]

    def alive(self, page: Page) -> list[str]:
        """Everything that a text did: scripts, refused or not, dialogs, requests, a page that went elsewhere."""
        taken = page.evaluate("'taken' in window ? ['window.taken'] : []")
        return [
            *taken,
            *page.evaluate("window.violations"),
            *self.requests,
            *self.dialogs,
            *page.evaluate(_GROWN),
        ]


# Elements that no page has by itself, and attributes that no element has.
_GROWN = """
[...document.querySelectorAll(
    ".prose :is(script, img, svg, form, input, button, link, video)," +
    ":is(main, #container) :is(iframe, object, embed, style, base, meta, math, template)"
  )].map((element) => element.outerHTML.slice(0, 80))
  .concat([...document.querySelectorAll("*")]
    .filter((element) => [...element.attributes].some(({ name }) =>
      name.startsWith("on") || (name === "style" && element.closest(".prose"))))
    .map((element) => element.outerHTML.slice(0, 80)))
  .concat([...document.querySelectorAll(".prose a")]
    .filter(({ href, rel, target }) =>
      !/^(https?|mailto):/.test(href) || new URL(href).host === location.host ||
      !rel.includes("noopener") || target !== "_blank")
    .map((element) => element.outerHTML.slice(0, 80)))
"""


def watch(page: Page, url: str) -> Canary:
    """Watch ``page`` from its next address on; ``url`` is the server's."""
    canary = Canary([], [])
    host = urlsplit(url).netloc

    def note(address: str) -> None:
        if urlsplit(address).netloc != host and not address.startswith(("about:", "data:image/")):
            canary.requests.append(address)

    def dismiss(dialog: Dialog) -> None:
        canary.dialogs.append(dialog.message)
        dialog.dismiss()

    page.add_init_script(_WATCH)
    page.on("request", lambda request: note(request.url))
    page.on("popup", lambda popup: note(popup.url))
    page.on("dialog", dismiss)
    return canary
