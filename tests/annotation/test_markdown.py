"""Rendered texts: what is kept of them between pages, and what is not parsed at all."""

import gzip
import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from annotation.texts import markdown
from annotation.texts.markdown import LONGEST_PARSED

DATA = os.environ.get("CONCORD_REAL_DATA", "")
PARSERS = [markdown._MESSAGES, markdown._DOCUMENTS]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is parsed, in order, where nothing is kept of what was parsed before."""
    texts: list[str] = []
    for kept in (markdown._short, markdown._long):
        kept.cache_clear()
    parse = MarkdownIt.render

    def noting(self: MarkdownIt, src: str, env: None = None) -> str:
        texts.append(src)
        return str(parse(self, src, env))

    monkeypatch.setattr(MarkdownIt, "render", noting)
    return texts


@pytest.mark.parametrize("length", [10, LONGEST_PARSED - 20], ids=["short", "long"])
def test_a_text_is_parsed_once_however_many_pages_show_it(parsed: list[str], length: int) -> None:
    text = f"**kept** {'k' * length}"
    pages = {(markdown.render(text), markdown.written(text)) for _ in range(3)}
    assert pages == {(f'<p dir="auto"><strong>kept</strong> {"k" * length}</p>\n', text)}
    assert parsed == [text]


def test_a_text_beyond_the_longest_is_shown_as_it_is(parsed: list[str]) -> None:
    text = "*a*" * LONGEST_PARSED
    assert markdown.render(text) == f"<pre>{text}</pre>"
    assert parsed == []


def test_columns_stand_as_their_table_says() -> None:
    text = "| way | costs | how |\n| --- | ---: | :-: |\n| bus | 2.20 | on foot |\n"
    html = markdown.render(text)
    assert html.count('align="right"') == html.count('align="center"') == 2
    assert "<th>way</th>" in html
    assert "style" not in html


def with_the_parser(text: str, parser: MarkdownIt) -> str:
    """What a text becomes where none is taken for plain."""
    with patch.object(markdown, "_plain", lambda text, parser: None):
        return markdown._rendered(text, parser)


# Words, and what parsers of Markdown and HTML look for, put together in any way; words more often.
WORDS = [
    "word",
    "It is so",
    "a",
    "9",
    " ",
    " ",
    ", ",
    ". ",
    "\n",
    "\n\n",
    "'",
    '"',
    "(b)",
    "-",
    "\u2019",
    "\u2026",
    "\u8a9e",
]
SIGNS = [
    *"_*~#>+=|[]<&\\`$\t!",
    "1. ",
    "- ",
    "---",
    "===",
    "\n\n\n",
    "  \n",
    "http://a.b/",
    "www.a.b",
    "a@b.c",
    "&amp;",
]
SIGNS += ["\u00a0", "\u2028", "\u0301", "\u00df"]
PIECES = st.sampled_from([*WORDS, *WORDS, *WORDS, *WORDS, *SIGNS])


@pytest.mark.parametrize("parser", PARSERS, ids=["messages", "documents"])
@given(pieces=st.lists(PIECES, max_size=12))
@example(pieces=["It is so.\n\n'word'\n(word) is so - word", "…"])
@example(pieces=["a\nb\n---"])
@example(pieces=["a " * 3, "\nb"])
@example(pieces=["a\n" * 2_000, "b"])
@settings(max_examples=300, deadline=None)
def test_what_is_plain_is_shown_as_the_parser_would(parser: MarkdownIt, pieces: list[str]) -> None:
    text = "".join(pieces)
    assert markdown._rendered(text, parser) == with_the_parser(text, parser)


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="CONCORD_REAL_DATA does not name the folder of human data")
def test_what_people_and_models_wrote_is_shown_as_the_parser_would() -> None:
    with gzip.open(Path(DATA) / "e2e_quality_rankings.jsonl.gz") as file:
        rankings = [json.loads(line) for line in file][:300]
    texts = {completion["text"] for ranking in rankings for completion in ranking["completions"]}
    plain = {text for text in texts if markdown._plain(text, markdown._MESSAGES) is not None}
    assert len(plain) > len(texts) / 2
    wrong = [text for text in plain if markdown.render(text) != with_the_parser(text, markdown._MESSAGES)]
    assert wrong == []
