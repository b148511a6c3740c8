"""docs/operations.md names every command, setting and page."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from annotation.urls import urlpatterns

ROOT = Path(settings.BASE_DIR)
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
OURS = {"config", "runs", "annotation", "rewardmodel", "rltrainer"}


def test_every_command_is_documented() -> None:
    commands = [name for name, app in get_commands().items() if app.split(".")[0] in OURS]
    assert len(commands) >= 13
    assert [
        name for name in commands if f"`{name}" not in OPERATIONS and f", `{name}`" not in OPERATIONS
    ] == []


def test_every_setting_is_documented() -> None:
    names = set()
    for path in (ROOT / "config").rglob("*.py"):
        names |= set(re.findall(r'(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)"', path.read_text()))
    assert {"CONCORD_HOME", "DATABASE_URL", "PORT"} <= names
    assert [name for name in names if f"`{name}`" not in OPERATIONS] == []


@pytest.mark.parametrize("pattern", [pattern for pattern in urlpatterns if pattern.name != "home"])
def test_every_page_of_annotators_is_documented(pattern: object) -> None:
    last = str(getattr(pattern, "pattern", "")).rstrip("/").split("/")[-1]
    assert (last if not last.startswith("<") else "/invitations/") in OPERATIONS


def test_every_link_of_the_documents_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(one, target) for one in documents for target in re.findall(r"\]\(([^)#]+)", one.read_text())]
    local = [(one, target) for one, target in links if "://" not in target]
    assert len(local) > 10
    assert [f"{one.name}: {target}" for one, target in local if not (one.parent / target).exists()] == []
