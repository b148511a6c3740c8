"""What is another project's, another person's or another kind's is out of reach of each function of the write path."""

import sys

import pytest

from annotation.checking import adjudication, control, standing
from annotation.collecting import flags, queue, ranking, rating
from annotation.errors import BadFile, BadRequest
from annotation.files import intake
from annotation.models import Annotator, Assignment, Completion, Flag, Project, Ranking, Rating, Source, Task
from annotation.preferences.tally import Judgement, of_agreement
from annotation.withdrawal import erasure
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks, out_values, put
from tests.annotation.factories import ranking as ranking_line
from tests.annotation.judging import submit, taken

pytestmark = pytest.mark.django_db
TEXTS = [{"text": "a"}, {"text": "b"}, {"text": "c"}]


def imported(project: Project, name: str, **fields: object) -> Annotator:
    """Somebody of that pseudonym, whose ranking came by a file."""
    put(project, "rankings", ranking_line("What?", 1, 2, 3, annotator=name, **fields))
    return project.annotators.get(pseudonym=name)


def test_two_projects_have_annotators_of_one_name() -> None:
    first, second = make_project(), make_project()
    ada, other = imported(first, "ada"), imported(second, "ada")
    assert ada != other
    assert {row.project for row in Ranking.objects.all()} == {first, second}
    erasure.withdraw_annotator(project=second, pseudonym="ada")
    assert first.annotators.get().pseudonym == "ada"
    assert Ranking.objects.get(project=first).is_current
    imported(first, "bob")
    with pytest.raises(BadRequest, match="has no annotator 'bob'"):
        erasure.withdraw_annotator(project=second, pseudonym="bob")


def test_renewing_ones_own_lease_renews_nobody_elses() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 3)
    alice, bob = make_annotator(project), make_annotator(project)
    in_hand = taken(alice)
    taken(bob)
    ahead = queue.reserve(annotator=bob)
    assert ahead is not None
    before = Assignment.objects.get(pk=ahead.pk).expires_at
    queue.renew(assignment=in_hand, annotator=alice)
    assert Assignment.objects.get(pk=ahead.pk).expires_at == before


def test_what_is_held_ahead_goes_to_somebody_who_has_judged_other_tasks() -> None:
    project = make_project()
    make_tasks(project, 3)
    alice, bob = make_annotator(project), make_annotator(project)
    submit(taken(alice), alice)
    taken(bob)
    ahead = queue.reserve(annotator=bob)
    assert ahead is not None
    assert taken(alice).task == ahead.task


def test_a_ranking_that_came_by_a_file_is_not_changed_on_the_page() -> None:
    project = make_project()
    make_tasks(project, 1)
    alice = make_annotator(project)
    mine = submit(taken(alice), alice)
    imported(project, alice.pseudonym, concord={"order_shown": [2, 0, 1]})
    assert Ranking.objects.filter(annotator=alice).count() == 2
    assert list(ranking.revisable(alice)) == [mine]


def test_answers_that_were_skipped_are_not_to_be_changed() -> None:
    project = make_project()
    make_tasks(project, 2)
    project.tasks.all().delete()
    assert intake.create_tasks(project=project, kind="rate", prompts=2, completions=1) == 2
    alice = make_annotator(project)
    queue.skip(assignment=taken(alice), annotator=alice, reason="not mine")
    rated = taken(alice)
    assert rated.task.entries.count() == 1
    axis = project.rating_axes[0]
    rating.submit(assignment=rated, annotator=alice, scores=[{axis["name"]: axis["least"]}])
    assert [row.pk for row in rating.revisable(alice)] == [rated.pk]


def test_tasks_are_made_of_the_projects_own_prompts_and_of_no_fewer_than_one() -> None:
    project, other = make_project(), make_project()
    put(other, "prompts", {"prompt": "theirs"})
    put(project, "prompts", {"prompt": "ours"}, {"prompt": "ours too"})
    assert intake.create_tasks(project=project, kind="demonstrate", prompts=1) == 1
    assert Task.objects.get().prompt.project == project
    assert intake.create_tasks(project=project, kind="demonstrate") == 1
    with pytest.raises(BadRequest, match="at least one prompt"):
        intake.create_tasks(project=project, kind="demonstrate", prompts=0)
    for shown in (0, 10):
        with pytest.raises(BadRequest, match="1 to 9 completions"):
            intake.create_tasks(project=project, kind="rate", completions=shown)


def test_a_repeat_decides_nothing() -> None:
    project = make_project(annotators_per_task=2)
    control.configure(project=project, adjudicate_below=0.9)
    project.refresh_from_db()
    (task,) = make_tasks(project, 1)
    alice, bob = make_annotator(project), make_annotator(project)
    for person, ranks in ((alice, [1, 2, 3]), (bob, [3, 2, 1])):
        ranking.submit(assignment=taken(person), annotator=person, verdict="ranked", ranks=ranks)
    again = Task.objects.create(
        project=project, prompt=task.prompt, key="again", purpose="repeat", repeats=task
    )
    Ranking.objects.create(project=project, task=again, annotator=alice, verdict="ranked", tiers=[1, 2, 3])
    assert [one.task for one in adjudication.undecided(project=project)] == [task]


def test_habits_are_of_what_was_judged_here_and_ranked() -> None:
    project = make_project()
    make_tasks(project, 2)
    alice = make_annotator(project)
    submit(taken(alice), alice)
    ranking.submit(assignment=taken(alice), annotator=alice, verdict="all_bad", reason="All wrong.")
    number = standing.figures_of(alice).position
    imported(project, alice.pseudonym, concord={"order_shown": [2, 0, 1]})
    assert standing.figures_of(alice).position == number


def test_gold_of_a_withdrawn_prompt_measures_nobody() -> None:
    project = make_project()
    control.configure(project=project, gold_every=1)
    texts = [{**text, "rank": place} for place, text in enumerate(TEXTS, start=1)]
    put(project, "gold", *({"prompt": f"gold {number}", "completions": texts} for number in range(2)))
    make_tasks(project, 5)
    alice = make_annotator(project)
    for _ in range(7):
        submit(taken(alice), alice)
    gold = standing.figures_of(alice).gold
    assert gold is not None
    assert gold.number == 2
    first = project.prompts.get(messages__0__content="gold 0")
    erasure.withdraw_prompt(project=project, public_id=str(first.public_id))
    left = standing.figures_of(alice).gold
    assert left is not None
    assert left.number == 1


def test_ratings_of_others_keep_their_words_when_somebody_withdraws() -> None:
    project = make_project()
    for name in ("ada", "bob"):
        line = {"prompt": "What?", "completion": "a", "score": 4, "annotator": name}
        put(project, "ratings", {**line, "id": f"id of {name}", "mood": name})
    erasure.withdraw_annotator(project=project, pseudonym="ada")
    kept = {
        rating.annotator.withdrawn_at is None: (rating.external_id, rating.metadata)
        for rating in Rating.objects.select_related("annotator")
    }
    assert kept == {True: ("id of bob", {"mood": "bob"}), False: ("", {})}


def test_reasons_and_drafts_go_with_a_withdrawn_prompt() -> None:
    project = make_project(annotators_per_task=3)
    (task,) = make_tasks(project, 1)
    alice, bob, eve = (make_annotator(project) for _ in range(3))
    queue.skip(assignment=taken(alice), annotator=alice, reason="It names Ada.")
    in_hand = taken(bob)
    queue.renew(assignment=in_hand, annotator=bob, draft={"rationale": "It names Ada."})
    late = taken(eve)
    queue.renew(assignment=late, annotator=eve, draft={"rationale": "Ada again."})
    Assignment.objects.filter(pk=late.pk).update(status="expired", closed_at=late.opened_at)
    erasure.withdraw_prompt(project=project, public_id=str(task.prompt.public_id))
    assert set(Assignment.objects.values_list("reason", flat=True)) == {""}
    assert list(Assignment.objects.values_list("draft", flat=True)) == [{}] * 3
    assert sorted(Assignment.objects.values_list("status", flat=True)) == ["released", "released", "skipped"]


def test_a_flag_is_about_one_text_or_all_of_its_task() -> None:
    project = make_project()
    make_tasks(project, 1)
    alice = make_annotator(project)
    flags.raise_flag(assignment=taken(alice), annotator=alice, category="other", words="odd", passing=True)
    put(project, "completions", {"prompt": "Who?", "completions": [{"text": "I am ChatGPT."}, {"text": "b"}]})
    of_task, of_text = Flag.objects.exclude(task=None).get(), Flag.objects.exclude(completion=None).get()
    assert len(flags.completions_of(of_task)) == 3
    assert [text.text for text in flags.completions_of(of_text)] == ["I am ChatGPT."]


def test_tasks_keep_the_ids_that_an_export_gave_them() -> None:
    project, other = make_project(), make_project()
    put(project, "completions", {"prompt": "x", "completions": TEXTS})
    (line,) = out_values(project, "completions")
    Task.objects.all().delete()
    put(other, "completions", line)
    assert str(Task.objects.get().public_id) == line["concord"]["id"]


def test_of_two_lines_with_one_id_the_first_keeps_it() -> None:
    project = make_project()
    kept = "6f1c1d1e-3c1b-4a57-9d7a-0d1f6f7b3a11"
    lines = [{"prompt": name, "completions": TEXTS, "concord": {"id": kept}} for name in ("x", "y")]
    put(project, "completions", *lines)
    first, second = Task.objects.order_by("pk")
    assert str(first.public_id) == kept
    assert str(second.public_id) != kept


def test_numbers_of_any_size_and_letters_of_any_language_come_back_from_metadata() -> None:
    project = make_project()
    metadata = {"seed": 2**70, "word": "naïve 語"}
    put(project, "completions", {"prompt": "x", "completions": TEXTS, "metadata": metadata})
    assert Task.objects.get().metadata == metadata
    (line,) = out_values(project, "completions")
    assert line["metadata"] == metadata
    assert line["prompt"] == "x"


def test_what_a_line_says_of_its_completions_follows_them_to_the_places_of_the_task() -> None:
    project = make_project()
    put(project, "completions", {"prompt": "x", "completions": TEXTS, "task": "t"})
    turned = [{"text": text, "rank": 1, "mood": f"mood of {text}"} for text in "cab"]
    put(project, "rankings", {"prompt": "x", "completions": turned, "task": "t", "mood": "good"})
    assert Ranking.objects.get().metadata == {
        "mood": "good",
        "completions": [{"mood": f"mood of {text}"} for text in "abc"],
    }


def test_a_note_on_the_splits_comes_with_prompts_and_not_with_a_file_that_adds_none() -> None:
    project = make_project()
    opening = {"role": "user", "content": "Go on."}
    lines = [
        {"prompt": [opening, {"role": "assistant", "content": f"{n}"}, {"role": "user", "content": "And?"}]}
        for n in range(20)
    ]
    assert put(project, "prompts", *lines).notes
    again = put(project, "prompts", *lines)
    assert (again.already, again.notes) == (20, [])


def test_a_flag_that_is_resolved_keeps_its_resolution() -> None:
    project = make_project()
    make_tasks(project, 1)
    alice, carol = make_annotator(project), make_member(project, "researcher")
    flags.raise_flag(assignment=taken(alice), annotator=alice, category="other", words="odd", passing=True)
    (line,) = out_values(project, "flags")
    flags.resolve(flags=[Flag.objects.get()], resolution="Seen.", by=carol)
    moment = {**line["concord"], "resolved_at": "2026-01-01T00:00:00Z"}
    put(project, "flags", {**line, "resolution": "Wrong.", "concord": moment})
    assert (Flag.objects.get().resolution, Flag.objects.get().resolved_by) == ("Seen.", carol)


def test_a_dash_is_standard_input() -> None:
    with intake.open_input("-") as stream:
        assert stream is sys.stdin.buffer
    with pytest.raises(BadRequest, match=r"nowhere\.jsonl cannot be read: No such file"):
        intake.open_input("nowhere.jsonl")


def test_texts_to_score_are_counted_from_one() -> None:
    with pytest.raises(BadFile) as refused:
        intake.scorable_values([{"prompt": "x", "completion": "a"}, {"prompt": "x"}])
    assert [(line.number, line.field) for line in refused.value.lines] == [(2, "completion")]


def test_agreement_of_two_counts_those_who_have_a_name() -> None:
    judgements = [
        Judgement(annotator, "ranked", tiers, order_shown=None, seconds=None, week=week)
        for annotator, tiers, week in ((7, [1, 2], "a"), (None, [1, 2], "b"), (9, [2, 1], "c"))
    ]
    scopes = [scope for scope, _ in of_agreement(judgements)]
    named = [scope.annotator for scope in scopes if scope.annotator is not None]
    # Each with the two others, and the pair of those who have a name.
    assert sorted(named) == [7, 7, 7, 9, 9]
    assert [scope.other for scope in scopes if scope.other is not None] == [9]
    assert [scope.week for scope in scopes if scope.week is not None] == ["c"]


def wrote(annotator: Annotator, text: str) -> None:
    """Everything of that text is theirs."""
    source = Source.objects.create(
        project=annotator.project,
        name=f"source of {annotator.pk}",
        annotator=annotator,
        kind=Source.Kind.PERSON,
    )
    Completion.objects.filter(text=text).update(source=source)


def test_who_wrote_one_text_is_asked_for_the_other_tasks() -> None:
    project = make_project()
    for name in ("hers", "another"):
        put(
            project, "completions", {"prompt": name, "completions": [{"text": name}, {"text": f"not {name}"}]}
        )
    alice = make_annotator(project)
    wrote(alice, "hers")
    assert taken(alice).task.prompt.messages[0]["content"] == "another"
    assert queue.reserve(annotator=alice) is None


def test_what_nobody_put_in_an_order_is_not_asked_again() -> None:
    project = make_project()
    control.configure(project=project, repeat_every=1)
    make_tasks(project, 4)
    alice = make_annotator(project)
    for _ in range(4):
        ranking.submit(assignment=taken(alice), annotator=alice, verdict="all_bad", reason="All wrong.")
    assert queue.claim(annotator=alice) is None
    assert not Task.objects.exclude(purpose="collect").exists()


def test_a_repeat_of_a_withdrawn_prompt_measures_nobody() -> None:
    project = make_project()
    control.configure(project=project, repeat_every=1)
    make_tasks(project, 3)
    alice = make_annotator(project)
    while (assignment := queue.claim(annotator=alice)) is not None:
        submit(assignment, alice)
    repeats = standing.figures_of(alice).consistency
    assert repeats is not None
    again = Task.objects.filter(purpose="repeat").earliest("pk")
    erasure.withdraw_prompt(project=project, public_id=str(again.prompt.public_id))
    left = standing.figures_of(alice).consistency
    assert left is not None
    assert left.number == repeats.number - 1


def test_a_decision_may_come_by_file_for_a_task_that_was_asked_again() -> None:
    project, other = make_project(), make_project()
    put(project, "rankings", ranking_line("x", 1, 2, 3, task="t", annotator="ada"))
    again = {"concord": {"purpose": "repeat"}}
    put(project, "repeats", ranking_line("x", 1, 2, 3, task="t", annotator="ada", **again))
    decided = ranking_line("x", 3, 2, 1, task="t", concord={"purpose": "adjudication"})
    assert put(project, "adjudications", decided).added == 1
    assert sorted(Task.objects.values_list("purpose", flat=True)) == ["adjudication", "collect", "repeat"]
    # A repeat and a decision of which nothing was there, each with its completions once.
    skipped = {"prompt": "x", "completions": TEXTS, "task": "t", "annotator": "ada", "reason": "Dull."}
    purposes = ("repeat", "adjudication")
    put(other, "skips", *({**skipped, "concord": {"purpose": purpose}} for purpose in purposes))
    restored = Task.objects.filter(project=other)
    assert sorted(task.purpose for task in restored) == ["adjudication", "collect", "repeat"]
    assert {task.entries.count() for task in restored} == {3}


def test_the_number_that_a_line_names_is_kept_also_of_a_task_that_came_in_judged() -> None:
    project = make_project(annotators_per_task=2)
    for name, slots in (("own", {"concord": {"slots": 3}}), ("followed", {})):
        put(project, "rankings", ranking_line(name, 1, 2, 3, annotator="ada"))
        put(project, "completions", {"prompt": name, "completions": TEXTS, **slots})
    assert [task.annotators for task in Task.objects.order_by("pk")] == [3, None]
    intake.change_overlap(project=project, annotators=5)
    assert [task.slots.count() for task in Task.objects.order_by("pk")] == [3, 5]


def test_only_tasks_with_a_text_that_was_withdrawn_stay_as_they_are() -> None:
    project = make_project(annotators_per_task=2)
    for name in ("left", "stayed", "model"):
        put(
            project, "completions", {"prompt": name, "completions": [{"text": name}, {"text": f"not {name}"}]}
        )
    gone, here, judge = (make_annotator(project) for _ in range(3))
    wrote(gone, "left")
    wrote(here, "stayed")
    submitted = [
        ranking.submit(assignment=taken(judge), annotator=judge, ranks=[1, 2], verdict="ranked")
        for _ in range(3)
    ]
    assert len(submitted) == 3
    erasure.withdraw_annotator(project=project, pseudonym=gone.pseudonym)
    intake.change_overlap(project=project, annotators=4)
    counts = {task.prompt.messages[0]["content"]: task.slots.count() for task in Task.objects.all()}
    assert counts == {"left": 1, "stayed": 4, "model": 4}
