"""Without a connection a task is loaded again as it was, for whoever has it, until it is submitted. The worker that
does it keeps nothing else."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles.views import serve
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from playwright.sync_api import Browser, Error, Page, expect

from annotation.models import Assignment, Project, Ranking
from config import urls
from tests.annotation.factories import PASSWORD, make_member, make_project, make_tasks, make_user
from tests.browser.conftest import Visit, log_in
from tests.browser.layout import wait_until
from tests.browser.ranking import (
    assignment_of,
    evaluated,
    notice,
    tiers,
    wait_for_another,
    wait_until_ahead,
    wait_until_ready,
    wait_until_sent,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"
KEPT = """async () => {
  const kept = {};
  for (const name of await caches.keys()) {
    const pages = await (await caches.open(name)).keys();
    kept[name] = pages.map((page) => new URL(page.url).pathname).sort();
  }
  return kept;
}"""


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers")
    make_tasks(helpful, 4, completions=4)
    return helpful


@pytest.fixture
def page(visit: Visit, alice: User) -> Page:
    opened = visit(RANK, alice)
    wait_until_ready(opened)
    wait_until_kept(opened, RANK, f"{RANK}ahead/")
    return opened


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def kept_pages(page: Page) -> list[str]:
    """The addresses of the tasks that the browser keeps."""
    caches: dict[str, list[str]] = evaluated(page, KEPT)
    return sorted(page for name, pages in caches.items() if " pages of " in name for page in pages)


def wait_until_kept(page: Page, *paths: str) -> None:
    wait_until(page, lambda: kept_pages(page) == list(paths))


def reload(page: Page) -> None:
    page.reload()
    wait_until_ready(page)


def assert_nothing_is_shown(page: Page) -> None:
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    expect(page.locator("#judgement")).to_have_count(0)


def test_a_reload_shows_the_task_with_its_draft_and_what_is_judged_then_is_sent_once(page: Page) -> None:
    first = assignment_of(page)
    press(page, "2", "1")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    page.context.set_offline(True)
    # What the server has, and what it never heard of.
    reload(page)
    assert (assignment_of(page), tiers(page)) == (first, [["B"], ["A"], [], []])
    expect(notice(page, "You are offline.")).to_be_visible()
    press(page, "c", "3")
    expect(page.locator("[data-saved]")).to_have_text("Offline: kept in this browser.")
    reload(page)
    assert (assignment_of(page), tiers(page)) == (first, [["B"], ["A"], ["C"], []])
    press(page, "d", "4", "Enter")
    expect(notice(page, "Your judgement is kept here")).to_be_visible()
    second = assignment_of(page)
    assert second == str(Assignment.objects.get(ahead=True).public_id) != first
    assert not Ranking.objects.exists()
    # Submitted: another load shows the next one.
    reload(page)
    assert assignment_of(page) == second
    page.context.set_offline(False)
    wait_until_sent(page)
    expect(page.locator("html:not([data-kept])[data-ready=task]")).to_have_count(1)
    assert assignment_of(page) == second
    ranking = Ranking.objects.get()
    assert Assignment.objects.get(status="submitted").public_id == UUID(first)
    assert ranking.order_shown is not None
    assert [ranking.tiers[place] for place in ranking.order_shown] == [2, 1, 3, 4]
    expect(page.locator("#notices .notice")).to_have_count(0)


def test_a_new_tab_without_a_connection_shows_the_task_too(visit: Visit, page: Page) -> None:
    task, context = assignment_of(page), page.context
    page.close()
    context.set_offline(True)
    other = visit(RANK, context=context)
    wait_until_ready(other)
    assert assignment_of(other) == task


def test_the_last_one_that_was_submitted_is_not_shown_again(page: Page) -> None:
    wait_until_ahead(page)
    page.context.set_offline(True)
    press(page, "1", "2", "3", "4", "Enter")
    press(page, "1", "2", "3", "4", "Enter")
    expect(notice(page, "2 judgements are kept here")).to_be_visible()
    page.reload()
    assert_nothing_is_shown(page)
    page.context.set_offline(False)
    wait_until_ready(page)
    wait_until_sent(page)
    assert Ranking.objects.count() == 2


def test_a_task_that_follows_a_stored_one_is_kept_in_its_place(page: Page) -> None:
    first = assignment_of(page)
    wait_until_ahead(page)
    press(page, "1", "2", "3", "4", "Enter")
    wait_for_another(page, first)
    second = assignment_of(page)
    wait_until_kept(page, RANK, f"{RANK}ahead/")
    page.context.set_offline(True)
    reload(page)
    assert assignment_of(page) == second


def test_after_log_out_nothing_of_the_first_person_is_kept(
    visit: Visit, page: Page, project: Project
) -> None:
    make_member(project, name="bob")
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Username")).to_be_visible()
    wait_until_kept(page)
    page.context.set_offline(True)
    other = visit(RANK, context=page.context)
    assert_nothing_is_shown(other)
    page.context.set_offline(False)
    page.get_by_label("Username").fill("bob")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Username")).to_have_count(0)
    page.context.set_offline(True)
    page.goto(RANK)
    assert_nothing_is_shown(page)
    expect(page.get_by_text("alice")).to_have_count(0)


def test_a_page_of_another_account_takes_the_place_of_all_of_the_first(
    page: Page, project: Project, live_server: Any
) -> None:
    first = assignment_of(page)
    bob = make_member(project, name="bob")
    page.context.clear_cookies()
    log_in(page.context, live_server.url, bob)
    reload(page)
    wait_until_kept(page, RANK, f"{RANK}ahead/")
    names = [name for name in evaluated(page, KEPT) if " pages of " in name]
    assert [name.rpartition(" ")[2] for name in names] == [str(bob.pk)]
    page.context.set_offline(True)
    reload(page)
    expect(page.locator("#main")).to_have_attribute("data-user", "bob")
    assert assignment_of(page) != first


def test_no_other_page_is_kept_or_answered(page: Page, project: Project, live_server: Any) -> None:
    admin = make_user("olivia", is_superuser=True, is_staff=True)
    log_in(page.context, live_server.url, admin)
    for address in ("/", "/admin/", "/admin/projects/helpful/", "/projects/helpful/guidelines/", "/api/v1/"):
        answer = page.goto(address)
        assert answer is not None
        assert not answer.from_service_worker, address
    assert kept_pages(page) == [RANK, f"{RANK}ahead/"]
    shell = [
        file for name, files in evaluated(page, KEPT).items() if " pages of " not in name for file in files
    ]
    assert [file for file in shell if not file.startswith("/static/")] == ["/offline/"]
    page.context.set_offline(True)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        page.goto("/admin/")


def newer(request: HttpRequest, path: str) -> HttpResponseBase:
    """The static files of another release, in which the page's script says so."""
    answer = serve(request, path, insecure=True)
    if not path.endswith("task/page.js"):
        return answer
    script = answer.getvalue()
    answer.close()
    return HttpResponse(script + b"document.documentElement.dataset.release = 'newer';\n", "text/javascript")


# The addresses of that release.
urlpatterns = [path("static/newer/<path:path>", newer), *urls.urlpatterns]


def test_a_new_release_takes_the_place_of_what_was_kept(page: Page, settings: Any) -> None:
    task, old = assignment_of(page), settings.STATIC_URL
    assert all(old in name for name in evaluated(page, KEPT))
    settings.ROOT_URLCONF = __name__
    settings.STATIC_URL = "/static/newer/"
    reload(page)
    wait_until(page, lambda: all("/static/newer/" in name for name in evaluated(page, KEPT)))
    wait_until_kept(page, RANK, f"{RANK}ahead/")
    page.context.set_offline(True)
    reload(page)
    expect(page.locator("html[data-kept][data-release=newer]")).to_have_count(1)
    assert assignment_of(page) == task


def test_without_workers_the_page_is_as_before(visit: Visit, alice: User) -> None:
    page = visit(RANK, alice, service_workers="block")
    wait_until_ready(page)
    wait_until_ahead(page)
    first = assignment_of(page)
    press(page, "1", "2", "3", "4", "Enter")
    wait_for_another(page, first)
    assert Ranking.objects.count() == 1


def test_a_worker_that_is_offline_for_longer_than_its_page_is_asked_for_the_next_task_again(
    page: Page, chromium: Browser
) -> None:
    """A browser is not back in all its processes at once."""
    switch = network_of_worker(chromium, page)
    switch(offline=True)
    with page.expect_event("requestfailed", lambda request: request.url.endswith(f"{RANK}ahead/")):
        press(page, "1", "2", "3", "4", "Enter")
    wait_until_sent(page)
    switch(offline=False)
    wait_until_kept(page, RANK)
    press(page, "1")
    wait_until_kept(page, RANK, f"{RANK}ahead/")


def network_of_worker(chromium: Browser, page: Page) -> Callable[..., None]:
    """``switch(offline=...)`` for the worker of ``page`` alone."""
    browser = chromium.new_browser_cdp_session()
    targets = browser.send("Target.getTargets")["targetInfos"]
    (context,) = (
        one["browserContextId"] for one in targets if (one["type"], one["url"]) == ("page", page.url)
    )
    (worker,) = (
        one["targetId"]
        for one in targets
        if (one["type"], one["browserContextId"]) == ("service_worker", context)
    )
    session = browser.send("Target.attachToTarget", {"targetId": worker, "flatten": False})["sessionId"]

    def send(method: str, **parameters: Any) -> None:
        message = json.dumps({"id": 1, "method": method, "params": parameters})
        browser.send("Target.sendMessageToTarget", {"sessionId": session, "message": message})

    def switch(offline: bool) -> None:
        send(
            "Network.emulateNetworkConditions",
            offline=offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    send("Network.enable")
    return switch
