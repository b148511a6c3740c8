"""A project's settings of one subject, which a later stage keeps in a row of their own."""

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, Scope, refuse_unknown
from annotation.api.preconditions import require_unchanged, tagged
from runs.writing import write


class SettingsEndpoint(ProjectEndpoint):
    """``serializer_class`` names the row and what of it is shown; ``configure`` writes all of that."""

    writes = (Scope.RUNS,)
    conditional = True
    configure: ClassVar[Callable[..., Any]]

    def get(self, request: Request, slug: str) -> Response:
        return tagged(self.get_serializer(self._settings()).data)

    @write
    def patch(self, request: Request, slug: str) -> Response:
        """Change it; what is left out stays."""
        settings = self._settings(locked=True)
        require_unchanged(request, self.get_serializer(settings).data)
        serializer = self.get_serializer(settings, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        refuse_unknown(serializer, request.data)
        values = {**self.get_serializer(settings).data, **serializer.validated_data}
        return tagged(self.get_serializer(type(self).configure(project=self.project, **values)).data)

    def _settings(self, *, locked: bool = False) -> Any:
        """The project's; the defaults, in no row yet, where it has none."""
        kind = self.serializer_class.Meta.model  # type: ignore[union-attr]  # of a ModelSerializer
        rows = kind.objects.select_for_update(no_key=True) if locked else kind.objects
        return rows.filter(project=self.project).first() or kind(project=self.project)
