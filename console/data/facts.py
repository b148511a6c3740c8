"""What a line of a list says of its row, and lists are sorted by: as expressions, for Postgres to work out."""

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce, Left

from annotation.models import Completion, Demonstration, Ranking, Task
from rewardmodel.models import Reward

# Characters of a text that a line shows.
SHOWN = 200


def prompt_opening(prompt: str = "") -> Left:
    """The beginning of a prompt's last message, without the rest of it."""
    last = KeyTransform("-1", f"{prompt}messages")
    return Left(KeyTextTransform("content", last), SHOWN)


def count(rows: Any, of: str) -> Coalesce:
    """How many of ``rows`` have the row as their ``of``."""
    counted = rows.filter(**{of: OuterRef("pk")}).order_by().values(of).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def completions() -> Coalesce:
    """Of a prompt."""
    return count(Completion.objects.kept(), "prompt")


def demonstrations() -> Coalesce:
    """Of a prompt: the current ones."""
    return count(Demonstration.objects.current().kept(), "prompt")


def tasks() -> Coalesce:
    """Of a prompt."""
    return count(Task.objects.all(), "prompt")


def rankings() -> Coalesce:
    """Of a task: the current ones."""
    return count(Ranking.objects.current().kept(), "task")


def reward() -> Subquery:
    """Of a completion, by the active version of its project; null where it has given none."""
    rewards = Reward.objects.filter(
        completion=OuterRef("pk"), version__is_active=True, version__project=OuterRef("prompt__project")
    )
    return Subquery(rewards.values("value"))
