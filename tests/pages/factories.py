"""Rows that pages show."""

from django.db import transaction

from annotation.models import Project, Transfer
from runs.models import Run


def make_transfer(project: Project, status: str = Run.Status.QUEUED) -> Transfer:
    """An export of the project's pairs that no worker hears of."""
    with transaction.atomic():
        run = Run.objects.create(kind="export", status=status)
        return Transfer.objects.create(run=run, project=project, direction="export", kind="pairs")
