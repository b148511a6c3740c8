"""Known source in, the expected mutants out."""

import ast
import textwrap

from benchmarks.mutants.making import Mutant, mutants_of, tainted


def mutants_in(source: str) -> list[Mutant]:
    return mutants_of("annotation/known.py", textwrap.dedent(source))


def changes(source: str) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in mutants_in(source)}


def test_comparisons_numbers_operators_and_answers_are_changed() -> None:
    source = """
        def least(a, b):
            if a < b:
                return a + 1
            return b
    """
    assert changes(source) == {
        ("a < b", "a <= b"),
        ("a + 1", "a - 1"),
        ("1 in a + 1", "2"),
        ("return a + 1", "return None"),
        ("return b", "return None"),
    }


def test_conditions_calls_and_what_queries_ask_for_are_changed() -> None:
    source = """
        def work(rows, ready):
            if ready:
                rows.filter(kind=ready, done=ready).order_by("pk").delete()
            return not ready
    """
    assert changes(source) == {
        ("ready", "not ready"),
        ("rows.filter(kind=ready, done=ready).order_by('pk').delete()", "pass"),
        ("rows.filter(kind=ready, done=ready).order_by('pk')", "rows.filter(kind=ready, done=ready)"),
        ("rows.filter(kind=ready, done=ready)", "rows.exclude(kind=ready, done=ready)"),
        ("rows.filter(kind=ready, done=ready)", "rows.filter(done=ready)"),
        ("rows.filter(kind=ready, done=ready)", "rows.filter(kind=ready)"),
        ("return not ready", "return None"),
        ("not ready", "ready"),
    }


def test_statements_of_sql_are_changed_a_line_each() -> None:
    source = '''
        _FREE = """
            SELECT id FROM slot
            WHERE task = 1 AND holder IS NULL
        """
    '''
    line = "WHERE task = 1 AND holder IS NULL"
    assert changes(source) == {
        (line, "WHERE task = 1"),
        (line, "WHERE task = 1 OR holder IS NULL"),
        (line, "WHERE task <> 1 AND holder IS NULL"),
        (line, "WHERE task = 1 AND holder IS NOT NULL"),
    }
    assert {mutant.line for mutant in mutants_in(source)} == {4}


def test_docstrings_annotations_defaults_decorators_messages_and_locks_are_left_alone() -> None:
    source = '''
        """A module of 1 + 1."""
        import logging

        logger = logging.getLogger(__name__)

        class Kind(Base):
            """Of 2 + 2."""

            most = 3 + 3

        @cache(1 + 1)
        def work(a: Literal[1], b: "x" = 2) -> Literal[3]:
            """Returns 4 + 4."""
            found: Literal[5] = a
            locks.desk(a, 6)
            logger.info("at %s", 7)
            assert a, "eight"
            if b:
                raise ValueError(f"{a} is 9", "ten")
    '''
    assert changes(source) == {("b", "not b")}


def test_a_mutant_is_the_source_with_its_one_change() -> None:
    source = "def twice(a):\n    return a * 2\n"
    applied = {mutant.after: ast.unparse(mutant.apply()) for mutant in fresh(source)}
    assert applied == {
        "a / 2": "def twice(a):\n    return a / 2",
        "3": "def twice(a):\n    return a * 3",
        "return None": "def twice(a):\n    return None",
    }


def fresh(source: str) -> list[Mutant]:
    """Each of a tree of its own: a change is for good."""
    return [mutants_in(source)[place] for place in range(len(mutants_in(source)))]


def test_a_seed_draws_a_mutant_at_the_same_place_whatever_else_changes() -> None:
    before = mutants_in("def one(a):\n    return a + 1\n")
    after = mutants_in("def two():\n    return 5\n\n\ndef one(a):\n    return a + 1\n")
    drawn = {mutant.drawn(1) for mutant in after}
    assert {mutant.drawn(1) for mutant in before} < drawn
    assert len(drawn) == len(after)
    assert {mutant.drawn(2) for mutant in after}.isdisjoint(drawn)


def test_a_mutant_knows_the_modules_that_its_function_calls() -> None:
    source = """
        def one():
            queue.claim(1)

        def other():
            control.due(2)
    """
    assert {(mutant.where, *mutant.calls) for mutant in mutants_in(source)} == {
        ("one", "queue"),
        ("other", "control"),
    }


def test_what_is_made_of_a_constant_is_made_anew_with_it() -> None:
    source = """
        LEAST = 1
        MOST: int = LEAST + 1
        OTHER = 3

        def span():
            return MOST - LEAST

        SPAN = span()
    """
    tree = ast.parse(textwrap.dedent(source))
    assert [name for name, _ in tainted(tree, "LEAST")] == ["LEAST", "MOST", "SPAN"]
    assert [name for name, _ in tainted(tree, "span")] == ["SPAN"]
