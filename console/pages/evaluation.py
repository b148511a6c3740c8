"""The last comparison of policies, as their page shows it: an answer, a picture, figures, and answers to read."""

from typing import Any, NamedTuple

from annotation.models import Prompt
from console.figures import percent
from console.pages import charts
from rltrainer.models import Evaluation

Report = dict[str, Any]
EXAMPLES = 5
# name in the report -> what a row of the table says, digits; of a share none
FIGURES: tuple[tuple[str, str, int | None], ...] = (
    ("reward", "Reward", 2),
    ("reward_gain", "Reward above the first", 2),
    ("win_rate", "Better than the first", None),
    ("kl", "KL from the first, nats", 2),
    ("length", "Tokens an answer", 1),
    ("eos_rate", "Answers that end", None),
    ("perplexity", "Perplexity of what people wrote", 2),
)
AGAINST_FIRST = ("reward_gain", "win_rate", "kl")


class Row(NamedTuple):
    """One figure of every policy; a share has no ``digits``: it is told in percent."""

    name: str
    digits: int | None
    figures: list[Report | None]


class Answer(NamedTuple):
    """What one policy said to a prompt."""

    name: str
    text: str


class Example(NamedTuple):
    """A prompt, and every policy's answer."""

    prompt: str
    answers: list[Answer]


class Drawn(NamedTuple):
    """An evaluation with something to show."""

    evaluation: Evaluation
    names: list[str]
    answers: list[str]
    wins: charts.Dots | None
    rows: list[Row]
    examples: list[Example]


def drawn(evaluation: Evaluation) -> Drawn:
    """``evaluation`` has succeeded."""
    report: Report = evaluation.report
    names = [f"v{number}" for number in report["versions"]]
    policies = list(zip(names, report["policies"], strict=True))
    wins = [(f"{name} over {names[0]}", one["win_rate"]) for name, one in policies[1:]]
    rows = [
        Row(
            words,
            digits,
            [
                None if name in AGAINST_FIRST and place == 0 else one.get(name)
                for place, (_, one) in enumerate(policies)
            ],
        )
        for name, words, digits in FIGURES
    ]
    return Drawn(
        evaluation,
        names,
        sentences(evaluation),
        charts.dots(wins, least=0, most=1, reference=0.5),
        [row for row in rows if any(row.figures)],
        examples(evaluation),
    )


def sentences(evaluation: Evaluation) -> list[str]:
    """Who writes the better completions, by the reward model, with the uncertainty."""
    report: Report = evaluation.report
    names = [f"v{number}" for number in report["versions"]]
    lines = [
        f"By the reward model, {name} writes the better completion in {percent(one['win_rate'])} "
        f"of cases against {names[0]} ({report['prompts']} prompts); its mean reward is "
        f"{_plain(one['reward_gain'])} higher."
        for name, one in list(zip(names, report["policies"], strict=True))[1:]
        if one.get("win_rate")
    ]
    return lines or ["Without a reward model the texts speak for themselves."]


def examples(evaluation: Evaluation) -> list[Example]:
    """Answers to the first prompts of the report, with their texts as they are now."""
    report: Report = evaluation.report
    names = [f"v{number}" for number in report["versions"]]
    shown = report.get("examples", [])[:EXAMPLES]
    prompts = Prompt.objects.filter(
        project=evaluation.project, public_id__in=[one["prompt_id"] for one in shown]
    )
    texts = {str(prompt.public_id): prompt.last_text for prompt in prompts}
    return [
        Example(
            texts.get(one["prompt_id"], ""),
            [Answer(name, text) for name, text in zip(names, one["texts"], strict=True)],
        )
        for one in shown
    ]


def _plain(figure: Report) -> str:
    low, high = figure["interval"]
    return f"{figure['value']:.2f} ({low:.2f} to {high:.2f})"
