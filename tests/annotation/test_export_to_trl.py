"""Exported pairs are TRL's: they load, train a RewardTrainer as they are, and come back as the same pairs."""

import gzip
import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotation.errors import BadRequest
from annotation.files import export
from annotation.models import Comparison, Project, Ranking
from annotation.quality.agreement import agreement_of
from tests.annotation.factories import emptied, make_project, out, out_values, put, put_bytes, ranking
from tests.trl_arguments import ONE_STEP

pytestmark = pytest.mark.django_db
DATA = os.environ.get("CONCORD_REAL_DATA", "")


def turns(number: int) -> list[dict[str, str]]:
    """A chat of one turn, or of three."""
    first = {"role": "user", "content": f"Name colour {number}."}
    answer = {"role": "assistant", "content": "Which?"}
    return [first, answer, {"role": "user", "content": "Any."}][: 1 if number % 2 else 3]


PROMPTS: dict[str, Callable[[int], Any]] = {"text": lambda n: f"Name colour {n}.", "chat": turns}


def judged(form: str) -> Project:
    """Rankings whose lines differ in all that may be absent: annotator, id, metadata, ties, order, strength."""
    project = make_project()
    prompt = PROMPTS[form]
    put(
        project,
        "rankings",
        ranking(prompt(1), 1, 2, 3, annotator="alice", id="r-1", mood={"deep": [1, None]}),
        ranking(prompt(1), 3, 3, 1, annotator="bob"),
        ranking(prompt(2), 2, 1),
        ranking(prompt(3), 1, 1, annotator="alice"),
        ranking(prompt(3), 1, 2, annotator="alice", verdict="all_bad"),
        ranking(prompt(4), 4, 2, 1, 3, annotator="alice", concord={"order_shown": [3, 1, 0, 2]}),
    )
    chosen, rejected = (
        ("Blue é.", "Mud.") if form == "text" else ([assistant_says("Blue é.")], [assistant_says("Mud.")])
    )
    put(project, "pairs", {"prompt": prompt(5), "chosen": chosen, "rejected": rejected, "strength": 2})
    return project


def assistant_says(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize("form", PROMPTS)
def test_pairs_are_the_strict_pairs_and_ties_are_counted(form: str) -> None:
    """3 of the first, 2 and a tie of the second, 1, none of all bad, 6 of four, 1 pair."""
    project = judged(form)
    text = io.StringIO()
    report = export.write(project=project, kind="pairs", out=text)
    assert (report.lines, report.ties_left_out) == (13, 1)
    assert Comparison.objects.filter(tie=False).count() == 13
    assert export.count(project=project, kind="pairs") == 13
    lines = out_values(project, "pairs")
    answers = [line["chosen"] if form == "text" else line["chosen"][0]["content"] for line in lines]
    assert answers[:3] == ["a", "b", "Blue é."], "a line each that shows annotator, order_shown and strength"
    assert answers[3:8] == ["a", "b", "c", "c", "b"]


def test_pairs_are_written_as_one_compact_object_a_line_whatever_the_texts_hold() -> None:
    """The oracle is the standard library, of what it reads itself; text that looks like a line is only text."""
    project = make_project()
    odd = 'é "quoted" {not} %s \\ \t\u2028 {"prompt":"x"}'
    line = ranking(f"Prompt {odd}", 2, 1, 3, annotator=odd, id=odd, mood={odd: odd})
    for number, answer in enumerate(line["completions"]):
        answer["text"], answer["source"] = f"{number} {odd}", f"{number} {odd}"
    put(project, "rankings", line)
    lines = out(project, "pairs").splitlines(keepends=True)
    values = [json.loads(text) for text in lines]
    assert [value["chosen"][0] + value["rejected"][0] for value in values] == ["10", "02", "12"]
    for text, value in zip(lines, values, strict=True):
        assert text == (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
        assert {value["annotator"], value["id"]} == {odd}
        answers = (value["chosen"], value["rejected"])
        assert value["concord"]["sources"] == list(answers)
        assert json.loads(value["concord"]["metadata"]) == {"mood": {odd: odd}}


@pytest.mark.parametrize("form", PROMPTS)
def test_pairs_come_back_as_the_same_pairs(form: str) -> None:
    project = judged(form)
    first = out(project, "pairs")
    again = emptied(project)
    assert put_bytes(again, "pairs", first).as_json()["added"] == 13
    assert out(again, "pairs") == first
    assert put_bytes(again, "pairs", first).added == 0


def test_no_column_changes_its_type_however_late_its_first_value_comes(tmp_path: Path) -> None:
    """A loader infers types from as many bytes as it reads at once; here that is a few of 60 lines."""
    datasets = pytest.importorskip("datasets")
    project = make_project()
    plain = [{"prompt": f"q{n}", "chosen": "a" * 300, "rejected": "b" * 300} for n in range(59)]
    ranked = ranking(
        "q59", 2, 1, 3, annotator="alice", id="x", mood="low", concord={"order_shown": [1, 0, 2]}
    )
    put(project, "pairs", *plain[:50], {**plain[50], "strength": 1.5}, *plain[51:])
    put(project, "rankings", ranking("tied", 1, 1, annotator="bob", id="y"), ranked)
    Ranking.objects.filter(external_id="x").update(active_seconds=2.5)
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(out(project, "pairs"))
    data = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"), chunksize=4096
    )
    assert data.num_rows == 62
    assert len({line["concord"]["id"] for line in out_values(project, "pairs")}) == 62
    assert [value for value in data["strength"] if value is not None] == [1.5]
    assert {value["active_seconds"] for value in data["concord"]} == {None, 2.5}
    # The types are shown by one line each, and the rest keep their order.
    prompts = [value for value in data["prompt"] if value.startswith("q")]
    assert prompts == ["q50", "q59", *(f"q{n}" for n in range(59) if n != 50), "q59", "q59"]


@pytest.mark.parametrize("form", PROMPTS)
def test_a_reward_trainer_takes_the_pairs_as_they_are(form: str, tmp_path: Path) -> None:
    """One step of TRL's RewardTrainer on a small network from scratch moves its weights."""
    datasets, torch, trl = (pytest.importorskip(name) for name in ("datasets", "torch", "trl"))
    transformers = pytest.importorskip("transformers")
    from lm.scratch import make_config, make_tokenizer

    path = tmp_path / "pairs.jsonl"
    path.write_bytes(out(judged(form), "pairs"))
    data = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert data.num_rows == 13
    assert {"prompt", "chosen", "rejected"} <= set(data.column_names)
    tokenizer = make_tokenizer([path.read_text()], vocab_size=300)
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    )
    config = make_config(tokenizer, hidden=16, layers=1, heads=2, context=256)
    config.num_labels = 1
    torch.manual_seed(0)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    before = model.score.weight.detach().clone()
    arguments = trl.RewardConfig(
        output_dir=str(tmp_path / "trained"), per_device_train_batch_size=13, **ONE_STEP
    )
    trainer = trl.RewardTrainer(model=model, args=arguments, train_dataset=data, processing_class=tokenizer)
    # A fresh head tells nothing apart: the loss of a pair is close to log 2.
    assert trainer.train().training_loss == pytest.approx(0.693, abs=0.05)
    assert not torch.equal(model.score.weight.detach(), before)


def test_whoever_disagreed_on_a_pair_still_does_after_the_pairs_came_back() -> None:
    project = make_project()
    for name, ranks in (("alice", (1, 2, 3)), ("bob", (3, 2, 1))):
        put(project, "rankings", ranking("one", *ranks, annotator=name))
    first = out(project, "pairs")
    again = emptied(project)
    put_bytes(again, "pairs", first)
    assert again.tasks.count() == 3
    figures = agreement_of(project=again)
    assert (figures["pairwise_agreement"], figures["counts"]["pairs"]) == (0, 3)


def test_pairs_of_both_forms_need_a_choice() -> None:
    project = make_project()
    put(project, "rankings", ranking("one", 1, 2), ranking(turns(1), 2, 1), ranking(turns(2), 1, 1))
    with pytest.raises(BadRequest, match="choose the form, text or chat"):
        out(project, "pairs")
    assert [line["prompt"] for line in out_values(project, "pairs", form="text")] == ["one"]
    assert [line["prompt"] for line in out_values(project, "pairs", form="chat")] == [turns(1)]


def sampled(name: str, count: int) -> bytes:
    """So many lines of a file of human data, drawn by a seed and in its order."""
    lines = gzip.decompress((Path(DATA) / name).read_bytes()).splitlines(keepends=True)
    return b"".join(lines[place] for place in sorted(random.Random(0).sample(range(len(lines)), count)))


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="CONCORD_REAL_DATA does not name the folder of human data")
@pytest.mark.parametrize("kind", ["pairs", "rankings"])
def test_real_rankings_come_back_from_an_empty_database_byte_for_byte(kind: str) -> None:
    project = make_project()
    # A pair of completions comes back as a task of its own, ten for a ranking of five: so fewer of those.
    count = {"rankings": 2194, "pairs": 300}[kind]
    data = sampled("e2e_quality_rankings.jsonl.gz", count)
    assert put_bytes(project, "rankings", data).added == count
    first = out(project, kind)
    again = emptied(project)
    put_bytes(again, kind, first)
    assert out(again, kind) == first


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="CONCORD_REAL_DATA does not name the folder of human data")
def test_real_dialogues_come_back_byte_for_byte() -> None:
    project = make_project()
    assert put_bytes(project, "pairs", sampled("hh_pairs.jsonl.gz", 1000)).bad == 0
    first = out(project, "pairs")
    again = emptied(project)
    put_bytes(again, "pairs", first)
    assert out(again, "pairs") == first
