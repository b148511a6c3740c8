"""Ratings, pairs with strength, demonstrations, their review and one's history in a real browser: keyboard, mouse,
phone, without scripts, with axe-core; and what is stored in the end."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, ViewportSize, expect

from annotation import people
from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Assignment, Demonstration, Flag, Project, Ranking, Rating
from tests.annotation.factories import have_read, make_member, make_project, make_tasks, put
from tests.browser.axe import violations_in_both_schemes
from tests.browser.conftest import Visit
from tests.browser.layout import hold_back, overhang, small_targets, wait_until_still
from tests.browser.ranking import (
    assignment_of,
    notice,
    wait_for_another,
    wait_until_ahead,
    wait_until_ready,
    wait_until_sent,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"
PHONE = {"width": 390, "height": 844}
AXES = [
    {"name": "helpful", "least": 1, "most": 7, "least_words": "useless", "most_words": "all one could want"},
    {"name": "honest", "least": 1, "most": 5, "required": False},
]


@pytest.fixture
def project() -> Project:
    return make_project("helpful", name="Helpful answers", guidelines="Prefer **true** answers.")


@pytest.fixture
def alice(project: Project) -> User:
    user = make_member(project, name="alice")
    have_read(project, user)
    return user


def configure(project: Project, **changes: Any) -> None:
    asking.change(
        project=project,
        **{
            "rating_axes": AXES,
            "ask_strength": False,
            "review_demonstrations": False,
            "demonstration_least_characters": 1,
            **changes,
        },
    )


@pytest.fixture
def rated(project: Project) -> Project:
    """Two tasks of two completions to be rated."""
    configure(project)
    make_tasks(project, 2, completions=2)
    project.tasks.all().delete()
    intake.create_tasks(project=project, kind="rate")
    return project


@pytest.fixture
def paired(project: Project) -> Project:
    """Two pairs, of which the strength is asked."""
    configure(project, ask_strength=True)
    make_tasks(project, 2, completions=2)
    return project


@pytest.fixture
def demonstrated(project: Project) -> Project:
    """Two prompts to be answered, with review, in at least ten characters."""
    configure(project, review_demonstrations=True, demonstration_least_characters=10)
    put(project, "prompts", {"prompt": "What is a leap year?"}, {"prompt": "What is rain?"})
    intake.create_tasks(project=project, kind="demonstrate")
    return project


def ready(page: Page) -> Page:
    wait_until_ready(page)
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def scores_shown(assignment: str) -> list[tuple[str, str, float | None]]:
    """What is stored, by the letters that were shown."""
    stored = Assignment.objects.get(public_id=assignment)
    texts = list(stored.task.entries.order_by("position").values_list("completion__text", flat=True))
    letter = {texts[place]: "AB"[i] for i, place in enumerate(stored.order_shown)}
    rows = Rating.objects.current().filter(assignment=stored).values_list("completion__text", "axis", "score")
    return sorted((letter[text], axis, score) for text, axis, score in rows)


SCORES = [("A", "helpful", 7.0), ("A", "honest", 2.0), ("B", "helpful", 1.0), ("B", "honest", None)]


def test_four_scores_are_five_presses_and_the_next_task_is_there(
    visit: Visit, rated: Project, alice: User
) -> None:
    page = ready(visit(RANK, alice))
    before = assignment_of(page)
    press(page, "7", "2", "1")
    expect(page.locator("#announcer")).to_have_text("Helpful of B: 1. Next: Honest of B.")
    press(page, "Enter")
    expect(page.locator("[data-status]")).to_have_text("Honest of B has no score yet.")
    assert not Rating.objects.exists()
    press(page, "0", "Enter")
    wait_for_another(page, before)
    assert scores_shown(before) == SCORES
    expect(page.locator(".scale input:checked")).to_have_count(0)
    expect(page.locator(".tools__counts")).to_contain_text("1 today · 1 left")


def test_scores_are_pressed_with_the_mouse_and_kept_as_a_draft(
    visit: Visit, rated: Project, alice: User
) -> None:
    page = ready(visit(RANK, alice))
    row = page.get_by_role("group", name="Helpful of B")
    row.get_by_role("radio", name="5").click()
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    page.reload()
    ready(page)
    expect(page.locator('[data-row="score_B_helpful"] input:checked')).to_have_value("5")


def test_another_tab_brings_its_scores_and_not_the_guidelines_that_it_showed(
    visit: Visit, rated: Project, alice: User
) -> None:
    page = ready(visit(RANK, alice))
    rated = people.change_project(project=rated, guidelines="Prefer **short** answers.")
    have_read(rated, alice)
    other = ready(visit(RANK, context=page.context))
    press(other, "7")
    expect(page.locator('.scale[data-letter="A"] input:checked')).to_have_value("7")
    versions = [tab.locator("#judgement [name=guidelines]").input_value() for tab in (page, other)]
    assert versions == ["1", "2"]


def test_arrows_and_letters_move_between_scales(visit: Visit, rated: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    press(page, "b", "3")
    expect(page.locator('[data-row="score_B_helpful"] input:checked')).to_have_value("3")
    press(page, "ArrowUp", "ArrowUp", "4")
    expect(page.locator('[data-row="score_A_honest"] input:checked')).to_have_value("4")
    press(page, "b", "v")  # what is marked on the left, another on the right
    expect(page.locator('#compare [data-side="a"]')).to_have_value("B")
    expect(page.locator('#compare [data-side="b"]')).to_have_value("A")
    assert sorted(page.locator("#compare mark").all_inner_texts()) == ["0", "1"]
    press(page, "v")
    expect(page.locator("#compare")).to_be_hidden()


def test_ratings_work_without_scripts_and_say_what_is_missing(
    visit: Visit, rated: Project, alice: User
) -> None:
    page = visit(RANK, alice, java_script_enabled=False)
    before = assignment_of(page)
    page.locator('[name="score_A_helpful"][value="7"]').check(force=True)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("3 scores are missing")
    expect(page.locator(".errors").first).to_have_text("Honest of A has no score yet.")
    for name, value in (("A_honest", "2"), ("B_helpful", "1"), ("B_honest", "none")):
        page.locator(f'[name="score_{name}"][value="{value}"]').check(force=True)
    page.get_by_role("button", name="Submit").click()
    wait_for_another(page, before)
    assert scores_shown(before) == SCORES


def test_a_rating_that_the_connection_lost_is_sent_when_it_is_back(
    visit: Visit, rated: Project, alice: User
) -> None:
    page = ready(visit(RANK, alice))
    before = assignment_of(page)
    page.context.set_offline(True)
    press(page, "7", "2", "1", "0", "Enter")
    expect(page.locator("#notices")).to_contain_text("You are offline.")
    page.context.set_offline(False)
    wait_for_another(page, before)
    assert scores_shown(before) == SCORES


def test_a_rating_is_skipped_and_flagged_as_a_ranking_is(visit: Visit, rated: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    before = assignment_of(page)
    press(page, "s")
    page.get_by_label("Why?").fill("Not my field")
    page.get_by_role("button", name="Skip it").click()
    wait_for_another(page, before)
    assert Assignment.objects.get(public_id=before).reason == "Not my field"
    press(page, "f")
    page.get_by_label("What is wrong?").select_option("broken")
    page.get_by_role("button", name="Flag it").click()
    expect(page.locator("#messages")).to_have_text("Flagged: a researcher will look at it.")


@pytest.mark.parametrize(
    ("key", "tiers", "strength"), [("1", [1, 2], 3), ("3", [1, 2], 1), ("4", [1, 1], None), ("6", [2, 1], 2)]
)
def test_a_pair_is_compared_with_its_strength_in_two_presses(
    visit: Visit, paired: Project, alice: User, key: str, tiers: list[int], strength: int | None
) -> None:
    page = ready(visit(RANK, alice))
    before = assignment_of(page)
    press(page, "Enter")
    expect(page.locator("#announcer")).to_have_text("Say which is better, and how much.")
    press(page, key, "Enter")
    wait_for_another(page, before)
    stored = Ranking.objects.get()
    assert stored.order_shown is not None
    assert ([stored.tiers[place] for place in stored.order_shown], stored.strength) == (tiers, strength)


def test_both_of_a_pair_may_be_bad_with_a_reason(visit: Visit, paired: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    before = assignment_of(page)
    press(page, "2", "x")
    page.keyboard.type("nonsense, both 2")
    press(page, "Enter")
    wait_for_another(page, before)
    stored = Ranking.objects.get()
    assert (stored.verdict, stored.tiers, stored.strength, stored.metadata) == (
        "all_bad",
        [],
        None,
        {"reason": "nonsense, both 2"},
    )


def test_the_words_in_which_a_pair_differs_are_marked(visit: Visit, paired: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    press(page, "v")
    marks = page.locator("#compare mark")
    expect(marks).to_have_count(2)
    assert sorted(marks.all_inner_texts()) == ["0", "1"]
    press(page, "v")
    expect(page.locator("#compare")).to_be_hidden()
    before = assignment_of(page)
    press(page, "3", "Enter")
    wait_for_another(page, before)
    assert Ranking.objects.get().strength == 1


def test_a_pair_is_compared_without_scripts(visit: Visit, paired: Project, alice: User) -> None:
    page = visit(RANK, alice, java_script_enabled=False)
    before = assignment_of(page)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("Say which is better")
    page.locator('[name=preference][value="7"]').check(force=True)
    page.get_by_role("button", name="Submit").click()
    wait_for_another(page, before)
    assert Ranking.objects.get().strength == 3


def test_an_answer_is_written_previewed_and_kept_as_a_draft(
    visit: Visit, demonstrated: Project, alice: User
) -> None:
    page = ready(visit(RANK, alice))
    before = assignment_of(page)
    answer = page.get_by_role("textbox", name="The ideal answer")
    answer.fill("A **year")
    press(page, "Control+Enter")
    expect(page.locator("[data-status]")).to_have_text("2 more characters are needed.")
    answer.fill("A **year** of 366 days. <script>document.title='taken'</script>")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    page.reload()
    ready(page)
    press(page, "p")
    expect(page.locator("#preview strong")).to_have_text("year")
    assert page.title() == "Helpful answers · Concord"
    expect(page.locator("[data-count]")).to_have_text("63 characters")
    answer.focus()
    press(page, "Control+Enter")
    wait_for_another(page, before)
    stored = Demonstration.objects.get()
    assert (stored.text[:23], stored.review) == ("A **year** of 366 days.", "waiting")


def test_a_second_person_sends_back_the_author_revises_and_it_is_accepted_with_an_edit(
    visit: Visit, demonstrated: Project, alice: User
) -> None:
    page = visit(RANK, alice, java_script_enabled=False)
    page.get_by_role("textbox", name="The ideal answer").fill("It has 366 days.")
    page.get_by_role("button", name="Submit").click()
    assert Demonstration.objects.get().review == "waiting"
    page.goto("/projects/helpful/review/")
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()

    bob = make_member(demonstrated, name="bob")
    reader = visit("/projects/helpful/review/", bob)
    expect(reader.locator(".work .prose").first).to_have_text("It has 366 days.")
    reader.get_by_role("button", name="Send back").click()
    expect(reader.get_by_role("alert")).to_contain_text("Say what should be different")
    reader.get_by_label("Comment").fill("Say when they come.")
    reader.get_by_role("button", name="Send back").click()
    expect(notice(reader, "Sent back to its author")).to_be_visible()

    page.goto("/projects/helpful/history/")
    expect(page.locator(".entry--back")).to_contain_text("Say when they come.")
    page.get_by_role("link", name="Revise").click()
    expect(page.get_by_role("note")).to_contain_text("Say when they come.")
    page.get_by_role("textbox", name="The ideal answer").fill("It has 366 dayz, every fourth year.")
    page.get_by_role("button", name="Submit").click()

    reader.goto("/projects/helpful/review/")
    reader.get_by_text("Change words before you accept it").click()
    reader.get_by_label("The answer with your changes").fill("It has 366 days, every fourth year.")
    reader.get_by_role("button", name="Accept").click()
    expect(notice(reader, "Accepted.")).to_be_visible()
    final = Demonstration.objects.accepted().get()
    assert (final.text, final.edited) == ("It has 366 days, every fourth year.", True)
    assert Demonstration.objects.count() == 3


def test_a_key_brings_the_last_pair_back(visit: Visit, paired: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    first = assignment_of(page)
    press(page, "2", "Enter")
    wait_for_another(page, first)
    expect(page.get_by_role("link", name="Change last")).to_be_visible()
    press(page, "u")
    page.wait_for_url("**/history/*/")
    ready(page)
    assert assignment_of(page) == first
    press(page, "6", "Enter")
    expect(page.locator("#messages")).to_have_text("Your choice is changed.")
    assert Ranking.objects.current().get().strength == 2


def test_history_changes_a_rating_that_is_not_the_last(visit: Visit, rated: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    first = assignment_of(page)
    for _ in range(2):
        before = assignment_of(page)
        press(page, "7", "2", "1", "0", "Enter")
        page.wait_for_function(
            "before => document.querySelector('#judgement [name=assignment]')?.value !== before", arg=before
        )
        page.wait_for_load_state()
    page.get_by_role("link", name="Your work").click()
    page.locator(".entry").nth(1).get_by_role("link", name="Change").click()
    ready(page)
    assert assignment_of(page) == first
    expect(page.locator('[data-row="score_A_helpful"] input:checked')).to_have_value("7")
    press(page, "a", "6")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/rank/")
    assert scores_shown(first) == [("A", "helpful", 6.0), *SCORES[1:]]
    assert Rating.objects.count() == 9


def answer(page: Page, kind: str) -> None:
    """Answer the task on the screen, whole, by the keyboard."""
    if kind == "demonstrated":
        page.get_by_role("textbox", name="The ideal answer").fill("Water that falls from clouds.")
        page.keyboard.press("Control+Enter")
    else:
        press(page, *{"rated": ("7", "2", "1", "0"), "paired": ("2",)}[kind], "Enter")


def begin(page: Page, kind: str) -> str:
    """Begin with the task on the screen once the one after it is here; returns the public id of that."""
    wait_until_ahead(page)
    if kind == "demonstrated":
        page.get_by_role("textbox", name="The ideal answer").fill("Water")
    else:
        page.keyboard.press("1")
    return str(Assignment.objects.get(ahead=True, status="open").public_id)


def judged() -> int:
    """How many tasks are answered."""
    return Assignment.objects.filter(status="submitted").count()


KINDS = ["rated", "paired", "demonstrated"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_task_is_there_before_the_server_has_answered(
    kind: str, visit: Visit, alice: User, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(kind)
    page = ready(visit(RANK, alice))
    ahead = begin(page, kind)
    submission = hold_back(page, "**/submit/")
    answer(page, kind)
    expect(page.locator("#judgement [name=assignment]")).to_have_value(ahead)
    sent = submission()
    assert judged() == 0
    sent.continue_()
    expect(page.locator(".tools__counts")).to_contain_text("1 today · 1 left")
    assert judged() == 1
    assert assignment_of(page) == ahead


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_connection_two_tasks_are_answered_and_sent_once_when_it_is_back(
    kind: str, visit: Visit, alice: User, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(kind)
    page = ready(visit(RANK, alice))
    first, second = assignment_of(page), begin(page, kind)
    page.context.set_offline(True)
    answer(page, kind)
    expect(notice(page, "You are offline. Your judgement is kept here")).to_be_visible()
    assert assignment_of(page) == second
    answer(page, kind)
    expect(notice(page, "You are offline. 2 judgements are kept here")).to_be_visible()
    assert judged() == 0
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    submitted = Assignment.objects.filter(status="submitted").values_list("public_id", flat=True)
    assert {str(one) for one in submitted} == {first, second}
    assert Rating.objects.count() + Ranking.objects.count() + Demonstration.objects.count() == (
        8 if kind == "rated" else 2
    )


def test_an_answer_that_waits_outlives_a_closed_tab(visit: Visit, rated: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    context, first = page.context, assignment_of(page)
    context.set_offline(True)
    answer(page, "rated")
    expect(notice(page, "You are offline. Your judgement is kept here")).to_be_visible()
    page.close()
    context.set_offline(False)
    again = ready(visit(RANK, alice, context=context))
    expect(again.locator(".tools__counts")).to_contain_text("1 today · 1 left")
    assert scores_shown(first) == SCORES


def test_a_ranking_is_followed_by_a_task_of_another_kind(visit: Visit, rated: Project, alice: User) -> None:
    [ranked] = make_tasks(rated, 1, completions=3, priority=5)
    page = visit(RANK, alice)
    wait_until_ready(page)
    press(page, "1", "2", "3", "Enter")
    expect(page.locator(".scale")).to_have_count(4)
    wait_until_sent(page)
    assert Ranking.objects.get().task == ranked
    expect(page.locator(".scale")).to_have_count(4)


PAGES = {
    "rating": ("rated", RANK),
    "pair": ("paired", RANK),
    "writing": ("demonstrated", RANK),
    "review": ("demonstrated", "/projects/helpful/review/"),
    "reviewed": ("rated", "/projects/helpful/review/"),
    "history": ("demonstrated", "/projects/helpful/history/"),
}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_a_phone_shows_it_whole(
    visit: Visit, alice: User, name: str, request: pytest.FixtureRequest
) -> None:
    kind, path = PAGES[name]
    project = request.getfixturevalue(kind)
    if kind == "demonstrated":
        # One for each to answer, and one that Bob is given after his.
        put(project, "prompts", {"prompt": "What is snow?"})
        intake.create_tasks(project=project, kind="demonstrate")
        bob = make_member(project, name="bob")
        have_read(project, bob)
        for who, text in ((bob, "What bob wrote at length."), (alice, "What alice wrote at length.")):
            page = visit(RANK, who, java_script_enabled=False)
            page.get_by_role("textbox", name="The ideal answer").fill(text)
            page.get_by_role("button", name="Submit").click()
        Demonstration.objects.filter(author__user=alice).update(
            review="sent_back", comment="Longer.", reviewer=Demonstration.objects.get(author__user=bob).author
        )
        if name == "writing":
            put(project, "prompts", {"prompt": "A third question?"})
            intake.create_tasks(project=project, kind="demonstrate")
    page = visit(path, alice)
    for size in ({"width": 1440, "height": 900}, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert violations_in_both_schemes(page) == {}, size
        assert overhang(page) == 0
    assert small_targets(page, 40) == []


def test_answers_are_rated_beside_each_other_and_the_steps_of_a_scale_stand_in_one_row(
    visit: Visit, rated: Project, alice: User
) -> None:
    page = ready(visit(RANK, alice))
    for width, beside in ((390, False), (1280, True), (1440, True), (1920, True)):
        page.set_viewport_size(ViewportSize(width=width, height=800))
        wait_until_still(page)
        first, second = (box.bounding_box() for box in page.locator(".completion").all())
        assert first is not None
        assert second is not None
        assert (second["y"] == first["y"]) == beside, width
        assert overhang(page) == 0, width
        for scale in page.locator(".scale").all():
            tops = scale.locator(".scale__numbers .step").evaluate_all(
                "steps => steps.map(step => Math.round(step.getBoundingClientRect().top))"
            )
            assert len(set(tops)) == 1, width
        # Words of any length end where the numbers end.
        ends = page.locator(".scale__ends").first.bounding_box()
        numbers = page.locator(".scale__numbers").first.bounding_box()
        assert ends is not None
        assert numbers is not None
        assert round(ends["x"]) == round(numbers["x"]), width
        assert round(ends["width"]) == round(numbers["width"]), width


SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("kind", KINDS)
def test_by_mouse_and_by_finger(
    kind: str, screen: str, visit: Visit, alice: User, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(kind)
    page = ready(visit(RANK, alice, **SCREENS[screen]))
    before = assignment_of(page)

    def hit(label: str, name: str, value: str) -> None:
        step = page.locator("label.step", has=page.locator(f'[name="{name}"][value="{value}"]'))
        if screen == "phone":
            step.tap()
        else:
            step.click()
        assert page.locator(f'[name="{name}"]:checked').input_value() == value, label

    if kind == "rated":
        for letter, axis, value in (("A", "helpful", "7"), ("A", "honest", "2"), ("B", "helpful", "1")):
            hit(letter, f"score_{letter}_{axis}", value)
        hit("B", "score_B_honest", "none")
    elif kind == "paired":
        hit("strength", "preference", "6")
    else:
        page.get_by_role("textbox", name="The ideal answer").fill("Water that falls from clouds.")
    submit = page.get_by_role("button", name="Submit")
    if screen == "phone":
        submit.tap()
    else:
        submit.click()
    wait_for_another(page, before)
    if kind == "rated":
        assert scores_shown(before) == SCORES
    elif kind == "paired":
        assert Ranking.objects.get().strength == 2
    else:
        assert Demonstration.objects.get().text == "Water that falls from clouds."


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("kind", KINDS)
def test_by_a_screen_reader(
    kind: str, screen: str, visit: Visit, alice: User, request: pytest.FixtureRequest
) -> None:
    """By roles, names and the Space key alone; what is missing and that the next task is there are said."""
    request.getfixturevalue(kind)
    page = ready(visit(RANK, alice, **SCREENS[screen]))
    before, main = assignment_of(page), page.get_by_role("main")
    submit = page.get_by_role("button", name="Submit")
    submit.focus()
    page.keyboard.press("Enter")
    missing = {
        "rated": "4 scores are missing.",
        "paired": "Say which is better, and how much.",
        "demonstrated": "Write an answer of at least 10 characters.",
    }
    expect(page.locator("#announcer")).to_have_text(missing[kind])
    assert page.locator("#announcer").get_attribute("aria-live") == "polite"
    assert not Assignment.objects.filter(status="submitted").exists()
    if kind == "rated":
        for letter in "AB":
            for axis, step in (("Helpful", "5"), ("Honest", "3")):
                scale = main.get_by_role("group", name=f"{axis} of {letter}")
                scale.get_by_role("radio", name=step, exact=True).focus()
                page.keyboard.press("Space")
        assert (
            page.get_by_role("group", name="Helpful of A: 1 is useless, 7 is all one could want").count() == 1
        )
    elif kind == "paired":
        choices = main.get_by_role("group", name="Which is better, and how much?")
        choices.get_by_role("radio", name="A is slightly better").focus()
        page.keyboard.press("Space")
    else:
        main.get_by_role("textbox", name="The ideal answer").focus()
        page.keyboard.type("Water that falls from clouds.")
    expect(submit).to_have_accessible_description(re.compile("Ready to submit."))
    submit.focus()
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    expect(page.locator("#announcer")).to_have_text("The next task.")
    assert page.evaluate("document.activeElement.textContent") == "Prompt"
    assert judged() == 1


def chosen(page: Page) -> dict[str, str]:
    """What is chosen in the answer, by field."""
    values: dict[str, str] = page.locator("#judgement").evaluate(
        """form => Object.fromEntries(
            [...new FormData(form)].filter(([name]) => /^(score_|preference|verdict)/.test(name))
        )"""
    )
    return values


def test_scores_are_taken_back_one_by_one(visit: Visit, rated: Project, alice: User) -> None:
    """By the key, by its twin with Ctrl, by the button; a score that was changed is what it was."""
    page = ready(visit(RANK, alice))
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    press(page, "7", "2", "a", "5")
    assert chosen(page) == {"score_A_helpful": "5", "score_A_honest": "2"}
    press(page, "z")
    expect(page.locator("#announcer")).to_have_text("Undone.")
    assert chosen(page) == {"score_A_helpful": "7", "score_A_honest": "2"}
    press(page, "Control+z")
    assert chosen(page) == {"score_A_helpful": "7"}
    # The next digit is for what was taken back.
    press(page, "4")
    assert chosen(page) == {"score_A_helpful": "7", "score_A_honest": "4"}
    undo.click()
    undo.click()
    assert chosen(page) == {}
    expect(undo).to_be_disabled()
    press(page, "z")
    assert chosen(page) == {}


def test_the_choice_of_a_pair_is_taken_back(visit: Visit, paired: Project, alice: User) -> None:
    page = ready(visit(RANK, alice))
    press(page, "2", "6", "x", "Escape")
    assert chosen(page) == {"preference": "6", "verdict": "all_bad"}
    press(page, "z")
    assert chosen(page) == {"preference": "6", "verdict": "ranked"}
    press(page, "z")
    assert chosen(page) == {"preference": "2", "verdict": "ranked"}
    press(page, "z")
    assert chosen(page) == {"verdict": "ranked"}
    expect(page.locator("[data-status]")).to_have_text("Say which is better, and how much.")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    assert not Ranking.objects.exists()


@pytest.mark.parametrize("kind", ["rated", "paired"])
def test_a_finger_takes_back(kind: str, visit: Visit, alice: User, request: pytest.FixtureRequest) -> None:
    """What is taken back is taken out of the draft too."""
    request.getfixturevalue(kind)
    page = ready(visit(RANK, alice, **SCREENS["phone"]))
    page.locator("label.step").nth(1).tap()
    page.locator("label.step").nth(2).tap()
    before = chosen(page)
    undo = page.get_by_role("button", name="Undo")
    undo.tap()
    assert set(chosen(page).values()) == set(before.values()) - {"3"} | {"2"}
    assert overhang(page) == 0
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    page.reload()
    assert set(chosen(ready(page)).values()) == set(before.values()) - {"3"} | {"2"}


def test_a_pair_is_kept_as_a_draft_and_changed_from_ones_own_work(
    visit: Visit, paired: Project, alice: User
) -> None:
    page = ready(visit(RANK, alice))
    first = assignment_of(page)
    press(page, "2")
    page.get_by_label("Why?").first.fill("Shorter.")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    page.reload()
    ready(page)
    assert chosen(page) == {"preference": "2", "verdict": "ranked"}
    expect(page.get_by_label("Why?").first).to_have_value("Shorter.")
    page.get_by_role("button", name="Submit").click()
    wait_for_another(page, first)
    page.goto("/projects/helpful/history/")
    page.get_by_role("link", name="Change").click()
    ready(page)
    assert chosen(page) == {"preference": "2", "verdict": "ranked"}
    press(page, "7")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/rank/")
    old, new = Ranking.objects.order_by("pk")
    assert (old.strength, old.is_current) == (2, False)
    assert (new.strength, new.is_current, new.supersedes, new.rationale) == (3, True, old, "Shorter.")


@pytest.mark.parametrize("kind", ["paired", "demonstrated"])
def test_pairs_and_answers_are_skipped_and_flagged(
    kind: str, visit: Visit, alice: User, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(kind)
    page = ready(visit(RANK, alice))
    before = assignment_of(page)
    press(page, "s")
    page.get_by_role("dialog").get_by_label("Why?").fill("Not my field")
    page.get_by_role("button", name="Skip it").click()
    wait_for_another(page, before)
    skipped = Assignment.objects.get(public_id=before)
    assert (skipped.status, skipped.reason) == ("skipped", "Not my field")
    second = assignment_of(page)
    press(page, "f")
    page.get_by_label("What is wrong?").select_option("broken")
    page.get_by_role("button", name="Flag it").click()
    expect(page.locator("#messages")).to_have_text("Flagged: a researcher will look at it.")
    flag = Flag.objects.get()
    assert flag.category == "broken"
    assert flag.task == Assignment.objects.get(public_id=second).task
