"""Where a row of data comes from, and what came of it: what its page shows of that, by ids, numbers and digests."""

from typing import Any, ClassVar
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, by_public_id
from console.data import related
from console.data.kinds import KINDS
from rltrainer.lineage import Lineage


def _or_null(field: type[serializers.Field[Any, Any, Any, Any]], source: str, words: str) -> Any:
    """A field that is null where the way to its ``source`` ends."""
    return field(source=source, default=None, read_only=True, allow_null=True, help_text=words)


class WrittenBySerializer(serializers.Serializer[Any]):
    """How a policy came to write it, step by step back; null where the line ends."""

    policy = serializers.IntegerField(
        source="policy.number", read_only=True, help_text="The version's number"
    )
    training = _or_null(
        serializers.IntegerField, "training.run_id", "The run that trained it; null of a base"
    )
    algorithm = _or_null(
        serializers.CharField, "training.algorithm", "By which it was trained: sft, ppo or reinforce"
    )
    reward_model = _or_null(
        serializers.IntegerField,
        "reward_model.number",
        "The number of the version that the training followed",
    )
    fit = _or_null(
        serializers.IntegerField, "reward_model.fit.run_id", "The run that fitted the reward model"
    )
    snapshot = _or_null(
        serializers.CharField, "snapshot.digest", "Digest of the rankings that it was fitted on"
    )
    rankings = _or_null(serializers.IntegerField, "snapshot.rankings", "How many the snapshot holds")
    simulated = _or_null(
        serializers.IntegerField, "snapshot.simulated", "How many of them are by simulated annotators"
    )


class LearntSerializer(serializers.Serializer[Any]):
    """Versions that learnt from it, themselves or through what they were made from."""

    reward_models = serializers.ListField(
        child=serializers.IntegerField(), read_only=True, help_text="Numbers of versions"
    )
    policies = serializers.ListField(
        child=serializers.IntegerField(), read_only=True, help_text="Numbers of versions"
    )


class IdsField(serializers.ListField):
    """The ids of rows."""

    child = serializers.UUIDField()

    def to_representation(self, data: Any) -> list[str]:
        """In their order."""
        return [str(one.public_id) for one in data]


class LineageSerializer(serializers.Serializer[Any]):
    """What one row was made of, and what was made of it; empty or null where its kind has no such thing."""

    prompt = serializers.UUIDField(
        source="prompt.public_id", read_only=True, help_text="Under which all of it is; of a prompt itself"
    )
    completions = IdsField(
        read_only=True,
        help_text="Of a prompt the newest 50; of a task and a ranking those put side by side; of a rating its own",
    )
    tasks = IdsField(
        read_only=True, help_text="Of a prompt and a completion the newest 50; of a ranking its own"
    )
    rankings = IdsField(read_only=True, help_text="Of a completion and a task, 50 at most")
    ratings = IdsField(
        read_only=True,
        help_text="Of a completion and a task, 50 at most; of a rating the same annotator's on each axis",
    )
    demonstrations = IdsField(read_only=True, help_text="Of a prompt and a task, 50 at most")
    repeats = _or_null(
        serializers.UUIDField, "repeats.public_id", "The task that this one asks for once more"
    )
    asked_again = IdsField(read_only=True, help_text="Tasks that ask for this one once more")
    earlier = _or_null(serializers.UUIDField, "earlier.public_id", "The judgement whose place this one took")
    later = _or_null(serializers.UUIDField, "later.public_id", "The judgement that took this one's place")
    written_by = serializers.SerializerMethodField(
        help_text="Of a completion by a policy: how that came to be; null of others"
    )
    learnt = serializers.SerializerMethodField(
        help_text="Of a completion: which versions learnt from rankings of it; null of other kinds"
    )

    @extend_schema_field(WrittenBySerializer(allow_null=True))
    def get_written_by(self, known: related.Related) -> Any:
        lineage: Lineage | None = known.lineage
        return WrittenBySerializer(lineage).data if lineage and lineage.policy else None

    @extend_schema_field(LearntSerializer(allow_null=True))
    def get_learnt(self, known: related.Related) -> Any:
        if known.learnt is None:
            return None
        return {kind: known.learnt.get(kind, []) for kind in ("reward_models", "policies")}


class LineageEndpoint(ProjectEndpoint):
    """Of a row of ``kind``, one of KINDS."""

    tag = "Lineage"
    serializer_class = LineageSerializer
    kind: ClassVar[str]

    def shown(self, public_id: UUID) -> Response:
        """Raises Http404 of what is withdrawn, and of another project's."""
        row = by_public_id(KINDS[self.kind].rows(self.project), public_id)
        return Response(self.get_serializer(related.of(self.kind, row)).data)


class OfPrompt(LineageEndpoint):
    """What came of a prompt."""

    kind = "prompts"

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """What came of a prompt: its completions, tasks and demonstrations."""
        return self.shown(id)


class OfCompletion(LineageEndpoint):
    """Where a completion comes from, and what learnt from it."""

    kind = "completions"

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """Where a completion comes from, and what learnt from it: policy, training, reward model and snapshot behind
        it, what people said of it, and the versions that learnt from that."""
        return self.shown(id)


class OfTask(LineageEndpoint):
    """What came of a task."""

    kind = "tasks"

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """What a task is made of and what came of it: its completions, judgements, and tasks that ask for it again."""
        return self.shown(id)


class OfRanking(LineageEndpoint):
    """Where a ranking comes from."""

    kind = "rankings"

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """Where a ranking comes from: its task and completions, and the versions of it before and after."""
        return self.shown(id)


class OfRating(LineageEndpoint):
    """Where a rating comes from."""

    kind = "ratings"

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """Where a rating comes from: its completion, the same annotator's on the other axes, and its versions."""
        return self.shown(id)


class OfDemonstration(LineageEndpoint):
    """Where a demonstration comes from."""

    kind = "demonstrations"

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """Where a demonstration comes from: its prompt, and the versions of it before and after."""
        return self.shown(id)


urlpatterns = [
    path(f"projects/<slug:slug>/{view.kind}/<uuid:id>/lineage/", view.as_view())
    for view in (OfPrompt, OfCompletion, OfTask, OfRanking, OfRating, OfDemonstration)
]
