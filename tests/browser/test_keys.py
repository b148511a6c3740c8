"""Keys on keyboards that are not American: what stands at a key's place counts where its letter cannot be typed."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Demonstration, Project, Ranking, Rating
from tests.annotation.factories import make_project, make_tasks, put
from tests.browser.conftest import Visit
from tests.browser.ranking import assignment_of, tiers, wait_for_another, wait_until_ready, wait_until_sent

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"
# What the row of digits gives without Shift: (key, code) of 1 to 4.
ROWS = {
    "azerty": [("&", "Digit1"), ("é", "Digit2"), ('"', "Digit3"), ("'", "Digit4")],
    "czech": [("+", "Digit1"), ("ě", "Digit2"), ("š", "Digit3"), ("č", "Digit4")],
    "numpad": [(str(number), f"Numpad{number}") for number in range(1, 5)],
}
CYRILLIC = {"a": ("ф", "KeyA"), "b": ("и", "KeyB"), "w": ("ц", "KeyW"), "z": ("я", "KeyZ"), "g": ("п", "KeyG"),
            "v": ("м", "KeyV"), "s": ("ы", "KeyS"), "x": ("ч", "KeyX")}  # fmt: skip


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers", guidelines="")
    make_tasks(helpful, 2, completions=4)
    return helpful


def press(page: Page, key: str, code: str, modifiers: int = 0) -> None:
    """Press the key that stands at ``code`` and gives ``key`` (``modifiers``: 2 is Ctrl, 8 is Shift)."""
    keyboard = page.context.new_cdp_session(page)
    for kind in ("keyDown", "keyUp"):
        keyboard.send(
            "Input.dispatchKeyEvent",
            {"type": kind, "key": key, "code": code, "modifiers": modifiers, "text": ""},
        )
    keyboard.detach()


@pytest.mark.parametrize("layout", ROWS)
def test_the_row_of_digits_places_completions_on_every_layout(page: Page, layout: str) -> None:
    one, two, three, four = ROWS[layout]
    before = assignment_of(page)
    for key, code in (four, two, one, three):
        press(page, key, code)
    assert tiers(page) == [["C"], ["B"], ["D"], ["A"]]
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    ranking = Ranking.objects.get()
    assert ranking.order_shown is not None
    assert [ranking.tiers[place] for place in ranking.order_shown] == [4, 2, 1, 3]


def test_shift_and_a_digit_is_no_digit(page: Page) -> None:
    press(page, "!", "Digit1", modifiers=8)
    assert tiers(page) == [[], [], [], []]
    # AZERTY types its digits with Shift.
    press(page, "1", "Digit1", modifiers=8)
    assert tiers(page) == [["A"], [], [], []]


def test_letters_work_with_cyrillic(page: Page) -> None:
    press(page, *CYRILLIC["b"])
    page.keyboard.press("1")
    assert tiers(page) == [["B"], [], [], []]
    press(page, *CYRILLIC["z"], modifiers=2)
    assert tiers(page) == [[], [], [], []]
    for key, dialog in (("g", "#guidelines"), ("v", "#compare")):
        press(page, *CYRILLIC[key])
        expect(page.locator(dialog)).to_be_visible()
        press(page, *CYRILLIC[key])
        expect(page.locator(dialog)).to_be_hidden()
    press(page, *CYRILLIC["x"])
    expect(page.locator("[name=reason]").first).to_be_focused()


def test_a_latin_letter_is_what_it_says_wherever_it_stands(page: Page) -> None:
    """On AZERTY the Q stands where A is elsewhere, and A where Q is."""
    press(page, "b", "KeyB")
    press(page, "a", "KeyQ")
    page.keyboard.press("1")
    assert tiers(page) == [["A"], [], [], []]


def test_scores_and_answers_take_them_too(visit: Visit, project: Project, alice: User) -> None:
    axes = [{"name": "helpful", "least": 1, "most": 4}]
    asking.change(
        project=project,
        rating_axes=axes,
        ask_strength=False,
        review_demonstrations=False,
        demonstration_least_characters=1,
    )
    project.tasks.all().delete()
    intake.create_tasks(project=project, kind="rate", completions=2)
    put(project, "prompts", {"prompt": "Write."}, {"prompt": "Write more."})
    intake.create_tasks(project=project, kind="demonstrate")
    page = visit(RANK, alice)
    for _ in range(4):
        wait_until_ready(page)
        before = assignment_of(page)
        if page.locator(".scale").count():
            press(page, *ROWS["azerty"][3])
            press(page, *ROWS["azerty"][1])
            page.keyboard.press("Enter")
        else:
            press(page, "é", "KeyE")
            page.keyboard.type("Written.")
            press(page, "Enter", "Enter", modifiers=2)
        wait_for_another(page, before)
    wait_until_sent(page)
    assert list(Rating.objects.order_by("score").values_list("score", flat=True)) == [2, 2, 4, 4]
    assert [one.text for one in Demonstration.objects.all()] == ["Written.", "Written."]


def test_confidence_why_and_the_last_one_have_keys(page: Page) -> None:
    before = assignment_of(page)
    for confidence in ("low", "middle", "high", "low", "middle"):
        page.keyboard.press("m")
        expect(page.locator("#announcer")).to_have_text(f"Confidence: {confidence}.")
    page.keyboard.press("r")
    page.keyboard.type("3 is longer")
    page.keyboard.press("Escape")
    for key in ("1", "2", "3", "4", "Enter"):
        page.keyboard.press(key)
    wait_for_another(page, before)
    stored = Ranking.objects.get()
    assert (stored.confidence, stored.rationale) == ("middle", "3 is longer")
    page.keyboard.press("u")
    page.wait_for_url(f"**/history/{before}/")
    wait_until_ready(page)
    assert assignment_of(page) == before
