"""Texts that name their model, by cases that a person would decide the same way."""

import re

import pytest

from annotation.models import Flag
from annotation.texts import naming
from annotation.texts.naming import names_its_model
from tests.annotation.factories import make_project, put

NAMING = [
    "As an AI language model developed by OpenAI, I cannot do that.",
    "As a large language model, trained by Google, I have no body.",
    "I am ChatGPT, a helper.",
    "I'm Claude, made to be helpful.",
    "Hello! I\u2019m Gemini.",
    "My name is Llama and I live in a data centre.",
    "I am an AI assistant called Qwen.",
    "I am a large language model created by Anthropic.",
    "I was trained by Meta on public text.",
    "Well, I've been developed by Mistral AI.",
    "You are talking to GPT-4o right now.",
    "As DeepSeek, I never sleep.",
    "i am chatgpt is not how it writes it, but I am GPT-4.",
]
SILENT = [
    "As an AI language model, I have no opinions.",
    "ChatGPT was released by OpenAI in 2022.",
    "I am Claudette, your neighbour.",
    "I am going to the zoo to see a llama.",
    "I am a llama farmer.",
    "I was trained by my mother to cook.",
    "The painting was made by Claude Monet.",
    "I'm a Gemini, born in June.",
    "Compare Claude and Gemini for me.",
    "",
]


@pytest.mark.parametrize("text", NAMING)
def test_a_text_that_says_which_model_it_is_by_is_found(text: str) -> None:
    assert names_its_model(text)


@pytest.mark.parametrize("text", SILENT)
def test_a_text_that_does_not_is_left_alone(text: str) -> None:
    assert names_its_model(text) is None


@pytest.mark.parametrize("name", [*naming._NAMES.split("|"), *naming._MAKERS.split("|")])
def test_every_name_and_maker_is_hinted_at(name: str) -> None:
    """What is looked for first must not hide what is looked for then: each name as its pattern's simplest text."""
    plain = (
        re.sub(r"\(\?:[^)]*\)\?", "", name).replace("[- ]?", "-").replace("\\d\\w*", "4").replace("\\d", "4")
    )
    plain = plain.replace("-?", "-").replace(" ?", " ")
    assert re.fullmatch(name, plain), plain
    assert any(hint in plain.lower() for hint in naming._HINTS), plain


def test_a_long_text_without_a_name_is_read_in_no_time() -> None:
    """No pattern goes back over the text: this would not end within the test's time if one did."""
    assert names_its_model("I am a gpt " + "very " * 200_000) is None


@pytest.mark.django_db
def test_completions_that_name_their_model_are_flagged_once_as_they_come_in() -> None:
    project = make_project()
    texts = [{"text": "I am ChatGPT."}, {"text": "Blue is a colour."}]
    for prompt in ("one", "one", "two"):
        put(project, "completions", {"prompt": prompt, "completions": texts})
    flags = Flag.objects.filter(project=project).order_by("pk")
    assert [(flag.category, flag.words, flag.prompt.last_text) for flag in flags] == [
        ("names_model", "I am ChatGPT", "one"),
        ("names_model", "I am ChatGPT", "two"),
    ]
    assert {flag.completion.text for flag in flags if flag.completion} == {"I am ChatGPT."}
