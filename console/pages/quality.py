"""How far people agree, and what their habits are: in words, as pictures, and as tables."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from annotation.quality import scores, summary, upkeep
from console.figures import percent
from console.pages import charts
from console.pages.access import for_project

# Changes counted while the page opens; the rest waits for the sweep, and the page says so.
COUNTED_AT_ONCE = 200
# Landis and Koch 1977, "The Measurement of Observer Agreement for Categorical Data".
STRENGTHS = ((0.0, "none"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))

Figure = dict[str, Any]


@require_safe
@for_project
def quality_page(request: HttpRequest, project: Project) -> HttpResponse:
    """Everything that is known of a project's judgements."""
    upkeep.count(project=project, most=COUNTED_AT_ONCE)
    quality = summary.of(project)
    people = [(person.annotator.pseudonym, person.figures) for person in quality.people]
    weeks = [(week.week, week.figures) for week in quality.weeks]
    context = {
        **admin.site.each_context(request),
        "title": "How far do people agree?",
        "project": project,
        "quality": quality,
        "agreement": _agreement(quality.figures, quality.tasks),
        "axes": scores.of(project, scores.ON_A_PAGE),
        "most_scores": scores.ON_A_PAGE,
        "position": _against_chance("The completion shown earlier wins", quality.figures["earlier_wins"]),
        "length": _against_chance("The longer completion wins", quality.figures["longer_wins"]),
        "figures": [(words, quality.figures[name]) for name, words in COEFFICIENTS],
        "agreement_by_week": charts.line(
            [(week, figures["pairwise_agreement"]) for week, figures in weeks],
            least=0,
            most=1,
            in_percent=True,
        ),
        "seconds_by_week": _line_of_seconds([(week, figures["seconds"]) for week, figures in weeks]),
        "weeks": [(week, week.cost(project)) for week in reversed(quality.weeks)],
        "cost": sum(week.cost(project) for week in quality.weeks) if project.hour_cost else None,
        "plots": [
            (title, charts.dots([(who, figures[name]) for who, figures in people], **shape))
            for title, name, shape in PLOTS
        ],
        "width": charts.WIDTH,
    }
    return TemplateResponse(request, "admin/quality.html", context)


def _line_of_seconds(values: list[tuple[str, Figure | None]]) -> Any:
    ends = [(figure["interval"] or [figure["value"]])[-1] for _, figure in values if figure]
    return charts.line(values, least=0, most=_round_up(max(ends))) if ends else None


def _round_up(seconds: float) -> float:
    """To what four steps divide well."""
    return next(step * 4 for step in _STEPS if step * 4 >= seconds)


# Seconds between two lines of a picture; the last is a day, which no judgement takes.
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600, 86_400, float("inf"))


COEFFICIENTS = (
    ("pairwise_agreement", "Pairwise agreement"),
    ("krippendorff_alpha", "Krippendorff's alpha"),
    ("fleiss_kappa", "Fleiss' kappa"),
    ("kendall_tau_b", "Kendall's tau-b"),
)
HALF: dict[str, Any] = {"least": 0, "most": 1, "reference": 0.5}
PLOTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Agreement with others, share of pairs", "pairwise_agreement", {"least": 0.0, "most": 1.0}),
    ("The earlier shown wins, share of pairs", "earlier_wins", HALF),
    ("The longer wins, share of pairs", "longer_wins", HALF),
)


def _agreement(figures: dict[str, Figure | None], tasks: int) -> str:
    same, alpha = figures["pairwise_agreement"], figures["krippendorff_alpha"]
    if same is None:
        return "Nobody knows yet: no task has been ranked by two people."
    words = f"Two people say the same of {percent(same)} of pairs, over {tasks:,} task{'s' * (tasks != 1)}."
    if alpha is not None:
        words += f" Beyond chance that is {_strength(alpha['value'])} agreement: alpha {_plain(alpha)}."
    return words


def _strength(value: float) -> str:
    if value < 0:
        return "no"
    return next((word for most, word in STRENGTHS[1:] if value <= most), "almost perfect")


def _against_chance(words: str, figure: Figure | None) -> str:
    """A share beside one half, with what its interval says of it."""
    if figure is None:
        return f"{words}: nothing is known yet."
    low, high = figure["interval"] or (0.0, 1.0)
    verdict = (
        "no bias is seen"
        if low <= 0.5 <= high
        else "more often than chance"
        if low > 0.5
        else "less often than chance"
    )
    return f"{words} in {percent(figure)} of pairs: {verdict}."


def _plain(figure: Figure) -> str:
    text = f"{figure['value']:.2f}"
    if figure["interval"]:
        low, high = figure["interval"]
        text += f" ({low:.2f} to {high:.2f})"
    return text
