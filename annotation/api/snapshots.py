"""Snapshots: the judgements that a run trains on, frozen. Fits take them; nothing changes them but a withdrawal."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint
from annotation.api.filters import Filter, boolean
from annotation.api.paging import NewestFirst
from annotation.models import Snapshot


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    """Its digest is that of the file, and what fits and contests name it by."""

    reproducible = serializers.BooleanField(
        read_only=True,
        help_text="false where something in it was withdrawn: the same file cannot be made again",
    )
    comparisons = serializers.IntegerField(read_only=True, help_text="Pairs that follow, ties among them")

    class Meta:
        model = Snapshot
        fields = ("digest", "rankings", "comparisons", "simulated", "reproducible", "created_at")
        read_only_fields = fields


class SnapshotEndpoint(ProjectEndpoint):
    """The project's snapshots."""

    tag = "Judgements"
    serializer_class = SnapshotSerializer

    def snapshots(self) -> "QuerySet[Snapshot]":
        """All of them."""
        return self.of_project(Snapshot.objects.all())


class Snapshots(ListAPIView[Snapshot], SnapshotEndpoint):
    """What runs of the project trained on, the newest first."""

    pagination_class = NewestFirst
    filters = {
        "reproducible": Filter("reproducible", "Of which nothing was withdrawn, or something", type=boolean)
    }

    def get_queryset(self) -> "QuerySet[Snapshot]":
        return self.snapshots()


class OneSnapshot(SnapshotEndpoint):
    """One snapshot."""

    def get(self, request: Request, slug: str, digest: str) -> Response:
        """What it holds."""
        return Response(self.get_serializer(get_object_or_404(self.snapshots(), digest=digest)).data)
