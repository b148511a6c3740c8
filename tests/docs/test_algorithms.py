"""docs/algorithms.md names functions and oracles that are there, and no formula without both."""

import ast
import re
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "algorithms.md").read_text()
LINK = re.compile(r"\[([^\]]*)\]\(\.\./([\w/]+\.py)\)")
NAME = re.compile(r"`([\w.]+)`")


@cache
def defined_in(path: str) -> set[str]:
    """Functions, classes and methods (as Class.method) of a file."""
    names = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
    return names


def linked(text: str) -> list[tuple[str, str]]:
    """Each name in a link, with the file that the link leads to."""
    return [(name, path) for words, path in LINK.findall(text) for name in NAME.findall(words)]


def tables() -> list[tuple[list[str], list[list[str]]]]:
    """Headings and rows of every table."""
    read = []
    for block in re.findall(r"(?:^\|.*\|\n?)+", PAGE, re.MULTILINE):
        lines = [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in block.strip().splitlines()]
        read.append(([cell.strip() for cell in lines[0]], lines[2:]))
    return read


def named_in_tables() -> list[tuple[str, str]]:
    """Names in columns whose heading names the file."""
    pairs = []
    for headings, rows in tables():
        for place, heading in enumerate(headings):
            for _, path in LINK.findall(heading):
                pairs += [(name, path) for row in rows for name in NAME.findall(LINK.sub("", row[place]))]
    return pairs


def test_every_function_and_oracle_that_is_named_is_there() -> None:
    named = [*linked(PAGE), *named_in_tables()]
    assert len([path for _, path in named if path.startswith("tests/")]) > 40
    assert [f"{path}::{name}" for name, path in named if name not in defined_in(path)] == []


def test_every_formula_of_a_table_has_a_function_and_an_oracle() -> None:
    with_formulas = [
        (headings, rows) for headings, rows in tables() if {"formula", "mode", "definition"} & set(headings)
    ]
    assert len(with_formulas) >= 5
    for headings, rows in with_formulas:
        places = [
            place for place, heading in enumerate(headings) if heading.startswith(("function", "oracle"))
        ]
        assert len(places) == 2, headings
        assert [row for row in rows if not all(NAME.search(row[place]) for place in places)] == []


def test_every_section_that_names_functions_names_an_oracle() -> None:
    sections = re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)[1:]
    functions = [
        (one, [path for name, path in linked(one) if not name.endswith("Config")]) for one in sections
    ]
    with_functions = [one for one, paths in functions if any(not path.startswith("tests/") for path in paths)]
    assert len(with_functions) > 10
    assert [one.splitlines()[0] for one in with_functions if "](../tests/" not in one] == []
