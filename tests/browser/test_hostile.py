"""Hostile texts in every field that a page shows: nothing of them comes to life, and the page stays a page."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize, expect

from annotation import members, people
from annotation.collecting import queue, ranking
from annotation.models import (
    Annotator,
    Completion,
    Membership,
    Project,
    Prompt,
    Ranking,
    Source,
    Transfer,
)
from console.data.kinds import KINDS
from runs.models import Run
from tests.annotation.factories import make_member, make_project, make_user, put
from tests.browser.canary import Canary, watch
from tests.browser.conftest import Visit
from tests.browser.layout import clipped, overhang, overlapping, wait_until_still
from tests.browser.ranking import assignment_of, wait_for_another, wait_until_ready
from tests.hostile import FLOODS, MARKDOWN, SCRIPTS, SHORT, UNICODE
from tests.pages.factories import make_transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/hostile/rank/"
WIDE, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
ALL = "\n".join(SHORT.values())


def chunks(texts: Mapping[str, str], size: int = 9) -> Iterator[dict[str, str]]:
    items = iter(texts.items())
    while chunk := dict(islice(items, size)):
        yield chunk


@pytest.fixture
def project() -> Project:
    return make_project("hostile", name=SCRIPTS["image with a handler"])


@pytest.fixture
def alice(project: Project) -> User:
    return make_member(project, name="alice")


def opened(visit: Visit, user: User, live_server: Any, path: str = "/projects/") -> tuple[Page, Canary]:
    """A page at a harmless address whose context is watched, to go elsewhere from."""
    page = visit("/no-such-page/", user, viewport=WIDE)
    return page, watch(page, live_server.url)


def put_task(project: Project, texts: list[str]) -> None:
    """A task whose prompt has the same texts, in every role."""
    roles = ["system", "user", "assistant", "user"]
    turns = [{"role": role, "content": texts[i % len(texts)]} for i, role in enumerate(roles)]
    turns += [{"role": "assistant", "content": "\n\n".join(texts)}, {"role": "user", "content": "Well?"}]
    put(project, "completions", {"prompt": turns, "completions": [{"text": text} for text in texts]})


@pytest.mark.parametrize("kind", ["scripts", "markdown", "unicode"])
def test_prompts_and_completions_stay_texts(
    visit: Visit, project: Project, alice: User, live_server: Any, kind: str
) -> None:
    corpus = {"scripts": SCRIPTS, "markdown": MARKDOWN, "unicode": UNICODE}[kind]
    for chunk in chunks(corpus):
        put_task(project, [*chunk.values(), "a harmless text"][:9])
    page, canary = opened(visit, alice, live_server)
    for number, chunk in enumerate(chunks(corpus), start=1):
        page.set_viewport_size(WIDE)
        page.goto(RANK)
        wait_until_ready(page)
        assert canary.alive(page) == [], list(chunk)
        for size in (WIDE, PHONE):
            page.set_viewport_size(size)
            wait_until_still(page)
            assert (overhang(page), overlapping(page), clipped(page)) == (0, [], []), list(chunk)
        page.set_viewport_size(WIDE)
        page.keyboard.press("v")
        expect(page.locator("#compare")).to_be_visible()
        assert (canary.alive(page), overhang(page)) == ([], 0), list(chunk)
        page.keyboard.press("v")
        before = assignment_of(page)
        page.keyboard.press("t")
        page.keyboard.type("hostile")
        page.keyboard.press("Enter")
        wait_for_another(page, before)
        assert Ranking.objects.count() == number
    assert page.title().startswith("Nothing left") or page.title().endswith("Concord")


def test_guidelines_stay_texts(visit: Visit, project: Project, alice: User, live_server: Any) -> None:
    page, canary = opened(visit, alice, live_server)
    for name, text in {**SCRIPTS, **MARKDOWN, **UNICODE}.items():
        Project.objects.filter(pk=project.pk).update(guidelines=text)
        page.goto("/projects/hostile/guidelines/")
        assert canary.alive(page) == [], name
        assert overhang(page) == 0, name


def test_names_of_projects_stay_names(visit: Visit, live_server: Any) -> None:
    user = make_user("alice")
    for number, text in enumerate(SHORT.values()):
        project = Project.objects.create(slug=f"p{number}", name=text[:120])
        Membership.objects.create(project=project, user=user, role="researcher")
    invited = members.invite(project=Project.objects.first(), email="b@example.org", role="annotator")  # type: ignore[arg-type]
    page, canary = opened(visit, user, live_server)
    for path in ("/", "/admin/", "/admin/annotation/project/", invited):
        for size in (WIDE, PHONE):
            page.set_viewport_size(size)
            page.goto(path)
            assert canary.alive(page) == [], path
            assert overhang(page) == 0, path
    # One page a project: the first of each kind.
    for number in range(0, len(SHORT), 6):
        for path in (f"/projects/p{number}/rank/", f"/admin/projects/p{number}/"):
            page.set_viewport_size(PHONE)
            page.goto(path)
            assert (canary.alive(page), overhang(page)) == ([], 0), (path, list(SHORT)[number])


@pytest.fixture
def judged(project: Project, alice: User) -> dict[str, Any]:
    """Everything that people, files and runs can say, said in hostile words."""
    put_task(project, ["a", "b"])
    Prompt.objects.filter(project=project).update(external_id=SCRIPTS["svg"][:200])
    annotator = people.annotator_for(project=project, user=alice)
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    judgement = ranking.submit(
        assignment=assignment,
        annotator=annotator,
        verdict="all_bad",
        reason=SCRIPTS["image with a handler"],
        rationale=ALL,
    )
    put_task(project, ["c", "d"])
    skipped = queue.claim(annotator=annotator)
    assert skipped is not None
    queue.skip(assignment=skipped, annotator=annotator, reason=ALL)
    for number, text in enumerate(SHORT.values()):
        Annotator.objects.create(project=project, pseudonym=f"{number}{text}"[:200])
        Source.objects.create(project=project, kind="import", name=f"{number}{text}"[:200])
    run = make_transfer(project).run
    Transfer.objects.filter(run=run).update(file_name=SCRIPTS["script"])
    return {
        "project": project,
        "run": run,
        "annotator": annotator.pk,
        "rankings": judgement.public_id,
        "tasks": skipped.task.public_id,
        "prompts": Prompt.objects.filter(project=project)[0].public_id,
        "completions": Completion.objects.filter(prompt__project=project)[0].public_id,
    }


def test_what_people_and_files_say_stays_text_in_the_tables(
    visit: Visit, judged: dict[str, Any], live_server: Any
) -> None:
    Completion.objects.filter(public_id=judged["completions"]).update(text=ALL)
    page, canary = opened(visit, make_superuser(), live_server)
    tables = {"annotator": judged["annotator"], "project": judged["project"].pk}
    paths = [f"/admin/annotation/{table}/" for table in tables]
    paths += [f"/admin/annotation/{table}/{pk}/change/" for table, pk in tables.items()]
    script = "%3Cscript%3Ewindow.taken=1%3C/script%3E"
    paths += [f"/admin/annotation/annotator/?q={script}"]
    lists = {kind: f"/admin/projects/hostile/data/{kind}/" for kind in KINDS}
    paths += [
        *lists.values(),
        *(f"{lists['completions']}?{name}={script}" for name in ("q", "source", "split")),
    ]
    paths += [f"{lists[kind]}{judged[kind]}/" for kind in ("prompts", "completions", "tasks", "rankings")]
    for path in paths:
        page.goto(path)
        assert canary.alive(page) == [], path
        assert overhang(page) == 0, path
    page.goto(f"/admin/projects/hostile/data/rankings/{judged['rankings']}/")
    expect(page.locator("#content-main")).to_contain_text(SCRIPTS["script"])


def make_superuser() -> User:
    return User.objects.create_superuser("olivia")


def test_what_a_run_says_stays_text(visit: Visit, judged: dict[str, Any], live_server: Any) -> None:
    page, canary = opened(visit, make_superuser(), live_server)
    run = Run.objects.filter(pk=judged["run"].pk)
    run.update(started_at=timezone.now(), heartbeat_at=timezone.now(), worker=SCRIPTS["svg"])
    for status in ("failed", "running", "succeeded"):
        ended = None if status == "running" else timezone.now()
        run.update(
            status=status,
            finished_at=ended,
            reason=ALL,
            log_tail=ALL,
            doing=SCRIPTS["svg"][:200],
            result={ALL: ALL},
        )
        for path in (f"/admin/runs/{judged['run'].pk}/", "/admin/projects/hostile/", "/admin/"):
            page.goto(path)
            assert canary.alive(page) == [], (status, path)
            assert overhang(page) == 0, (status, path)


def test_what_an_annotator_wrote_comes_back_as_text(
    visit: Visit, project: Project, alice: User, live_server: Any
) -> None:
    put_task(project, ["a", "b"])
    page, canary = opened(visit, alice, live_server)
    for text in (SCRIPTS["textarea"], SCRIPTS["handler in an attribute"], SCRIPTS["entities"]):
        page.goto(RANK)
        wait_until_ready(page)
        page.locator('.verdict [value="ranked"]').check()
        page.locator("[name=rationale]").fill(text)
        expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
        page.reload()
        wait_until_ready(page)
        expect(page.locator("[name=rationale]")).to_have_value(text)
        page.keyboard.press("x")
        page.locator("#judgement [name=reason]").fill(text)
        expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
        page.reload()
        wait_until_ready(page)
        expect(page.locator("#judgement [name=reason]")).to_have_value(text)
        assert canary.alive(page) == []


@pytest.mark.long
def test_floods_make_no_flood_of_elements(
    visit: Visit, project: Project, alice: User, live_server: Any
) -> None:
    for chunk in chunks(FLOODS, 7):
        put(
            project,
            "completions",
            {"prompt": "Flood.", "completions": [{"text": text} for text in chunk.values()]},
        )
    page, canary = opened(visit, alice, live_server)
    page.set_default_timeout(60_000)
    for chunk in chunks(FLOODS, 7):
        page.goto(RANK)
        wait_until_ready(page)
        size, nodes = page.evaluate(
            "() => [performance.getEntriesByType('navigation')[0].decodedBodySize, "
            "document.querySelectorAll('*').length]"
        )
        # Markup about as long as the texts, and hardly more elements than a page of short ones has: about 600.
        assert size < 3 * sum(len(text.encode()) for text in chunk.values()) + 100_000, list(chunk)
        assert nodes < 2_000, list(chunk)
        assert (canary.alive(page), overhang(page)) == ([], 0), list(chunk)
        # The page is alive: it can be judged.
        before = page.locator("#judgement [name=assignment]").input_value()
        page.keyboard.press("t")
        page.locator("#judgement [name=reason]").fill("floods")
        page.keyboard.press("Enter")
        expect(page.locator(f'#judgement [name=assignment][value="{before}"]')).to_have_count(
            0, timeout=30_000
        )
        wait_for_another(page, before)


def test_signs_stand_for_what_cannot_be_seen(
    visit: Visit, project: Project, alice: User, live_server: Any
) -> None:
    put(
        project,
        "completions",
        {
            "prompt": "x",
            "completions": [
                {"text": UNICODE["override of direction"]},
                {"text": UNICODE["zero-width flood"]},
                {"text": UNICODE["terminal colours"]},
                {"text": UNICODE["text in tags"]},
                {"text": "za\u0301lgo" + "\u0301" * 12},
                {"text": "👨‍👩‍👧‍👦 می‌خواهم 🏴󠁧󠁢󠁥󠁮󠁧󠁿"},
            ],
        },
    )
    page, _ = opened(visit, alice, live_server)
    page.goto(RANK)
    texts = set(page.locator(".completion__text").all_inner_texts())
    assert texts == {
        "access ⟦U+202E⟧grant⟦U+202C⟧ denied ⟦U+2066⟧if⟦U+2069⟧ ⟦U+2067⟧x",
        "in⟦20,000 invisible characters⟧visible",
        "␛[31mred␛[0m␛]0;title␇␛[2J⟦U+009B⟧31m",
        "hello⟦18 invisible characters⟧",
        "za\u0301lgo⟦12 marks⟧",
        # What letters and emoji need stays as it is.
        "👨‍👩‍👧‍👦 می‌خواهم 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    }
