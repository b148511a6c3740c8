"""What an annotator entered survives: reloads, a lost connection, other tabs, a lost lease, a new log-in, no script."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotation.collecting import queue
from annotation.models import Annotator, Assignment, Project, Ranking, Session
from tests.annotation.factories import make_annotator, make_project, make_tasks
from tests.browser.conftest import Visit, log_in
from tests.browser.layout import wait_until
from tests.browser.ranking import assignment_of, notice, tiers, tray, wait_for_another, wait_until_ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers")
    make_tasks(helpful, 2, completions=4)
    return helpful


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def saved(page: Page) -> None:
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")


def end_lease() -> None:
    """Let the leases of the task in hand and of the one held ahead end, and free their slots as the sweep does."""
    Assignment.objects.open().update(expires_at=timezone.now() - timedelta(seconds=1))
    assert queue.expire() == 2


def test_a_draft_is_there_again_after_a_reload_and_on_another_device(
    visit: Visit, page: Page, alice: User
) -> None:
    press(page, "2", "1")
    page.locator("[name=rationale]").fill("B is shorter.")
    saved(page)
    for again in (page, visit(RANK, alice)):
        again.reload()
        wait_until_ready(again)
        assert tiers(again) == [["B"], ["A"], [], []]
        expect(again.locator("[name=rationale]")).to_have_value("B is shorter.")
    # Who goes on with what is shown there takes nobody's place.
    press(again, "1")
    saved(again)
    expect(notice(again, "on another device")).to_have_count(0)


def test_a_draft_that_never_reached_the_server_is_there_again(page: Page) -> None:
    page.context.set_offline(True)
    press(page, "4", "4")
    expect(page.locator("[data-saved]")).to_have_text("Offline: kept in this browser.")
    page.context.set_offline(False)
    page.reload()
    wait_until_ready(page)
    assert tiers(page) == [[], [], [], ["A", "B"]]
    # The copy is sent when the connection is back, or 0.7 s after the reload, whichever comes first.
    wait_until(page, lambda: Assignment.objects.get(ahead=False).draft.get("ranks") == {"A": 4, "B": 4})


def test_an_older_copy_in_a_browser_gives_way_to_what_another_device_kept_later(
    visit: Visit, page: Page, alice: User
) -> None:
    task, context = assignment_of(page), page.context
    page.close()
    other = visit(RANK, alice)
    wait_until_ready(other)
    press(other, "1", "2")
    saved(other)
    # What a browser that crashed an hour ago has kept, and the server does not have.
    again = visit("/projects/helpful/guidelines/", context=context)
    kept = {"assignment": task, "rank_A": "4", "rank_B": "4", "verdict": "ranked"}
    again.evaluate(
        "([key, fields]) => localStorage.setItem(key, JSON.stringify({ at: Date.now() - 3600000, fields }))",
        [f"draft:alice:{task}", kept],
    )
    again.goto(RANK)
    wait_until_ready(again)
    assert tiers(again) == [["A"], ["B"], [], []]
    expect(notice(again, "You went on with this task on another device")).to_be_visible()
    again.get_by_role("button", name="Take the older one").click()
    assert tiers(again) == [[], [], [], ["A", "B"]]
    wait_until(again, lambda: Assignment.objects.get(ahead=False).draft.get("ranks") == {"A": 4, "B": 4})


def test_an_older_draft_that_comes_back_online_gives_way_to_a_later_one_of_another_device(
    visit: Visit, page: Page, alice: User
) -> None:
    page.context.set_offline(True)
    press(page, "4", "4")
    expect(page.locator("[data-saved]")).to_have_text("Offline: kept in this browser.")
    other = visit(RANK, alice)
    wait_until_ready(other)
    press(other, "1", "2")
    saved(other)
    page.context.set_offline(False)
    expect(notice(page, "You went on with this task on another device")).to_be_visible()
    wait_until_ready(page)
    assert tiers(page) == [["A"], ["B"], [], []]
    assert Assignment.objects.get(ahead=False).draft["ranks"] == {"A": 1, "B": 2}
    page.get_by_role("button", name="Take the older one").click()
    wait_until(page, lambda: Assignment.objects.get(ahead=False).draft["ranks"] == {"A": 4, "B": 4})


def test_a_later_draft_that_comes_back_online_takes_the_place_of_an_older_one(
    visit: Visit, page: Page, alice: User
) -> None:
    other = visit(RANK, alice)
    wait_until_ready(other)
    press(other, "1", "2")
    saved(other)
    page.context.set_offline(True)
    press(page, "4", "4")
    expect(page.locator("[data-saved]")).to_have_text("Offline: kept in this browser.")
    page.context.set_offline(False)
    saved(page)
    expect(notice(page, "You had gone on with this task on another device too")).to_be_visible()
    assert tiers(page) == [[], [], [], ["A", "B"]]
    assert Assignment.objects.get(ahead=False).draft["ranks"] == {"A": 4, "B": 4}
    # The first, looked at again, shows what was done on the second, and offers nothing: all of it was seen.
    other.evaluate("dispatchEvent(new Event('online'))")
    wait_until(other, lambda: tiers(other) == [[], [], [], ["A", "B"]])
    expect(other.locator("#notices .notice")).to_have_count(0)


def test_two_tabs_keep_one_draft_and_judge_once(visit: Visit, page: Page) -> None:
    other = visit(RANK, context=page.context)
    wait_until_ready(other)
    press(page, "3")
    expect(other.locator('.slot [data-letter="A"]')).to_have_count(1)
    assert tiers(other) == [[], [], ["A"], []]
    before = assignment_of(page)
    press(page, "2", "1", "1", "Enter")
    wait_for_another(page, before)
    expect(notice(other, "This task was finished in another tab.")).to_be_visible()
    # It insists, with another order: the first judgement stands, and that is said.
    other.bring_to_front()
    press(other, "a", "1", "Enter")
    wait_for_another(other, before)
    expect(notice(other, "You had judged this task already")).to_be_visible()
    assert Ranking.objects.count() == 1


def test_a_lease_that_ended_still_counts_while_nobody_else_has_the_task(page: Page) -> None:
    before = assignment_of(page)
    press(page, "1", "2", "3", "4")
    saved(page)
    end_lease()
    press(page, "Enter")
    wait_for_another(page, before)
    assert Ranking.objects.get().assignment == Assignment.objects.get(public_id=before)


def test_a_task_that_others_have_now_is_refused_clearly_and_stays_to_be_read(
    page: Page, project: Project
) -> None:
    press(page, "1", "2", "3", "4")
    page.locator("[name=rationale]").fill("worth keeping")
    saved(page)
    end_lease()
    bob = make_annotator(project, "bob")
    taken = queue.claim(annotator=bob)
    assert taken is not None
    assert taken.task == Assignment.objects.get(public_id=assignment_of(page)).task
    press(page, "Control+Enter")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator(".ranking__errors")).to_contain_text("others have it now")
    expect(page.locator("[name=rationale]")).to_have_value("worth keeping")
    assert tiers(page) == [["A"], ["B"], ["C"], ["D"]]
    assert not Ranking.objects.exists()
    page.get_by_role("link", name="Next task").click()
    wait_until_ready(page)
    assert tray(page) == ["A", "B", "C", "D"]


def test_a_session_that_ended_asks_for_a_log_in_and_keeps_the_judgement(
    page: Page, alice: User, live_server: object
) -> None:
    before = assignment_of(page)
    press(page, "1", "2", "3", "4")
    saved(page)
    Session.objects.all().delete()
    press(page, "Enter")
    expect(notice(page, "You are logged out.")).to_be_visible()
    log_in(page.context, str(live_server), alice)
    page.get_by_role("button", name="Send it again").click()
    wait_for_another(page, before)
    assert Ranking.objects.count() == 1


def test_without_scripts_a_form_ranks_says_what_is_missing_and_goes_on(visit: Visit, alice: User) -> None:
    page = visit(RANK, alice, java_script_enabled=False)
    before = assignment_of(page)
    for letter, place in (("A", "2"), ("B", "1"), ("C", "2")):
        page.locator(f"[name=rank_{letter}]").select_option(place)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("D has no place yet. Nothing was submitted.")
    expect(page.locator("[name=rank_A]")).to_have_value("2")
    page.locator("[name=rank_D]").select_option("4")
    page.get_by_role("button", name="Submit").click()
    wait_for_another(page, before)
    ranking = Ranking.objects.get()
    assert ranking.order_shown is not None
    assert [ranking.tiers[place] for place in ranking.order_shown] == [2, 1, 2, 3]


def test_without_scripts_a_task_is_skipped_and_none_is_judged_all_bad(visit: Visit, alice: User) -> None:
    page = visit(RANK, alice, java_script_enabled=False)
    before = assignment_of(page)
    page.get_by_label("Why?", exact=True).fill("not my field")
    page.get_by_role("button", name="Skip it").click()
    wait_for_another(page, before)
    page.get_by_role("radio", name="All bad").check()
    page.get_by_label("Why can none be ranked?").fill("all wrong")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert Ranking.objects.get().metadata == {"reason": "all wrong"}
    assert Annotator.objects.get(user=alice).rankings.count() == 1
