"""Stage 3 for programs: policy versions, and the runs that train, sample and compare them."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
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
from annotation.api.paging import NewestFirst
from annotation.api.parsing import named_fields
from annotation.api.settings import SettingsEndpoint
from annotation.files import intake
from annotation.models import Project
from rewardmodel import activation
from rewardmodel.api import VersionExport
from rewardmodel.proposals import Proposal
from rltrainer import (
    answering,
    evaluation,
    handing_over,
    policies,
    registering,
    sampling,
    succession,
    training,
)
from rltrainer.models import PolicySettings, PolicyVersion, Training
from runs.api import RunSerializer

TAG = "Policies"
# Prompts of one request for answers; of each it may ask for several (rltrainer.answering bounds the answers).
MOST_PROMPTS = 5_000


class PolicySerializer(serializers.ModelSerializer[PolicyVersion]):
    """A policy that can be sampled: a base by name, or what a training made."""

    run = serializers.IntegerField(
        source="training.run_id",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="The training's run",
    )
    algorithm = serializers.CharField(
        source="training.algorithm", read_only=True, allow_null=True, default=None
    )
    artifact = serializers.CharField(source="artifact.digest", read_only=True, allow_null=True, default=None)
    source = serializers.CharField(  # type: ignore[assignment]  # what clients call it
        source="source.name", read_only=True, help_text="As completions name it"
    )
    current = serializers.BooleanField(source="is_current", read_only=True)
    proposal = serializers.ChoiceField(choices=Proposal.choices, allow_blank=True, read_only=True)
    simulated = SimulatedField("policies")
    report = serializers.DictField(read_only=True)

    class Meta:
        model = PolicyVersion
        fields = (
            "number",
            "current",
            "run",
            "algorithm",
            "base",
            "artifact",
            "source",
            "simulated",
            "proposal",
            "why",
            "report",
            "created_at",
        )
        read_only_fields = fields


class NewTrainingSerializer(serializers.Serializer[Any]):
    """A training to be started."""

    algorithm = serializers.ChoiceField(
        choices=Training.Algorithm.choices,
        help_text="sft learns from demonstrations; ppo and reinforce follow the active reward model",
    )
    start = serializers.IntegerField(
        required=False, min_value=1, help_text="A policy's number; else the current one"
    )
    config = serializers.DictField(required=False, default=dict, help_text="Fields of SftConfig or PpoConfig")


class NewRegistrationSerializer(serializers.Serializer[Any]):
    """A policy that was trained elsewhere."""

    base = serializers.CharField(max_length=300, help_text="A hub name, or a folder that the workers see")
    current = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Make it the current policy; where there is none it becomes it",
    )


class NewSamplingSerializer(serializers.Serializer[Any]):
    """A sampling to be started."""

    policy = serializers.IntegerField(
        required=False, min_value=1, help_text="A policy's number; else the current one"
    )
    prompts = serializers.IntegerField(
        required=False,
        default=100,
        min_value=1,
        max_value=1_000_000,
        help_text="Of at most so many prompts new tasks are made",
    )
    config = serializers.DictField(required=False, default=dict, help_text="Fields of SampleConfig")


class NewEvaluationSerializer(serializers.Serializer[Any]):
    """A comparison to be started."""

    policies = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        min_length=2,
        max_length=20,
        help_text="Policies' numbers",
    )
    config = serializers.DictField(required=False, default=dict, help_text="Fields of EvaluateConfig")

    def validate_policies(self, numbers: list[int]) -> list[int]:
        """Two different ones at least."""
        if len(set(numbers)) < 2:
            raise serializers.ValidationError("Name at least two policies.")
        return sorted(set(numbers))


class SuccessionSerializer(serializers.ModelSerializer[PolicySettings]):
    """When a new policy becomes the current one by itself."""

    class Meta:
        model = PolicySettings
        fields = ("succeeds", "succession_prompts")


class AskSerializer(serializers.Serializer[Any]):
    """Prompts to be answered by one policy."""

    project = serializers.SlugField(
        help_text="The slug of the project whose policy answers",
    )
    policy = serializers.IntegerField(
        required=False, min_value=1, help_text="A version's number; else the current one"
    )
    prompts = serializers.ListField(
        child=serializers.JSONField(),
        min_length=1,
        max_length=MOST_PROMPTS,
        help_text="Each a text or a list of messages",
    )
    completions = serializers.IntegerField(
        required=False,
        default=1,
        min_value=1,
        max_value=64,
        help_text="So many answers to each prompt",
    )
    temperature = serializers.FloatField(
        required=False,
        default=1.0,
        min_value=0.0,
        max_value=100.0,
        help_text="0 takes the likeliest token, 1 draws as the policy has it, more draws more widely",
    )
    top_k = serializers.IntegerField(
        required=False,
        default=0,
        min_value=0,
        help_text="Draw from the likeliest so many tokens alone; 0 from all",
    )
    top_p = serializers.FloatField(
        required=False,
        default=1.0,
        min_value=0.0,
        max_value=1.0,
        help_text="Draw from the likeliest tokens that share this probability; 1 from all",
    )
    max_new_tokens = serializers.IntegerField(
        required=False,
        default=128,
        min_value=1,
        max_value=32_768,
        help_text="An answer is cut after so many tokens, and is then not finished",
    )
    seed = serializers.IntegerField(
        required=False,
        default=0,
        min_value=0,
        max_value=2**31 - 1,
        help_text="Where the drawing begins",
    )
    scored = serializers.BooleanField(
        required=False, default=False, help_text="Score each answer by the active reward model"
    )


class AnswerSerializer(serializers.Serializer[Any]):
    """One answer."""

    text = serializers.CharField(allow_blank=True)
    finished = serializers.BooleanField(help_text="It ended by itself")
    score = serializers.FloatField(allow_null=True)


class AnsweredSerializer(serializers.Serializer[Any]):
    """The answers to each prompt, in the order of the prompts."""

    policy = serializers.IntegerField()
    reward_model = serializers.IntegerField(allow_null=True)
    answers = serializers.ListField(child=AnswerSerializer(many=True))


class Generate(Endpoint):
    """Answers of a policy, which nothing stores."""

    tag = TAG
    serializer_class = AskSerializer
    writes = (Scope.READ,)
    keeps = False

    @extend_schema(request=AskSerializer, responses=AnsweredSerializer)
    def post(self, request: Request) -> Response:
        """Answered by the resident scorer; 503 where none runs."""
        fields = self.requested()
        projects = within_token(request, Project.objects.researched_by(request.user))
        project = get_object_or_404(projects, slug=fields["project"])
        policy = policies.require_policy(project=project, number=fields.get("policy"))
        reward_model = activation.require_active(project) if fields["scored"] else None
        # A prompt is read as a line to be scored is, with an answer that nobody looks at.
        with named_fields(lambda index, steps: ["prompts", str(index), *steps[1:]]):
            lines = intake.scorable_values(
                [{"prompt": prompt, "completion": ""} for prompt in fields["prompts"]]
            )
        sampling = {name: fields[name] for name in ("temperature", "top_k", "top_p", "max_new_tokens")}
        (answered,) = answering.answers(
            policies=[policy],
            prompts=[{"form": line["form"], "messages": line["prompt"]} for line in lines],
            sampling={**sampling, "samples": fields["completions"]},
            seed=fields["seed"],
            reward_model=reward_model,
        )
        answers = [[one._asdict() for one in of_prompt] for of_prompt in answered]
        judge = reward_model.number if reward_model else None
        return Response({"policy": policy.number, "reward_model": judge, "answers": answers})


class Policies(ListAPIView[PolicyVersion], VersionsEndpoint):
    """The project's policy versions, the newest first."""

    tag = TAG
    serializer_class = PolicySerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> "QuerySet[PolicyVersion]":
        return _versions(self)


class OnePolicy(VersionsEndpoint):
    """One version."""

    tag = TAG
    serializer_class = PolicySerializer

    def get(self, request: Request, slug: str, number: int) -> Response:
        """Its report."""
        return Response(self.get_serializer(get_object_or_404(_versions(self), number=number)).data)


class MakeCurrent(VersionsEndpoint):
    """Which version is sampled and trained on from."""

    tag = TAG
    serializer_class = PolicySerializer
    writes = (Scope.RUNS,)

    @bodiless(responses=PolicySerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Make it the current policy of the project."""
        version = get_object_or_404(_versions(self), number=number)
        policies.make_current(version=version, why=f"Made current by {self.account.get_username()}.")
        return Response(self.get_serializer(version).data)


class Export(VersionExport):
    """A policy for other programs."""

    tag = TAG
    request_export = staticmethod(handing_over.request_export)

    def versions(self) -> "QuerySet[PolicyVersion]":
        return _versions(self)


class Succession(SettingsEndpoint):
    """Whether a new policy becomes the current one by itself, and on how many held-out prompts at least."""

    tag = TAG
    serializer_class = SuccessionSerializer
    configure = succession.configure


class PolicyRuns(StartingEndpoint):
    """An endpoint that starts a run of policies."""

    tag = TAG

    def version(self, number: int | None) -> PolicyVersion | None:
        """The policy that the request names. Raises NoPolicy."""
        return None if number is None else policies.require_policy(project=self.project, number=number)


class Trainings(PolicyRuns):
    """Attempts at training."""

    serializer_class = NewTrainingSerializer

    @extend_schema(request=NewTrainingSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start a training."""
        fields = self.requested()
        start = self.version(fields.pop("start", None))
        return self.accepted(
            training.request_training(project=self.project, start=start, created_by=self.account, **fields)
        )


class Registrations(PolicyRuns):
    """Policies from elsewhere."""

    serializer_class = NewRegistrationSerializer

    @extend_schema(request=NewRegistrationSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Try a policy that was trained elsewhere, and make it a version."""
        return self.accepted(
            registering.request_registration(
                project=self.project, created_by=self.account, **self.requested()
            )
        )


class Samplings(PolicyRuns):
    """Attempts at sampling."""

    serializer_class = NewSamplingSerializer

    @extend_schema(request=NewSamplingSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Sample a policy into new tasks."""
        fields = self.requested()
        policy = self.version(fields.pop("policy", None))
        return self.accepted(
            sampling.request_sampling(project=self.project, policy=policy, created_by=self.account, **fields)
        )


class Evaluations(PolicyRuns):
    """Comparisons of policies."""

    serializer_class = NewEvaluationSerializer

    @extend_schema(request=NewEvaluationSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Compare policies on held-out prompts, the lowest number being the reference."""
        fields = self.requested()
        versions = [
            policies.require_policy(project=self.project, number=one) for one in fields.pop("policies")
        ]
        return self.accepted(
            evaluation.request_evaluation(
                project=self.project, versions=versions, created_by=self.account, **fields
            )
        )


def _versions(view: ProjectEndpoint) -> "QuerySet[PolicyVersion]":
    return view.of_project(PolicyVersion.objects.select_related("training", "artifact", "source"))


urlpatterns = [
    path("generate/", Generate.as_view()),
    path("projects/<slug:slug>/policies/", Policies.as_view()),
    path("projects/<slug:slug>/policies/<int:number>/", OnePolicy.as_view()),
    path("projects/<slug:slug>/policies/<int:number>/make-current/", MakeCurrent.as_view()),
    path("projects/<slug:slug>/policies/<int:number>/export/", Export.as_view()),
    path("projects/<slug:slug>/succession/", Succession.as_view()),
    path("projects/<slug:slug>/trainings/", Trainings.as_view()),
    path("projects/<slug:slug>/registrations/", Registrations.as_view()),
    path("projects/<slug:slug>/samplings/", Samplings.as_view()),
    path("projects/<slug:slug>/evaluations/", Evaluations.as_view()),
]
