"""The next task is here before it is asked for, and a judgement outlives a lost connection: it waits in the browser, is
sent once when the server answers again, and comes back with what was entered where the server refuses it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from annotation.collecting import queue
from annotation.models import Annotator, Assignment, Project, Ranking
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks
from tests.browser.conftest import Visit, log_in
from tests.browser.layout import hold_back, wait_until
from tests.browser.ranking import (
    active_seconds,
    assignment_of,
    notice,
    tiers,
    tray,
    wait_for_another,
    wait_until_ahead,
    wait_until_ready,
    wait_until_sent,
    waiting,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers")
    make_tasks(helpful, 4, completions=4)
    return helpful


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def begin(page: Page) -> str:
    """Place the first completion once the task after this one is here; returns the public id of that."""
    wait_until_ahead(page)
    page.keyboard.press("1")
    return str(Assignment.objects.get(ahead=True, status="open").public_id)


def order_of(assignment: str) -> list[int]:
    """The tiers stored for an assignment, by letter."""
    ranking = Ranking.objects.get(assignment__public_id=assignment)
    assert ranking.order_shown is not None
    return [ranking.tiers[place] for place in ranking.order_shown]


def lose_the_connection(page: Page) -> Callable[[], None]:
    """No judgement arrives, whatever the browser says of its connection; returns what ends it."""

    def fail(route: Route) -> None:
        route.abort("connectionreset")

    page.context.route("**/rank/submit/", fail)
    return lambda: page.context.unroute("**/rank/submit/", fail)


def test_the_next_task_is_there_before_the_server_has_answered(page: Page) -> None:
    ahead = begin(page)
    submission = hold_back(page, "**/rank/submit/")
    press(page, "2", "3", "4", "Enter")
    expect(page.locator("#judgement [name=assignment]")).to_have_value(ahead)
    sent = submission()
    assert tray(page) == ["A", "B", "C", "D"]
    assert not Ranking.objects.exists()
    # It can be judged already.
    press(page, "4", "3")
    sent.continue_()
    wait_until_sent(page)
    assert Ranking.objects.count() == 1
    expect(page.locator(".tools__counts")).to_have_text("1 today · 3 left")
    assert assignment_of(page) == ahead
    assert tiers(page) == [[], [], ["B"], ["A"]]
    assert not Assignment.objects.get(public_id=ahead).ahead


def test_without_a_connection_two_tasks_are_judged_and_sent_when_it_is_back(page: Page) -> None:
    first, second = assignment_of(page), begin(page)
    page.context.set_offline(True)
    press(page, "2", "3", "4", "Enter")
    expect(notice(page, "You are offline. Your judgement is kept here")).to_be_visible()
    assert assignment_of(page) == second
    wait_until(page, lambda: active_seconds(page) >= 1)
    press(page, "4", "3", "2", "1", "Enter")
    expect(notice(page, "2 judgements are kept here")).to_be_visible()
    # Nothing comes after it; it stays to be read.
    assert assignment_of(page) == second
    expect(page.locator("[data-saved]")).to_have_text("It waits to be sent.")
    assert not Ranking.objects.exists()
    expect(page.locator(".tools__stored")).to_have_count(0)
    page.context.set_offline(False)
    wait_for_another(page, second)
    assert (order_of(first), order_of(second)) == ([1, 2, 3, 4], [4, 3, 2, 1])
    # Two ticks of a second at the second task, although the server heard of it and of its judgement at once.
    seconds = Ranking.objects.get(assignment__public_id=second).active_seconds
    assert seconds is not None
    assert seconds >= 1
    expect(page.locator("#notices .notice")).to_have_count(0)
    expect(page.locator(".tools__counts")).to_have_text("2 today · 2 left")


def test_a_judgement_that_waits_survives_a_reload(page: Page) -> None:
    before = assignment_of(page)
    again = lose_the_connection(page)
    press(page, "1", "2", "3", "4", "Enter")
    expect(notice(page, "You are offline.")).to_be_visible()
    page.reload()
    wait_until_ready(page)
    expect(notice(page, "You are offline.")).to_be_visible()
    assert not Ranking.objects.exists()
    again()
    page.get_by_role("button", name="Send it again").click()
    wait_for_another(page, before)
    assert order_of(before) == [1, 2, 3, 4]


def test_a_judgement_that_waits_survives_a_closed_tab(visit: Visit, page: Page) -> None:
    before = assignment_of(page)
    page.context.set_offline(True)
    press(page, "2", "2", "3", "4", "Enter")
    expect(notice(page, "You are offline.")).to_be_visible()
    context = page.context
    page.close()
    context.set_offline(False)
    other = visit(RANK, context=context)
    wait_until_ready(other)
    wait_for_another(other, before)
    # A and B share the second place, so that it is the first tier.
    assert order_of(before) == [1, 1, 2, 3]
    assert Ranking.objects.count() == 1


def test_an_answer_that_was_lost_does_not_store_it_twice(page: Page) -> None:
    before = assignment_of(page)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/rank/submit/", lose_the_answer)
    press(page, "1", "2", "3", "4", "Enter")
    expect(notice(page, "You are offline.")).to_be_visible()
    assert Ranking.objects.count() == 1
    page.unroute("**/rank/submit/", lose_the_answer)
    page.get_by_role("button", name="Send it again").click()
    wait_for_another(page, before)
    assert Ranking.objects.count() == 1
    expect(page.locator(".messages .notice")).to_have_count(0)


def test_what_is_changed_while_it_waits_is_submitted_anew(page: Page) -> None:
    before = begin(page)
    page.context.set_offline(True)
    press(page, "2", "3", "4", "Enter")
    # Nothing comes after the second one: it stays.
    press(page, "1", "2", "3", "4", "Enter")
    expect(notice(page, "2 judgements are kept here")).to_be_visible()
    press(page, "a", "4")
    assert [name.endswith(before) for name in waiting(page)] == [False]
    # Back online, what waits is sent first, and then the draft.
    page.context.set_offline(False)
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    assert not Ranking.objects.filter(assignment__public_id=before).exists()
    press(page, "Enter")
    wait_for_another(page, before)
    # A from the first place to the fourth, beside D: the gap closes.
    assert order_of(before) == [3, 1, 2, 3]


def test_a_refused_judgement_comes_back_with_what_was_entered(page: Page, project: Project) -> None:
    first, second = assignment_of(page), begin(page)
    page.context.set_offline(True)
    press(page, "2", "3", "4")
    page.locator("[name=rationale]").fill("worth keeping")
    press(page, "Control+Enter")
    expect(page.locator("#judgement [name=assignment]")).to_have_value(second)
    # Meanwhile the lease ends, and Bob has the task.
    taken = Assignment.objects.get(public_id=first)
    alice = Annotator.objects.get(user__username="alice")
    queue.release(assignment=taken, annotator=alice)
    bobs = queue.claim(annotator=make_annotator(project, "bob"))
    assert bobs is not None
    assert bobs.task == taken.task
    page.context.set_offline(False)
    expect(notice(page, "A judgement of yours was not stored")).to_be_visible()
    assert not Ranking.objects.exists()
    page.get_by_role("button", name="Show it").click()
    expect(page.locator(".ranking__errors")).to_contain_text("Nothing was stored")
    assert assignment_of(page) == first
    assert tiers(page) == [["A"], ["B"], ["C"], ["D"]]
    expect(page.locator("[name=rationale]")).to_have_value("worth keeping")
    assert waiting(page) == []


def test_a_task_held_ahead_that_went_to_somebody_else_is_replaced_and_said(
    page: Page, project: Project
) -> None:
    before, ahead = assignment_of(page), begin(page)
    # Bob takes the two free ones, and then what Alice has not begun.
    bob = make_annotator(project, "bob")
    for _ in range(3):
        taken = queue.claim(annotator=bob)
        assert taken is not None
        Assignment.objects.filter(pk=taken.pk).update(status="submitted", closed_at=taken.expires_at)
    assert Assignment.objects.get(public_id=ahead).status == "expired"
    make_tasks(project, 1, completions=4)
    press(page, "2", "3", "4", "Enter")
    wait_for_another(page, before)
    expect(notice(page, "went to somebody else")).to_be_visible()
    assert assignment_of(page) not in {before, ahead}
    assert Ranking.objects.count() == 1


def test_a_skip_waits_too(page: Page) -> None:
    before = assignment_of(page)
    page.context.set_offline(True)
    press(page, "s")
    page.keyboard.type("not my subject")
    press(page, "Enter")
    expect(notice(page, "You are offline.")).to_be_visible()
    page.context.set_offline(False)
    wait_for_another(page, before)
    skipped = Assignment.objects.get(public_id=before)
    assert (skipped.status, skipped.reason) == ("skipped", "not my subject")


def test_what_one_person_submitted_is_not_sent_by_another_on_the_same_device(
    visit: Visit, page: Page, project: Project, live_server: object
) -> None:
    before = assignment_of(page)
    page.context.set_offline(True)
    press(page, "1", "2", "3", "4", "Enter")
    expect(notice(page, "You are offline.")).to_be_visible()
    context = page.context
    # Left before it is closed: a tab that closes has its connection back for a moment, in which it sends what waits.
    page.goto("about:blank")
    page.close()
    context.set_offline(False)
    context.clear_cookies()
    log_in(context, str(live_server), make_member(project, name="bob"))
    bobs = visit(RANK, context=context)
    wait_until_ready(bobs)
    # What waits is sent when a page is opened, before anything can be drafted on it.
    press(bobs, "1")
    expect(bobs.locator("[data-saved]")).to_have_text("Draft saved.")
    assert len(waiting(bobs)) == 1
    assert not Ranking.objects.exists()
    assert Assignment.objects.get(public_id=before).status == "open"
