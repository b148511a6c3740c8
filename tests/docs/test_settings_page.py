"""docs/settings.md and the table of docs/operations.md say what the code says."""

import ast
import re
from pathlib import Path

from django.conf import settings

from rltrainer.ppo.config import PpoConfig
from tests.docs.settings_page import PAGE, rows, write

ROOT = Path(settings.BASE_DIR)


def test_the_tables_are_those_that_the_configs_make(tmp_path: Path) -> None:
    page = tmp_path / "settings.md"
    page.write_text(PAGE.read_text())
    write(page)
    assert page.read_text() == PAGE.read_text(), "docs/settings.md: python -m tests.docs.settings_page"


def test_a_field_says_its_default_its_range_and_what_it_means() -> None:
    by_field = {row["field"]: row for row in rows(PpoConfig, {})}
    assert by_field["`samples`"]["default"] == "`4`"
    assert by_field["`samples`"]["may be"] == "a whole number, at least 1"
    assert by_field["`max_new_tokens`"]["may be"] == "a whole number (tokens), at least 1"
    assert by_field["`algorithm`"]["may be"] == "`ppo`, `reinforce`"
    assert (
        by_field["`entropy_coefficient`"]["meaning"]
        == "of the entropy bonus; language models start with plenty"
    )
    assert by_field["`gamma`"]["meaning"] == "of later rewards (Ziegler et al. 1909.08593)"


def test_numbers_of_environment_variables_have_the_defaults_that_are_documented() -> None:
    tree = ast.parse((ROOT / "config" / "settings.py").read_text())
    defaults = {
        str(node.args[0].value): int(keyword.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        for keyword in node.keywords
        if keyword.arg == "default" and isinstance(keyword.value, ast.Constant)
        if isinstance(keyword.value.value, int)
    }
    assert len(defaults) > 10
    documented = dict(
        re.findall(
            r"^\| `([A-Z_]+)` \| `(\d+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE
        )
    )
    assert {name: int(documented[name]) for name in defaults} == defaults
