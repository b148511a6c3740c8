"""Pages of what may be long: as many as are counted at once."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

from annotation.counting import Bounded, bounded


class BoundedPaginator(Paginator[Any]):
    """Pages of what may be a history: no row is counted beyond MOST, and no page reaches beyond it. What was before is
    found by programs and exports."""

    @cached_property
    def counted(self) -> Bounded:
        """How many rows there are."""
        assert isinstance(self.object_list, QuerySet)
        return bounded(self.object_list)

    @property
    def count(self) -> int:
        """As many as can be paged through."""
        return self.counted.number
