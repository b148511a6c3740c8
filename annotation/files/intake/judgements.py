"""What rankings, ratings and demonstrations share: each is imported once."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Q

from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.parts import key_of
from annotation.files.jsonl.records import DemonstrationLine, RankingLine, RatingLine
from annotation.models import Demonstration, Ranking, Rating

J = TypeVar("J", RankingLine, RatingLine, DemonstrationLine)


def unseen(
    desk: Desk, model: type[Ranking | Rating | Demonstration], lines: Sequence[Numbered[J]]
) -> list[Numbered[J]]:
    """The lines that are not stored yet, by their key or by the public id that an export wrote."""
    keyed = [_counted(desk, item) for item in lines]
    keys = [line.import_key for _, line in keyed]
    ids = [line.provenance.id for _, line in keyed if line.provenance.id]
    rows = model._default_manager.filter(
        Q(import_key__among=keys) | Q(public_id__among=ids), project=desk.project
    )
    seen = {str(value) for row in rows.values_list("import_key", "public_id") for value in row}
    fresh = []
    for item in keyed:
        if item.line.import_key in seen:
            desk.report.already += 1
            continue
        seen.add(item.line.import_key)
        fresh.append(item)
    return fresh


def _counted(desk: Desk, item: Numbered[J]) -> Numbered[J]:
    """Two equal lines of nobody are two people's votes: the second one gets a key of its own.

    A demonstration is no vote, and a named annotator says a thing once.
    """
    number, line = item
    if isinstance(line, DemonstrationLine) or line.annotator is not None or line.provenance.id:
        return item
    times = desk.unnamed[line.import_key]
    desk.unnamed[line.import_key] += 1
    if not times:
        return item
    return Numbered(number, line._replace(import_key=key_of(line.import_key, times)))
