"""Projects, their settings, and the pseudonyms of those who judge in them."""

import secrets
from decimal import Decimal
from typing import TypedDict, Unpack
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Value
from django.db.models.functions import Lower

from annotation.errors import BadRequest, NotAllowed
from annotation.models import Annotator, Assignment, Bookmark, GuidelineVersion, Project, Task
from annotation.rows import Rows
from annotation.texts.changes import Line, changed_lines
from runs.writing import write


class ProjectChanges(TypedDict, total=False):
    """What a project asks of annotators; the fields of Project say what each means.

    How many judge a task is intake.change_overlap's: tasks that are there follow.
    """

    name: str
    guidelines: str
    completions_per_task: int
    lease_seconds: int
    revise_hours: int
    random_share: float
    hour_cost: Decimal
    currency: str


@write
def create_project(
    *,
    slug: str,
    name: str = "",
    guidelines: str = "",
    completions_per_task: int = 4,
    annotators_per_task: int = 1,
    is_demo: bool = False,
) -> Project:
    """A new project. Raises BadRequest where a field is not what it may be, or the slug is taken."""
    project = Project(
        slug=slug,
        name=name or slug.replace("-", " ").capitalize(),
        guidelines=guidelines,
        completions_per_task=completions_per_task,
        annotators_per_task=annotators_per_task,
        is_demo=is_demo,
    )
    try:
        # What the constraints ask of a new project its fields' validators ask too, without a query for each.
        project.full_clean(validate_constraints=False)
    except ValidationError as error:
        problems = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
        raise BadRequest(" ".join(problems)) from error
    project.save()
    _keep_guidelines(project)
    return project


@write
def change_project(*, project: Project, **changes: Unpack[ProjectChanges]) -> Project:
    """Change what is asked of annotators; other guidelines are the next version of them. Raises BadRequest.

    Locks the project, so that of two changes at once each makes a version.
    """
    locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    others = changes.get("guidelines", locked.guidelines) != locked.guidelines
    locked.guideline_version += int(others)
    for name, value in changes.items():
        setattr(locked, name, value)
    try:
        locked.full_clean(validate_unique=False)
    except ValidationError as error:
        problems = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
        raise BadRequest(" ".join(problems)) from error
    locked.save(update_fields=[*changes, "guideline_version"])
    if others:
        _keep_guidelines(locked)
    return locked


def _keep_guidelines(project: Project) -> None:
    GuidelineVersion.objects.create(
        project=project, number=project.guideline_version, text=project.guidelines
    )


def has_read_guidelines(*, annotator: Annotator, version: int) -> None:
    """The annotator says so of ``version``. One that is newer, or none, stays as it is."""
    versions = annotator.project.guideline_version
    Annotator.objects.filter(pk=annotator.pk, guidelines_read__lt=version).update(
        guidelines_read=min(version, versions)
    )


def guideline_changes(annotator: Annotator) -> list[Line]:
    """What is new in the guidelines since the version that the annotator has read; nothing where none was read."""
    project = annotator.project
    if not 0 < annotator.guidelines_read < project.guideline_version:
        return []
    rows = GuidelineVersion.objects.filter(project=project, number=annotator.guidelines_read)
    before = rows.values_list("text", flat=True).first()
    return [] if before is None else changed_lines(before, project.guidelines)


def account_named(name: str) -> User | None:
    """The account of this name, in whatever capitals either is written."""
    return User.objects.alias(lower=Lower("username")).filter(lower=Lower(Value(name))).first()


def known_annotator(*, slug: str, user: User) -> Annotator | None:
    """The annotator that ``user`` is already in the project they may still judge in, with it and the bookmark."""
    if not user.is_active:
        return None
    return _KNOWN.first(slug=slug, user=user.pk, everywhere=user.is_superuser)


def own_assignment(*, public_id: UUID, slug: str, user: User) -> Assignment | None:
    """The assignment of theirs by its id, where ``user`` may still judge, with its task and the known annotator."""
    if not user.is_active:
        return None
    assignment = _OWN_ASSIGNMENTS.first(
        public_id=public_id, slug=slug, user=user.pk, everywhere=user.is_superuser
    )
    if assignment is not None:
        assignment.project = assignment.annotator.project
    return assignment


# From an annotator to the project that they may still judge in, and the bookmark.
_STILL_THERE = """
    JOIN annotation_project project ON project.id = annotator.project_id
    LEFT JOIN annotation_bookmark bookmark ON bookmark.annotator_id = annotator.id
    WHERE project.slug = %(slug)s AND annotator.user_id = %(user)s AND (%(everywhere)s OR EXISTS (
        SELECT FROM annotation_membership WHERE project_id = project.id AND user_id = %(user)s))
"""
_KNOWN = Rows(
    Annotator,
    f"SELECT [annotator], [project], [bookmark] FROM annotation_annotator annotator {_STILL_THERE}",  # noqa: S608
    project=Project,
    bookmark=Bookmark,
)
_OWN_ASSIGNMENTS = Rows(
    Assignment,
    f"""
    SELECT [assignment], [task], [annotator], [project], [bookmark] FROM annotation_assignment assignment
    JOIN annotation_task task ON task.id = assignment.task_id
    JOIN annotation_annotator annotator ON annotator.id = assignment.annotator_id
    {_STILL_THERE} AND assignment.public_id = %(public_id)s
    """,  # noqa: S608 (a constant)
    task=Task,
    annotator=Annotator,
    annotator__project=Project,
    annotator__bookmark=Bookmark,
)


def annotator_for(*, project: Project, user: User) -> Annotator:
    """The annotator that ``user`` is in ``project``, made with a pseudonym that tells nothing. Raises NotAllowed."""
    if not Project.objects.annotated_by(user).filter(pk=project.pk).exists():
        raise NotAllowed(f"You are not a member of {project.name}: ask for an invitation.")
    annotator, _ = Annotator.objects.get_or_create(
        project=project, user_id=user.pk, defaults={"pseudonym": f"annotator-{secrets.token_hex(4)}"}
    )
    return annotator
