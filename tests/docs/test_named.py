"""What the pages name is there: commands with their options, environment variables, targets of make."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

ROOT = Path(settings.BASE_DIR)
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def options_of(command: str) -> set[str]:
    """Every option of a command; KeyError where there is no such command."""
    app = get_commands()[command]
    parser = load_command_class(app, command).create_parser("manage.py", command)
    return {option for action in parser._actions for option in action.option_strings}


def commands_in(text: str) -> list[tuple[str, list[str]]]:
    """Each ``manage.py NAME ...`` with the options behind it, in a line or in backquotes."""
    calls = re.findall(r"manage\.py ([a-z_]+)([^`\n]*)", text)
    return [(name, OPTION.findall(rest)) for name, rest in calls]


@pytest.mark.parametrize("page", TEXTS)
def test_commands_exist_with_their_options(page: str) -> None:
    for name, options in commands_in(TEXTS[page]):
        assert name in get_commands(), name
        assert [option for option in options if option not in options_of(name)] == [], name


def test_the_table_of_commands_names_options_that_they_have() -> None:
    rows = re.findall(
        r"^\| (`[a-z_]+.*)\|$", TEXTS["docs/operations.md"].partition("## Commands")[2], re.MULTILINE
    )
    checked = 0
    for row in rows:
        cells = re.split(r"(?<!\\)\|", row)
        names = [name for name in re.findall(r"`([a-z_]+)", cells[0]) if name in get_commands()]
        if not names:
            continue
        known = set[str]().union(*map(options_of, names))
        assert [option for option in OPTION.findall(row) if option not in known] == [], names
        checked += 1
    assert checked > 20


def test_the_pages_name_enough_for_these_tests_to_mean_something() -> None:
    named = [name for text in TEXTS.values() for name, _ in commands_in(text)]
    assert {"import_jsonl", "register_policy", "scorer", "export_model"} <= set(named)


@pytest.mark.parametrize("page", TEXTS)
def test_environment_variables_are_read_somewhere(page: str) -> None:
    read = set[str]()
    for folder in ("config", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            read |= set(re.findall(r'"(CONCORD_[A-Z_]+)"', path.read_text()))
    assert {"CONCORD_HOME", "CONCORD_SWEEP_SECONDS"} <= read
    assert set(re.findall(r"CONCORD_[A-Z_]+", TEXTS[page])) - read == set()


@pytest.mark.parametrize("page", TEXTS)
def test_targets_of_make_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`|\$ )make ([a-z]+)", TEXTS[page], re.MULTILINE)
    assert set(named) - targets == set()


@pytest.mark.parametrize("page", TEXTS)
def test_modules_that_are_run_exist(page: str) -> None:
    named = re.findall(r"python -m ((?:benchmarks|tests|rewardmodel|rltrainer)[\w.]*)", TEXTS[page])
    assert [name for name in named if find_spec(name.rstrip(".")) is None] == []
