"""Tasks: made from completions, the state of their slots, what is ranked next."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import locks
from annotation.api.base import ProjectEndpoint, by_public_id
from annotation.api.paging import EitherWay
from annotation.api.parsing import named_fields
from annotation.api.preconditions import require_unchanged, tagged
from annotation.api.prompts import PromptField, created
from annotation.files import intake
from annotation.files.export.scope import named_source, prompt_value
from annotation.models import Assignment, Completion, Project, Prompt, Slot, Task, TaskCompletion
from annotation.preferences.tiers import LEAST_COMPLETIONS, MOST_COMPLETIONS
from runs.writing import write

# What of a task a PATCH changes, and its ETag digests: its slots change with everybody who judges.
CHANGEABLE = ("priority",)
STATES = ("free", "open", "submitted")


class SlotSerializer(serializers.Serializer[Slot]):
    """One of a task's places for an annotator."""

    number = serializers.IntegerField(read_only=True)
    annotator = serializers.UUIDField(read_only=True, allow_null=True)
    state = serializers.ChoiceField(choices=STATES, read_only=True)


class TaskSerializer(serializers.ModelSerializer[Task]):
    """Completions of one prompt to be ranked, and how far that is. Gold tasks and repeats have no slots."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    prompt = serializers.UUIDField(source="prompt.public_id", read_only=True)
    completions = serializers.SerializerMethodField(help_text="Ids, in the order of their places")
    slots = serializers.SerializerMethodField()
    complete = serializers.BooleanField(read_only=True, help_text="Everybody who was asked has submitted")
    metadata = serializers.DictField(read_only=True)

    class Meta:
        model = Task
        fields = (
            "id",
            "key",
            "kind",
            "purpose",
            "prompt",
            "completions",
            "priority",
            "slots",
            "complete",
            "external_id",
            "metadata",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_completions(self, task: Task) -> list[str]:
        return [str(entry.completion.public_id) for entry in task.entries.all()]

    @extend_schema_field(SlotSerializer(many=True))
    def get_slots(self, task: Task) -> list[dict[str, Any]]:
        submitted = {
            one.annotator_id for one in task.assignments.all() if one.status == Assignment.Status.SUBMITTED
        }
        return [_slot(slot, submitted) for slot in task.slots.all()]


def _slot(slot: Slot, submitted: set[int]) -> dict[str, Any]:
    if slot.annotator is None:
        return {"number": slot.number, "annotator": None, "state": "free"}
    state = "submitted" if slot.annotator.pk in submitted else "open"
    return {"number": slot.number, "annotator": str(slot.annotator.public_id), "state": state}


class NewCompletionSerializer(serializers.Serializer[Any]):
    """An answer that comes in with its task."""

    text = serializers.CharField(
        trim_whitespace=False,
        allow_blank=True,
        help_text="The answer, kept as it was written",
    )
    source = serializers.CharField(
        required=False,
        max_length=200,
        help_text="Who or what wrote it; annotators never see it",
    )  # type: ignore[assignment]  # what clients call it
    sampling = serializers.DictField(
        required=False,
        help_text="With which parameters a policy wrote it, as you name them",
    )


class NewTaskSerializer(serializers.Serializer[Any]):
    """A task: a prompt with completions as a line of kind completions has them, or the ids of stored completions."""

    prompt = PromptField(
        required=False,
        help_text="A text or a list of messages, added where it is not there yet",
    )
    completions = serializers.ListField(
        child=NewCompletionSerializer(),
        required=False,
        min_length=LEAST_COMPLETIONS,
        max_length=MOST_COMPLETIONS,
        help_text="The answers to be ranked against each other",
    )
    completion_ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        min_length=LEAST_COMPLETIONS,
        max_length=MOST_COMPLETIONS,
        help_text="Instead of prompt and completions: stored answers to one prompt",
    )
    task = serializers.CharField(required=False, max_length=200, help_text="Your own key of the task")
    priority = serializers.IntegerField(
        required=False,
        min_value=-(2**31),
        max_value=2**31 - 1,
        help_text="The highest is ranked next; 0 where nothing is said",
    )
    metadata = serializers.DictField(
        required=False,
        help_text="Whatever you wish to find beside the task again",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One way of saying which completions, not two."""
        by_text, by_id = {"prompt", "completions"} & attrs.keys(), "completion_ids" in attrs
        if by_id == bool(by_text) or len(by_text) == 1:
            raise serializers.ValidationError("Give prompt and completions, or completion_ids.")
        return attrs


class WantedTasksSerializer(serializers.Serializer[Any]):
    """Tasks to be made of prompts."""

    kind = serializers.ChoiceField(
        choices=[Task.Kind.RATE, Task.Kind.DEMONSTRATE],
        help_text="Scores on the project's axes, or an answer of the annotator's own",
    )
    prompts = serializers.IntegerField(min_value=1, max_value=100_000, help_text="At most so many tasks")
    completions = serializers.IntegerField(
        min_value=1, max_value=MOST_COMPLETIONS, required=False, help_text="On one page to rate"
    )
    priority = serializers.IntegerField(
        required=False,
        min_value=-(2**31),
        max_value=2**31 - 1,
        help_text="The highest comes next; 0 where nothing is said",
    )


class MadeTasksSerializer(serializers.Serializer[Any]):
    """How many there are now more."""

    tasks = serializers.IntegerField(read_only=True)


class TaskChangesSerializer(serializers.Serializer[Any]):
    """What of a task may change."""

    priority = serializers.IntegerField(
        min_value=-(2**31), max_value=2**31 - 1, required=False, help_text="The highest is ranked next"
    )


class Tasks(ListAPIView[Task], ProjectEndpoint):
    """The project's tasks, with the state of their slots."""

    tag = "Tasks"
    serializer_class = TaskSerializer
    pagination_class = EitherWay
    kind_of_data = "tasks"

    def get_queryset(self) -> "QuerySet[Task]":
        return tasks_of(self)

    @extend_schema(request=NewTaskSerializer, responses={200: TaskSerializer, 201: TaskSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Make a task: 201, or 200 where it is there already."""
        line = self.requested(NewTaskSerializer)
        if "completion_ids" in line:
            line |= self._stored(line.pop("completion_ids"))
        with named_fields():
            added = intake.add_task(project=self.project, line=line)
        task = tasks_of(self).get(pk=added.row.pk)
        return Response(self.get_serializer(task).data, status=created(added.is_new))

    def _stored(self, ids: list[UUID]) -> dict[str, Any]:
        """Stored completions as the line that would bring them."""
        rows = Completion.objects.filter(prompt__project=self.project, prompt__withdrawn_at=None)
        completions = {
            row.public_id: row for row in rows.filter(public_id__in=ids).select_related("prompt", "source")
        }
        missing = [str(one) for one in ids if one not in completions]
        if missing:
            raise serializers.ValidationError({"completion_ids": [f"There is no completion {missing[0]}."]})
        prompts: dict[int, Prompt] = {row.prompt_id: row.prompt for row in completions.values()}
        if len(prompts) > 1:
            raise serializers.ValidationError({"completion_ids": ["They answer different prompts."]})
        (prompt,) = prompts.values()
        return {
            "prompt": prompt_value(prompt.form, prompt.messages),
            "completions": [_line_of(completions[one]) for one in ids],
        }


def _line_of(completion: Completion) -> dict[str, Any]:
    source = named_source(completion.source.name)
    return {
        "text": completion.text,
        **({"source": source} if source else {}),
        **({"sampling": completion.sampling} if completion.sampling else {}),
    }


class MakeTasks(ProjectEndpoint):
    """Tasks of the kinds that are made of prompts."""

    tag = "Tasks"
    serializer_class = MadeTasksSerializer

    @extend_schema(request=WantedTasksSerializer, responses={201: MadeTasksSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Make tasks to rate or to demonstrate, of prompts that have none of the kind yet."""
        count = intake.create_tasks(project=self.project, **self.requested(WantedTasksSerializer))
        return Response(self.get_serializer({"tasks": count}).data, status=status.HTTP_201_CREATED)


class OneTask(ProjectEndpoint):
    """One task."""

    conditional = True
    tag = "Tasks"
    serializer_class = TaskSerializer

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """The state of its slots."""
        return tagged(self.get_serializer(by_public_id(tasks_of(self), id)).data, of=CHANGEABLE)

    @extend_schema(request=TaskChangesSerializer, responses=TaskSerializer)
    @write
    def patch(self, request: Request, slug: str, id: UUID) -> Response:
        """Change its priority."""
        by_public_id(tasks_of(self), id)  # what is not there is not found, whatever it would be changed to
        changes = self.requested(TaskChangesSerializer)
        locks.desk(self.project)
        task = by_public_id(tasks_of(self), id)
        require_unchanged(request, self.get_serializer(task).data, of=CHANGEABLE)
        if changes:
            intake.set_priorities(project=self.project, priorities={task.pk: changes["priority"]})
        return self.get(request, slug, id)


def require_tasks(project: Project, ids: Sequence[UUID]) -> "QuerySet[Task]":
    """The project's tasks with these ids. Raises ValidationError, at ``tasks``, where one is none."""
    rows = Task.objects.filter(project=project, prompt__withdrawn_at=None, public_id__in=ids)
    missing = sorted(set(ids) - set(rows.values_list("public_id", flat=True)))
    if missing:
        raise serializers.ValidationError({"tasks": [f"There is no task {missing[0]}."]})
    return rows


def tasks_of(view: ProjectEndpoint) -> "QuerySet[Task]":
    """Those of the view's project, with everything that is shown of them in a fixed number of queries."""
    entries = TaskCompletion.objects.select_related("completion").only(
        "task", "position", "completion__public_id"
    )
    rows = view.of_project(Task.objects.filter(prompt__withdrawn_at=None).with_complete())
    return rows.select_related("prompt").prefetch_related(
        Prefetch("entries", entries),
        Prefetch("slots", Slot.objects.select_related("annotator").order_by("number")),
        "assignments",
    )
