"""Files in and out: in the background as runs, or out at once as a stream."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, Scope, StartingEndpoint
from annotation.files import export, looking, transfers
from annotation.files.jsonl.kinds import KINDS
from annotation.files.jsonl.provenance import SPLITS
from annotation.models import Transfer
from runs.api import RunSerializer

JSONL = "application/jsonl"


class NewImportSerializer(serializers.Serializer[Any]):
    """A file to be imported."""

    kind = serializers.ChoiceField(
        choices=Transfer.Kind.choices,
        required=False,
        help_text="Of lines in our own form; left out, the file says itself what it holds, in that of another tool too",
    )
    file = serializers.FileField(
        help_text="JSONL, gzip or not; without kind also CSV, Parquet and JSON lists"
    )
    columns = serializers.CharField(
        required=False,
        max_length=1000,
        help_text="Without kind: which column is which, as prompt=question, completion=answer",
    )
    skip_bad = serializers.BooleanField(
        required=False, default=False, help_text="Import the rest of a bad file"
    )


class NewLookSerializer(serializers.Serializer[Any]):
    """A file to be looked at."""

    file = serializers.FileField(help_text="As an import without kind takes it")
    columns = serializers.CharField(
        required=False,
        max_length=1000,
        help_text="Which column is which, as prompt=question, completion=answer",
    )


class BadRecordSerializer(serializers.Serializer[Any]):
    """A record that is not what it must be."""

    number = serializers.IntegerField(read_only=True, help_text="From 1")
    field = serializers.CharField(read_only=True, help_text="Empty where it is the record itself")
    reason = serializers.CharField(read_only=True)


class UnderstoodSerializer(serializers.Serializer[Any]):
    """What a file is, and what an import would store of it."""

    file = serializers.CharField(read_only=True, help_text="Its format")
    understood_as = serializers.CharField(read_only=True, help_text="What its records are")
    kind = serializers.ChoiceField(
        choices=Transfer.Kind.choices, read_only=True, help_text="What they become"
    )
    columns = serializers.ListField(child=serializers.CharField(), read_only=True)
    records = serializers.IntegerField(
        read_only=True, help_text="How many were looked at, of which all counts are"
    )
    whole = serializers.BooleanField(read_only=True, help_text="Whether these are all")
    lines = serializers.IntegerField(read_only=True, help_text="Of the kind, from these records")
    left_out = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="Records that say nothing yet, by the reason",
    )
    bad = serializers.IntegerField(read_only=True, help_text="Records that an import would refuse or skip")
    bad_records = BadRecordSerializer(many=True, read_only=True, help_text="The first of them")
    examples = serializers.ListField(
        child=serializers.DictField(), read_only=True, help_text="The first lines, three at most"
    )


class NewExportSerializer(serializers.Serializer[Any]):
    """What to export."""

    kind = serializers.ChoiceField(
        choices=KINDS,
        help_text="What a line holds; docs/annotation.md has the form of each",
    )
    split = serializers.ChoiceField(
        choices=SPLITS,
        required=False,
        help_text="Only what belongs to prompts of this split; all where nothing is said",
    )
    form = serializers.ChoiceField(
        choices=export.FORMS, required=False, help_text="Of the prompts; a pairs file has one"
    )


class Imports(StartingEndpoint):
    """Files into the project."""

    tag = "Import and export"
    serializer_class = NewImportSerializer
    writes = (Scope.WRITE,)
    parser_classes = (MultiPartParser,)

    @extend_schema(request={"multipart/form-data": NewImportSerializer}, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Upload a file and start its import: all or nothing, unless ``skip_bad``. Its run names bad lines."""
        options = {"kind": None, **self.requested()}
        columns = looking.columns_of(options.pop("columns", ""))
        run = transfers.request_import(
            project=self.project,
            file_name=options["file"].name,
            columns=columns,
            created_by=self.account,
            **options,
        )
        return self.accepted(run)


class LookBeforeImport(ProjectEndpoint):
    """A file that is not imported yet."""

    tag = "Import and export"
    serializer_class = UnderstoodSerializer
    parser_classes = (MultiPartParser,)
    keeps = False

    @extend_schema(request={"multipart/form-data": NewLookSerializer}, responses=UnderstoodSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Say how an import without ``kind`` would understand a file, by its first records. Nothing is stored."""
        fields = self.requested(NewLookSerializer)
        understood = looking.understood(
            file=fields["file"],
            file_name=fields["file"].name,
            columns=looking.columns_of(fields.get("columns", "")),
        )
        return Response(understood.as_json())


class Exports(StartingEndpoint):
    """Files out of the project, made in the background."""

    tag = "Import and export"
    serializer_class = NewExportSerializer

    @extend_schema(request=NewExportSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start an export; its run offers the file at ``runs/ID/output/``."""
        return self.accepted(
            transfers.request_export(project=self.project, created_by=self.account, **self.requested())
        )


class NewDatasetExportSerializer(serializers.Serializer[Any]):
    """How a data set goes out."""

    license = serializers.CharField(
        required=False, default="other", max_length=100, help_text="What its card says: cc-by-4.0, mit, ..."
    )


class DatasetExports(StartingEndpoint):
    """The project's judgements as a data set: a folder of Parquet with a card, which ``datasets`` and hubs load."""

    tag = "Import and export"
    serializer_class = NewDatasetExportSerializer

    @extend_schema(request=NewDatasetExportSerializer, responses={202: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start an export of what counts now; its run offers the folder at ``runs/ID/output/`` as one archive."""
        return self.accepted(
            transfers.request_dataset(project=self.project, created_by=self.account, **self.requested())
        )


class ExportStream(ProjectEndpoint):
    """A kind of rows as JSONL, at once."""

    tag = "Import and export"
    serializer_class = query_class = NewExportSerializer

    @extend_schema(
        responses={(200, JSONL): OpenApiResponse(OpenApiTypes.BINARY, description="One object a line")},
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """Stream the rows as they are at this moment; an answer that breaks off is not whole."""
        options = {"split": None, "form": None, **self.queried()}
        return StreamingHttpResponse(
            export.streamed(project=self.project, **options),
            content_type=JSONL,
            headers={"Content-Disposition": f'attachment; filename="{slug}-{options["kind"]}.jsonl"'},
        )
