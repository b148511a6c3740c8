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
from tests.browser.layout import wait_until_still
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


TABLE = "| way | minutes | costs |\n| --- | ---: | ---: |\n| metro, one change | 35 | 15 to 20 € |\n"


def table_to_judge(project: Project, table: str) -> None:
    put(
        project,
        "completions",
        {"prompt": "How do I get there?", "completions": [{"text": "By taxi."}, {"text": table}]},
    )


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
        "6 scores are missing or off their scale: the scales say which. Nothing was submitted."
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


def test_a_small_table_fits_a_phone_and_its_numbers_stand_to_the_right(
    visit: Visit, project: Project, alice: User
) -> None:
    table_to_judge(project, TABLE)
    page = visit(RANK, alice, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    wait_until_ready(page)
    table = page.locator(".completion table")
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") == 0
    ends = table.locator("td").evaluate_all("cells => cells.map((cell) => getComputedStyle(cell).textAlign)")
    assert ends == ["start", "right", "right"]


def test_what_is_flagged_may_be_passed_on_by_a_box_beside_its_words(
    visit: Visit, project: Project, alice: User
) -> None:
    make_tasks(project, completions=2)
    page = visit(RANK, alice, **PHONE)
    wait_until_ready(page)
    page.locator("[data-open=flag]").click()
    choice, words = box(page.locator("#flag [name=passing]")), box(page.locator("#flag label.row > span"))
    assert choice[2] <= words[0]
    buttons = [box(button) for button in page.locator("#flag .button:visible").all()]
    assert len(buttons) == 2
    assert {(left, right) for left, _, right, _ in buttons} == {(buttons[0][0], buttons[0][2])}


def test_where_none_is_ranked_nothing_asks_for_places(visit: Visit, project: Project, alice: User) -> None:
    make_tasks(project, completions=3)
    page = visit(RANK, alice, viewport={"width": 1280, "height": 800})
    wait_until_ready(page)
    asks = page.locator(".tray__hint, [data-unplaced]")
    assert [ask.is_visible() for ask in asks.all()] == [True, True]
    page.keyboard.press("x")
    for ask in asks.all():
        expect(ask).to_be_hidden()
    page.locator(".verdict [value=ranked]").check()
    for ask in asks.all():
        expect(ask).to_be_visible()


def test_the_status_of_a_pair_is_one_line_and_its_bar_keeps_its_height(
    visit: Visit, project: Project, alice: User
) -> None:
    configure(project, ask_strength=True)
    make_tasks(project, completions=2)
    page = visit(RANK, alice, viewport={"width": 1440, "height": 900})
    wait_until_ready(page)
    bar = box(page.locator(".bar"))
    page.keyboard.press("5")
    assert box(page.locator(".bar")) == bar
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    assert box(page.locator(".bar")) == bar
    _, top, _, bottom = box(page.locator(".bar__status"))
    assert bottom - top < 30  # two lines of 0.875 rem are 37 px


def test_a_refused_log_in_keeps_the_name_and_asks_for_the_password(visit: Visit, alice: User) -> None:
    page = visit("/login/")
    page.get_by_label("Username").fill("Alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.get_by_label("Username")).to_have_value("Alice")
    expect(page.get_by_label("Password")).to_be_focused()


def test_from_a_review_there_is_a_way_to_the_tasks(visit: Visit, project: Project, alice: User) -> None:
    to_write(project)
    bob = make_member(project, name="bob")
    have_read(project, bob)
    page = visit(RANK, alice, java_script_enabled=False)
    page.get_by_role("textbox", name="The ideal answer").fill("Water.")
    submit_as_it_is(page)
    page = visit("/projects/helpful/review/", bob, **PHONE)
    page.get_by_role("link", name="Tasks", exact=True).click()
    expect(page).to_have_url(re.compile("/rank/$"))


def test_at_the_end_of_a_phones_page_nothing_lies_under_what_stays_there(
    visit: Visit, project: Project, alice: User
) -> None:
    make_tasks(project, completions=9)
    page = visit(RANK, alice, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    wait_until_ready(page)
    page.keyboard.press("1")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    wait_until_still(page)
    _, _, _, last = box(page.locator(".verdict"))
    assert last <= box(page.locator(".bar__end"))[1]


def test_in_a_narrow_window_what_is_compared_has_its_choices_in_one_line(
    visit: Visit, project: Project, alice: User
) -> None:
    make_tasks(project, completions=3)
    page = visit(RANK, alice, viewport={"width": 390, "height": 844})
    wait_until_ready(page)
    page.keyboard.press("v")
    for choice in page.locator("#compare .dialog__head label").all():
        lines = """label => {
          const words = document.createRange();
          words.selectNodeContents(label.lastChild);
          return words.getClientRects().length;
        }"""
        assert choice.evaluate(lines) == 1
        _, top, _, bottom = box(choice)
        assert bottom - top >= 44
