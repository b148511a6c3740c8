"""Files as other tools and data sets write them: understood before anything is stored, and stored as ours."""

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from annotation.files.foreign.understanding import Foreign, Understanding
from annotation.files.jsonl.errors import BrokenFile
from annotation.files.jsonl.fields import Limits
from annotation.files.jsonl.kinds import KINDS
from annotation.models import Demonstration, Project, Prompt, Ranking, Rating, Task
from tests.annotation.factories import make_project, out, put

# What columns of all shapes are called.
WORDS = [
    "prompt", "question", "instruction", "input", "output", "response", "completion", "completions", "text", "rank",
    "chosen", "rejected", "messages", "conversations", "role", "content", "from", "value", "data", "annotations",
    "result", "type", "ranker", "pairwise", "selected", "fields", "responses", "status", "ranking.responses", "items",
    "id", "response_1", "response_2", "winner", "conversation_a", "conversation_b", "summaries", "choice", "info",
    "answer_0", "answer_1", "score_0", "score_1", "history", "human_ref_A", "human_ref_B", "labels", "helpfulness",
    "overall_score", "split", "metadata", "concord", "score", "category", "left", "right",
]  # fmt: skip
LIMITS = Limits(text_bytes=100_000, line_bytes=1_000_000)
Values = dict[str, Any]


def written(folder: Path, *records: Mapping[str, Any], name: str = "file") -> Path:
    path = folder / name
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def understood(path: Path, **columns: str) -> Understanding:
    return Foreign(path, LIMITS, columns).understand()


def lines_of(path: Path, **columns: str) -> list[Values]:
    return [json.loads(line.data or b"") for line in Foreign(path, LIMITS, columns).lines()]


def ranks_of(line: Values) -> dict[str, int]:
    return {item["text"]: item["rank"] for item in line["completions"]}


HUMAN = {"role": "user", "content": "Name a fruit."}
PAIRWISE = {
    "id": 7,
    "data": {"prompt": "Name a fruit.", "answer1": "Fig.", "answer2": "Mud.", "topic": "food"},
    "annotations": [
        {
            "completed_by": {"id": 3, "email": "ada@example.org"},
            "was_cancelled": False,
            "result": [
                {"from_name": "pw", "to_name": "a,b", "type": "pairwise", "value": {"selected": "right"}},
                {"from_name": "why", "type": "textarea", "value": {"text": ["Mud is", "earth."]}},
            ],
        },
        {
            "completed_by": 4,
            "result": [{"from_name": "pw", "type": "pairwise", "value": {"selected": "left"}}],
        },
        {"completed_by": 5, "was_cancelled": True, "result": []},
    ],
}
ITEMS = [{"id": name, "title": name.upper(), "body": f"About {name}."} for name in ("blog", "mdn", "wiki")]


def ranker(order: Mapping[str, list[str]]) -> Values:
    result = {"from_name": "rank", "to_name": "results", "type": "ranker", "value": {"ranker": order}}
    return {
        "id": 8,
        "data": {"question": "Arrows?", "items": ITEMS},
        "annotations": [{"completed_by": 3, "result": [result]}],
    }


def test_label_studios_pairs_and_rankings(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([PAIRWISE, ranker({"rank": ["mdn", "wiki", "blog"]})], indent=2))
    understanding = understood(path)
    assert (understanding.container, understanding.shape, understanding.kind) == (
        "a JSON list",
        "Label Studio's export",
        "rankings",
    )
    assert (understanding.records, understanding.lines, understanding.bad_records) == (2, 3, 0)
    first, second, third = lines_of(path)
    assert (ranks_of(first), first["annotator"]) == ({"Fig.": 2, "Mud.": 1}, "ada@example.org")
    assert (first["rationale"], first["id"], first["metadata"]) == ("Mud is\nearth.", "7", {"topic": "food"})
    assert (ranks_of(second), second["annotator"]) == ({"Fig.": 1, "Mud.": 2}, "4")
    assert ranks_of(third) == {"About blog.": 3, "About mdn.": 1, "About wiki.": 2}


def test_label_studios_columns_may_be_named_and_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    odd = {**PAIRWISE, "data": {"Frage": "Name a fruit.", "eins": "Fig.", "zwei": "Mud."}}
    path = written(tmp_path, odd)
    (bad,) = understood(path).bad
    assert "as left=NAME, right=NAME" in bad[1].reason
    first, _ = lines_of(path, prompt="Frage", left="eins", right="zwei")
    assert (first["prompt"], ranks_of(first)) == ("Name a fruit.", {"Fig.": 2, "Mud.": 1})
    with pytest.raises(BrokenFile, match="it has no column drei: its columns are id, data, annotations"):
        understood(path, prompt="drei")
    buckets = written(tmp_path, ranker({"good": ["mdn"], "bad": ["wiki", "blog"]}))
    assert "the file does not tell which is the better one" in understood(buckets).bad[0][1].reason
    some = written(tmp_path, ranker({"rank": ["mdn"], "_": ["wiki", "blog"]}))
    assert understood(some).left_out == {"not all items were put in order": 1}
    nobody = written(tmp_path, {**PAIRWISE, "annotations": []})
    assert understood(nobody).left_out == {"nobody has annotated these tasks, or all passed them over": 1}


FIELDS = {"instruction": "Name a fruit.", "response_1": "Fig.", "response_2": "Mud."}
RESPONSES = [
    {"value": ["response_2", "response_1"], "user_id": "ada", "status": "submitted"},
    {"value": ["response_1", "response_2"], "user_id": "bob", "status": "draft"},
]
RANKED = [{"value": "response_1", "rank": 1}, {"value": "response_2", "rank": 1}]


@pytest.mark.parametrize(
    ("record", "ranks", "annotator"),
    [
        ({"id": "r", "fields": FIELDS, "responses": {"ranking": RESPONSES}}, (2, 1), "ada"),
        (
            {"fields": FIELDS, "responses": {"best": [{"value": "response_1", "user_id": "ada"}]}},
            (1, 2),
            "ada",
        ),
        (
            {
                **FIELDS,
                "id": "r",
                "ranking.responses": [["response_2", "response_1"]],
                "ranking.responses.users": ["ada"],
                "ranking.responses.status": ["submitted"],
                "ranking.suggestion": ["response_1", "response_2"],
            },
            (2, 1),
            "ada",
        ),
        ({**FIELDS, "ranking": [{"user_id": None, "value": RANKED, "status": "submitted"}]}, (1, 1), None),
        (
            {
                **FIELDS,
                "ranking": [
                    {
                        "user_id": "ada",
                        "value": {"rank": [2, 1], "value": ["response_1", "response_2"]},
                        "status": "submitted",
                    }
                ],
                "ranking-suggestion": None,
                "external_id": "r",
            },
            (2, 1),
            "ada",
        ),
    ],
)
def test_argillas_records(
    tmp_path: Path, record: Values, ranks: tuple[int, int], annotator: str | None
) -> None:
    path = written(tmp_path, record)
    assert understood(path).shape == "Argilla's export"
    (line,) = lines_of(path)
    assert line["prompt"] == "Name a fruit."
    assert ranks_of(line) == {"Fig.": ranks[0], "Mud.": ranks[1]}
    assert line.get("annotator") == annotator


def test_argillas_records_without_a_response_are_left_out_and_counted(tmp_path: Path) -> None:
    path = written(
        tmp_path, {"fields": FIELDS, "responses": {}}, {"fields": FIELDS, "responses": {"r": RESPONSES}}
    )
    understanding = understood(path)
    assert (understanding.records, understanding.lines) == (2, 1)
    assert understanding.left_out == {"nobody has submitted a ranking of these records": 1}


def conversation(answer: str) -> list[Values]:
    return [HUMAN, {"role": "assistant", "content": answer}]


PUBLISHED: list[tuple[Values, str, str, Values]] = [
    (
        {
            "instruction": "Name a fruit.",
            "source": "evol",
            "completions": [
                {"response": "Fig.", "model": "m1", "overall_score": 7.5},
                {"response": "Mud.", "model": "m2", "overall_score": 2},
                {"response": "Oak.", "model": "m3", "overall_score": 2.0},
            ],
        },
        "UltraFeedback",
        "rankings",
        {"prompt": "Name a fruit.", "ranks": [1, 2, 2], "sources": ["m1", "m2", "m3"]},
    ),
    (
        {
            "model_a": "m1", "model_b": "m2", "winner": "model_b", "judge": "arena_user_1", "turn": 1,
            "conversation_a": conversation("Fig."), "conversation_b": conversation("Mud."),
        },
        "Chatbot Arena",
        "rankings",
        {"prompt": [HUMAN], "ranks": [2, 1], "sources": ["m1", "m2"], "annotator": "arena_user_1"},
    ),
    (
        {
            "model_a": "m1", "model_b": "m2", "winner": "tie (bothbad)",
            "conversation_a": conversation("Fig."), "conversation_b": conversation("Mud."),
        },
        "Chatbot Arena",
        "rankings",
        {"verdict": "all_bad", "sources": ["m1", "m2"]},
    ),
    (
        {
            "info": {"id": "t3", "post": "A long post.", "title": "T"},
            "summaries": [{"text": "Fig.", "policy": "sup1"}, {"text": "Mud.", "policy": "ref"}],
            "choice": 1,
            "worker": "w",
        },
        "Stiennon",
        "rankings",
        {"prompt": "A long post.", "ranks": [2, 1], "sources": ["sup1", "ref"], "annotator": "w"},
    ),
    (
        {
            "question": {"full_text": "Which fruit?", "id": "q"},
            "answer_0": "Fig.", "answer_1": "Mud.", "score_0": 0.5, "score_1": -0.5,
        },
        "WebGPT",
        "rankings",
        {"prompt": "Which fruit?", "ranks": [1, 2]},
    ),
    (
        {"history": "Which fruit?", "human_ref_A": "Fig.", "human_ref_B": "Mud.", "labels": 0, "score_ratio": 2.0},
        "SHP",
        "rankings",
        {"prompt": "Which fruit?", "ranks": [2, 1], "metadata": {"score_ratio": 2.0}},
    ),
    (
        {"qid": 5, "question": "Which fruit?", "response_j": "Fig.", "response_k": "Mud."},
        "Stack Exchange",
        "rankings",
        {"prompt": "Which fruit?", "ranks": [1, 2], "metadata": {"qid": 5}},
    ),
    (
        {"prompt": "Which fruit?", "response_a": "Fig.", "response_b": "Mud.", "preference": "B"},
        "which is better",
        "rankings",
        {"prompt": "Which fruit?", "ranks": [2, 1]},
    ),
    (
        {"instruction": "Sort.", "input": "b a", "output": "a b"},
        "an instruction and an answer",
        "demonstrations",
        {"prompt": "Sort.\n\nb a", "completion": "a b"},
    ),
    (
        {"conversations": [{"from": "human", "value": "Which?"}, {"from": "gpt", "value": "Fig."}]},
        "messages that end with the answer",
        "demonstrations",
        {"prompt": [{"role": "user", "content": "Which?"}], "completion": "Fig."},
    ),
    (
        {"question": "Which fruit?", "completion_1": "Fig.", "completion_2": "Mud.", "completion_3": "Oak."},
        "several answers to be ranked",
        "completions",
        {"prompt": "Which fruit?"},
    ),
    ({"question": "Which fruit?", "level": "easy"}, "prompts", "prompts", {"metadata": {"level": "easy"}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "title", "kind", "expected"), PUBLISHED, ids=[row[1] for row in PUBLISHED]
)
def test_published_data(tmp_path: Path, record: Values, title: str, kind: str, expected: Values) -> None:
    path = written(tmp_path, record)
    understanding = understood(path)
    assert title in understanding.shape
    assert (understanding.kind, understanding.records, understanding.lines, understanding.bad) == (
        kind,
        1,
        1,
        [],
    )
    (line,) = understanding.examples
    items = line.get("completions", [])
    line = {
        **line,
        "ranks": [item.get("rank") for item in items],
        "sources": [item.get("source") for item in items],
    }
    assert {name: line.get(name) for name in expected} == expected


def test_helpsteer_is_a_rating_an_axis(tmp_path: Path) -> None:
    path = written(tmp_path, {"prompt": "x", "response": "y", "helpfulness": 4, "verbosity": 1})
    assert [(line["axis"], line["score"]) for line in lines_of(path)] == [
        ("helpfulness", 4.0),
        ("verbosity", 1.0),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables(tmp_path: Path, delimiter: str) -> None:
    text = io.StringIO()
    rows = csv.writer(text, delimiter=delimiter)
    rows.writerows(
        [
            ["question", "response_1", "response_2", "winner", "note"],
            ["Which, then;\tsay?", 'A "fig".\nTwo lines.', "Mud.", "1", ""],
            ["Which?", "Fig.", "Mud.", "tie", "odd"],
            ["Which?", "Fig.", "Mud.", "2.0", ""],
        ]
    )
    path = tmp_path / "table"
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    assert understood(path).container == "CSV"
    first, second, third = lines_of(path)
    assert ranks_of(third) == {"Fig.": 2, "Mud.": 1}
    assert (first["prompt"], ranks_of(first)) == (
        "Which, then;\tsay?",
        {'A "fig".\nTwo lines.': 1, "Mud.": 2},
    )
    assert (ranks_of(second), second["metadata"]) == ({"Fig.": 1, "Mud.": 1}, {"note": "odd"})


def test_a_tables_columns_are_named_by_hand_and_its_numbers_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Frage,Antwort,Note\nWelche?,Feige.,4.5\nWelche?,Matsch.,schlecht\n")
    with pytest.raises(
        BrokenFile, match="say neither what was asked nor what was answered: Frage, Antwort, Note"
    ):
        understood(path)
    understanding = understood(path, prompt="Frage", completion="Antwort", score="Note")
    assert (understanding.kind, understanding.examples[0]["score"]) == ("ratings", 4.5)
    assert [(number, error.field) for number, error in understanding.bad] == [(2, "score")]


def test_a_winner_is_named_by_the_column_of_the_file_or_by_ours(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Frage,eins,zwei,besser\nWarum?,a,b,zwei\nWozu?,a,b,left\nWann?,a,b,tie\n")
    named = {"prompt": "Frage", "left": "eins", "right": "zwei", "winner": "besser"}
    ranks = [[one["rank"] for one in line["completions"]] for line in lines_of(path, **named)]
    assert ranks == [[2, 1], [1, 2], [1, 1]]


def test_a_row_with_too_few_columns_is_a_bad_one(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("prompt,completion\nx,y\nz\n")
    understanding = understood(path)
    assert (understanding.lines, [(number, error.reason) for number, error in understanding.bad]) == (
        1,
        [(2, "has another number of columns than the first line, which has 2")],
    )


PAIR = {"prompt": "Which?", "chosen": "Fig.", "rejected": "Mud.", "votes": None}


def test_parquet_arrow_and_folders_of_datasets(tmp_path: Path) -> None:
    rows = [{**PAIR, "prompt": f"Which {number}?"} for number in range(1200)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "pairs")
    understanding = understood(tmp_path / "pairs")
    assert (understanding.container, understanding.shape, understanding.lines) == (
        "Parquet",
        "lines of pairs",
        1200,
    )
    assert understanding.examples[0] == {"prompt": "Which 0?", "chosen": "Fig.", "rejected": "Mud."}
    parts = {name: datasets.Dataset.from_list(rows[:count]) for name, count in (("train", 5), ("test", 2))}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "folder"))
    folder = understood(tmp_path / "folder")
    assert (folder.container, folder.lines) == ("a folder of datasets, 2 files", 7)
    splits = [line["split"] for line in lines_of(tmp_path / "folder")]
    assert sorted(splits) == ["test"] * 2 + ["train"] * 5
    arrow = next((tmp_path / "folder" / "train").glob("*.arrow"))
    assert (understood(arrow).container, understood(arrow).lines) == ("Arrow", 5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BrokenFile, match="has no Parquet and no Arrow file"):
        understood(tmp_path / "empty")


@pytest.mark.parametrize("name", ["pairs", "arrow"])
def test_a_damaged_file_is_said_to_be_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes({"pairs": b"PAR1", "arrow": b"ARROW1"}[name] + b"x" * 100)
    with pytest.raises(BrokenFile, match="cannot be read"):
        understood(path)


def test_a_list_of_any_length_is_read_in_pieces(tmp_path: Path) -> None:
    rows = [{**PAIR, "prompt": f"Which {number}? {'é' * 3000}"} for number in range(900)]
    path = tmp_path / "list"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump(rows, file, indent=1, ensure_ascii=False)
    assert [line["prompt"] for line in lines_of(path)] == [row["prompt"] for row in rows]
    path.write_text('[{"prompt": "x", "chosen": "a", "rejected": "b"}, {"prompt": ')
    with pytest.raises(BrokenFile, match="record 2 is not JSON"):
        understood(path)
    path.write_text('[{"prompt": "x", "chosen": "a", "rejected": "b"}, 5]')
    assert [(number, error.reason) for number, error in understood(path).bad] == [
        (2, "must be a JSON object")
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"prompts"}))
def test_our_own_exports_are_what_they_are(tmp_path: Path, kind: str) -> None:
    project = make_project(annotators_per_task=2)
    everything_in(project)
    path = tmp_path / kind
    path.write_bytes(out(project, kind))
    understanding = understood(path)
    assert (understanding.kind, understanding.bad_records) == (kind, 0)
    assert understanding.lines >= 1


def everything_in(project: Project) -> None:
    """A line of each kind."""
    texts = [{"text": text} for text in "abc"]
    ranked = [{**text, "rank": place} for place, text in enumerate(texts, start=1)]
    task = {"prompt": "x", "completions": texts, "task": "t"}
    put(project, "completions", task)
    put(project, "gold", {"prompt": "g", "completions": ranked, "task": "g"})
    put(project, "demonstrations", {"prompt": "x", "completion": "a"})
    put(project, "ratings", {"prompt": "x", "completion": "a", "score": 3})
    put(project, "rankings", {**task, "completions": ranked, "annotator": "ada"})
    for name, purpose in (
        ("gold_rankings", "gold"),
        ("repeats", "repeat"),
        ("adjudications", "adjudication"),
    ):
        key = "g" if purpose == "gold" else "t"
        line = {"prompt": "g" if purpose == "gold" else "x", "completions": ranked, "task": key}
        put(project, name, {**line, "annotator": "ada", "concord": {"purpose": purpose}})
    put(project, "flags", {**task, "annotator": "ada", "category": "other", "words": "odd"})
    put(project, "skips", {**task, "annotator": "bob", "reason": "Dull."})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


_ANY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=_ANY)
@given(
    records=st.lists(
        st.dictionaries(st.sampled_from(WORDS), _JSON, min_size=1, max_size=6), min_size=1, max_size=4
    )
)
def test_whatever_a_file_says_it_is_understood_or_refused_in_words(
    tmp_path: Path, records: list[Values]
) -> None:
    path = written(tmp_path, *records)
    try:
        understanding = understood(path)
    except BrokenFile:
        return
    assert understanding.records == len(records)
    assert understanding.lines + understanding.bad_records + sum(understanding.left_out.values()) >= len(
        records
    )


def test_what_is_of_another_shape_than_the_first_records_is_bad(tmp_path: Path) -> None:
    path = written(tmp_path, *[PAIR] * 60, {"prompt": "alone"})
    assert [number for number, _ in understood(path).bad] == [61]
    looked = Foreign(path, LIMITS).understand(most=10)
    assert (looked.records, looked.whole) == (10, False)
    assert understood(path).whole


@pytest.mark.django_db
def test_the_command_tells_what_it_understands_and_then_stores_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project()
    path = written(tmp_path, PAIRWISE, {**PAIRWISE, "id": 9, "annotations": []})
    call_command("import_jsonl", str(path), "--look")
    report = json.loads(capsys.readouterr().out)
    assert (report["understood_as"], report["lines"], len(report["examples"])) == (
        "Label Studio's export",
        2,
        2,
    )
    assert not Prompt.objects.exists()
    call_command("import_jsonl", str(path), "--project", project.slug, "--convert")
    stored = capsys.readouterr()
    assert json.loads(stored.out)["added"] == 2
    assert "1 of 2 records are left out: nobody has annotated these tasks" in stored.err
    rows = Ranking.objects.order_by("pk").values_list("annotator__pseudonym", "tiers")
    assert list(rows) == [("ada@example.org", [2, 1]), ("4", [1, 2])]
    assert Task.objects.get().external_id == ""
    call_command("import_jsonl", str(path), "--project", project.slug, "--convert")
    assert json.loads(capsys.readouterr().out)["already"] == 2


@pytest.mark.django_db
def test_each_kind_is_stored(tmp_path: Path) -> None:
    project = make_project()
    for record, *_ in PUBLISHED:
        call_command("import_jsonl", str(written(tmp_path, record)), "--project", project.slug, "--convert")
    assert (Ranking.objects.count(), Demonstration.objects.count()) == (8, 2)
    path = written(tmp_path, {"prompt": "x", "response": "y", "helpfulness": 4})
    call_command("import_jsonl", str(path), "--project", project.slug, "--convert")
    assert Rating.objects.get().axis == "helpfulness"


@pytest.mark.django_db
def test_bad_records_are_named_and_nothing_is_stored(tmp_path: Path) -> None:
    project = make_project()
    wrong = {"prompt": "x", "response_a": "a", "response_b": "b", "winner": "perhaps"}
    path = written(tmp_path, {**wrong, "winner": "a"}, wrong)
    with pytest.raises(CommandError, match=r"line 2, winner: is 'perhaps', which names neither response_a"):
        call_command("import_jsonl", str(path), "--project", project.slug, "--convert")
    assert not Ranking.objects.exists()
    call_command("import_jsonl", str(path), "--project", project.slug, "--convert", "--skip-bad")
    assert Ranking.objects.count() == 1


def test_what_cannot_be_asked_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, PAIR)
    with pytest.raises(CommandError, match="into which project"):
        call_command("import_jsonl", str(path), "--convert")
    with pytest.raises(CommandError, match="must look like prompt=question"):
        call_command("import_jsonl", str(path), "--look", "--columns", "prompt")
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("import_jsonl", str(tmp_path / "nowhere"), "--look")
