"""The text as it was written is one key away, in every kind of task; differences are of words, in every script."""

# ruff: noqa: RUF001 (Chinese)

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Demonstration, Project
from tests.annotation.factories import have_read, make_member, make_project, put
from tests.browser.axe import violations_in_both_schemes
from tests.browser.conftest import Visit
from tests.browser.layout import overhang, small_targets
from tests.browser.ranking import wait_until_ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"
PROMPT = "Say **it** twice."
FIRST, SECOND = "A *word* in `C:\\\\tmp`.", "A **word** in `C:\\\\tmp`."


@pytest.fixture
def project() -> Project:
    return make_project("helpful", name="Helpful answers", guidelines="")


@pytest.fixture
def alice(project: Project) -> User:
    user = make_member(project, name="alice")
    have_read(project, user)
    return user


def ask(project: Project, kind: str, *texts: str) -> None:
    """One task of ``kind``, of the prompt or of these texts."""
    asking.change(
        project=project,
        rating_axes=[{"name": "helpful"}],
        ask_strength=kind == "pair",
        review_demonstrations=True,
        demonstration_least_characters=1,
    )
    put(project, "completions", {"prompt": PROMPT, "completions": [{"text": text} for text in texts]})
    put(project, "prompts", {"prompt": PROMPT})
    if kind in ("rate", "demonstrate"):
        project.tasks.all().delete()
        intake.create_tasks(project=project, kind=kind)


def texts_seen(page: Page) -> set[str]:
    """What is seen of prompt and texts, without what is hidden."""
    parts = page.locator("main :is(.turn, .completion, .stack--tight) :is(.prose, .written):visible")
    return {text.strip() for text in parts.all_inner_texts()}


@pytest.mark.parametrize("kind", ["rank", "pair", "rate", "demonstrate"])
def test_w_shows_what_was_written_and_back(visit: Visit, project: Project, alice: User, kind: str) -> None:
    texts = [FIRST, SECOND, "Plain."][: 3 if kind == "rank" else 2]
    ask(project, kind, *texts)
    page = visit(RANK, alice)
    wait_until_ready(page)
    shown = texts_seen(page)
    assert "Say it twice." in shown
    page.keyboard.press("w")
    expect(page.locator("#announcer")).to_have_text("The texts as they were written.")
    expected = {PROMPT} if kind == "demonstrate" else {PROMPT, *texts}
    assert texts_seen(page) == expected
    for size in ({"width": 1440, "height": 900}, {"width": 390, "height": 844}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert overhang(page) == 0
        assert violations_in_both_schemes(page) == {}
    assert small_targets(page, 40) == []
    page.keyboard.press("w")
    assert texts_seen(page) == shown


def test_a_look_at_it_is_no_answer_and_no_draft(visit: Visit, project: Project, alice: User) -> None:
    ask(project, "rank", FIRST, SECOND, "Plain.")
    page = visit(RANK, alice)
    wait_until_ready(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_role("checkbox", name="As written").check()
    page.keyboard.press("1")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    assert sum(url.endswith("/rank/draft/") for url in requests) == 1


def test_without_scripts_it_is_a_box_to_check(visit: Visit, project: Project, alice: User) -> None:
    ask(project, "rate", FIRST, SECOND)
    page = visit(RANK, alice, java_script_enabled=False)
    page.get_by_role("checkbox", name="As written").check()
    assert texts_seen(page) == {PROMPT, FIRST, SECOND}


def test_who_reviews_has_it_too(visit: Visit, project: Project, alice: User) -> None:
    ask(project, "demonstrate", "One.", "Two.")
    bob = make_member(project, name="bob")
    have_read(project, bob)
    page = visit(RANK, bob, java_script_enabled=False)
    page.get_by_role("textbox", name="The ideal answer").fill(FIRST)
    page.get_by_role("button", name="Submit").click()
    assert Demonstration.objects.get().review == "waiting"
    reader = visit("/projects/helpful/review/", alice)
    expect(reader.locator(".stack--tight .prose")).to_be_visible()
    reader.keyboard.press("w")
    expect(reader.locator(".stack--tight .prose")).to_be_hidden()
    assert texts_seen(reader) == {PROMPT, FIRST}


def test_what_differs_in_its_marks_alone_is_said(visit: Visit, project: Project, alice: User) -> None:
    ask(project, "pair", FIRST, SECOND)
    page = visit(RANK, alice)
    wait_until_ready(page)
    page.keyboard.press("v")
    sentence = "No word differs as they are shown; as written they differ."
    expect(page.locator("[data-unmarked]")).to_have_text(sentence)
    page.locator("#compare").get_by_label("as written").check()
    assert set(page.locator("#compare mark").all_inner_texts()) == {"*word*", "**word**"}


def test_words_of_chinese_are_told_apart(visit: Visit, project: Project, alice: User) -> None:
    before, after = "今天的天气非常好，我们", "去公园散步吧，晚上再回家吃饭。"
    ask(project, "pair", f"{before}下午{after}", f"{before}上午{after}")
    page = visit(RANK, alice)
    wait_until_ready(page)
    page.keyboard.press("v")
    assert set(page.locator("#compare mark").all_inner_texts()) == {"下午", "上午"}
