"""No class, function, parameter, attribute or variable is called by a word that says nothing of what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PACKAGES = ("annotation", "client", "config", "console", "demo", "lm", "rewardmodel", "rltrainer", "runs")
WORDS = {"asked", "each", "found", "given", "held", "made", "own", "said", "told", "wanted"}
OF_WHAT = {"measure", "measuring", "score"}

# Where and name -> what is called so outside of the code.
NAMED_OUTSIDE = {
    ("client/concord_client/asynchronous.py", "score"): "POST score/ of the API",
    ("client/concord_client/synchronous.py", "score"): "POST score/ of the API",
    ("rewardmodel/bradley_terry/commands.py", "score"): "python -m rewardmodel.bradley_terry score",
}


def names_of(tree: ast.AST) -> Iterator[str]:
    """Whatever the source gives a name to: what it defines, takes, sets, declares or imports under another name."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name


def trees(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((CHECKOUT / package).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path.relative_to(CHECKOUT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def bare(tree: ast.AST) -> set[str]:
    return {name for name in names_of(tree) if name.lower().strip("_") in WORDS}


@pytest.mark.parametrize("package", [*PACKAGES, "benchmarks", "tests"])
def test_names_say_what_a_thing_is(package: str) -> None:
    """And what scores or measures says what of: people, reward models and whole files score. Who is named by that word
    alone is called so outside of the code."""
    bare_names, scoring, classes = set(), set(), set()
    for path, tree in trees(package):
        bare_names |= {(path, name) for name in bare(tree)}
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if (
                    name.strip("_") in OF_WHAT
                ):
                    scoring.add((path, name))
                case ast.ClassDef(name=name) if name.strip("_") in {"Place", "Part", "Measure"}:
                    classes.add((path, name))
    assert bare_names == classes == set()
    if package in PACKAGES:
        assert scoring == {(path, name) for path, name in NAMED_OUTSIDE if path.startswith(f"{package}/")}


def test_a_bare_word_is_seen_wherever_it_names_something() -> None:
    source = (
        "from a import b as _given\n"
        "class Told:\n    held: int\n    def made(self, asked):\n        self.own = asked\n        said = 1\n"
        "EACH = [found for found in held_out]\n"
    )
    assert bare(ast.parse(source)) == {
        "_given",
        "Told",
        "held",
        "made",
        "asked",
        "own",
        "said",
        "EACH",
        "found",
    }
