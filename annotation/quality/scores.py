"""How far people agree in their scores: of each axis, over the texts that two or more of them scored."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Q

from annotation.models import Project, Rating
from annotation.preferences.tally import SCORES, Total, of_scores
from annotation.quality.summary import Figure, figures


class AxisAgreement(NamedTuple):
    """One axis: ``texts`` that two or more scored, ``scores`` of them, and what they say (preferences.estimates).

    ``simulated`` of the scores are simulated annotators'.
    """

    axis: str
    texts: int
    scores: int
    simulated: int
    alpha: Figure | None
    icc: Figure | None


def of(project: Project) -> list[AxisAgreement]:
    """Each axis that has scores, by name. Simulated annotators count in a demo project only.

    "Cannot say" is no score. Texts of one prompt are one cluster: who finds a prompt hard finds all its answers so.
    """
    agreements = []
    for axis, prompts in groupby(_scored(project), key=lambda row: row[0]):
        total, simulated = Total(SCORES), 0
        for _, rows in groupby(prompts, key=lambda row: row[1]):
            texts = [(row[3], row[4]) for row in rows]
            total.add(of_scores([scores for scores, _ in texts]))
            simulated += sum(count for scores, count in texts if len(scores) > 1)
        said, named = figures(total), total.named()
        agreements.append(
            AxisAgreement(
                axis,
                round(named["texts"]),
                round(named["scores"]),
                simulated,
                said["alpha_interval"],
                said["icc"],
            )
        )
    return agreements


def _scored(project: Project) -> Iterator[tuple[str, int, int, list[float], int]]:
    """Axis, prompt, text, its scores, and how many of them are simulated annotators'; in that order."""
    rows = Rating.objects.current().kept().filter(project=project, score__isnull=False)
    if not project.is_demo:
        rows = rows.filter(annotator__simulated=False)
    found = rows.values("axis", "completion__prompt", "completion").annotate(
        scores=ArrayAgg("score"), simulated_scores=Count("pk", filter=Q(annotator__simulated=True))
    )
    return (
        (row["axis"], row["completion__prompt"], row["completion"], row["scores"], row["simulated_scores"])
        for row in found.order_by("axis", "completion__prompt", "completion").iterator()
    )
