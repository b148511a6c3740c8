"""Lines and files as other tools write them: taken where the meaning is plain, else refused in one sentence."""

import gzip
from typing import Any

import pytest

from annotation.errors import BadRequest
from annotation.models import Prompt, Ranking
from tests.annotation.counting import rows
from tests.annotation.factories import make_project, out_values, put, put_bytes

pytestmark = pytest.mark.django_db
USER = {"role": "user", "content": "Name a fruit."}


def assistant_says(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


CHAT = [USER, assistant_says("Which kind?"), {"role": "user", "content": "Any."}]
HH = "\n\nHuman: Name a fruit.\n\nAssistant: Which kind?\n\nHuman: Any.\n\nAssistant: "
PAIRS: dict[str, tuple[dict[str, Any], list[dict[str, str]]]] = {
    "the prompt in both answers": (
        {"chosen": [*CHAT, assistant_says("Fig.")], "rejected": [*CHAT, assistant_says("Mud.")]},
        CHAT,
    ),
    "a text beside it": (
        {
            "prompt": "Name a fruit.",
            "chosen": [USER, assistant_says("Fig.")],
            "rejected": [USER, assistant_says("Mud.")],
        },
        [USER],
    ),
    "messages beside it": (
        {
            "prompt": CHAT,
            "chosen": [*CHAT, assistant_says("Fig.")],
            "rejected": [*CHAT, assistant_says("Mud.")],
        },
        CHAT,
    ),
    "a dialogue as one text": ({"chosen": HH + "Fig.", "rejected": HH + "Mud.\n"}, CHAT),
    "every field in each message": (
        {
            "chosen": [{**USER, "name": None}, {**assistant_says("Fig."), "name": None}],
            "rejected": [{**USER, "name": None}, {**assistant_says("Mud."), "name": None}],
        },
        [USER],
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_a_prompt_inside_the_answers_is_the_pairs_prompt(case: str) -> None:
    values, messages = PAIRS[case]
    project = make_project()
    assert put(project, "pairs", values).added == 1
    (pair,) = out_values(project, "pairs")
    assert (pair["prompt"], pair["chosen"], pair["rejected"]) == (
        messages,
        [assistant_says("Fig.")],
        [assistant_says("Mud.")],
    )
    # The same pair in the usual form is the same judgement.
    usual = {"prompt": messages, "chosen": [assistant_says("Fig.")], "rejected": [assistant_says("Mud.")]}
    assert (put(project, "pairs", usual).added, Ranking.objects.count()) == (0, 1)


def test_content_in_parts_is_its_text() -> None:
    parts = [{"type": "text", "text": "Name "}, {"type": "text", "text": "a fruit."}]
    assert put(make_project(), "prompts", {"prompt": [{"role": "user", "content": parts}]}).added == 1
    assert Prompt.objects.get().messages == [USER]


@pytest.mark.parametrize("kind", ["prompts", "pairs"])
def test_whole_numbers_are_ids_in_every_kind(kind: str) -> None:
    project = make_project()
    line = {"prompt": "Name a fruit.", "id": 7}
    put(project, kind, {**line, "chosen": "Fig.", "rejected": "Mud."} if kind == "pairs" else line)
    assert [value["id"] for value in out_values(project, kind)] == ["7"]


def test_annotators_may_be_numbers() -> None:
    project = make_project()
    put(project, "pairs", {"prompt": "a", "chosen": "b", "rejected": "c", "annotator": 12})
    assert Ranking.objects.get().annotator.pseudonym == "12"


def test_whole_ranks_and_priorities_may_be_written_as_a_table_with_gaps_writes_them() -> None:
    project = make_project()
    ranked = [{"text": "Fig.", "rank": 1.0}, {"text": "Mud.", "rank": 2.0}]
    assert put(project, "rankings", {"prompt": "Name a fruit.", "completions": ranked}).added == 1
    assert Ranking.objects.get().tiers == [1, 2]
    put(
        project,
        "completions",
        {"prompt": "b", "completions": [{"text": "c"}, {"text": "d"}], "priority": 3.0},
    )
    assert project.tasks.get(prompt__messages__0__content="b").priority == 3


FILES = {
    "parquet": (b"PAR1\x15\x04\x15", "a Parquet file: import it as “what the file itself says”"),
    "arrow": (b"ARROW1\0\0", "an Arrow file of datasets"),
    "spreadsheet": (b"PK\x03\x04\x14\0", "a ZIP archive or a spreadsheet"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "packed by zstd: unpack it"),
    "UTF-16": ("{}".encode("utf-16"), "a text in UTF-16: save it as UTF-8"),
    "a list": (b'[\n {"prompt": "a"},\n {"prompt": "b"}\n]\n', "one JSON list"),
    "a list on a line": (b'\xef\xbb\xbf[{"prompt": "a"}]', "one JSON list"),
    "an object over lines": (b'{\n  "prompt": "a"\n}\n', "JSON over several lines"),
    "a table": (b"prompt,chosen,rejected\r\na,b,c\r\n", "with the columns prompt,chosen,rejected"),
    "a page": (b"<!doctype html><html></html>", "a web page or XML"),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_file_of_another_format_is_refused_in_one_sentence(case: str, skip_bad: bool) -> None:
    data, words = FILES[case]
    project, before = make_project(), rows()
    for packed in (data, gzip.compress(data, mtime=0)):
        with pytest.raises(BadRequest, match="Nothing is imported: it is") as refused:
            put_bytes(project, "prompts", packed, skip_bad=skip_bad)
        assert words in str(refused.value)
    assert rows() == before
