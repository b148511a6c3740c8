"""Stage 2 for programs: reward model versions, and the fits that make them."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import (
    Endpoint,
    ProjectEndpoint,
    Scope,
    SimulatedField,
    StartingEndpoint,
    VersionsEndpoint,
    bodiless,
    within_token,
)
from annotation.api.filters import Filter, finite
from annotation.api.paging import NewestFirst, Pages
from annotation.api.parsing import named_fields
from annotation.api.settings import SettingsEndpoint
from annotation.files import intake
from annotation.models import Project
from rewardmodel import (
    activation,
    choosing,
    contests,
    fits,
    handing_over,
    retraining,
    rewards,
    scoring,
    simulating,
)
from rewardmodel.models import Contest, Reward, RewardModelSettings, RewardModelVersion
from rewardmodel.proposals import Proposal
from runs.api import RunSerializer
from runs.models import Run

TAG = "Reward models"
# Texts of one request for scores.
MOST_SCORED = 10_000


class RewardModelSerializer(serializers.ModelSerializer[RewardModelVersion]):
    """A fitted reward model."""

    run = serializers.IntegerField(source="fit.run_id", read_only=True, help_text="The fit that made it")
    snapshot = serializers.CharField(
        source="fit.snapshot.digest",
        read_only=True,
        allow_null=True,
        help_text="Digest of what it was fitted on",
    )
    artifact = serializers.CharField(source="artifact.digest", read_only=True)
    active = serializers.BooleanField(source="is_active", read_only=True)
    proposal = serializers.ChoiceField(choices=Proposal.choices, allow_blank=True, read_only=True)
    simulated = SimulatedField("reward_models")
    report = serializers.DictField(read_only=True)

    class Meta:
        model = RewardModelVersion
        fields = (
            "number",
            "active",
            "proposal",
            "activation",
            "run",
            "snapshot",
            "artifact",
            "simulated",
            "report",
            "created_at",
        )
        read_only_fields = fields


class NewFitSerializer(serializers.Serializer[Any]):
    """What of a fit differs from the project's settings and the defaults."""

    config = serializers.DictField(
        required=False, default=dict, help_text="Fields of FitConfig, base among them"
    )
    warm = serializers.BooleanField(
        required=False, default=False, help_text="Go on from the active version, its head included"
    )


class RetrainingSerializer(serializers.ModelSerializer[RewardModelSettings]):
    """When fits of the project begin by themselves."""

    class Meta:
        model = RewardModelSettings
        fields = ("retrain_rankings", "retrain_hours", "retrain_warm", "choose_next")


class ActivationSerializer(serializers.ModelSerializer[RewardModelSettings]):
    """When a new version goes live by itself."""

    class Meta:
        model = RewardModelSettings
        fields = ("activates", "activation_prompts")


class RewardModels(ListAPIView[RewardModelVersion], VersionsEndpoint):
    """The project's reward model versions, the newest first."""

    tag = TAG
    serializer_class = RewardModelSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> "QuerySet[RewardModelVersion]":
        return _versions(self)


class OneRewardModel(VersionsEndpoint):
    """One version."""

    tag = TAG
    serializer_class = RewardModelSerializer

    def get(self, request: Request, slug: str, number: int) -> Response:
        """Its report."""
        return Response(self.get_serializer(get_object_or_404(_versions(self), number=number)).data)


class Activate(VersionsEndpoint):
    """Which version PPO follows."""

    tag = TAG
    serializer_class = RewardModelSerializer
    writes = (Scope.RUNS,)

    @bodiless(responses=RewardModelSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Make it the active version of the project."""
        version = get_object_or_404(_versions(self), number=number)
        activation.activate(version=version, why=f"Activated by {self.account.get_username()}.")
        return Response(self.get_serializer(version).data)


class NewVersionExportSerializer(serializers.Serializer[Any]):
    """How a version goes out: as a folder that transformers loads, or only what LoRA learnt, for peft."""

    adapter = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Only what LoRA learnt, for peft; 409 where that was not kept",
    )
    license = serializers.CharField(
        required=False,
        default="other",
        max_length=100,
        help_text="What its model card says: mit, apache-2.0, ...",
    )


class VersionExport(StartingEndpoint):
    """A version for other programs; a subclass says of which versions, and what queues it."""

    serializer_class = NewVersionExportSerializer
    request_export: Callable[..., Run]

    def versions(self) -> "QuerySet[Any]":
        raise NotImplementedError

    @extend_schema(request=NewVersionExportSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Start its export; its run offers the folder at ``runs/ID/output/`` as one archive."""
        fields = self.requested()
        version = get_object_or_404(self.versions(), number=number)
        return self.accepted(self.request_export(version=version, created_by=self.account, **fields))


class Export(VersionExport):
    """A reward model for other programs."""

    tag = TAG
    request_export = staticmethod(handing_over.request_export)

    def versions(self) -> "QuerySet[RewardModelVersion]":
        return _versions(self)


class RewardSerializer(serializers.ModelSerializer[Reward]):
    """What a version gives a completion."""

    completion = serializers.UUIDField(source="completion.public_id", read_only=True)
    prompt = serializers.UUIDField(source="completion.prompt.public_id", read_only=True)

    class Meta:
        model = Reward
        fields = ("completion", "prompt", "value")
        extra_kwargs: ClassVar = {
            "value": {"help_text": "Shifted and scaled as the version's report says, so that rewards compare"}
        }


class Rewards(ListAPIView[Reward], StartingEndpoint):
    """What a version gives the project's completions, of those that it has scored."""

    tag = TAG
    serializer_class = RewardSerializer
    pagination_class = Pages
    filters: ClassVar = {
        "least": Filter("value__gte", "With at least this reward", type=finite),
        "most": Filter("value__lte", "With at most this reward", type=finite),
        "prompt": Filter("completion__prompt__public_id", "Of answers to this prompt", type=UUID),
    }

    def get_queryset(self) -> "QuerySet[Reward]":
        if not hasattr(self, "project"):  # the schema is being drawn
            return Reward.objects.none()
        version = get_object_or_404(_versions(self), number=self.kwargs["number"])
        return version.rewards.select_related("completion__prompt")

    @bodiless(responses={202: RunSerializer})
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Have it score every completion that it has not scored yet."""
        version = get_object_or_404(_versions(self), number=number)
        return self.accepted(rewards.request_scoring(version=version, created_by=self.account))


class Fits(StartingEndpoint):
    """Attempts at fitting."""

    tag = TAG
    serializer_class = NewFitSerializer

    @extend_schema(request=NewFitSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start a fit on the judgements there are."""
        return self.accepted(
            fits.request_fit(project=self.project, created_by=self.account, **self.requested())
        )


class NewContestSerializer(serializers.Serializer[Any]):
    """Which versions are compared."""

    versions = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        default=list,
        max_length=20,
        help_text="Versions' numbers; the newest five and the active one without them",
    )


class ContestSerializer(serializers.ModelSerializer[Contest]):
    """Versions side by side on one held-out set."""

    reference = serializers.IntegerField(source="reference.number", read_only=True)
    snapshot = serializers.CharField(
        source="snapshot.digest",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="What they were measured on",
    )
    report = serializers.DictField(
        read_only=True, help_text="numbers, and figures in their order; empty until the run has succeeded"
    )

    class Meta:
        model = Contest
        fields = ("run", "reference", "snapshot", "report")
        read_only_fields = fields


class Contests(ListAPIView[Contest], StartingEndpoint):
    """Comparisons of versions on one held-out set, the newest first."""

    tag = TAG
    serializer_class = ContestSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> "QuerySet[Contest]":
        return self.of_project(Contest.objects.select_related("reference", "snapshot"))

    @extend_schema(request=NewContestSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Compare versions on the held-out pairs of today's judgements."""
        numbers = self.requested(NewContestSerializer)["versions"]
        versions = contests.named(project=self.project, numbers=numbers)
        return self.accepted(
            contests.request_contest(project=self.project, versions=versions, created_by=self.account)
        )


class Choice(StartingEndpoint):
    """What is asked first."""

    tag = TAG

    @bodiless(responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Ask first what the active reward model is unsure of: a run scores the open tasks and orders them."""
        return self.accepted(choosing.request_choice(project=self.project, created_by=self.account))

    @bodiless(responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Ask in the order in which tasks were made again."""
        choosing.forget(project=self.project)
        return Response(status=status.HTTP_204_NO_CONTENT)


class NewSimulationSerializer(serializers.Serializer[Any]):
    """Who judges, and how much."""

    preference = serializers.ChoiceField(
        choices=[*simulating.RULES, *simulating.BY_ACTIVE], help_text="What they like"
    )
    judgements = serializers.IntegerField(
        required=False,
        default=50,
        min_value=1,
        max_value=simulating.MOST_IN_DEMO,
        help_text="At most so many",
    )


class SimulatedSerializer(serializers.Serializer[Any]):
    """What simulated annotators made."""

    judgements = serializers.IntegerField(source="asked", read_only=True, help_text="As many were asked for")
    rankings = serializers.IntegerField(read_only=True)
    ratings = serializers.IntegerField(read_only=True)
    demonstrations = serializers.IntegerField(read_only=True)
    kept = serializers.IntegerField(
        read_only=True, help_text="So many tasks of each kind are left for people"
    )
    shortfall = serializers.CharField(
        read_only=True, help_text="Why there are fewer than were asked for; empty where there are not"
    )


class Simulate(ProjectEndpoint):
    """Simulated annotators in a demo."""

    tag = "Judgements"
    serializer_class = SimulatedSerializer

    @extend_schema(request=NewSimulationSerializer, responses={201: SimulatedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Have simulated annotators judge, for a trial of the loop: 400 where the project is no demo. All that holds
        their judgements says so."""
        answer = simulating.simulate_in_demo(project=self.project, **self.requested(NewSimulationSerializer))
        answer["shortfall"] = simulating.shortfall(answer)
        return Response(self.get_serializer(answer).data, status=status.HTTP_201_CREATED)


class Retraining(SettingsEndpoint):
    """After how many rankings or hours a fit begins by itself; 0 is never."""

    tag = TAG
    serializer_class = RetrainingSerializer
    configure = retraining.configure


class Activation(SettingsEndpoint):
    """Whether a new version goes live by itself, and on how many held-out prompts at least."""

    tag = TAG
    serializer_class = ActivationSerializer
    configure = activation.configure


class ScoreRequestSerializer(serializers.Serializer[Any]):
    """Texts to be scored by one reward model."""

    project = serializers.SlugField(
        help_text="The slug of the project whose reward model scores",
    )
    version = serializers.IntegerField(
        required=False, help_text="A version's number; the active one without it"
    )
    # Looked at one by one by the reader of files, which is far quicker than a serializer of each.
    items = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        max_length=MOST_SCORED,
        help_text="Of prompt and completion",
    )


class OneScoreSerializer(serializers.Serializer[Any]):
    """The score of one text."""

    score = serializers.FloatField(
        help_text="0 and 1 are mean and standard deviation on reference completions"
    )
    truncated = serializers.BooleanField(help_text="Either was too long to be read whole")
    prompt_cut = serializers.BooleanField(help_text="The prompt was: it lost its oldest words")
    completion_cut = serializers.BooleanField(help_text="The completion was: it lost its end")


class ScoresSerializer(serializers.Serializer[Any]):
    """The scores, in the order of the texts."""

    version = serializers.IntegerField()
    scores = OneScoreSerializer(many=True)


class Scores(Endpoint):
    """Scores of texts by a reward model."""

    tag = TAG
    serializer_class = ScoreRequestSerializer
    writes = (Scope.READ,)
    keeps = False

    @extend_schema(request=ScoreRequestSerializer, responses=ScoresSerializer)
    def post(self, request: Request) -> Response:
        """Answered by the resident scorer; 503 where none runs."""
        fields = self.requested()
        projects = within_token(request, Project.objects.researched_by(request.user))
        project = get_object_or_404(projects, slug=fields["project"])
        version = activation.require_active(project)
        if "version" in fields:
            rows = RewardModelVersion.objects.select_related("artifact")
            version = get_object_or_404(rows, project=project, number=fields["version"])
        with named_fields(lambda index, steps: ["items", str(index), *steps]):
            lines = intake.scorable_values(fields["items"])
        scores = scoring.ask(version=version, lines=lines)
        answers = [
            {
                "score": score.value,
                "truncated": score.truncated,
                "prompt_cut": score.prompt_cut,
                "completion_cut": score.completion_cut,
            }
            for score in scores
        ]
        return Response({"version": version.number, "scores": answers})


def _versions(view: ProjectEndpoint) -> "QuerySet[RewardModelVersion]":
    return view.of_project(RewardModelVersion.objects.select_related("fit__snapshot", "artifact"))


urlpatterns = [
    path("score/", Scores.as_view()),
    path("projects/<slug:slug>/reward-models/", RewardModels.as_view()),
    path("projects/<slug:slug>/reward-models/<int:number>/", OneRewardModel.as_view()),
    path("projects/<slug:slug>/reward-models/<int:number>/activate/", Activate.as_view()),
    path("projects/<slug:slug>/reward-models/<int:number>/export/", Export.as_view()),
    path("projects/<slug:slug>/reward-models/<int:number>/rewards/", Rewards.as_view()),
    path("projects/<slug:slug>/fits/", Fits.as_view()),
    path("projects/<slug:slug>/contests/", Contests.as_view()),
    path("projects/<slug:slug>/activation/", Activation.as_view()),
    path("projects/<slug:slug>/retraining/", Retraining.as_view()),
    path("projects/<slug:slug>/simulate/", Simulate.as_view()),
    path("projects/<slug:slug>/choice/", Choice.as_view()),
]
