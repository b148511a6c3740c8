"""What pages of tasks look like where something is wrong, or warned of, or empty: on phones and without scripts too."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from annotation import people
from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Annotator, Project, StandingChange
from tests.annotation.factories import have_read, make_member, make_project, make_tasks, put
from tests.browser.conftest import Visit
from tests.browser.ranking import wait_until_ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RANK = "/projects/helpful/rank/"
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
AXES = [{"name": "helpful", "least": 1, "most": 7}, {"name": "honest", "least": 1, "most": 5}]


@pytest.fixture
def project() -> Project:
    return make_project("helpful", name="Helpful answers", guidelines="Be right.")


@pytest.fixture
def alice(project: Project) -> User:
    user = make_member(project, name="alice")
    have_read(project, user)
    return user


def configure(project: Project, *, ask_strength: bool = False, review: bool = False) -> None:
    asking.change(
        project=project,
        rating_axes=AXES,
        ask_strength=ask_strength,
        review_demonstrations=review,
        demonstration_least_characters=1,
    )


def to_write(project: Project) -> None:
    configure(project, review=True)
    put(project, "prompts", {"prompt": "What is rain?"})
    intake.create_tasks(project=project, kind="demonstrate")


def box(of: Locator) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    edges = of.bounding_box()
    assert edges is not None
    return edges["x"], edges["y"], edges["x"] + edges["width"], edges["y"] + edges["height"]


def submit_as_it_is(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()


def test_without_scripts_no_key_is_offered_and_what_is_missing_is_one_sentence(
    visit: Visit, project: Project, alice: User
) -> None:
    make_tasks(project, completions=4)
    page = visit(RANK, alice, java_script_enabled=False)
    submit_as_it_is(page)
    expect(page.get_by_role("alert")).to_have_text("A, B, C and D have no place yet. Nothing was submitted.")
    expect(page.locator(".key:visible")).to_have_count(0)


def test_missing_scores_are_counted_once_and_told_where_they_are_missing(
    visit: Visit, project: Project, alice: User
) -> None:
    configure(project)
    make_tasks(project, completions=3)
    project.tasks.all().delete()
    intake.create_tasks(project=project, kind="rate")
    page = visit(RANK, alice, java_script_enabled=False)
    submit_as_it_is(page)
    expect(page.get_by_role("alert")).to_have_text(
        "6 scores are missing: their scales say so. Nothing was submitted."
    )
    expect(page.locator(".scale .errors")).to_have_count(6)


def test_on_a_phone_warnings_are_as_wide_as_the_rest_and_stand_apart_from_the_prompt(
    visit: Visit, project: Project, alice: User
) -> None:
    make_tasks(project, completions=2)
    annotator = people.annotator_for(project=project, user=alice)
    Annotator.objects.filter(pk=annotator.pk).update(standing="warned")
    StandingChange.objects.create(
        annotator=annotator, standing="warned", why="Below 0.60.", last_ranking_id=0
    )
    page = visit(RANK, alice, **PHONE)
    wait_until_ready(page)
    warning, card = box(page.locator(".task__warning")), box(page.locator(".completion").first)
    assert (warning[0], warning[2]) == (card[0], card[2])
    assert box(page.locator(".prompt"))[1] - warning[3] >= 8


def test_on_a_phone_there_is_room_to_write(visit: Visit, project: Project, alice: User) -> None:
    to_write(project)
    page = visit(RANK, alice, **PHONE)
    wait_until_ready(page)
    _, top, _, bottom = box(page.locator("#answer"))
    assert bottom - top >= 200


def test_choices_of_a_pair_look_alike(visit: Visit, project: Project, alice: User) -> None:
    """The key stands above the words of each, however long these are."""
    configure(project, ask_strength=True)
    make_tasks(project, completions=2)
    page = visit(RANK, alice, viewport={"width": 1280, "height": 800})
    wait_until_ready(page)
    tops = {round(box(key)[1]) for key in page.locator(".preference .key").all()}
    assert len(tops) == 1


def test_a_refused_review_opens_no_editing_where_no_word_was_changed(
    visit: Visit, project: Project, alice: User
) -> None:
    to_write(project)
    bob = make_member(project, name="bob")
    have_read(project, bob)
    page = visit(RANK, alice, java_script_enabled=False)
    page.get_by_role("textbox", name="The ideal answer").fill("One line.\n\nAnother.")
    submit_as_it_is(page)
    page = visit("/projects/helpful/review/", bob, java_script_enabled=False)
    page.get_by_role("button", name=re.compile("^Send back")).click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".editing")).not_to_have_attribute("open", "")


def test_a_long_name_leaves_the_buttons_in_one_row(visit: Visit, project: Project, alice: User) -> None:
    Project.objects.update(name="A project whose name is rather longer than a header likes to have it")
    make_tasks(project, completions=2)
    page = visit(RANK, alice, viewport={"width": 1280, "height": 800})
    wait_until_ready(page)
    tops = {round(box(button)[1]) for button in page.locator(".tools__buttons > *:visible").all()}
    assert len(tops) == 1
