"""What is made of the client: its types from the API's schema, and the client that blocks from the one that awaits.

    .venv/bin/python -m tests.client.making

writes both anew; a test holds the files against what this gives. A type is what the schema says, under the schema's
own name. The parameters of a list or an export are ``RankingsQuery`` for ``GET .../rankings/``; pages have no type,
because the client follows them.
"""

import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "client" / "concord_client"
ANEW = "python -m tests.client.making"
Schema = dict[str, Any]

_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_REFERENCE = "#/components/schemas/"
_PAGE = "Paginated"
# Parameters of a query that the client sees to itself, or whose rows have other types than it says.
_LEFT_OUT = {"cursor", "fields"}


def types(document: Schema) -> str:
    """types.py: every shape of the schema, those that others name first."""
    shapes = {
        name: shape for name, shape in document["components"]["schemas"].items() if not name.startswith(_PAGE)
    } | dict(_queries(document))
    written: dict[str, str] = {}
    for name in sorted(shapes):
        _write(name, shapes, written)
    return _formatted(
        f'"""The shapes of the API, made from its schema: `{ANEW}` makes them anew."""\n\n'
        "from typing import Any, Literal, NotRequired, TypedDict\n\n" + "\n\n".join(written.values())
    )


def _write(name: str, shapes: dict[str, Schema], written: dict[str, str]) -> None:
    if name in written:
        return
    shape = shapes[name]
    for used in re.findall(rf"'{_REFERENCE}(\w+)'", str(shape)):
        _write(used, shapes, written)
    if "enum" in shape:
        written[name] = f"{name} = {_type(shape)}"
        return
    required = set(shape.get("required", ()))
    fields = [
        f"{_field(field)}: {_type(one) if field in required else f'NotRequired[{_type(one)}]'}"
        for field, one in shape["properties"].items()
    ]
    description = textwrap.fill(shape.get("description", "").strip() or "Only these.", 100)
    body = textwrap.indent("\n".join([f'"""{description}"""', "", *fields]), "    ")
    written[name] = f"class {name}(TypedDict):\n{body}"


def _field(name: str) -> str:
    assert name.isidentifier(), f"{name} cannot be a field of a class"
    assert not keyword.iskeyword(name), f"{name} is Python's own"
    return name


def _type(shape: Schema) -> str:
    """As an annotation."""
    if "$ref" in shape:
        return str(shape["$ref"]).removeprefix(_REFERENCE)
    if "enum" in shape:
        return f"Literal[{', '.join(map(repr, shape['enum']))}]"
    for several in ("allOf", "oneOf", "anyOf"):
        if several in shape:
            assert several != "allOf" or len(shape[several]) == 1, f"more than a wrapper: {shape}"
            return _either(_type(one) for one in shape[several])
    kinds = shape.get("type", "any")
    return _either(_of_kind(kind, shape) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _either(several: Iterator[str]) -> str:
    """Alternatives, None the last."""
    return " | ".join(sorted(dict.fromkeys(several), key=lambda one: one == "None"))


def _of_kind(kind: str, shape: Schema) -> str:
    if kind == "array":
        return f"list[{_type(shape['items'])}]"
    if kind == "object":
        assert "properties" not in shape, f"a shape without a name: {shape}"
        values = shape.get("additionalProperties", True)
        return f"dict[str, {_type(values) if isinstance(values, dict) else 'Any'}]"
    if shape.get("format") == "binary":
        return "bytes"
    return _SIMPLE.get(kind, "Any")


def _queries(document: Schema) -> Iterator[tuple[str, Schema]]:
    """What each GET may be asked with, as a shape."""
    for path, operations in document["paths"].items():
        parameters = {
            parameter["name"]: parameter
            for parameter in operations.get("get", {}).get("parameters", ())
            if parameter["in"] == "query" and parameter["name"] not in _LEFT_OUT
        }
        if parameters:
            yield (
                f"{subject(path)}Query",
                {
                    "description": f"What GET {path} may be asked with.",
                    "properties": {name: parameter["schema"] for name, parameter in parameters.items()},
                    "required": [name for name, parameter in parameters.items() if parameter.get("required")],
                },
            )


def subject(path: str) -> str:
    """RewardModels of /api/v1/projects/{slug}/reward-models/."""
    last = [step for step in path.split("/") if step and "{" not in step][-1]
    return "".join(word.capitalize() for word in last.split("-"))


# Whole words of the client that awaits, in those of the one that blocks.
_BLOCKING = (
    (r"\bimport asyncio\n", ""),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\basync(?=contextmanager\b)", ""),
    (r"\ba(?=(close|read|iter_bytes)\b)", ""),
    (r"\b__a(?=(enter|exit)__)", "__"),
)


def blocking(source: str) -> str:
    """synchronous.py, from the text of asynchronous.py."""
    _, _, code = source.split('"""', 2)
    for awaiting, instead in _BLOCKING:
        code = re.sub(awaiting, instead, code)
    return _formatted(
        f'"""The client that blocks, made from the one that awaits (asynchronous.py): `{ANEW}`."""\n{code}'
    )


def _formatted(source: str) -> str:
    """As the rest of the project is."""
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    for command in (["check", "--fix", "--quiet", "--select", "I", "-"], ["format", "--quiet", "-"]):
        where = ["--stdin-filename", str(PACKAGE / "made.py")]
        done = subprocess.run(
            [*ruff, *command[:-1], *where, "-"], input=source, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        source = done.stdout
    return source


def document() -> Schema:
    """The schema of this checkout."""
    import django

    django.setup()
    from console.api import schema

    return schema.document()


# What is made, and of what.
GENERATORS: dict[str, Callable[[], str]] = {
    "types.py": lambda: types(document()),
    "synchronous.py": lambda: blocking((PACKAGE / "asynchronous.py").read_text()),
}

if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    for name, make in GENERATORS.items():
        (PACKAGE / name).write_text(make())
