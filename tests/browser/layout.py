"""What is wrong with the arrangement of a page, as measured in the browser."""

from collections.abc import Callable

from playwright.sync_api import Error, Page, Route


def wait_until(page: Page, condition: Callable[[], object], seconds: float = 20) -> None:
    """Until ``condition`` holds, asked from here while the page goes on; fails after ``seconds``."""
    for _ in range(int(seconds * 20)):
        try:
            if condition():
                return
        except Error as error:
            if "context was destroyed" not in str(error):  # it is being loaded anew: ask again
                raise
        page.wait_for_timeout(50)
    raise AssertionError("waited in vain")


def hold_back(page: Page, pattern: str) -> Callable[[], Route]:
    """Let no request to ``pattern`` through; what is returned waits until one is there, and gives it."""
    routes: list[Route] = []
    page.route(pattern, lambda route: routes.append(route))

    def first() -> Route:
        wait_until(page, lambda: routes)
        return routes[0]

    return first


def wait_until_still(page: Page) -> None:
    """Until nothing on the page changes its colour or its place any more.

    Sortable looks twenty times a second at what is under the pointer: where there are cards, boxes that stay for longer
    than that stay.
    """
    page.evaluate(
        """async () => {
          const boxes = () => JSON.stringify([...document.querySelectorAll("main, main *")].slice(0, 400)
            .map((part) => part.getBoundingClientRect()));
          const begin = performance.now();
          const settled = document.querySelector(".cards") ? 120 : 0;
          // Frames are asked for again and again: where none is drawn, an animation's promise of its end is not kept.
          // A page that is not in front draws none, so neither frames nor animations are waited for without an end.
          const frame = () => Promise.race([
            new Promise(requestAnimationFrame), new Promise((done) => setTimeout(done, 100))]);
          const moving = () => performance.now() < begin + 5000 && document.getAnimations().some((one) =>
            one.playState === "running" && one.effect.getComputedTiming().endTime < 5000);
          let [before, since, still] = [boxes(), begin, 0];
          while (performance.now() < begin + 20000) {
            await frame();
            const now = boxes();
            if (now !== before) [before, since] = [now, performance.now()];
            // What ends may start something else, in the frame after it.
            still = moving() ? 0 : still + 1;
            if (still >= 3 && performance.now() > since + settled) return;
          }
          throw new Error("the page never stands still");
        }"""
    )


def overhang(page: Page) -> int:
    """Pixels by which the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def overlapping(page: Page) -> list[str]:
    """Pairs of completions, and of parts of a completion, that lie upon each other."""
    pairs: list[str] = page.evaluate(
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
    return pairs


def clipped(page: Page) -> list[str]:
    """Texts that are wider than their box, tables apart: those scroll by themselves."""
    texts: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(".completion__text, .turn .prose, #guidelines .prose")]
          .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
          .map((box) => `${box.scrollWidth} in ${box.clientWidth}: ${box.textContent.slice(0, 40)}`)"""
    )
    return texts


EVERY_CONTROL = "a, button, summary, select, input, textarea, label:has(input)"


def small_targets(page: Page, least: int = 44, controls: str = EVERY_CONTROL) -> list[str]:
    """Controls whose box is smaller than a finger's tip, links within sentences apart."""
    too_small: list[str] = page.evaluate(
        """([least, controls]) => [...document.querySelectorAll(controls)]
          .filter((control) => control.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
          .filter((control) => !control.closest(".prose, .visually-hidden, .skip-link"))
          // A box within its label is as large as the label.
          .filter((control) => !(control.matches("input") && control.closest("label")))
          .map((control) => [control, control.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.width < least - 0.5 || box.height < least - 0.5))
          .map(([control, { width, height }]) =>
            `${control.outerHTML.slice(0, 60)} ${Math.round(width)}x${Math.round(height)}`)""",
        [least, controls],
    )
    return too_small
