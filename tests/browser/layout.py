"""What is wrong with the arrangement of a page, as measured in the browser."""

from playwright.sync_api import Page


def overhang(page: Page) -> int:
    """Pixels by which the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def overlapping(page: Page) -> list[str]:
    """Pairs of completions, and of parts of a completion, that lie upon each other."""
    found: list[str] = page.evaluate(
        """() => {
          const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 ||
            a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
          const pairs = [];
          const check = (elements, name) => elements.forEach((one, i) => elements.slice(i + 1).forEach((other) => {
            const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
            if (a.width && b.width && !apart(a, b)) pairs.push(`${name(one)} and ${name(other)}`);
          }));
          // The slots lie upon the tray's end on purpose, as the bar does: they stay in sight.
          const letter = (card) => card.dataset.letter;
          for (const box of document.querySelectorAll(".cards")) check([...box.children], letter);
          for (const card of document.querySelectorAll(".completion")) {
            check([...card.children], (part) => `${card.dataset.letter}: ${part.className}`);
          }
          const still = (part) => getComputedStyle(part).position !== "fixed";
          check([...document.querySelectorAll(".bar > *")].filter(still), (part) => part.className);
          return pairs;
        }"""
    )
    return found


def clipped(page: Page) -> list[str]:
    """Texts that are wider than their box, tables apart: those scroll by themselves."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(".completion__text, .turn .prose, #guidelines .prose")]
          .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
          .map((box) => `${box.scrollWidth} in ${box.clientWidth}: ${box.textContent.slice(0, 40)}`)"""
    )
    return found


def small_targets(page: Page, least: int = 44) -> list[str]:
    """Controls whose box is smaller than a finger's tip, links within sentences apart."""
    found: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll("a, button, summary, select, input, textarea, label:has(input)")]
          .filter((control) => control.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
          .filter((control) => !control.closest(".prose, .visually-hidden, .skip-link"))
          // A box within its label is as large as the label.
          .filter((control) => !(control.matches("input") && control.closest("label")))
          .map((control) => [control, control.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.width < least - 0.5 || box.height < least - 0.5))
          .map(([control, { width, height }]) =>
            `${control.outerHTML.slice(0, 60)} ${Math.round(width)}x${Math.round(height)}`)""",
        least,
    )
    return found
