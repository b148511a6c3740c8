"""Alice and Bob, with work to do."""

import pytest

from annotation.models import Annotator
from tests.annotation.factories import make_annotator, make_project, make_tasks


@pytest.fixture
def cast(db: None) -> tuple[Annotator, Annotator]:
    """Alice and Bob, and two tasks of three completions for one annotator each."""
    project = make_project()
    make_tasks(project, 2, completions=3)
    return make_annotator(project), make_annotator(project)
