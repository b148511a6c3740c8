"""Flagging a task in a real browser, and what a paused annotator meets."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotation import people
from annotation.checking import standing
from annotation.models import Assignment, Flag, Project, Ranking
from tests.annotation.factories import make_project, make_tasks
from tests.browser.conftest import Visit
from tests.browser.ranking import assignment_of, tiers, wait_for_another

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RANK = "/projects/helpful/rank/"


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful")
    make_tasks(helpful, 2, completions=7)
    return helpful


def test_f_flags_the_task_and_what_was_placed_stays(page: Page) -> None:
    before = assignment_of(page)
    for key in ("2", "1"):
        page.keyboard.press(key)
    page.keyboard.press("f")
    expect(page.locator("#flag")).to_be_visible()
    page.get_by_label("What is wrong?").select_option("private")
    page.get_by_label("In a few words").fill("A phone number, 12")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_have_text("Flagged: a researcher will look at it.")
    expect(page.locator("#announcer")).to_have_text("Flagged: a researcher will look at it.")
    flag = Flag.objects.get()
    assert (flag.category, flag.words) == ("private", "A phone number, 12")
    assert assignment_of(page) == before
    assert tiers(page)[:2] == [["B"], ["A"]]
    # The keys go on working on the same task.
    for key in ("3", "4", "5", "6", "7", "Enter"):
        page.keyboard.press(key)
    wait_for_another(page, before)
    assert Ranking.objects.get().verdict == "ranked"


def test_a_flag_may_pass_the_task_on(page: Page) -> None:
    before = assignment_of(page)
    page.keyboard.press("f")
    page.get_by_label("What is wrong?").select_option("broken")
    page.get_by_label("Pass the task on").check()
    page.get_by_role("button", name="Flag it").click()
    wait_for_another(page, before)
    assert Assignment.objects.get(public_id=before).reason == "broken prompt or texts"
    assert Flag.objects.count() == 1


def test_no_completion_has_the_letter_of_a_command(page: Page) -> None:
    letters = page.locator(".completion").evaluate_all("cards => cards.map(card => card.dataset.letter)")
    assert len(letters) == 7
    assert not set("FGSTVXZI") & {letter or "" for letter in letters}


def test_another_reason_needs_words(page: Page) -> None:
    page.keyboard.press("f")
    page.get_by_label("What is wrong?").select_option("other")
    page.get_by_role("button", name="Flag it").click()
    expect(page.locator("#flag")).to_contain_text("Say in a few words what is wrong.")
    expect(page.locator("#flag")).to_be_visible()
    assert not Flag.objects.exists()


def test_flagging_works_without_a_script(visit: Visit, alice: User) -> None:
    page = visit(RANK, alice, java_script_enabled=False)
    page.get_by_label("What is wrong?").select_option("harmful")
    page.get_by_role("button", name="Flag it").click()
    expect(page.locator("#messages")).to_contain_text("Flagged")
    assert Flag.objects.get().category == "harmful"


def test_whoever_is_paused_finishes_the_task_in_hand_and_reads_why(
    page: Page, project: Project, alice: User
) -> None:
    before = assignment_of(page)
    annotator = people.annotator_for(project=project, user=alice)
    standing.pause(annotator=annotator, why="Your score on gold tasks is 0.31.", by=None)
    for key in ("1", "2", "3", "4", "5", "6", "7", "Enter"):
        page.keyboard.press(key)
    wait_for_another(page, before)
    expect(page.get_by_role("heading", name="You are paused in this project")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("Your score on gold tasks is 0.31.")
    assert Ranking.objects.count() == 1
    page.reload()
    expect(page.get_by_role("heading", name="You are paused in this project")).to_be_visible()
    standing.resume(annotator=annotator, why="We talked.", by=None)
    page.get_by_role("link", name="Look again").click()
    expect(page.locator("#judgement")).to_be_visible()
