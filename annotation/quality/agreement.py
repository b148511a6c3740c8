"""How far a project's annotators agree: current rankings of tasks that two or more of them ranked."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from annotation.files.snapshots import judged
from annotation.models import Annotator, Project, Ranking
from annotation.preferences.tally import AGREEMENT, HABITS, PAIR, Scope, Total
from annotation.quality import scores, summary, upkeep


@transaction.atomic
def agreement_of(*, project: Project) -> dict[str, Any]:
    """The figures as one JSON object; null where there is nothing to measure.

    ``statistics`` holds each with its 95% interval: ``{"value", "interval"}`` (preferences.estimates).

    ``ratings`` holds what people say of each axis (quality.scores).

    Simulated annotators count only in a demo project, and ``simulated`` says how many of the rankings are theirs.
    """
    totals = upkeep.totals(project)
    agreement = totals.get(Scope(AGREEMENT), Total(AGREEMENT))
    habits = totals.get(Scope(HABITS), Total(HABITS))
    statistics = {**summary.figures(agreement), **summary.figures(habits)}
    return {
        "project": project.slug,
        "pairwise_agreement": _value(statistics["pairwise_agreement"]),
        "krippendorff_alpha": _value(statistics["krippendorff_alpha"]),
        "kendall_tau_b": _value(statistics["kendall_tau_b"]),
        "cohen_kappa": _kappas(project, totals),
        "statistics": statistics,
        "ratings": [axis._asdict() for axis in scores.of(project)],
        "counts": {
            **judged(project).filter(verdict=Ranking.Verdict.RANKED).counted()._asdict(),
            "tasks": agreement.tasks,
            "by_doubt": _whole(habits, "by_doubt"),
            "by_chance": _whole(habits, "by_chance"),
            "pairs": _whole(agreement, "units"),
            "annotator_pairs_of_pairs": _whole(agreement, "compared"),
            "annotator_pairs_of_tasks": _whole(agreement, "tau_pairs"),
        },
    }


def _value(figure: summary.Figure | None) -> float | None:
    return None if figure is None else figure["value"]


def _whole(total: Total, name: str) -> int:
    """A sum that counts something: a whole number, kept as a float."""
    return round(total.named()[name])


def _kappas(project: Project, totals: Mapping[Scope, Total]) -> list[dict[str, Any]]:
    """Cohen's kappa of every two annotators who judged a pair both, in the order of their pseudonyms."""
    names = dict(Annotator.objects.filter(project=project).values_list("pk", "pseudonym"))
    kappas = [
        {
            "annotators": sorted(names[pk] for pk in (scope.annotator, scope.other) if pk is not None),
            "kappa": _value(summary.figures(total)["cohen_kappa"]),
            "pairs": round(sum(total.sums)),
        }
        for scope, total in totals.items()
        if scope.kind == PAIR
    ]
    return sorted(kappas, key=lambda one: one["annotators"])
