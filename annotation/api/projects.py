"""Projects: what they ask of annotators, how they check them, and who judges."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import people
from annotation.api.base import Endpoint, ProjectEndpoint, Scope, refuse_unknown, role_in, within_token
from annotation.api.filters import Filter, boolean
from annotation.api.preconditions import require_unchanged, tagged
from annotation.checking import control
from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Annotator, Project
from runs.writing import write

# Asked of annotators (people.change_project), and how they are checked (control.configure).
ASKING = (
    "completions_per_task",
    "annotators_per_task",
    "lease_seconds",
    "revise_hours",
    "random_share",
    "hour_cost",
    "currency",
)
CHECKED = tuple(control.ControlSettings.__annotations__)
# How the kinds of judgement are asked for (asking.change).
KINDS = tuple(asking.AskingSettings.__annotations__)


class ProjectSettingsSerializer(serializers.ModelSerializer[Project]):
    """What a researcher sets; docs/operations.md and the admin say what each means."""

    rating_axes = serializers.ListField(child=serializers.DictField(), help_text="The scales of a rating")

    class Meta:
        model = Project
        fields = (*ASKING, *KINDS, *CHECKED)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project. Its settings are for its researchers: an annotator must not know how they are checked."""

    role = serializers.SerializerMethodField(help_text="What you are in it")
    settings = serializers.SerializerMethodField(help_text="null for annotators")

    class Meta:
        model = Project
        fields = ("slug", "name", "guidelines", "guideline_version", "role", "settings", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=["annotator", "researcher", "administrator"]))
    def get_role(self, project: Project) -> str:
        return role_in(self.context["request"], project)

    @extend_schema_field(ProjectSettingsSerializer(allow_null=True))
    def get_settings(self, project: Project) -> Any:
        if self.get_role(project) == "annotator":
            return None
        return ProjectSettingsSerializer(project).data


class NewProjectSerializer(serializers.Serializer[Any]):
    """A project to be made."""

    slug = serializers.SlugField(
        max_length=60,
        help_text="Its name in addresses and files, which stays",
    )
    name = serializers.CharField(
        max_length=120,
        required=False,
        help_text="What people read; the slug where nothing is said",
    )
    guidelines = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="What makes one completion better than another, in Markdown; annotators read them",
    )
    completions_per_task = serializers.IntegerField(
        required=False,
        min_value=2,
        max_value=9,
        help_text="How many a task puts side by side",
    )
    annotators_per_task = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=50,
        help_text="How many people judge each task",
    )


class ProjectChangesSerializer(serializers.ModelSerializer[Project]):
    """What is to change; the rest stays."""

    settings = ProjectSettingsSerializer(required=False, partial=True, help_text="Those that are to change")

    class Meta:
        model = Project
        fields = ("name", "guidelines", "settings")
        extra_kwargs = {
            "name": {"required": False, "help_text": "What people read"},
            "guidelines": {"trim_whitespace": False},
        }


class Projects(ListAPIView[Project], Endpoint):
    """The projects that you have a role in."""

    tag = "Projects"
    reads = (Scope.READ, Scope.ANNOTATE)
    writes = (Scope.ADMINISTER,)
    serializer_class = ProjectSerializer

    def get_queryset(self) -> "QuerySet[Project]":
        return within_token(self.request, Project.objects.annotated_by(self.request.user))

    @extend_schema(request=NewProjectSerializer, responses={201: ProjectSerializer})
    def post(self, request: Request) -> Response:
        """Make a project. For administrators, with a token that is narrowed to no project."""
        if not self.account.is_superuser or getattr(request.auth, "project_id", None) is not None:
            raise PermissionDenied("Only administrators make projects.")
        project = people.create_project(**self.requested(NewProjectSerializer))
        return Response(self.get_serializer(project).data, status=status.HTTP_201_CREATED)


class OneProject(ProjectEndpoint):
    """One project."""

    conditional = True
    tag = "Projects"
    reads = (Scope.READ, Scope.ANNOTATE)
    serializer_class = ProjectSerializer

    def projects(self, request: Request) -> Any:
        """Annotators read it too; researchers alone change it."""
        if request.method == "PATCH":
            return super().projects(request)
        return within_token(request, Project.objects.annotated_by(request.user))

    def get(self, request: Request, slug: str) -> Response:
        """Its guidelines and settings."""
        return tagged(self.get_serializer(self.project).data)

    @extend_schema(request=ProjectChangesSerializer, responses=ProjectSerializer)
    @write
    def patch(self, request: Request, slug: str) -> Response:
        """Change its name, guidelines or settings. Other guidelines are their next version.

        With more annotators a task, tasks that are there are asked of more, finished ones too; with fewer, free
        places go.
        """
        serializer = ProjectChangesSerializer(self.project, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        refuse_unknown(serializer, request.data)
        changes = dict(serializer.validated_data)
        settings = changes.pop("settings", {})
        changes |= {name: settings[name] for name in ASKING if name in settings}
        checked = {name: settings[name] for name in CHECKED if name in settings}
        project = intake.configure_project(project=self.project, check=self._require_unchanged, **changes)
        control.configure(project=project, **checked)
        if not settings.keys().isdisjoint(KINDS):
            kinds = {name: settings.get(name, getattr(project, name)) for name in KINDS}
            project = asking.change(project=project, **kinds)
        return tagged(self.get_serializer(project).data)

    def _require_unchanged(self, project: Project) -> None:
        """Raises Changed where If-Match names another project than it is."""
        require_unchanged(self.request, self.get_serializer(project).data)


class AnnotatorSerializer(serializers.ModelSerializer[Annotator]):
    """Who judges, by pseudonym."""

    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Annotator
        fields = ("id", "pseudonym", "simulated", "anonymous", "standing", "created_at")
        read_only_fields = fields


class Annotators(ListAPIView[Annotator], ProjectEndpoint):
    """Who judges in the project, by pseudonym."""

    tag = "Projects"
    serializer_class = AnnotatorSerializer
    filters = {"simulated": Filter("simulated", "Simulated ones, or people", type=boolean)}

    def get_queryset(self) -> "QuerySet[Annotator]":
        return self.of_project(Annotator.objects.filter(withdrawn_at=None))
