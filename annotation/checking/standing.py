"""How an annotator stands: the figures that gold, repeats and the order shown give, and what follows from them.

    fine ---- a figure breaks a threshold ----> warned ---- still, in what was judged since ----> paused
      ^                                           |  (where the project pauses at all)              |
      +---------- every figure is good again -----+         +------ a researcher resumes them ------+

Figures count what was judged since the last step, so a warning is a fresh start, and so is being resumed. A
researcher may pause anybody, with a reason. Each step is kept with who made it, when and why.
"""

import secrets
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import Max

from annotation.errors import BadRequest, ClaimsPaused
from annotation.models import Annotator, Project, Ranking, StandingChange, Task
from annotation.models.judgement import RankingQuerySet
from annotation.preferences.care import Mean, credit, earlier_wins, mean_of
from annotation.preferences.shares import points
from runs.writing import write

Standing = Annotator.Standing
# Of how many of the newest a figure is the mean: what somebody did a year ago says little of today.
CHECKS, RANKINGS = 50, 200
# An interval of fewer rankings is too wide to tell.
LEAST_RANKINGS = 20
# The order shown is looked at after one ranking in so many, drawn at random.
ONE_IN = 10


class Figures(NamedTuple):
    """Means, None of nothing. ``position`` is the share of pairs won by the completion shown earlier; 0.5 is none."""

    gold: Mean | None
    consistency: Mean | None
    position: Mean | None


class Finding(NamedTuple):
    """A figure that a threshold looks at, once it has enough behind it; ``breach`` in words, empty of a good one."""

    enough: bool
    breach: str


def figures_of(annotator: Annotator, since: int = 0) -> Figures:
    """From the annotator's newest rankings after the ranking ``since``.

    A check is measured by the first answer to it: a warning tells which task it was about, and changing that answer
    afterwards would measure nothing.
    """
    rows = Ranking.objects.current().filter(annotator=annotator, pk__gt=since).order_by("-pk")
    gold = _first_answers(annotator, Task.Purpose.GOLD, since).values_list("task__gold_tiers", "tiers")
    shown = rows.filter(verdict=Ranking.Verdict.RANKED, order_shown__isnull=False, import_key=None)
    wins = (
        earlier_wins(tiers, order or ())
        for tiers, order in shown.values_list("tiers", "order_shown")[:RANKINGS]
    )
    return Figures(
        mean_of([credit(expected or (), tiers) for expected, tiers in gold]),
        mean_of(_repeated(annotator, since)),
        mean_of([share for share in wins if share is not None]),
    )


def _first_answers(annotator: Annotator, purpose: str, since: int) -> RankingQuerySet:
    """The newest checks of a purpose, each as it was first answered after the ranking ``since``."""
    kept = Ranking.objects.filter(annotator=annotator, task__purpose=purpose, task__prompt__withdrawn_at=None)
    firsts = kept.order_by("task_id", "pk").distinct("task_id").values("pk")
    return Ranking.objects.filter(pk__in=firsts, pk__gt=since).order_by("-pk")[:CHECKS]


def _repeated(annotator: Annotator, since: int) -> list[float]:
    """How near each repeat is to what the annotator had said of the task before."""
    repeats = _first_answers(annotator, Task.Purpose.REPEAT, since)
    again = {first: (pk, tiers) for pk, first, tiers in repeats.values_list("pk", "task__repeats", "tiers")}
    rankings = Ranking.objects.filter(annotator=annotator, task__in=again).order_by("pk")
    rows = rankings.values_list("pk", "task", "tiers")
    first_tiers = {task: tiers for pk, task, tiers in rows if pk < again[task][0]}
    return [credit(tiers, again[task][1]) for task, tiers in first_tiers.items()]


def findings(project: Project, figures: Figures) -> list[Finding]:
    """What the project's thresholds say of the figures that it asks for."""
    checks = [
        (
            project.gold_every,
            project.least_gold_score,
            figures.gold,
            "Your score on tasks whose best order is known",
        ),
        (
            project.repeat_every,
            project.least_consistency,
            figures.consistency,
            "Your agreement with yourself on tasks that were asked again",
        ),
    ]
    per_figure = [
        _low(words, figure, least, project.least_checks)
        for every, least, figure, words in checks
        if every and least is not None
    ]
    if project.most_position_bias is not None:
        per_figure.append(_biased(figures.position, project.most_position_bias))
    return per_figure


def _low(words: str, figure: Mean | None, least: float, least_checks: int) -> Finding:
    if figure is None or figure.number < least_checks:
        return Finding(False, "")
    if figure.value >= least:
        return Finding(True, "")
    return Finding(
        True,
        f"{words} is {points(figure.value)}% over {figure.number}; this project asks for {points(least)}%.",
    )


def _biased(figure: Mean | None, most: float) -> Finding:
    if figure is None or figure.number < LEAST_RANKINGS or figure.interval is None:
        return Finding(False, "")
    low, high = figure.interval
    if low <= 0.5 + most and high >= 0.5 - most:
        return Finding(True, "")
    side = "earlier" if low > 0.5 else "later"
    share = figure.value if low > 0.5 else 1 - figure.value
    return Finding(
        True,
        f"You prefer what is shown {side} in {points(share)}% of pairs over {figure.number} judgements; "
        "the order is random, so it should be about half.",
    )


def consider(*, ranking: Ranking) -> None:
    """After a ranking is stored: a check is looked at at once, anything else now and then.

    Its annotator's instance has the standing that comes of it: the next task depends on that.
    """
    if ranking.task.is_check or (
        ranking.project.most_position_bias is not None and secrets.randbelow(ONE_IN) == 0
    ):
        ranking.annotator.standing = review(annotator=ranking.annotator)


@write
def review(*, annotator: Annotator) -> str:
    """Take the step that the figures since the last one ask for; returns the standing. Locks the annotator's row."""
    locked = _locked(annotator)
    if locked.standing == Standing.PAUSED:
        return locked.standing
    last = locked.standing_changes.first()
    latest = findings(locked.project, figures_of(locked, last.last_ranking_id if last else 0))
    why = " ".join(finding.breach for finding in latest if finding.breach)
    if locked.standing == Standing.FINE and why:
        _change(locked, Standing.WARNED, why, None)
    elif locked.standing == Standing.WARNED and why and locked.project.pauses:
        _change(locked, Standing.PAUSED, why, None)
    elif locked.standing == Standing.WARNED and not why and latest and all(one.enough for one in latest):
        _change(locked, Standing.FINE, "The figures since the warning are good.", None)
    return locked.standing


@write
def pause(*, annotator: Annotator, why: str, by: User | None) -> None:
    """No more tasks for them; what they hold they may finish. Raises BadRequest without a reason."""
    locked = _locked(annotator)
    if locked.standing == Standing.PAUSED:
        raise BadRequest(f"{locked.pseudonym} is paused already.")
    _change(locked, Standing.PAUSED, _reason(why), by)


@write
def resume(*, annotator: Annotator, why: str, by: User | None) -> None:
    """Tasks again, and figures from now on. Raises BadRequest without a reason, or where they are not paused."""
    locked = _locked(annotator)
    if locked.standing == Standing.FINE:
        raise BadRequest(f"{locked.pseudonym} is neither warned nor paused.")
    _change(locked, Standing.FINE, _reason(why), by)


def refuse_paused(annotator: Annotator) -> None:
    """Raises ClaimsPaused, with the reason, for an annotator who is paused."""
    if annotator.standing == Standing.PAUSED:
        raise ClaimsPaused(reason_of(annotator))


def warning_of(annotator: Annotator) -> str:
    """What a warned annotator reads beside their work; empty for everybody else."""
    return reason_of(annotator) if annotator.standing == Standing.WARNED else ""


def reason_of(annotator: Annotator) -> str:
    """Why the annotator stands as they do; empty of one who always was fine."""
    last = annotator.standing_changes.first()
    return last.why if last else ""


def _locked(annotator: Annotator) -> Annotator:
    rows = Annotator.objects.select_for_update(of=("self",), no_key=True).select_related("project")
    return rows.get(pk=annotator.pk)


def _reason(why: str) -> str:
    if not why.strip():
        raise BadRequest("Say why in a few words: the annotator reads it.")
    return why.strip()


def _change(annotator: Annotator, standing: str, why: str, by: User | None) -> None:
    newest = Ranking.objects.filter(annotator=annotator).aggregate(last=Max("pk"))["last"]
    StandingChange.objects.create(
        annotator=annotator, standing=standing, why=why, changed_by=by, last_ranking_id=newest or 0
    )
    annotator.standing = standing
    annotator.save(update_fields=["standing"])
