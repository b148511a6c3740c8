"""Rendered texts: what is kept of them between pages, and what is not parsed at all."""

import pytest
from markdown_it import MarkdownIt

from annotation.texts import markdown
from annotation.texts.markdown import LONGEST_PARSED


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
