"""The last comparison of reward models, as their page shows it: an answer, pictures, slices, and pairs to read."""

from typing import Any, NamedTuple

from annotation.models import Completion, Ranking
from console.figures import percent
from console.pages import charts
from rewardmodel.models import Contest
from rewardmodel.proposals import in_points, proposal_of

Report = dict[str, Any]
# name in the report -> what a row of the table says
SLICES = {
    "by_tier_distance": "Places apart",
    "by_length_difference": "Characters longer or shorter, at least",
    "by_source_pair": "Who wrote the two",
    "by_longer": "The longer one is",
}


class Row(NamedTuple):
    """A slice of the pairs, and each version's accuracy on it."""

    name: str
    pairs: int
    figures: list[Report | None]


class Table(NamedTuple):
    """One way to cut the pairs."""

    title: str
    rows: list[Row]


class Pair(NamedTuple):
    """Two completions that people put in an order which the versions find unlikely."""

    prompt: str
    preferred: str
    rejected: str
    chances: list[tuple[str, float]]
    who: str
    rationale: str


class Drawn(NamedTuple):
    """A contest with something to show; ``warnings`` are of baselines and simulated rankings."""

    contest: Contest
    names: list[str]
    answers: list[str]
    warnings: list[str]
    accuracy: charts.Dots | None
    calibrations: list[tuple[str, charts.Calibration]]
    tables: list[Table]
    pairs: list[Pair]


def drawn(contest: Contest, *, least_prompts: int) -> Drawn | None:
    """None for one that found nothing held out."""
    report: Report = contest.report
    versions: list[Report] = report.get("versions", [])
    if not versions:
        return None
    names = [f"v{number}" for number in report["numbers"]]
    named = list(zip(names, versions, strict=True))
    baselines = [
        ("two people", report["human_agreement"]),
        ("longer wins", versions[0]["longer_wins"]),
        ("shown first wins", versions[0]["first_shown_wins"]),
    ]
    return Drawn(
        contest,
        names,
        [_answer(name, names[0], one, least_prompts) for name, one in named],
        [*_beaten(named), *_simulated(contest)],
        charts.dots(
            [*((name, one["accuracy"]) for name, one in named), *baselines],
            least=0.4,
            most=1.0,
            reference=0.5,
            parts=3,
        ),
        [
            (_calibrated(name, one["ece"]), curve)
            for name, one in named
            if (curve := charts.calibration(one["reliability"]))
        ],
        [_table(title, name, versions) for name, title in SLICES.items()],
        _pairs(names, report["worst"]),
    )


def _answer(name: str, first: str, version: Report, least_prompts: int) -> str:
    accuracy = version["accuracy"]
    sentence = f"{name} orders {percent(accuracy)} of pairs as people did"
    difference = version["difference"]
    if difference is None:
        return f"{sentence}."
    proposal = proposal_of(difference, least_prompts=least_prompts)
    return f"{sentence}: {in_points(difference)} against {first}, {proposal.label}."


def _calibrated(name: str, error: float) -> str:
    return (
        f"{name}: how often it is right, by how sure it says it is; "
        f"{100 * error:.1f} points apart on average (calibration error)"
    )


def _beaten(named: list[tuple[str, Report]]) -> list[str]:
    """Of each version that preferring the longer text does as well as."""
    return [
        f"Preferring the longer text does as well as {name}: what it learnt may be length alone."
        for name, one in named
        if is_beaten(one)
    ]


def is_beaten(figures: Report | None) -> bool:
    """Whether preferring the longer text is not shown to be worse than a version on the same pairs."""
    above = (figures or {}).get("above_longer_wins")
    return above is not None and above["interval"][0] <= 0


def _simulated(contest: Contest) -> list[str]:
    snapshot = contest.snapshot
    if snapshot is None or not snapshot.simulated:
        return []
    return [f"{snapshot.simulated:,} of the {snapshot.rankings:,} rankings in this snapshot are simulated."]


def _table(title: str, name: str, versions: list[Report]) -> Table:
    slices = [one["slice"] for one in versions[0][name]]
    by_version = [{one["slice"]: one for one in version[name]} for version in versions]
    return Table(
        title,
        [
            Row(str(one), by_version[0][one]["count"], [figures.get(one) for figures in by_version])
            for one in slices
        ],
    )


def _pairs(names: list[str], worst: list[Report]) -> list[Pair]:
    """With the texts as they are now; what was withdrawn is left out."""
    rankings = {
        str(ranking.public_id): ranking
        for ranking in Ranking.objects.filter(
            public_id__in=[one["ranking"] for one in worst], task__prompt__withdrawn_at=None
        ).select_related("task__prompt", "annotator")
    }
    ids = [one[side] for one in worst for side in ("preferred", "rejected")]
    texts = {
        str(public_id): text
        for public_id, text in Completion.objects.filter(public_id__in=ids).values_list("public_id", "text")
    }
    return [
        Pair(
            rankings[one["ranking"]].task.prompt.last_text,
            texts[one["preferred"]],
            texts[one["rejected"]],
            list(zip(names, one["probabilities"], strict=True)),
            rankings[one["ranking"]].annotator.pseudonym,
            rankings[one["ranking"]].rationale,
        )
        for one in worst
        if one["ranking"] in rankings and one["preferred"] in texts and one["rejected"] in texts
    ]
