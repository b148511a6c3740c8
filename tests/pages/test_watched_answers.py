"""What a policy answers to watched prompts as it learns: on the page of its run, the words that changed marked."""

from uuid import UUID, uuid4
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from django.test import Client

from annotation.models import Prompt
from console.pages import answers
from console.pages.answers import changes
from runs.models import Run, RunAnswer
from tests.annotation.factories import put
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def answer(run: Run, prompt: UUID, *texts: str, every: int = 5) -> None:
    """``texts`` after 0, ``every``, 2 ``every`` ... steps; the reward rises by a half at each."""
    for number, text in enumerate(texts):
        RunAnswer.objects.create(
            run=run, step=number * every, prompt_id=prompt, answer=text, reward=number / 2 - 1
        )


def shown(cast: Cast, address: str) -> Element:
    """The section with the answers, which is XML too."""
    client = Client()
    client.force_login(cast.carol)
    response = client.get(address)
    assert response.status_code == 200
    text = response.content.decode()
    begin = text.index('<div id="answers"')
    end = text.find('<section class="card stack" aria-labelledby="made-of">')
    return ElementTree.fromstring(text[begin:end] if end > 0 else text[begin:])


def rows_of(section: Element) -> list[list[Element]]:
    return [row.findall("td") for row in section.findall(".//tbody/tr")]


def text_of(cell: Element) -> str:
    return " ".join("".join(cell.itertext()).split())


def words(cell: Element) -> str:
    """Its text, [new] and {gone} marked."""
    marks = {"ins": "[{}]", "del": "{{{}}}"}
    return (cell.text or "") + "".join(
        marks[node.tag].format(node.text or "") + (node.tail or "") for node in cell
    )


def test_answers_stand_by_prompt_and_step_with_what_changed(cast: Cast) -> None:
    put(cast.project, "prompts", {"prompt": "Why is the <sky> blue?"})
    prompt = Prompt.objects.get(project=cast.project)
    run, gone = make_transfer(cast.project).run, uuid4()
    answer(run, prompt.public_id, "The sky is blue.", "The sky is very blue.", "A sky is <b>very</b> blue.")
    answer(run, gone, "One.", "One.")
    RunAnswer.objects.filter(prompt_id=gone, step=5).update(reward=None)
    for address in (f"/admin/runs/{run.pk}/", f"/admin/runs/{run.pk}/answers/"):
        first, second = shown(cast, address).findall(".//article")
        assert text_of(first.findall("p")[0]) == "Why is the <sky> blue?"
        rows = rows_of(first)
        assert [(text_of(row[0]), text_of(row[1])) for row in rows] == [
            ("0", "-1.00"),
            ("5", "-0.50 +0.50"),
            ("10", "0.00 +0.50"),
        ]
        assert [words(row[2]) for row in rows] == [
            "The sky is blue.",
            "The sky is [very ]blue.",
            "{The}[A] sky is [<b>]very[</b>] blue.",
        ]
        assert text_of(second.findall("p")[0]) == "The prompt is not there any more."
        assert [text_of(row[1]) for row in rows_of(second)] == ["-1.00", "none"]


def test_a_run_that_watches_nothing_has_no_such_section(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    answer(make_transfer(cast.project).run, uuid4(), "Of another run.")
    assert shown(cast, f"/admin/runs/{run.pk}/").find(".//section") is None


def test_many_looks_are_thinned_and_the_first_and_last_stay(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_LOOKS", 4)
    run = make_transfer(cast.project).run
    answer(run, uuid4(), *(f"Look {number}" for number in range(10)), every=1)
    rows = rows_of(shown(cast, f"/admin/runs/{run.pk}/"))
    assert [text_of(row[0]) for row in rows] == ["0", "3", "6", "9"]
    assert words(rows[1][2]) == "Look {0}[3]"


@pytest.mark.parametrize(
    ("before", "after"), [("", "a b"), ("a b", ""), ("a  b", "a b"), ("ein Haus", "Ein Häuschen"), ("x", "x")]
)
def test_pieces_give_both_texts_back(before: str, after: str) -> None:
    pieces = changes(before, after)
    assert "".join(piece.text for piece in pieces if piece.change != "gone") == after
    assert "".join(piece.text for piece in pieces if piece.change != "new") == before
    assert all(piece.change == "" for piece in pieces) == (before == after)
