"""The mutants of a module: each is one small change of its syntax tree, or of a statement of SQL in it.

Left as they are: annotations, docstrings, decorators, defaults, class bodies, messages (what is raised, and any text
for people), logging, and locks: what a lock is for shows only between two connections, and the tests of those
(test_pairs_of_writes, test_queue_concurrently) take minutes each time.
"""

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_ATOM = r"(?:%\(\w+\)s|'[^']*'|[\w.]+)"
SQL = [
    (re.compile(rf"\bAND {_ATOM} (?:=|<>|<=|>=|<|>|IS NOT|IS) {_ATOM}"), ""),
    (re.compile(r"\bAND\b"), "OR"),
    (re.compile(r"\bOR\b"), "AND"),
    (re.compile(r"(?<= )<(?= )"), "<="),
    (re.compile(r"(?<= )>(?= )"), ">="),
    (re.compile(r"(?<= )<=(?= )"), "<"),
    (re.compile(r"(?<= )>=(?= )"), ">"),
    (re.compile(r"(?<= )=(?= )"), "<>"),
    (re.compile(r"(?<= )\+(?= )"), "-"),
    (re.compile(r" DESC\b"), ""),
    (re.compile(r"\bIS NULL\b"), "IS NOT NULL"),
    (re.compile(r"\bIS NOT NULL\b"), "IS NULL"),
    (re.compile(r"\bNOT EXISTS\b"), "EXISTS"),
    (re.compile(r"\bLEFT JOIN\b"), "JOIN"),
    (re.compile(r"\bORDER BY [\w., ]+$", re.MULTILINE), ""),
]
IS_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE)\b")
FILTERS = {"filter", "exclude", "get", "update", "Q"}
OTHER_WAY = {"filter": "exclude", "exclude": "filter"}
# Their strings are names of fields: another one is an error, which any test sees.
NAMES = {"only", "defer", "values", "values_list", "select_related", "prefetch_related", "order_by"}
NAMES |= {"F", "OuterRef", "Max", "Min", "Count", "Sum", "getattr", "join", "distinct"}
# Nor what two connections show, names of fields, and zip's assertion.
KEYWORDS = {"no_key", "skip_locked", "of", "nowait", "update_fields", "fields", "strict"}


@dataclass
class Mutant:
    """One change: ``holder``'s ``key`` (an attribute, or a place of a list) becomes ``value``."""

    path: str
    line: int
    where: str  # the function, Class.method, or constant
    lines: range  # of the statement: the tests that run it are asked
    before: str
    after: str
    digest: str  # of the module's source and this change
    tree: ast.Module = field(repr=False)
    holder: Any = field(repr=False)
    key: str | int = field(repr=False)
    value: Any = field(repr=False)

    @property
    def calls(self) -> set[str]:
        """Modules that its function or constant names, as ``queue`` in ``queue.claim``."""
        tops = (top for name, top in _places(self.tree) if name == self.where)
        nodes = (node for top in tops for node in ast.walk(top))
        return {
            node.value.id
            for node in nodes
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }

    def drawn(self, seed: int) -> str:
        """Its place in the order in which a seed draws mutants."""
        named = f"{seed} {self.path} {self.where} {self.before} {self.after}"
        return hashlib.sha256(named.encode()).hexdigest()

    def apply(self) -> ast.Module:
        """The module's tree with the change in it, for good: call it in a process of its own."""
        if isinstance(self.key, int):
            self.holder[self.key] = self.value
        else:
            setattr(self.holder, self.key, self.value)
        return ast.fix_missing_locations(self.tree)


Change = tuple[ast.AST, Any, str | int, Any, str, str]


def mutants_of(path: str, source: str) -> list[Mutant]:
    """All mutants of a module, in the order of its lines."""
    tree = ast.parse(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    mutants: list[Mutant] = []
    for where, top in _places(tree):
        for statement, change in _walk(top):
            node, holder, key, value, before, after = change
            line = getattr(node, "lineno", statement.lineno)
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and isinstance(value, ast.Constant)
            ):
                line += _line_of_difference(node.value, str(value.value))
            parts = f"{digest} {where} {len(mutants)} {before} {after}"
            identifier = hashlib.sha256(parts.encode()).hexdigest()[:20]
            span = _span(statement)
            mutants.append(
                Mutant(path, line, where, span, before, after, identifier, tree, holder, key, value)
            )
    return mutants


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Functions and methods, and constants of the module, by name."""
    for top in tree.body:
        if isinstance(top, ast.FunctionDef):
            yield top.name, top
        elif isinstance(top, ast.ClassDef):
            yield from (
                (f"{top.name}.{inner.name}", inner)
                for inner in top.body
                if isinstance(inner, ast.FunctionDef)
            )
        elif isinstance(top, ast.Assign) and isinstance(top.targets[0], ast.Name):
            yield top.targets[0].id, top


def _span(statement: ast.stmt) -> range:
    """The lines of a simple statement, or of a compound one's header."""
    body = getattr(statement, "body", None)
    return range(statement.lineno, body[0].lineno if body else (statement.end_lineno or statement.lineno) + 1)


def _walk(top: ast.stmt) -> Iterator[tuple[ast.stmt, Change]]:
    """Each change within a statement, with the innermost statement that it is in."""
    stack: list[tuple[ast.AST, ast.stmt]] = [(top, top)]
    while stack:
        node, statement = stack.pop()
        for name, value in ast.iter_fields(node):
            if name in {
                "decorator_list",
                "annotation",
                "returns",
                "args" if isinstance(node, ast.FunctionDef) else "",
            }:
                continue
            children = value if isinstance(value, list) else [value]
            for place, child in enumerate(children):
                if not isinstance(child, ast.AST) or _left_alone(child, node):
                    continue
                inside = child if isinstance(child, ast.stmt) else statement
                holder, key = (value, place) if isinstance(value, list) else (node, name)
                for new, before, after in _changes(child, node):
                    yield inside, (child, holder, key, new, before, after)
                stack.append((child, inside))


def _left_alone(node: ast.AST, parent: ast.AST) -> bool:
    """Messages, docstrings, logging, locks."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Delete):
        return True
    if isinstance(node, ast.Expr):
        call = node.value
        return not isinstance(call, ast.Call) or ast.unparse(call.func).startswith(("logger.", "locks."))
    if isinstance(node, ast.keyword):
        return node.arg in KEYWORDS
    if isinstance(node, ast.Constant) and isinstance(parent, ast.Call):
        return _name(parent) in NAMES
    if isinstance(node, ast.Constant) and isinstance(parent, ast.Dict | ast.Subscript):
        return isinstance(parent, ast.Subscript) or node in parent.keys
    return isinstance(node, ast.Call) and (
        _name(node)[:4] == "Bad" or _name(node) in {"LeaseOver", "cast", "TypeVar"}
    )


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _changes(node: ast.AST, parent: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """What may stand in the place of ``node``, with its text before and after."""
    if isinstance(node, ast.Constant):
        yield from _of_constant(node, parent)
    elif isinstance(node, ast.expr):
        for new in _of_expression(node):
            yield ast.copy_location(new, node), _text(node), _text(new)
    elif isinstance(node, ast.Expr):
        yield ast.copy_location(ast.Pass(), node), _text(node), "pass"
    elif isinstance(node, ast.Return) and node.value and not _is_none(node.value):
        yield ast.copy_location(ast.Return(ast.Constant(None)), node), _text(node), "return None"
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        other = ast.AugAssign(node.target, OPERATORS[type(node.op)](), node.value)
        yield ast.copy_location(other, node), _text(node), _text(other)
    if isinstance(node, ast.If | ast.While) and not isinstance(
        node.test, ast.Compare | ast.BoolOp | ast.UnaryOp
    ):
        new_if = type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        yield ast.copy_location(new_if, node), _text(node.test), _text(new_if.test)


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not _is_text(node.left):
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.IfExp) and not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _of_call(call: ast.Call) -> Iterator[ast.expr]:
    name = _name(call)
    if isinstance(call.func, ast.Attribute):
        if name in OTHER_WAY:
            other = ast.Attribute(call.func.value, OTHER_WAY[name], ast.Load())
            yield ast.Call(other, call.args, call.keywords)
        if name in {"order_by", "distinct"}:
            yield call.func.value
    if name in FILTERS:
        for dropped in call.keywords:
            if dropped.arg is not None and len(call.keywords) + len(call.args) > 1:
                yield ast.Call(call.func, call.args, [one for one in call.keywords if one is not dropped])


def _of_constant(node: ast.Constant, parent: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    value = node.value
    news: list[Any] = []
    if isinstance(value, str) and IS_SQL.search(value):
        for new in _of_sql(value):
            place = _line_of_difference(value, new)
            texts = [text.splitlines()[place].strip() for text in (value, new)]
            yield ast.copy_location(ast.Constant(new), node), texts[0], texts[1]
        return
    if isinstance(value, bool):
        news = [not value]
    elif isinstance(value, int | float):
        news = [value + 1]
    elif isinstance(value, str) and " " not in value and value:
        news = [f"{value}~"]
    for new in news:
        replaced = ast.Constant(new)
        if isinstance(parent, ast.keyword):
            yield ast.copy_location(replaced, node), _text(parent), f"{parent.arg}={new!r}"
        else:
            before = _text(parent)
            where = before if len(before) < 70 else repr(value)
            yield ast.copy_location(replaced, node), f"{value!r} in {where}", repr(new)


def _of_sql(statement: str) -> Iterator[str]:
    for pattern, text in SQL:
        for hit in pattern.finditer(statement):
            if text == "<>" and re.search(r"(SET|,) \w+ $", statement[: hit.start()]):
                continue  # it assigns
            yield statement[: hit.start()] + text + statement[hit.end() :]


def _line_of_difference(one: str, other: str) -> int:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), 0)


def _text(node: ast.AST) -> str:
    """Its source in one line."""
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).split())[:160]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def tainted(tree: ast.Module, where: str) -> list[tuple[str, ast.stmt]]:
    """The constants of the module that are made anew for a change at ``where``, by name: it, and what is made of it."""
    names, before = {where.partition(".")[0]}, 0
    parts = [
        (_defines(top), {_named(one) for one in ast.walk(top)}, top) for top in tree.body if _defines(top)
    ]
    while len(names) != before:
        before = len(names)
        names |= {name for name, mentions, _ in parts if mentions & names}
    return [
        (name, top) for name, _, top in parts if name in names and isinstance(top, ast.Assign | ast.AnnAssign)
    ]


def _defines(top: ast.stmt) -> str:
    if isinstance(top, ast.Assign) and isinstance(top.targets[0], ast.Name):
        return top.targets[0].id
    if isinstance(top, ast.AnnAssign) and isinstance(top.target, ast.Name) and top.value:
        return top.target.id
    return top.name if isinstance(top, ast.FunctionDef) else ""


def _named(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def mentions(source: str) -> Iterator[tuple[str, int]]:
    """Each name and the lines of functions that it stands on."""
    for top in ast.parse(source).body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            yield from (
                (_named(node), node.lineno)
                for node in ast.walk(top)
                if isinstance(node, ast.expr) and _named(node)
            )
