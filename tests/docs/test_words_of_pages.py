"""What a page can show names no command, option or setting to somebody in a browser, unless it says whose that is.

Read from the source: all templates and scripts, and all texts in the code but docstrings and the commands themselves.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs import kinds

CHECKOUT = Path(__file__).parents[2]
PACKAGES = ("annotation", "console", "rewardmodel", "rltrainer", "runs")
# But those that are kinds of runs too: programs name them.
COMMANDS = {path.stem for path in CHECKOUT.glob("*/management/commands/[!_]*.py") if "_" in path.stem} - dict(
    kinds.titles()
).keys()
TARGETS = re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
OF_A_TERMINAL = re.compile(
    rf"manage\.py|\bmake (?:{'|'.join(TARGETS)})\b|\bCONCORD_[A-Z]|(?<![\w-])--[a-z]|\b(?:{'|'.join(COMMANDS)})\b"
)
# Only a command can do it: then the sentence is to whoever has a terminal.
THEIRS = re.compile(r"whoever runs Concord", re.IGNORECASE)
_TEMPLATE_CODE = re.compile(r"{#.*?#}|{%.*?%}|<!--.*?-->|<(?!code|/code)[^>]*>", re.DOTALL)


def to_a_browser(text: str) -> list[str]:
    """The sentences that speak of a terminal to somebody who may have none."""
    sentences = re.split(r"(?<=[.!?])\s+", re.sub(r"</?code>", "", text))
    return [one for one in sentences if OF_A_TERMINAL.search(one) and not THEIRS.search(one)]


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Texts of several words; what an f-string puts in stands as {}. Docstrings of forms are shown, others are not."""
    unseen = set()
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.FunctionDef() | ast.ClassDef():
                if node.body and isinstance(node.body[0], ast.Expr):
                    unseen.add(node.body[0].value)
            case ast.JoinedStr(values=values):
                unseen.update(values)
                whole = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in values)
                if " " in whole.strip():
                    yield whole
            case ast.Constant(value=str(text)) if node not in unseen and " " in text.strip():
                yield text


@pytest.mark.parametrize("package", PACKAGES)
def test_messages_speak_to_whoever_reads_them_in_a_browser(package: str) -> None:
    seen = {
        f"{path.relative_to(CHECKOUT)}: {sentence}"
        for path in sorted((CHECKOUT / package).rglob("*.py"))
        if not {"management", "migrations"} & set(path.parts)
        for text in texts_of(ast.parse(path.read_text(encoding="utf-8")))
        for sentence in to_a_browser(text)
    }
    assert seen == set()


def test_pages_speak_to_whoever_reads_them_in_a_browser() -> None:
    templates = sorted((CHECKOUT / "templates").rglob("*.html"))
    assert len(templates) > 80
    seen = {
        f"{path.relative_to(CHECKOUT)}: {sentence}"
        for path in templates
        for line in _TEMPLATE_CODE.sub("\n", path.read_text(encoding="utf-8")).splitlines()
        for sentence in to_a_browser(line)
    }
    assert seen == set()


def test_scripts_speak_to_whoever_reads_them_in_a_browser() -> None:
    quoted = re.compile(r"\"[^\"\n]* [^\"\n]*\"|`[^`\n]* [^`\n]*`")
    seen = {
        f"{path.relative_to(CHECKOUT)}: {sentence}"
        for path in sorted((CHECKOUT / "static" / "js").rglob("*.js"))
        for text in quoted.findall(re.sub(r"\$\{[^`\n]*?\}", "{}", path.read_text(encoding="utf-8")))
        for sentence in to_a_browser(text)
    }
    assert seen == set()


def test_a_command_an_option_and_a_setting_are_seen_unless_they_are_said_to_be_somebody_elses() -> None:
    source = 'def f(name):\n    """manage.py f"""\n    raise E(f"{name} has none. Import some (" "import_jsonl).")\n'
    (text,) = texts_of(ast.parse(source))
    assert to_a_browser(text) == ["Import some (import_jsonl)."]
    assert to_a_browser("Whoever runs Concord says <code>make serve</code>. Else pass --skip-bad.") == [
        "Else pass --skip-bad."
    ]
    assert to_a_browser("Set CONCORD_PATH.") == ["Set CONCORD_PATH."]
    assert to_a_browser("Well-known -- and make do.") == []
