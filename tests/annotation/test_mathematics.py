"""Formulas and names of programs stay as they are written, and all else is Markdown as before."""

import re
from html import unescape

import pytest

from annotation.texts.markdown import render


def read(text: str) -> str:
    """What a person reads of ``text``."""
    return unescape(re.sub(r"<[^>]+>", "", render(text))).strip()


@pytest.mark.parametrize(
    "text",
    [
        r"We get \(x_1 = \sqrt{2}\), and \(x_2 = -\sqrt{2}\).",
        r"\[ x = \begin{pmatrix} 1 \\ 2 \end{pmatrix} \]",
        "\\[\na_1 = b\n- c_2\n+ d * e * f\n\\]",
        "$$\n- a_1\n= b_2\n$$",
        "Let $x_1 < x_2$ and $a*b*c$ be, with $\\$5$.",
        "It is __init__ or __new_thing__.",
    ],
)
def test_a_formula_is_read_as_it_is_written(text: str) -> None:
    assert read(text) == text
    assert "<em>" not in render(text)
    assert "<li>" not in render(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It costs $5, not *about* $10.", "It costs $5, not about $10."),
        (r"\*not stressed\*", "*not stressed*"),
        ("__two words__", "two words"),
        ("**init**", "init"),
        (r"C:\\tmp \( alone", r"C:\tmp ( alone"),
        ("$$ begun\n- never ended", "$$ begun never ended"),
    ],
)
def test_what_is_no_formula_is_markdown(text: str, words: str) -> None:
    assert read(text).split() == words.split()


def test_a_formula_holds_no_markup() -> None:
    assert (
        render("$<script>alert(1)</script>$") == '<p dir="auto">$&lt;script&gt;alert(1)&lt;/script&gt;$</p>\n'
    )


def test_two_texts_that_differ_as_written_are_read_differently() -> None:
    """As in Markdown alone they are not: there the two are one."""
    assert read(r"We get \(x_1\): __init__") != read("We get (x_1): **init**")
