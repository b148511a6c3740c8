"""What every endpoint shares: who may call it, of which project it speaks, and that a keyed POST happens once.

A person sees what their role in the project lets them see; everything else is 404, never 403, so that an id tells
nothing. A token sees no more than its account, narrowed by its scopes (403 names the one that is missing) and, where it
has one, by its project.
"""

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from annotation import people
from annotation.api import idempotency
from annotation.api.filters import require_known
from annotation.api.paging import only_fields
from annotation.api.sorting import Order
from annotation.models import Annotator, ApiToken, Membership, Project
from annotation.models.project import ProjectQuerySet
from annotation.withdrawal import lineage
from runs.api import RunSerializer
from runs.models import Run

Scope = ApiToken.Scope
Handler = TypeVar("Handler", bound=Callable[..., Response])


class MissingScope(PermissionDenied):
    """The token lacks a scope."""

    default_code = "missing_scope"


class HasScope(BasePermission):
    """A token needs one of the scopes that the view names for the method; a session may all that its account may."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or MissingScope with the scope's name."""
        if not isinstance(request.auth, ApiToken):
            return True
        scopes = wanted_scopes(view, request.method or "GET")
        if not set(scopes) & set(request.auth.scopes):
            raise MissingScope(f"This token needs the scope {' or '.join(scopes)}.")
        return True


def wanted_scopes(view: Any, method: str) -> Collection[str]:
    """The scopes of which a token needs one, for ``method`` of ``view``."""
    return cast("Collection[str]", view.reads if method in SAFE_METHODS else view.writes)


def refuse_unknown(serializer: Any, data: Any) -> None:
    """Raises ValidationError naming each field of ``data`` that ``serializer``, or one within it, does not have."""
    if unknown := _unknown(serializer, data):
        raise serializers.ValidationError(unknown)


def _unknown(serializer: Any, data: Any) -> dict[Any, Any]:
    child = getattr(serializer, "child", None)
    if isinstance(data, list):
        within = {place: _unknown(child, one) for place, one in enumerate(data)} if child is not None else {}
        return {place: wrong for place, wrong in within.items() if wrong}
    fields = getattr(serializer, "fields", None)
    if fields is None or not isinstance(data, Mapping):
        return {}
    within = {name: _unknown(fields[name], data[name]) for name in data if name in fields}
    return {name: ["There is no such field."] for name in sorted(set(data) - set(fields))} | {
        name: wrong for name, wrong in within.items() if wrong
    }


def bodiless(**schema: Any) -> Callable[[Handler], Handler]:
    """``extend_schema`` of an endpoint's method that reads no body: what one says all the same is refused by name."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def checked(endpoint: Endpoint, request: Request, *args: Any, **kwargs: Any) -> Response:
            endpoint.requested(serializers.Serializer)
            return handler(endpoint, request, *args, **kwargs)

        return cast("Handler", extend_schema(request=None, **schema)(checked))

    return decorate


class Endpoint(GenericAPIView[Any]):
    """``reads`` and ``writes`` are the scopes of which a token needs one."""

    reads: ClassVar[Collection[str]] = (Scope.READ,)
    writes: ClassVar[Collection[str]] = (Scope.WRITE,)
    # Whether a POST leaves anything behind. If not, it may be asked again as it is, and a key means nothing to it: the
    # transaction of a key's answer would keep from the resident scorer what it is asked.
    keeps: ClassVar[bool] = True
    # Whether GET gives an ETag, which PATCH, PUT or POST may name (annotation.api.preconditions).
    conditional: ClassVar[bool] = False
    # Which data a list holds, where pages list them too: it is narrowed by their words (console.api.filters).
    kind_of_data: ClassVar[str | None] = None
    # By what the request wants such a list sorted; None where by its ids (console.api.filters).
    sorted_by: Order | None = None
    # What reads the query of a GET that is no list, where there is anything to read; a list has its filters.
    query_class: ClassVar[type[serializers.Serializer[Any]] | None] = None
    permission_classes = (IsAuthenticated, HasScope)
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authentication, scope and rate come first; then what the address says besides is known, and a keyed POST is
        wrapped, so that it happens once."""
        super().initial(request, *args, **kwargs)
        if not hasattr(self, str(request.method).lower()):
            return  # ``dispatch`` says that there is no such method here
        reads = request.method in SAFE_METHODS
        # The backends of a list know its filters.
        if not (reads and isinstance(self, ListModelMixin)):
            require_known(request, self.query_class().fields if reads and self.query_class else ())
        key = request.headers.get(idempotency.HEADER)
        if key is not None and request.method in idempotency.REPEATABLE:
            raise idempotency.KeyNotTaken
        post = getattr(self, "post", None)
        if request.method == "POST" and self.keeps and key is not None and post is not None:
            # ``dispatch`` looks the handler up after this.
            self.post = idempotency.once(post, request=request, key=key, with_tag=self.conditional)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Answers hold what people wrote, and some a secret that is shown once: nobody between keeps one."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer[Any]:
        """Of the rows of a list the fields that are asked for."""
        serializer = super().get_serializer(*args, **kwargs)
        only_fields(self.request, serializer)
        return serializer

    def requested(self, serializer_class: type[BaseSerializer[Any]] | None = None) -> dict[str, Any]:
        """The request's body, by the endpoint's serializer unless another is named. Raises ValidationError.

        A field that there is not is refused, and not passed over: misspelt, it would be as if nobody had asked for it.
        """
        make = serializer_class or self.get_serializer
        serializer = make(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        refuse_unknown(serializer, self.request.data)
        return dict(serializer.validated_data)

    def queried(self) -> dict[str, Any]:
        """What the query says, by ``query_class``. Raises ValidationError."""
        assert self.query_class is not None
        # As a plain dict: of a form, what is empty would be left out.
        serializer = self.query_class(data=self.request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @property
    def account(self) -> User:
        """Whose request it is; ``initial`` has refused everybody without an account."""
        return cast("User", self.request.user)


class ProjectEndpoint(Endpoint):
    """An endpoint below /projects/SLUG/, for the project's researchers and administrators."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the project, or raise Http404, before anything is read or kept."""
        super().initial(request, *args, **kwargs)
        if any("\0" in str(value) for value in self.kwargs.values()):
            raise Http404  # no column holds such a name
        self.project = get_object_or_404(self.projects(request), slug=self.kwargs["slug"])

    def projects(self, request: Request) -> ProjectQuerySet:
        """Those of which this endpoint may speak to whoever asks."""
        return within_token(request, Project.objects.researched_by(request.user))

    def of_project(self, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        """The project's rows; none where the schema is being drawn, which asks without a project."""
        return rows.filter(project=self.project) if hasattr(self, "project") else rows.none()


class VersionsEndpoint(ProjectEndpoint):
    """An endpoint about versions of a later stage, each of which says what it owes to simulated annotators."""

    @cached_property
    def simulated(self) -> lineage.Simulated:
        """Found once a request."""
        return lineage.simulated(self.project)


class StartingEndpoint(ProjectEndpoint):
    """An endpoint at which a POST starts a run."""

    writes = (Scope.RUNS,)

    def accepted(self, run: Run) -> Response:
        """202 with the run, which waits for a worker."""
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


class SimulatedField(serializers.IntegerField):
    """Of a version of ``kind``, served by a VersionsEndpoint."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            source="*",
            read_only=True,
            help_text="How many simulated rankings it learnt from, itself or through what it was made from",
        )
        self.kind = kind

    def to_representation(self, value: Any) -> int:
        """The number."""
        return int(self.context["view"].simulated.of(self.kind, value.number))


class AdministeringEndpoint(ProjectEndpoint):
    """An endpoint at which is decided who comes to the project's data, which of them go, and who is told."""

    writes = (Scope.ADMINISTER,)


class AnnotatorEndpoint(ProjectEndpoint):
    """An endpoint for whoever judges in the project; all that it shows is their own."""

    reads = (Scope.ANNOTATE,)
    writes = (Scope.ANNOTATE,)

    def projects(self, request: Request) -> ProjectQuerySet:
        return within_token(request, Project.objects.annotated_by(request.user))

    @property
    def annotator(self) -> Annotator:
        """Who this account is in the project, made at the first call."""
        return people.annotator_for(project=self.project, user=self.account)


def within_token(request: Request, projects: ProjectQuerySet) -> ProjectQuerySet:
    """Of ``projects`` the one that a token is narrowed to, or all."""
    only = request.auth.project_id if isinstance(request.auth, ApiToken) else None
    return projects if only is None else projects.filter(pk=only)


def role_in(request: Request, project: Project) -> str:
    """What the caller is in a project: administrator, researcher or annotator."""
    if getattr(request.user, "is_superuser", False):
        return "administrator"
    roles = Membership.objects.filter(project=project, user=request.user.pk).values_list("role", flat=True)
    return str(roles.first() or "")


def by_public_id(rows: "QuerySet[Any]", value: UUID | str) -> Any:
    """The row with this id, among those that the caller may see; Http404."""
    row = rows.filter(public_id=value).first()
    if row is None:
        raise Http404
    return cast("Model", row)
