"""A plugin of pytest that asks the collected tests about each mutant, in a fork that has the mutant's code.

Database, Django and tests are set up once, in the parent, which then forks a child per mutant. The child compiles the
changed module and puts the changed function's code into the function that is there already, whatever holds it:
decorators, other modules' imports, signals. A changed constant is bound anew wherever it was imported. Then it runs the
tests that ran the changed line, quickest first, and ends with the first that fails; its transaction ends with it.
"""

import ast
import gc
import hashlib
import inspect
import json
import math
import os
import signal
import sys
import threading
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import pytest

from benchmarks.mutants.making import Mutant, mentions, tainted

ROOT = Path(__file__).resolve().parents[2]
# A test that takes longer says nothing that a quicker one cannot.
SLOWEST = 8.0
# Of a line that hundreds of tests run: those of its subject first, then those of the modules that its function calls,
# then the quickest of each file.
MOST_TESTS = 80
SUPPORT = [
    f"tests/annotation/{name}.py" for name in ("conftest", "factories", "judging", "counting", "places")
]


class Ran(NamedTuple):
    """What a test is known by: how long it took, the digest of its source, and the lines that it ran by path."""

    seconds: float
    digest: str
    lines: dict[str, set[int]]


class Result(NamedTuple):
    """What became of a mutant: "killed" (by whom), "survived", "timed out" or "broken" (it does not compile)."""

    status: str
    by: str
    tests: str  # the digest of the test that killed it, or of all that did not
    tests_run: int


class Asking:
    """The plugin: ``known`` gives the lasting result of a mutant, ``done`` keeps a new one."""

    def __init__(
        self,
        mutants: list[Mutant],
        cache: Path,
        known: Callable[[Mutant, Callable[[Result], bool]], bool],
        done: Callable[[Mutant, Result], None],
    ) -> None:
        self.mutants, self.cache, self.known, self.done = mutants, cache, known, done
        self.failed: list[str] = []
        self.support = [ROOT / path for path in SUPPORT]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Tests in a transaction that is rolled back; the others would leave rows when a child is ended."""
        items[:] = [item for item in items if not _commits(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running each test once."""
        self.items = {item.nodeid: item for item in session.items}
        first = next(item for item in session.items if item.get_closest_marker("django_db"))
        _run(first, self._other(first))
        assert not self.failed
        self.ran = self._recorded()
        where = _lines_of_names({mutant.path for mutant in self.mutants})
        for mutant in self.mutants:
            tests = self._tests(mutant, where)
            if not self.known(mutant, partial(self._holds, tests)):
                self.done(mutant, self._ask(mutant, tests))
        return True

    def _holds(self, tests: list[str], result: Result) -> bool:
        return result.tests == self._digest(result, tests)

    def _other(self, item: pytest.Item) -> pytest.Item:
        """Another test, so that what is made for a whole run stays when ``item`` ends."""
        return next(other for other in self.items.values() if other.path != item.path)

    def _digest(self, result: Result, tests: list[str]) -> str:
        judging = [result.by] if result.by else tests
        return _digest_of(self.ran[test].digest for test in judging if test in self.ran)

    def _tests(self, mutant: Mutant, where: dict[str, list[tuple[str, int]]]) -> list[str]:
        """The tests that run the changed statement, or what is made of a changed constant."""
        lines: dict[str, set[int]] = defaultdict(set, {mutant.path: set(mutant.lines)})
        for constant, _ in tainted(mutant.tree, mutant.where):
            for path, line in where[constant]:
                lines[path].add(line)
        covering = [
            name
            for name, ran in self.ran.items()
            if any(of & ran.lines.get(path, set()) for path, of in lines.items())
        ]
        name_of_its_tests = f"test_{Path(mutant.path).stem}"
        called = {f"test_{name}" for name in mutant.calls}
        near = {
            name: 0 if name_of_its_tests in name else 1
            for name in covering
            if name_of_its_tests in name or _file(name) in called
        }
        return sorted(self._spread(covering), key=lambda name: near.get(name, 2))[:MOST_TESTS]

    def _spread(self, tests: list[str]) -> list[str]:
        """The quickest of each file, then the second of each, and so on: files differ in what they look at."""
        turns: Counter[str] = Counter()
        order: list[tuple[int, int, str]] = []
        for name in sorted(tests, key=lambda name: self.ran[name].seconds):
            file = name.partition("::")[0]
            order.append((turns[file], len(order), name))
            turns[file] += 1
        return [name for _, _, name in sorted(order)]

    def _ask(self, mutant: Mutant, tests: list[str]) -> Result:
        limit = 10 + 3 * sum(self.ran[test].seconds for test in tests)
        status, answer = _forked(lambda: self._judge(mutant, tests), int(limit))
        result = Result(
            "timed out" if os.WIFSIGNALED(status) else answer.partition(" ")[0] or "killed", "", "", 0
        )
        by = answer.partition(" ")[2]
        tests_run = tests.index(by) + 1 if by else len(tests)
        result = result._replace(by=by, tests_run=tests_run)
        return result._replace(tests=self._digest(result, tests))

    def _judge(self, mutant: Mutant, tests: list[str]) -> str:
        try:
            _apply(mutant)
        except (SyntaxError, ValueError):
            return "broken"
        except Exception:  # the module would not even load
            return "killed"
        for test in tests:
            _run(self.items[test], self._other(self.items[test]))
            if self.failed:
                return f"killed {test}"
        return "survived"

    def _recorded(self) -> dict[str, Ran]:
        """Each test's lines: those of tests that are new are asked for, the others are in the cache."""
        key = _digest_of(
            path.read_text() for path in [*sorted(ROOT.glob("annotation/**/*.py")), *self.support]
        )
        kept = json.loads(self.cache.read_text()) if self.cache.exists() else {}
        tests = kept["tests"] if kept.get("key") == key else {}
        digests = {name: self._digest_of_test(item) for name, item in self.items.items()}
        new = [name for name in digests if name not in tests or tests[name][1] != digests[name]]
        if new:
            print(f"Which lines do {len(new)} tests run? Asked once.", flush=True)
            status, answer = _forked(lambda: json.dumps({name: self._record(name) for name in new}), 1200)
            assert answer, f"the tests do not run: {status}"
            tests |= json.loads(answer)
            self.cache.write_text(json.dumps({"key": key, "tests": tests}))
        return {
            name: Ran(seconds, digest, {path: set(of) for path, of in lines.items()})
            for name, (seconds, digest, lines) in tests.items()
            if name in digests and seconds < SLOWEST
        }

    def _digest_of_test(self, item: pytest.Item) -> str:
        source = inspect.getsource(getattr(item, "obj", type(item)))
        return _digest_of([item.nodeid, source, *(path.read_text() for path in self.support)])

    def _record(self, name: str) -> tuple[float, str, dict[str, list[int]]]:
        item = self.items[name]
        lines: dict[str, set[int]] = defaultdict(set)
        begun = time.monotonic()
        with _Traced(lines):
            _run(item, self._other(item))
        seconds = time.monotonic() - begun
        if self.failed:  # it says nothing of a mutant
            os.write(2, f"fails without a mutant: {name}\n".encode())
            seconds = math.inf
            self.failed.clear()
        return round(seconds, 3), self._digest_of_test(item), {path: sorted(of) for path, of in lines.items()}


class _Traced:
    """The lines of annotation that run meanwhile, in any thread."""

    def __init__(self, lines: dict[str, set[int]]) -> None:
        self.lines = lines
        self.inside = f"{ROOT}/annotation/"

    def __enter__(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def __exit__(self, *args: object) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _called(self, frame: FrameType, event: str, arg: Any) -> Any:
        path = frame.f_code.co_filename
        if not path.startswith(self.inside):
            return None
        lines = self.lines[path[len(str(ROOT)) + 1 :]]
        lines.add(frame.f_lineno)

        def on_line(frame: FrameType, event: str, arg: Any) -> Any:
            lines.add(frame.f_lineno)
            return on_line

        return on_line


def _file(name: str) -> str:
    """test_queue of tests/annotation/test_queue.py::test_it."""
    return Path(name.partition("::")[0]).stem


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(
        (marker and marker.kwargs.get("transaction")) or fixtures & {"transactional_db", "live_server"}
    )


def _run(item: pytest.Item, following: pytest.Item) -> None:
    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)


def _forked(work: Callable[[], str], limit: int) -> tuple[int, str]:
    """What ``work`` says in a child of this process, which ends after ``limit`` seconds; and how it ended."""
    from django.db import connections

    connections.close_all()
    sys.stdout.flush()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads: those of the parent hold nothing
        child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.alarm(limit)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            with os.fdopen(writing, "w") as file:
                file.write(work())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        try:
            answer = file.read()
        except KeyboardInterrupt:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
    return os.waitpid(child, 0)[1], answer


def _apply(mutant: Mutant) -> None:
    """This process has the mutant from now on."""
    path = str(ROOT / mutant.path)
    module = sys.modules[mutant.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")]
    tree = mutant.apply()
    for code in _codes(compile(tree, path, "exec")):
        if code.co_qualname == mutant.where:
            _replace(path, code)
    for name, constant in tainted(tree, mutant.where):
        old = module.__dict__[name]
        exec(compile(ast.Module([constant], []), path, "exec"), module.__dict__)
        new = module.__dict__[name]
        for other in list(sys.modules.values()):
            if getattr(other, "__dict__", {}).get(name) is old:
                setattr(other, name, new)


def _codes(code: CodeType) -> Iterable[CodeType]:
    """Those of the functions and methods of a module."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _replace(path: str, code: CodeType) -> None:
    functions = [
        one
        for one in gc.get_objects()
        if type(one) is FunctionType
        and one.__code__.co_filename == path
        and (one.__code__.co_qualname, one.__code__.co_firstlineno) == (code.co_qualname, code.co_firstlineno)
    ]
    assert functions, f"{code.co_qualname} of {path} is nowhere"
    for function in functions:
        function.__code__ = code


def _lines_of_names(paths: set[str]) -> dict[str, list[tuple[str, int]]]:
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path in sorted(paths):
        for name, line in mentions((ROOT / path).read_text()):
            places[name].append((path, line))
    return places


def _digest_of(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]
