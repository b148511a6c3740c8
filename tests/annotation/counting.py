"""What is in the database: a number of rows a table, and what an import said of a file."""

import pytest
from django.apps import apps

from annotation.errors import BadFile
from annotation.models import Project
from tests.annotation.factories import put_bytes


def rows() -> dict[str, int]:
    """How many rows each of annotation's tables has."""
    models = apps.get_app_config("annotation").get_models()
    return {model.__name__: model._default_manager.count() for model in models}


def refusal(project: Project, kind: str, data: bytes) -> list[tuple[int, str, str]]:
    """(line, field, reason) of each bad line. Nothing of the file may be stored."""
    before = rows()
    with pytest.raises(BadFile) as caught:
        put_bytes(project, kind, data)
    assert rows() == before
    message = str(caught.value)
    assert all(str(line) in message for line in caught.value.lines)
    return [(line.number, line.field, line.reason) for line in caught.value.lines]
