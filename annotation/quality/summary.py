"""The quality of a project's judgements as its page shows it: statistics with intervals, read from the totals."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from annotation.counting import Bounded
from annotation.models import Annotator, Project, Tally
from annotation.preferences.estimates import Estimate, estimates
from annotation.preferences.tally import AGREEMENT, HABITS, PAIR, Total
from annotation.quality import upkeep

# The newest weeks, and the busiest annotators and pairs, that a page shows.
WEEKS, PEOPLE, PAIRS = 26, 50, 50

Figure = dict[str, Any]


class Person(NamedTuple):
    """One annotator's row."""

    annotator: Annotator
    counts: dict[str, float]
    figures: dict[str, Figure | None]


class Pair(NamedTuple):
    """Two annotators who judged the same tasks."""

    annotator: Annotator
    other: Annotator
    tasks: int
    kappa: Figure | None


class Week(NamedTuple):
    """One week's row."""

    week: str
    counts: dict[str, float]
    figures: dict[str, Figure | None]

    @property
    def hours(self) -> float:
        """Active time, as far as it was measured."""
        return self.counts["seconds"] / 3600

    @property
    def an_hour(self) -> float | None:
        """Rankings in an hour of active time, of those whose time was measured."""
        return self.counts["timed"] / self.hours if self.hours else None

    def cost(self, project: Project) -> float:
        """Of the active time, in the project's currency."""
        return self.hours * float(project.hour_cost)


class Quality(NamedTuple):
    """``uncounted`` changes are not in the figures yet; ``simulated`` of the rankings in them are simulated."""

    tasks: int
    counts: dict[str, float]
    figures: dict[str, Figure | None]
    people: list[Person]
    more_people: int
    pairs: list[Pair]
    weeks: list[Week]
    uncounted: Bounded
    simulated: int


def figures(total: Total) -> dict[str, Figure | None]:
    """The statistics of a total as ``{"value", "interval"}``."""
    return {name: _figure(one) for name, one in estimates(total).items()}


def of(project: Project) -> Quality:
    """Everything that the page shows, in a handful of queries whose rows do not grow with rankings."""
    shared = _totals(Tally.objects.filter(project=project, annotator=None, week=""))
    everybody = {kind: total for (kind, _, _), total in shared.items()}
    agreements, habits = everybody.get(AGREEMENT, Total(AGREEMENT)), everybody.get(HABITS, Total(HABITS))
    people, more = _people(project)
    return Quality(
        tasks=agreements.tasks,
        counts=habits.named(),
        figures={**figures(agreements), **figures(habits)},
        people=people,
        more_people=more,
        pairs=_pairs(project),
        weeks=weeks_of(project),
        uncounted=upkeep.left_of(project),
        simulated=_simulated(project),
    )


def alpha(project: Project) -> Figure | None:
    """Krippendorff's alpha of all that people said of pairs; None where no task has been ranked by two."""
    row = Tally.objects.filter(project=project, kind=AGREEMENT, annotator=None, week="").first()
    return figures(row.total)["krippendorff_alpha"] if row else None


def _simulated(project: Project) -> int:
    """Of the rankings in the figures: simulated annotators judge in no project but a demo."""
    rows = Tally.objects.filter(project=project, kind=HABITS, annotator__simulated=True, week="")
    return round(sum(row.total.named()["rankings"] for row in rows))


def _people(project: Project) -> tuple[list[Person], int]:
    """The annotators with the most rankings, and how many more there are."""
    rows = Tally.objects.filter(project=project, kind=HABITS, annotator__isnull=False, week="")
    busiest = list(rows.select_related("annotator").order_by("-sums__0", "annotator")[:PEOPLE])
    agreements = Tally.objects.filter(
        project=project, kind=AGREEMENT, week="", annotator__in=[row.annotator_id for row in busiest]
    )
    agreed = {row.annotator_id: row.total for row in agreements}
    people = []
    for row in busiest:
        assert row.annotator is not None
        habits, agreement = row.total, agreed.get(row.annotator_id, Total(AGREEMENT))
        # Of one person against the others only these two are counted.
        agreement_figures = {name: one for name, one in figures(agreement).items() if name in OF_ONE}
        people.append(Person(row.annotator, habits.named(), {**figures(habits), **agreement_figures}))
    return people, max(0, rows.count() - len(people)) if len(people) == PEOPLE else 0


OF_ONE = ("pairwise_agreement", "kendall_tau_b")


def _pairs(project: Project) -> list[Pair]:
    rows = Tally.objects.filter(project=project, kind=PAIR).select_related("annotator", "other")
    pairs = []
    for row in rows.order_by("-tasks", "annotator", "other")[:PAIRS]:
        assert row.annotator is not None
        assert row.other is not None
        pairs.append(Pair(row.annotator, row.other, row.tasks, figures(row.total)["cohen_kappa"]))
    return pairs


def weeks_of(project: Project) -> list[Week]:
    """The newest weeks, in their order."""
    rows = Tally.objects.filter(project=project, annotator=None).exclude(week="")
    names = rows.order_by("-week").values_list("week", flat=True).distinct()[:WEEKS]
    totals = _totals(rows.filter(week__in=list(names)))
    weeks = []
    for week in sorted({week for _, _, week in totals}):
        habits = totals.get((HABITS, None, week), Total(HABITS))
        agreement = totals.get((AGREEMENT, None, week), Total(AGREEMENT))
        weeks.append(Week(week, habits.named(), {**figures(agreement), **figures(habits)}))
    return weeks


def _totals(rows: Iterable[Tally]) -> dict[tuple[str, int | None, str], Total]:
    return {(row.kind, row.annotator_id, row.week): row.total for row in rows}


def _figure(estimate: Estimate | None) -> Figure | None:
    if estimate is None:
        return None
    return {"value": estimate.value, "interval": estimate.interval and list(estimate.interval)}
