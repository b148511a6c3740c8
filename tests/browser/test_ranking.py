"""The ranking page in a real browser: the keyboard, the mouse, verdicts, drafts, and what is stored in the end."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from annotation.models import Assignment, Project, Ranking
from config import static
from tests.annotation.factories import make_member, make_project, make_tasks
from tests.browser.conftest import Visit
from tests.browser.layout import wait_until, wait_until_still
from tests.browser.ranking import (
    active_seconds,
    assignment_of,
    rank_first_task,
    tiers,
    tray,
    wait_for_another,
    wait_until_ready,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers")
    make_tasks(helpful, 3, completions=4)
    return helpful


def stored() -> Ranking:
    """The one ranking there is."""
    return Ranking.objects.get()


def shown_tiers(ranking: Ranking) -> list[int]:
    """Tiers in the order of the letters A, B, ... that the annotator saw."""
    assert ranking.order_shown is not None
    return [ranking.tiers[place] for place in ranking.order_shown]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_four_completions_are_ranked_in_five_presses(page: Page) -> None:
    before = assignment_of(page)
    press(page, "3", "1", "4", "2", "Enter")
    wait_for_another(page, before)
    assert shown_tiers(stored()) == [3, 1, 4, 2]
    assert tray(page) == ["A", "B", "C", "D"]
    expect(page.locator(".tools__counts")).to_have_text("1 today · 2 left")
    expect(page.locator(".tools__stored")).to_have_text("✓ Stored")
    # Loaded again, the page is that of the task in hand, not of the ranking that was changed.
    page.reload()
    wait_until_ready(page)
    assert assignment_of(page) != before


def test_the_next_task_can_be_ranked_without_touching_anything_else(page: Page) -> None:
    for done in (1, 2):
        before = assignment_of(page)
        press(page, "1", "2", "3", "4", "Enter")
        wait_for_another(page, before)
        assert Ranking.objects.count() == done


def test_two_cards_in_a_slot_are_a_tie(page: Page) -> None:
    press(page, "1", "2", "2", "4")
    assert tiers(page) == [["A"], ["B", "C"], [], ["D"]]
    expect(page.locator(".slot__tie:visible")).to_have_count(1)
    before = assignment_of(page)
    press(page, "Enter")
    wait_for_another(page, before)
    assert shown_tiers(stored()) == [1, 2, 2, 3]


def test_nothing_untouched_can_be_submitted(page: Page) -> None:
    press(page, "1", "2", "Enter")
    expect(page.locator("[data-status]")).to_have_text("C and D have no place yet.")
    expect(page.locator("[data-submit]")).to_have_attribute("aria-disabled", "true")
    page.locator("[data-submit]").click(force=True)
    expect(page.locator("#announcer")).to_have_text("C and D have no place yet.")
    assert not Ranking.objects.exists()


def test_letters_arrows_zero_and_undo_move_cards(page: Page) -> None:
    press(page, "c", "1")
    assert tiers(page) == [["C"], [], [], []]
    press(page, "c", "ArrowRight", "ArrowRight")
    assert tiers(page) == [[], [], ["C"], []]
    press(page, "0")
    assert tray(page) == ["A", "B", "C", "D"]
    press(page, "z")
    assert tiers(page) == [[], [], ["C"], []]
    press(page, "Control+z", "Control+z", "Control+z")
    assert tray(page) == ["A", "B", "C", "D"]


def test_a_card_is_dragged_into_a_slot_and_back(page: Page) -> None:
    drag(page, "B", '.slot > .cards[data-rank="2"]')
    assert tiers(page) == [[], ["B"], [], []]
    drag(page, "D", '.slot > .cards[data-rank="2"]')
    assert tiers(page) == [[], ["B", "D"], [], []]
    drag(page, "B", ".tray > .cards", of=".token")
    assert (tray(page), tiers(page)) == (["A", "B", "C"], [[], ["D"], [], []])


def test_a_card_let_go_between_two_cards_belongs_to_their_box(page: Page) -> None:
    press(page, "b", "2", "d", "2")
    drag(page, "B", ".tray > .cards", steps=2)
    assert (tray(page), tiers(page)) == (["A", "B", "C"], [[], ["D"], [], []])


def drag(page: Page, letter: str, target: str, steps: int = 12, of: str = ".completion") -> None:
    page.locator(f'{of}[data-letter="{letter}"] .letter').hover()
    page.mouse.down()
    box = page.locator(target).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20, steps=steps)
    expect(page.locator(".is-dragging")).to_have_count(1)
    wait_until_still(page)
    page.mouse.up()
    expect(page.locator(".is-dragging")).to_have_count(0)


def test_a_press_on_a_chip_places_a_card(page: Page) -> None:
    page.locator('.completion[data-letter="C"] .chip[data-place="1"]').click()
    assert tiers(page) == [["C"], [], [], []]
    page.locator('.completion[data-letter="C"] .chip--back').click()
    assert tray(page) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(("key", "verdict"), [("x", "all_bad"), ("t", "cannot_tell")])
def test_a_verdict_without_an_order_needs_a_reason_and_is_stored_as_itself(
    page: Page, key: str, verdict: str
) -> None:
    before = assignment_of(page)
    press(page, key)
    expect(page.locator("[data-submit]")).to_have_attribute("aria-disabled", "true")
    page.keyboard.type("12 times nonsense")
    press(page, "Enter")
    wait_for_another(page, before)
    ranking = stored()
    assert (ranking.verdict, ranking.tiers) == (verdict, [])
    assert ranking.metadata == {"reason": "12 times nonsense"}


def test_confidence_and_rationale_are_stored(page: Page) -> None:
    before = assignment_of(page)
    press(page, "1", "2", "3", "4")
    page.get_by_role("radio", name="high").check()
    page.locator("[name=rationale]").fill("A names the place.\nD does not.")
    press(page, "Control+Enter")
    wait_for_another(page, before)
    assert (stored().confidence, stored().rationale) == ("high", "A names the place.\nD does not.")


def test_a_skip_needs_a_reason_and_leads_to_the_next_task(page: Page) -> None:
    before = assignment_of(page)
    press(page, "s")
    page.keyboard.type("I do not know the subject")
    press(page, "Enter")
    wait_for_another(page, before)
    skipped = Assignment.objects.get(public_id=before)
    assert (skipped.status, skipped.reason) == ("skipped", "I do not know the subject")
    expect(page.locator(".tools__stored")).to_have_text("✓ Skipped")


def test_handing_a_task_back_leads_home(page: Page) -> None:
    before = assignment_of(page)
    press(page, "s")
    page.get_by_role("button", name="Stop for now").click()
    page.wait_for_url("**/")
    assert Assignment.objects.get(public_id=before).status == "released"


def test_the_last_task_leads_to_the_end(page: Page) -> None:
    for _ in range(3):
        before = assignment_of(page)
        press(page, "1", "1", "1", "1", "Enter")
        wait_for_another(page, before)
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert Ranking.objects.count() == 3


def test_active_seconds_count_while_somebody_is_there(page: Page) -> None:
    began = time.monotonic()
    page.reload()
    wait_until_ready(page)
    before = assignment_of(page)
    wait_until(page, lambda: active_seconds(page) >= 1)
    press(page, "1", "2", "3", "4", "Enter")
    wait_for_another(page, before)
    seconds = stored().active_seconds
    # One tick a second at least, and never more than the time there was.
    assert seconds is not None
    assert 1 <= seconds <= time.monotonic() - began


def test_dialogs_open_and_close_with_their_keys(page: Page) -> None:
    # Too narrow for the guidelines beside the work, where the digit would place a card.
    page.set_viewport_size(ViewportSize(width=1100, height=720))
    for key, name in (("g", "guidelines"), ("?", "keys"), ("v", "compare")):
        press(page, key)
        expect(page.locator(f"#{name}")).to_be_visible()
        press(page, "1", key)
        expect(page.locator(f"#{name}")).to_be_hidden()
    assert tray(page) == ["A", "B", "C", "D"]


def test_two_texts_side_by_side_mark_the_words_that_differ(page: Page) -> None:
    page.keyboard.press("v")
    # "Answer 0" and "Answer 1", in whatever order: the number is the only word that differs.
    marks = page.locator("#compare mark")
    expect(marks).to_have_count(2)
    assert {text.isdigit() for text in marks.all_text_contents()} == {True}
    page.get_by_label("mark differing words").uncheck()
    expect(marks).to_have_count(0)


def test_single_keys_can_be_turned_off(page: Page) -> None:
    press(page, "?")
    page.get_by_label("Keys work wherever").uncheck()
    press(page, "Escape")
    page.locator("#prompt-turns").focus()
    press(page, "1", "x", "g")
    assert tray(page) == ["A", "B", "C", "D"]
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator('.completion[data-letter="A"]').focus()
    press(page, "1")
    assert tiers(page)[0] == ["A"]


def test_the_last_ranking_can_be_changed_and_the_old_one_is_kept_as_superseded(page: Page) -> None:
    before = assignment_of(page)
    press(page, "1", "2", "3", "4", "Enter")
    wait_for_another(page, before)
    page.get_by_role("link", name="Change last").click()
    wait_until_ready(page)
    assert page.url.endswith(f"/history/{before}/")
    assert tiers(page) == [["A"], ["B"], ["C"], ["D"]]
    press(page, "a", "4", "d", "1", "Enter")
    expect(page.locator("#messages")).to_have_text("Your ranking is changed.")
    old, new = Ranking.objects.order_by("pk")
    assert (old.is_current, new.is_current, new.supersedes) == (False, True, old)
    # A 4, B 2, C 3, D 1; four completions make six pairs, all of the new ranking.
    assert shown_tiers(new) == [4, 2, 3, 1]
    assert (old.comparisons.count(), new.comparisons.count()) == (0, 6)
    expect(page.locator(".tools__counts")).to_have_text("1 today · 2 left")
    # Loaded again, the page is that of the task in hand, not of the ranking that was changed.
    page.reload()
    wait_until_ready(page)
    assert assignment_of(page) != before


def test_whoever_logs_in_gets_to_the_page_they_wanted_and_ranks(
    chromium: Browser, live_server: Any, alice: User
) -> None:
    rank_first_task(chromium, live_server.url, "helpful", "alice", "correct horse")
    assert shown_tiers(stored()) == [1, 2, 3, 4]


@pytest.mark.parametrize("completions", [2, 9])
def test_the_fewest_and_the_most_completions_are_ranked(visit: Visit, completions: int) -> None:
    project = make_project("wide")
    make_tasks(project, completions=completions)
    page = visit("/projects/wide/rank/", make_member(project), viewport={"width": 1024, "height": 700})
    wait_until_ready(page)
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    before = assignment_of(page)
    press(page, *(str(place) for place in range(completions, 0, -1)), "Enter")
    wait_for_another(page, before)
    assert shown_tiers(stored()) == list(range(completions, 0, -1))


def test_modules_that_are_served_one_by_one_make_the_same_page(visit: Visit, alice: User) -> None:
    """As where nothing was put into one file (config.static)."""
    names = []

    def serve_source(route: Route) -> None:
        names.append(name := route.request.url.split(settings.STATIC_URL)[1])
        folder, _, rest = name.partition("/")
        place = f"node_modules/{static.PACKAGES[folder]}" if folder in static.PACKAGES else f"static/{folder}"
        route.fulfill(path=Path(settings.BASE_DIR, place, rest))

    page = visit("/offline/", alice, service_workers="block")
    page.context.route(re.compile(rf"{settings.STATIC_URL}(js/task|sortablejs)/"), serve_source)
    page.goto("/projects/helpful/rank/")
    wait_until_ready(page)
    assert {"js/task/page.js", "js/task/kinds/ranking.js", "sortablejs/sortable.core.esm.js"} <= set(names)
    before = assignment_of(page)
    press(page, "1", "2", "3", "4", "Enter")
    wait_for_another(page, before)
    assert shown_tiers(stored()) == [1, 2, 3, 4]
