"""The client says what the API does: its made files are those that would be made now, and no operation is left out."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Unpack, get_args, get_origin, get_type_hints

import httpx
import pytest

from annotation.api import paging
from concord_client import Client, ProjectClient, synchronous
from tests.client import making

NOTHING: dict[str, object] = {"results": [], "next": None}


@pytest.mark.parametrize("name", making.GENERATORS)
def test_the_file_is_what_would_be_made_now(name: str) -> None:
    generated = making.GENERATORS[name]()
    assert (making.PACKAGE / name).read_text() == generated, f"{name} is old: {making.ANEW}"


class Operation(NamedTuple):
    """Something that can be asked: by the schema, or by a method of the client."""

    method: str
    path: str
    takes: str  # the shape of the body, or of the query
    gives: str  # the shape of the answer, or of a list's row


def test_every_operation_has_a_method_of_its_shapes(tmp_path: Path) -> None:
    promised = set(of_schema())
    offered = list(of_client(tmp_path, [(one.method, one.path) for one in promised]))
    assert set(offered) == promised
    # Two ways to import: a file, and rows. Two ways to export at once: rows, and a file.
    twice = sorted({one.path.split("/")[-2] for one in offered if offered.count(one) > 1})
    assert twice == ["export", "imports"]


def of_schema() -> Iterator[Operation]:
    for path, operations in making.document()["paths"].items():
        for method, operation in operations.items():
            answers = {
                _shape(content.get("schema", {}))
                for status, answer in operation["responses"].items()
                if status.startswith("2")
                for type_, content in answer.get("content", {"": {}}).items()
                if type_ != paging.SPARSE  # what is not whole has no shape, and no method asks for it
            } - ({""} if "204" in operation["responses"] and method == "post" else set())
            assert len(answers) == 1
            takes = [
                _shape(one["schema"])
                for one in operation.get("requestBody", {"content": {}})["content"].values()
            ]
            if method == "get" and any(one["in"] == "query" for one in operation["parameters"]):
                takes = [f"{making.subject(path)}Query"]
            yield Operation(method.upper(), path, (takes or [""])[0], answers.pop())


def _shape(schema: dict[str, Any]) -> str:
    """Its name; a list's is its rows', and a file has none."""
    name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
    return re.sub(r"^Paginated(\w+)List$", r"\1", name)


def of_client(tmp_path: Path, known: list[tuple[str, str]]) -> Iterator[Operation]:
    """Every method is called, and what it asks is looked up among the schema's operations."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=NOTHING)

    with Client("http://concord", "token", transport=httpx.MockTransport(answer)) as client:
        project = client.project("helpful")
        parts = [part for part in vars(project).values() if isinstance(part, synchronous.Resource)]
        for of in (client, project, *parts):
            for name, method in inspect.getmembers(of, inspect.ismethod):
                if not name.startswith("_") and (type(of), name) not in WITHOUT_OPERATION:
                    _call(method, tmp_path)
                    yield _operation(method, requests.pop(), known)
                    assert requests == []


# What other methods are made of, or is made of them.
WITHOUT_OPERATION = {
    *((Client, name) for name in ("close", "project", "request", "ask", "rows", "upload")),
    *((Client, name) for name in ("lines", "save", "streamed")),
    *((synchronous.Runs, name) for name in ("wait", "follow_log")),
}
EXAMPLES: dict[str, Any] = {
    "id": "7",
    "digest": "1" * 64,
    "number": 7,
    "username": "bob",
    "kind": "pairs",
    "name": "a",
}


def _call(method: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    examples = {**EXAMPLES, "path": tmp_path / "file", "rows": []}
    positional, named = [], {}
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind == parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            named[parameter.name] = examples[parameter.name]
        elif parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            positional.append(examples[parameter.name])
    answer = method(*positional, **named)
    if isinstance(answer, Iterator):
        list(answer)


def _operation(method: Any, request: httpx.Request, known: list[tuple[str, str]]) -> Operation:
    path = request.url.path
    fitting = [
        template
        for verb, template in known
        if verb == request.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    assert fitting, f"{request.method} {path} is no operation"
    hints = get_type_hints(method)
    gives = _name(hints.pop("return"))
    takes = [_name(get_args(hint)[0]) for hint in hints.values() if get_origin(hint) is Unpack]
    if "multipart" in request.headers.get("Content-Type", ""):
        takes = ["NewLookRequest" if path.endswith("/look/") else "NewImportRequest"]
    # tasks/make/ and not tasks/{id}/
    return Operation(request.method, min(fitting, key=lambda one: one.count("{")), (takes or [""])[0], gives)


def _name(hint: Any) -> str:
    """Of Iterator[Run], Run | None and Run: Run. What is no shape of the schema has none."""
    names = [one.__name__ for one in (*get_args(hint), hint) if one.__class__.__name__ == "_TypedDictMeta"]
    return names[0] if names else ""


def test_it_imports_nothing_but_what_it_says_it_needs() -> None:
    allowed = {*sys.stdlib_module_names, "httpx", "tqdm", "concord_client"}
    imported = set()
    for path in making.PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(str(node.module).split(".")[0])
    assert {"httpx", "tqdm"} <= imported <= allowed
    assert ProjectClient.__module__ == "concord_client.synchronous"
