"""How far a project's annotators agree: current rankings of tasks that two or more of them ranked."""

from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from annotation.files.snapshots import judged
from annotation.models import Annotator, Project, Ranking
from annotation.preferences.tally import AGREEMENT, HABITS, PAIR, Scope, Total, estimates
from annotation.quality import summary, upkeep


@transaction.atomic
def measure(*, project: Project) -> dict[str, Any]:
    """The figures as one JSON object; null where there is nothing to measure.

    ``statistics`` holds each with its 95% interval: ``{"value", "interval"}`` (preferences.tally).

    Simulated annotators count only in a demo project, and ``simulated`` says how many of the rankings are theirs.
    """
    totals = upkeep.totals(project)
    agreement = totals.get(Scope(AGREEMENT), Total(AGREEMENT))
    habits = totals.get(Scope(HABITS), Total(HABITS))
    sums = agreement.named()
    values = {name: None if one is None else one.value for name, one in estimates(agreement).items()}
    ranked = judged(project).filter(verdict=Ranking.Verdict.RANKED)
    simulated = Count("id", filter=Q(annotator__simulated=True))
    return {
        "project": project.slug,
        "pairwise_agreement": values["pairwise_agreement"],
        "krippendorff_alpha": values["krippendorff_alpha"],
        "kendall_tau_b": values["kendall_tau_b"],
        "cohen_kappa": _kappas(totals),
        "statistics": {**summary.figures(agreement), **summary.figures(habits)},
        "counts": {
            **ranked.aggregate(rankings=Count("id"), simulated=simulated),
            "tasks": agreement.tasks,
            "pairs": int(sums["units"]),
            "annotator_pairs_of_pairs": int(sums["compared"]),
            "annotator_pairs_of_tasks": int(sums["tau_pairs"]),
        },
    }


def _kappas(totals: dict[Scope, Total]) -> list[dict[str, Any]]:
    """Cohen's kappa of every two named annotators who judged a pair both, in the order of their names."""
    of_two = {scope: total for scope, total in totals.items() if scope.kind == PAIR}
    people = {one for scope in of_two for one in (scope.annotator, scope.other) if one is not None}
    names = dict(Annotator.objects.filter(pk__in=people).values_list("pk", "pseudonym"))
    kappas = []
    for scope, total in of_two.items():
        kappa = estimates(total)["cohen_kappa"]
        pair = (scope.annotator, scope.other)
        kappas.append(
            {
                "annotators": sorted(names[annotator] for annotator in pair if annotator is not None),
                "kappa": None if kappa is None else kappa.value,
                "pairs": int(sum(total.sums)),
            }
        )
    return sorted(kappas, key=lambda kappa: kappa["annotators"])
