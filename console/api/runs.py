"""Runs of every kind, below their project."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import FileResponse, Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, Scope, bodiless
from annotation.api.filters import Filter, boolean, listed
from annotation.api.paging import NewestFirst
from annotation.api.preconditions import require_unchanged, tagged
from console import describing, downloads
from runs import kinds, lifecycle, log, noting
from runs.api import (
    LogPieceSerializer,
    LogQuerySerializer,
    MetricsSerializer,
    NoteSerializer,
    RunDetailSerializer,
    RunSerializer,
    WatchedAnswerSerializer,
)
from runs.kinds import runs_of
from runs.models import Run, RunAnswer, RunMetric
from runs.writing import write

TAG = "Runs"
# What of a run a PATCH changes, and its ETag digests: the rest changes with every step.
CHANGEABLE = ("note", "tags", "archived")


class MadeFileSerializer(serializers.Serializer[Any]):
    """One file of what a run made."""

    name = serializers.CharField(read_only=True, help_text="By which it is downloaded, its folder in front")
    bytes = serializers.IntegerField(read_only=True, help_text="Its size")


class MadeFilesSerializer(serializers.Serializer[Any]):
    """What a run made and Concord keeps."""

    artifact = serializers.CharField(
        read_only=True, allow_null=True, help_text="Digest of all of it; null where nothing is kept"
    )
    files = MadeFileSerializer(many=True, read_only=True, help_text="One a file, in any folder of it")


class Runs(ListAPIView[Run], ProjectEndpoint):
    """The project's runs, the newest first."""

    tag = TAG
    serializer_class = RunSerializer
    pagination_class = NewestFirst
    filters = {
        "status": Filter("status", "With this status", tuple(Run.Status.values)),
        "kind": Filter("kind", "Of this kind: fit_reward_model, train_policy, import, ..."),
        "tag": Filter("tags__contains", "With this tag", type=listed),
        "archived": Filter("archived", "Whether it was put out of the way", type=boolean),
    }

    def get_queryset(self) -> "QuerySet[Run]":
        return _runs(self)


class OneRun(ProjectEndpoint):
    """One run."""

    tag = TAG
    serializer_class = RunDetailSerializer
    writes = (Scope.RUNS,)
    conditional = True

    def get(self, request: Request, slug: str, id: int) -> Response:
        """How far it is, and the end of its log."""
        return tagged(self.get_serializer(get_object_or_404(_runs(self), pk=id)).data, of=CHANGEABLE)

    @extend_schema(request=NoteSerializer, responses=RunDetailSerializer)
    @write
    def patch(self, request: Request, slug: str, id: int) -> Response:
        """Write a note and tags beside it, or archive it; what is left out stays."""
        run = get_object_or_404(_runs(self).select_for_update(no_key=True, of=("self",)), pk=id)
        require_unchanged(request, self.get_serializer(run).data, of=CHANGEABLE)
        noting.annotate(run=run, **self.requested(NoteSerializer))
        return self.get(request, slug, id)


class Metrics(ListAPIView[RunMetric], ProjectEndpoint):
    """What a run measured, step by step."""

    tag = TAG
    serializer_class = MetricsSerializer
    filters: ClassVar = {"since": Filter("step__gt", "After this step", type=int)}

    def get_queryset(self) -> "QuerySet[RunMetric]":
        if not hasattr(self, "project"):
            return RunMetric.objects.none()
        return RunMetric.objects.filter(run=get_object_or_404(_runs(self), pk=self.kwargs["id"]))


class Answers(ListAPIView[RunAnswer], ProjectEndpoint):
    """What a training's policy answers to the same prompts as it learns."""

    tag = TAG
    serializer_class = WatchedAnswerSerializer
    filters: ClassVar = {"since": Filter("step__gt", "After this step", type=int)}

    def get_queryset(self) -> "QuerySet[RunAnswer]":
        if not hasattr(self, "project"):
            return RunAnswer.objects.none()
        return RunAnswer.objects.filter(run=get_object_or_404(_runs(self), pk=self.kwargs["id"]))


class Log(ProjectEndpoint):
    """What a run printed."""

    tag = TAG
    serializer_class = LogPieceSerializer
    query_class = LogQuerySerializer

    @extend_schema(responses=LogPieceSerializer)
    def get(self, request: Request, slug: str, id: int) -> Response:
        """Read its log from a byte on: follow ``next`` until it is ``over``, and wait a moment after each piece
        without text."""
        run = get_object_or_404(_runs(self), pk=id)
        return Response(log.piece(run=run, **self.queried())._asdict())


class Cancel(ProjectEndpoint):
    """The end of a run, before its time."""

    tag = TAG
    serializer_class = RunDetailSerializer
    writes = (Scope.RUNS,)

    @bodiless(responses=RunDetailSerializer)
    def post(self, request: Request, slug: str, id: int) -> Response:
        """Cancel it: at once where it waits, within ten seconds where it runs."""
        run = get_object_or_404(_runs(self), pk=id)
        lifecycle.cancel(run=run)
        run.refresh_from_db()
        return Response(self.get_serializer(run).data)


class Again(ProjectEndpoint):
    """The same once more."""

    tag = TAG
    serializer_class = RunDetailSerializer
    writes = (Scope.RUNS,)

    @bodiless(responses={202: RunDetailSerializer})
    def post(self, request: Request, slug: str, id: int) -> Response:
        """Start another run that asks for the same, on the data as they are now."""
        run = kinds.request_again(run=get_object_or_404(_runs(self), pk=id), created_by=self.account)
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)


class Resume(ProjectEndpoint):
    """A run that failed or was cancelled, from its checkpoint."""

    tag = TAG
    serializer_class = RunDetailSerializer
    writes = (Scope.RUNS,)

    @bodiless(responses={202: RunDetailSerializer})
    def post(self, request: Request, slug: str, id: int) -> Response:
        """Let it go on from its newest checkpoint."""
        run = get_object_or_404(_runs(self), pk=id)
        kinds.request_resume(run=run)
        run.refresh_from_db()
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)


class Output(ProjectEndpoint):
    """What an export made."""

    tag = TAG
    serializer_class = None

    @extend_schema(
        responses={
            (200, downloads.JSONL): OpenApiResponse(OpenApiTypes.BINARY, description="The file"),
            (200, downloads.ZIP): OpenApiResponse(OpenApiTypes.BINARY, description="The folder"),
        }
    )
    def get(self, request: Request, slug: str, id: int) -> FileResponse | StreamingHttpResponse:
        """Download what an export that has succeeded made: JSONL, or the folder of a version or data set as a zip
        archive, which is made while it is sent; one that breaks off is not whole."""
        file = downloads.exported(get_object_or_404(_runs(self), pk=id))
        if file is None:
            raise Http404
        return downloads.answer(file)


class Files(ProjectEndpoint):
    """What a run keeps as files."""

    tag = TAG
    serializer_class = MadeFilesSerializer

    @extend_schema(responses=MadeFilesSerializer)
    def get(self, request: Request, slug: str, id: int) -> Response:
        """The files of what a run made, as a version's weights and report; none before it has succeeded."""
        artifact = describing.finished_artifact(get_object_or_404(_runs(self), pk=id))
        files = artifact.files if artifact else {}
        data = {
            "artifact": artifact.digest if artifact else None,
            "files": [{"name": name, "bytes": file["bytes"]} for name, file in files.items()],
        }
        return Response(self.get_serializer(data).data)


class OneFile(ProjectEndpoint):
    """One of them."""

    tag = TAG
    serializer_class = None

    @extend_schema(
        operation_id="projects_runs_files_download",
        responses={(200, downloads.ANY): OpenApiResponse(OpenApiTypes.BINARY, description="The file")},
    )
    def get(self, request: Request, slug: str, id: int, name: str) -> FileResponse:
        """Download one file of what a run made, by the name that files/ lists."""
        return downloads.kept(describing.artifact(get_object_or_404(_runs(self), pk=id)), name)


def _runs(view: ProjectEndpoint) -> "QuerySet[Any]":
    return runs_of(view.project) if hasattr(view, "project") else Run.objects.none()


urlpatterns = [
    path("projects/<slug:slug>/runs/", Runs.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/", OneRun.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/metrics/", Metrics.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/answers/", Answers.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/log/", Log.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/cancel/", Cancel.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/again/", Again.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/resume/", Resume.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/output/", Output.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/files/", Files.as_view()),
    path("projects/<slug:slug>/runs/<int:id>/files/<path:name>/", OneFile.as_view()),
]
