"""What a person does on the ranking page, for tests of any part."""

from typing import Any

from playwright.sync_api import Browser, Error, Locator, Page, expect


def rank_first_task(chromium: Browser, url: str, slug: str, user: str, password: str) -> None:
    """Log in, rank the first task with the keyboard in the order shown, submit, and wait until it is stored."""
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(f"{url}/projects/{slug}/rank/")
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        wait_until_ready(page)
        assignment = assignment_of(page)
        for place in range(1, page.locator(".completion").count() + 1):
            page.keyboard.press(str(place))
        page.keyboard.press("Enter")
        wait_for_another(page, assignment)
    finally:
        context.close()


def wait_until_ready(page: Page) -> None:
    """Until the page's script has taken over."""
    page.wait_for_selector("html[data-ready=task]", state="attached")


def evaluated(page: Page, expression: str) -> Any:
    """What ``expression`` comes to on the page; where the page loads anew meanwhile, as one does by itself when it is
    online again, on the new one."""
    for _ in range(20):
        try:
            return page.evaluate(expression)
        except Error as error:
            if "Execution context was destroyed" not in error.message:
                raise
        page.wait_for_load_state()
    raise AssertionError("the page loads again and again")


def wait_until_ahead(page: Page) -> None:
    """Until the page has the task after the one in hand."""
    fetched = "performance.getEntriesByType('resource').some(({name}) => name.endsWith('/rank/ahead/'))"
    for _ in range(200):
        if evaluated(page, fetched):
            return
        page.wait_for_timeout(50)
    raise AssertionError("no task is held ahead")


def assignment_of(page: Page) -> str:
    """The public id of the task in hand."""
    return page.locator("#judgement [name=assignment]").input_value()


def wait_for_another(page: Page, assignment: str) -> None:
    """Until another task, or the end, has taken the place of ``assignment``, and the server has what was submitted."""
    expect(page.locator(f'#judgement [name=assignment][value="{assignment}"]')).to_have_count(0)
    wait_until_sent(page)


def wait_until_sent(page: Page) -> None:
    """Until nothing that was submitted waits in the browser."""
    # Polled from here: pages without scripts have no timers.
    for _ in range(200):
        if not waiting(page):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"still waits: {waiting(page)}")


def waiting(page: Page) -> list[str]:
    """The names under which submitted judgements wait in the browser."""
    names: list[str] = evaluated(page, "Object.keys(localStorage).filter(key => key.startsWith('outbox:'))")
    return names


def notice(page: Page, words: str) -> Locator:
    """The notice that says ``words``: not what is read out to those who do not see it."""
    return page.locator(".notice", has_text=words)


def active_seconds(page: Page) -> float:
    """What the page has counted so far."""
    return float(page.locator("#judgement [name=active_seconds]").input_value() or 0)


def tiers(page: Page) -> list[list[str]]:
    """The letters in each slot, from the first to the last: [["B"], ["A", "D"], [], ["C"]]."""
    # In one go: between two questions the page may have put another task, or itself, in the place of this one
    slots: list[list[str]] = page.locator(".slot > .cards").evaluate_all(
        "slots => slots.map(slot => [...slot.children].map(token => token.dataset.letter))"
    )
    return slots


def tray(page: Page) -> list[str]:
    """The letters without a place."""
    letters: list[str] = page.locator(".tray .completion:not(.is-placed)").evaluate_all(
        "cards => cards.map(card => card.dataset.letter)"
    )
    return letters
