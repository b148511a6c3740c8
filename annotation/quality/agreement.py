"""How far a project's annotators agree: current rankings of tasks that two or more of them ranked."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.db import transaction

from annotation.files.snapshots import judged
from annotation.models import Project, Ranking
from annotation.preferences.agreement import Agreement, Judged
from annotation.preferences.tally import AGREEMENT, HABITS, Scope, Total
from annotation.quality import summary, upkeep


@transaction.atomic
def measure(*, project: Project) -> dict[str, Any]:
    """The figures as one JSON object; null where there is nothing to measure.

    ``statistics`` holds each with its 95% interval: ``{"value", "interval"}`` (preferences.tally).

    Simulated annotators count only in a demo project, and ``simulated`` says how many of the rankings are theirs.
    """
    agreement = Agreement()
    counts = {"rankings": 0, "simulated": 0}
    for judgements in _by_task(project, counts):
        agreement.add_task(judgements)
    kappas = agreement.kappas()
    totals = upkeep.totals(project)
    return {
        "project": project.slug,
        "pairwise_agreement": agreement.pairwise,
        "krippendorff_alpha": agreement.alpha,
        "kendall_tau_b": agreement.tau,
        "cohen_kappa": [
            {"annotators": list(one.annotators), "kappa": one.kappa, "pairs": one.pairs} for one in kappas
        ],
        "statistics": {
            **summary.figures(totals.get(Scope(AGREEMENT), Total(AGREEMENT))),
            **summary.figures(totals.get(Scope(HABITS), Total(HABITS))),
        },
        "counts": {
            **counts,
            "tasks": agreement.tasks,
            "pairs": agreement.pairs,
            "annotator_pairs_of_pairs": agreement.compared,
            "annotator_pairs_of_tasks": agreement.tau_pairs,
        },
    }


def _by_task(project: Project, counts: dict[str, int]) -> Iterator[list[Judged]]:
    """The ranked tiers of each task, streamed; verdicts without an order are not among them."""
    rows = (
        judged(project)
        .filter(verdict=Ranking.Verdict.RANKED)
        .order_by("task_id", "id")
        .values_list(
            "task_id", "tiers", "annotator__pseudonym", "annotator__anonymous", "annotator__simulated"
        )
        .iterator(chunk_size=2000)
    )
    for _, group in groupby(rows, key=lambda row: row[0]):
        judgements = []
        for _, tiers, name, anonymous, simulated in group:
            counts["rankings"] += 1
            counts["simulated"] += simulated
            judgements.append(Judged(None if anonymous else name, tiers))
        yield judgements
