"""Researchers' pages of quality control: settings, gold, pauses, flags and skips, each through its form."""

import re
from typing import Any

import pytest
from django.test import Client

from annotation import people
from annotation.checking import control, standing
from annotation.collecting import flags, queue
from annotation.models import Annotator, Flag, StandingChange, Task, Withdrawal
from annotation.preferences.care import Mean
from annotation.withdrawal import erasure
from tests.annotation.factories import make_tasks, put
from tests.annotation.judging import submit, taken
from tests.pages.cast import Cast, make_cast
from tests.rltrainer.factories import make_policy

pytestmark = pytest.mark.django_db
ANNOTATORS, FLAGS = "/admin/projects/helpful/annotators/", "/admin/projects/helpful/flags/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def alice(cast: Cast) -> Annotator:
    """Alice at work, with two tasks."""
    make_tasks(cast.project, 2)
    return people.annotator_for(project=cast.project, user=cast.alice)


def client_of(cast: Cast, name: str) -> Client:
    client = Client()
    client.force_login(getattr(cast, name))
    return client


def act(cast: Cast, action: str, who: str = "carol", **fields: Any) -> Any:
    data = {f"{action}-{name}": value for name, value in fields.items()}
    return client_of(cast, who).post(f"/admin/projects/helpful/{action}/", data)


def test_thresholds_are_set_and_come_back_in_the_form(cast: Cast) -> None:
    fields: dict[str, Any] = {
        "gold_every": 7,
        "repeat_every": 30,
        "least_checks": 4,
        "least_gold_score": "57",
        "most_position_bias": "12.5",
        "pauses": "on",
    }
    answer = act(cast, "control", **fields)
    assert (answer.status_code, answer.url) == (302, ANNOTATORS)
    cast.project.refresh_from_db()
    assert (cast.project.gold_every, cast.project.least_gold_score, cast.project.pauses) == (7, 0.57, True)
    assert (cast.project.least_consistency, cast.project.most_position_bias) == (None, 0.125)
    text = client_of(cast, "carol").get(ANNOTATORS).content.decode()
    assert re.findall(r'type="number" name="control-\w+" value="([\d.]+)"', text) == [
        "7",
        "30",
        "4",
        "57",
        "12.5",
    ]


def test_gold_consistency_and_position_are_in_percent_as_all_shares_are(
    cast: Cast, alice: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = standing.Figures(Mean(0.714, 12, (0.6504, 0.778)), Mean(1.0, 1, None), None)
    monkeypatch.setattr(standing, "figures_of", lambda annotator: figures)
    text = client_of(cast, "carol").get(ANNOTATORS).content.decode()
    cells = re.findall(r'<td class="number">(.*?)</td>', text, re.DOTALL)
    words = [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in cells]
    assert words[-3:] == ["71.4% 65.0 to 77.8 of 12", "100.0% of 1", "\N{EN DASH}"]


def test_a_bad_threshold_is_told_on_the_page_that_has_the_form(cast: Cast) -> None:
    answer = act(cast, "control", gold_every=-1, repeat_every=0, least_checks=5)
    assert answer.status_code == 400
    text = answer.content.decode()
    assert "Who judges with care?" in text
    assert "Value must be at least 0." in text


def test_what_an_annotator_ranked_is_made_gold_and_ordinary_again(cast: Cast, alice: Annotator) -> None:
    submit(taken(alice), alice)
    assert act(cast, "gold", annotator=alice.pk).status_code == 302
    gold = Task.objects.gold().get()
    assert gold.prompt.last_text in client_of(cast, "carol").get(ANNOTATORS).content.decode()
    assert act(cast, "unmark", task=gold.pk).status_code == 302
    assert not Task.objects.gold().exists()


def test_a_researcher_pauses_and_resumes_with_a_reason(cast: Cast, alice: Annotator) -> None:
    assert act(cast, "pause", annotator=alice.pk, why="").status_code == 400
    assert act(cast, "pause", annotator=alice.pk, why="Two answers a second.").status_code == 302
    text = client_of(cast, "alice").get("/projects/helpful/rank/").content.decode()
    assert "You are paused in this project" in text
    # Neither the header nor the list of projects counts tasks that do not come, or offers to judge.
    home = client_of(cast, "alice").get("/").content.decode()
    assert "you are paused" in text
    assert re.search(r"you are paused\s+· ", home)
    assert "Why?<span" in home
    assert not re.search(r">(Judge|Look)<", home)
    assert "Two answers a second." in text
    shown = client_of(cast, "carol").get(ANNOTATORS).content.decode()
    assert "1 paused and 0 warned" in shown
    assert "paused by carol" in shown
    assert act(cast, "resume", annotator=alice.pk, why="We talked.").status_code == 302
    assert "You are paused" not in client_of(cast, "alice").get("/projects/helpful/rank/").content.decode()


def test_a_warning_is_shown_beside_the_work_until_it_is_taken_back(cast: Cast, alice: Annotator) -> None:
    StandingChange.objects.create(
        annotator=alice, standing="warned", why="Your score is low.", last_ranking_id=0
    )
    Annotator.objects.filter(pk=alice.pk).update(standing="warned")
    client = client_of(cast, "alice")
    assert "Your score is low." in client.get("/projects/helpful/rank/").content.decode()
    standing.resume(annotator=alice, why="Never mind.", by=cast.carol)
    text = client.get("/projects/helpful/rank/").content.decode()
    assert "Your score is low." not in text
    assert "Never mind." not in text


@pytest.mark.parametrize("action", ["pause", "resume", "resolve", "unmark", "gold"])
def test_nothing_of_another_project_can_be_named(cast: Cast, alice: Annotator, action: str) -> None:
    flag = flags.raise_flag(assignment=taken(alice), annotator=alice, category="broken")
    fields = {"annotator": alice.pk, "why": "x", "flag": flag.pk, "resolution": "x", "task": flag.task_id}
    data = {f"{action}-{name}": value for name, value in fields.items()}
    assert client_of(cast, "erin").post(f"/admin/projects/haiku/{action}/", data).status_code == 400
    alice.refresh_from_db()
    flag.refresh_from_db()
    assert (alice.standing, flag.resolved_at) == ("fine", None)


def test_flags_are_listed_by_kind_and_resolved(cast: Cast, alice: Annotator) -> None:
    in_hand = taken(alice)
    flag = flags.raise_flag(
        assignment=in_hand, annotator=alice, category="private", words="<b>a phone number</b>"
    )
    put(
        cast.project,
        "completions",
        {"prompt": "Who?", "completions": [{"text": "I am ChatGPT."}, {"text": "b"}]},
    )
    client = client_of(cast, "carol")
    text = client.get(FLAGS).content.decode()
    for words in (
        "&lt;b&gt;a phone number&lt;/b&gt;",
        in_hand.task.prompt.last_text,
        "found in the text",
        "I am ChatGPT",
    ):
        assert words in text, words
    assert "a phone number" not in client.get(FLAGS, {"category": "names_model"}).content.decode()
    answer = act(cast, "resolve", flag=flag.pk, resolution="The number is made up.")
    assert (answer.status_code, answer.url) == (302, FLAGS)
    assert "a phone number" not in client.get(FLAGS).content.decode()
    resolved = client.get(FLAGS, {"show": "resolved"}).content.decode()
    assert "The number is made up." in resolved
    assert Flag.objects.open().count() == 1


def test_skips_are_listed_with_prompt_and_reason(cast: Cast, alice: Annotator) -> None:
    in_hand = taken(alice)
    queue.skip(assignment=in_hand, annotator=alice, reason="not my language")
    text = client_of(cast, "carol").get(FLAGS, {"show": "skips"}).content.decode()
    assert "not my language" in text
    assert in_hand.task.prompt.last_text in text
    assert "skips (1)" in text


def test_a_flag_from_the_page_is_kept_and_the_task_stays(cast: Cast, alice: Annotator) -> None:
    in_hand = taken(alice)
    client = client_of(cast, "alice")
    data = {"assignment": str(in_hand.public_id), "category": "other", "words": ""}
    assert client.post("/projects/helpful/rank/flag/", data).status_code == 422
    answer = client.post("/projects/helpful/rank/flag/", {**data, "words": "It stops in mid-sentence."})
    assert answer.status_code == 302
    assert Flag.objects.get().words == "It stops in mid-sentence."
    assert taken(alice) == in_hand
    client.post("/projects/helpful/rank/flag/", {**data, "words": "It stops.", "passing": "on"})
    assert taken(alice) != in_hand


def test_withdrawing_wants_the_name_typed_again(cast: Cast, alice: Annotator) -> None:
    submit(taken(alice), alice)
    name = alice.pseudonym
    page = "/admin/projects/helpful/withdrawals/"
    assert f'value="{name}"' in client_of(cast, "carol").get(page, {"annotator": name}).content.decode()
    for confirmation in ("", "yes", name.upper()):
        answer = act(cast, "withdraw", what="annotator", name=name, confirmation=confirmation)
        assert answer.status_code == 400
    assert "This is not the same. Nothing was erased." in answer.content.decode()
    assert not Withdrawal.objects.exists()
    assert act(cast, "withdraw", what="annotator", name=name, confirmation=name).url == page
    withdrawal = Withdrawal.objects.get()
    assert (withdrawal.annotator, withdrawal.requested_by) == (alice, cast.carol)
    text = client_of(cast, "carol").get(page).content.decode()
    assert "files follow" in text
    assert name not in text
    erasure.finish_all()
    assert "files follow" not in client_of(cast, "carol").get(page).content.decode()


def test_a_prompt_is_withdrawn_from_its_flag(cast: Cast, alice: Annotator) -> None:
    in_hand = taken(alice)
    flags.raise_flag(assignment=in_hand, annotator=alice, category="private")
    public_id = str(in_hand.task.prompt.public_id)
    assert f"withdrawals/?prompt={public_id}" in client_of(cast, "carol").get(FLAGS).content.decode()
    answer = act(cast, "withdraw", "erin", what="prompt", name=public_id, confirmation=public_id)
    assert answer.status_code == 404
    assert act(cast, "withdraw", what="prompt", name=public_id, confirmation=public_id).status_code == 302
    in_hand.task.prompt.refresh_from_db()
    assert in_hand.task.prompt.last_text == ""


def test_a_disagreement_is_decided_on_its_page_without_sources(cast: Cast) -> None:
    texts = [{"text": f"Text {letter}", "source": "a source to hide"} for letter in "ab"]
    for name, ranks in {"ann": (1, 2), "ben": (2, 1)}.items():
        answers = [{**text, "rank": rank} for text, rank in zip(texts, ranks, strict=True)]
        line = {
            "prompt": "Which?",
            "completions": answers,
            "annotator": name,
            "rationale": f"{name} thinks so",
        }
        put(cast.project, "rankings", line)
    control.configure(project=cast.project, adjudicate_below=0.5)
    page = "/admin/projects/helpful/disagreements/"
    client = client_of(cast, "carol")
    text = client.get(page).content.decode()
    for words in ("Which?", "Text a", "ann thinks so", "ben thinks so", "They agree on 0.0% of the pairs"):
        assert words in text, words
    assert "a source to hide" not in text
    task = Task.objects.get(project=cast.project)
    answer = act(cast, "decide", task=task.pk, rank_0=1)
    assert answer.status_code == 400
    assert "Place all 2 completions" in answer.content.decode()
    assert act(cast, "decide", task=task.pk, rank_0=2, rank_1=1, rationale="B.").url == page
    assert "No task is below the threshold" in client.get(page).content.decode()


def test_only_what_does_not_come_back_has_a_button_that_warns(cast: Cast) -> None:
    client = client_of(cast, "carol")
    page = client.get("/admin/projects/helpful/withdrawals/").content.decode()
    assert '<button class="button button--bad" type="submit">Erase for good</button>' in page
    assert 'button--bad" type="submit"' not in client.get(ANNOTATORS).content.decode()


def test_a_project_without_policies_offers_none_to_sample_or_to_compare(cast: Cast) -> None:
    client = client_of(cast, "carol")
    page = "/admin/projects/helpful/policies/"
    assert not re.findall('id="action-(?:sample|compare)"', client.get(page).content.decode())
    make_policy(cast.project, 1)
    assert len(re.findall('id="action-(?:sample|compare)"', client.get(page).content.decode())) == 2
