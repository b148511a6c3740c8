"""How far people agree in their scores: of each axis, over the texts that two or more of them scored."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Q

from annotation.models import Project, Rating
from annotation.preferences.tally import SCORES, Total, of_scores
from annotation.quality.summary import Figure, figures

# As many as a page reads while somebody waits for it.
ON_A_PAGE = 20_000


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


def of(project: Project, newest: int | None = None) -> list[AxisAgreement]:
    """Each axis that has scores, by name; of the ``newest`` so many alone, where a page must not read all.

    Simulated annotators count in a demo project only. "Cannot say" is no score. Of somebody who scored a text twice, in
    two tasks or by a file, the last score counts. Texts of one prompt are one cluster: who finds a prompt hard finds
    all its answers so.
    """
    agreements = []
    for axis, prompts in groupby(_scored(project, newest), key=lambda row: row[0]):
        total, simulated = Total(SCORES), 0
        for _, rows in groupby(prompts, key=lambda row: row[1]):
            texts = [(row[3], row[4]) for row in rows]
            total.add(of_scores([scores for scores, _ in texts]))
            simulated += sum(count for scores, count in texts if len(scores) > 1)
        values, named = figures(total), total.named()
        agreements.append(
            AxisAgreement(
                axis,
                round(named["texts"]),
                round(named["scores"]),
                simulated,
                values["alpha_interval"],
                values["icc"],
            )
        )
    return agreements


def _scored(project: Project, newest: int | None) -> Iterator[tuple[str, int, int, list[float], int]]:
    """Axis, prompt, text, its scores, and how many of them are simulated annotators'; in that order."""
    rows = Rating.objects.current().kept().filter(project=project, score__isnull=False)
    if not project.is_demo:
        rows = rows.filter(annotator__simulated=False)
    if newest is not None:
        rows = Rating.objects.filter(pk__in=rows.order_by("-pk").values("pk")[:newest])
    who = ("axis", "completion", "annotator")
    last = rows.order_by(*who, "-pk").distinct(*who).values("pk")
    totals = (
        Rating.objects.filter(pk__in=last)
        .values("axis", "completion__prompt", "completion")
        .annotate(scores=ArrayAgg("score"), simulated_scores=Count("pk", filter=Q(annotator__simulated=True)))
    )
    return (
        (row["axis"], row["completion__prompt"], row["completion"], row["scores"], row["simulated_scores"])
        for row in totals.order_by("axis", "completion__prompt", "completion").iterator()
    )
