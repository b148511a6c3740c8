"""The cast and their rows: Alice and Bob annotate, Carol researches, Dave has no access."""

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from annotation import people
from annotation.files import export, intake
from annotation.files.intake import Report
from annotation.models import Annotator, Completion, Demonstration, Membership, Project, Ranking, Rating, Task

_numbers = itertools.count(1)
Values = dict[str, Any]
PASSWORD = "correct horse"


def make_project(slug: str = "", **fields: Any) -> Project:
    """A project of its own."""
    return people.create_project(slug=slug or f"project-{next(_numbers)}", **fields)


def emptied(project: Project) -> Project:
    """The same database without the project's data, as a new one would be."""
    slug = project.slug
    Ranking.objects.all().delete()
    Rating.objects.all().delete()
    Demonstration.objects.all().delete()
    Completion.objects.all().delete()
    project.delete()
    return make_project(slug)


def make_user(name: str = "", **fields: Any) -> User:
    """An account."""
    return User.objects.create(
        username=name or f"user-{next(_numbers)}", password=make_password(PASSWORD), **fields
    )


def make_member(project: Project, role: str = "annotator", name: str = "") -> User:
    """An account with a role in ``project``."""
    user = make_user(name)
    Membership.objects.create(project=project, user=user, role=role)
    return user


def make_annotator(project: Project, name: str = "") -> Annotator:
    """An annotator with an account."""
    return people.annotator_for(project=project, user=make_member(project, name=name))


def have_read(project: Project, *users: User) -> None:
    """They know the guidelines, and come to the first task at once."""
    for user in users:
        annotator = people.annotator_for(project=project, user=user)
        people.has_read_guidelines(annotator=annotator, version=project.guideline_version)


def lines_of(values: Sequence[Mapping[str, Any]]) -> bytes:
    """Objects as a JSONL file."""
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def put(project: Project, kind: str, *values: Mapping[str, Any], skip_bad: bool = False) -> Report:
    """Import objects as lines."""
    return put_bytes(project, kind, lines_of(values), skip_bad=skip_bad)


def put_bytes(project: Project, kind: str, data: bytes, skip_bad: bool = False) -> Report:
    """Import a file's bytes."""
    return intake.import_file(project=project, kind=kind, stream=io.BytesIO(data), skip_bad=skip_bad)


def out(project: Project, kind: str, **scope: Any) -> bytes:
    """Export as a file's bytes."""
    file = io.StringIO()
    export.write(project=project, kind=kind, out=file, **scope)
    return file.getvalue().encode()


def out_values(project: Project, kind: str, **scope: Any) -> list[Values]:
    """Export as objects."""
    return [json.loads(line) for line in out(project, kind, **scope).splitlines()]


def without_concord(values: Sequence[Values]) -> list[Values]:
    """The lines without their provenance."""
    return [{name: value for name, value in line.items() if name != "concord"} for line in values]


def make_tasks(project: Project, count: int = 1, completions: int = 3, **fields: Any) -> list[Task]:
    """Tasks to be ranked, each of its own prompt."""
    before = set(project.tasks.values_list("pk", flat=True))
    put(
        project,
        "completions",
        *(
            {
                "prompt": f"Prompt {next(_numbers)}",
                "completions": [{"text": f"Answer {place}"} for place in range(completions)],
                **fields,
            }
            for _ in range(count)
        ),
    )
    return list(project.tasks.exclude(pk__in=before).order_by("pk"))


def ranking(prompt: Any = "Name a colour.", *ranks: int, **fields: Any) -> Values:
    """A line of kind rankings; the texts are "a", "b", ..."""
    completions = [{"text": "abcdefghi"[i], "rank": rank} for i, rank in enumerate(ranks or (1, 2))]
    return {"prompt": prompt, "completions": completions, **fields}
