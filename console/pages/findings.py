"""What a run found, in words with its uncertainty, and texts to read beside the figures."""

from collections.abc import Callable
from typing import Any, NamedTuple

from console.figures import percent
from console.pages import contest, evaluation
from rewardmodel import activation
from rewardmodel.models import RewardModelVersion
from rltrainer.models import PolicyVersion
from runs.models import Run

Report = dict[str, Any]
EXAMPLES = 3


class Text(NamedTuple):
    """One completion: who wrote it, and its reward where there is one."""

    label: str
    text: str
    reward: float | None


class Example(NamedTuple):
    """A prompt and what is compared on it."""

    prompt: str
    texts: list[Text]


class Findings(NamedTuple):
    """``sentences`` lead the page; ``examples`` follow."""

    sentences: list[str]
    examples: list[Example]


def findings(run: Run) -> Findings | None:
    """What a succeeded run found; None for one that has nothing to say yet."""
    find = _FINDERS.get(run.kind)
    return find(run) if find and run.status == Run.Status.SUCCEEDED else None


def _of_fit(run: Run) -> Findings | None:
    version = RewardModelVersion.objects.filter(fit__run=run).first()
    if version is None:
        return None
    held_out: Report = version.report.get("held_out") or {}
    accuracy = held_out.get("accuracy")
    first = f"This is reward model v{version.number}."
    if accuracy is None:
        return Findings([f"{first} No ranking was held out, so how well it judges is not known."], [])
    return Findings(
        [
            f"{first} It orders {percent(accuracy)} of held-out pairs as people did.",
            *_against("Preferring the longer text would order", held_out.get("longer_wins")),
            *_against("Two people agree on", version.report.get("human_agreement")),
            *(
                ["Length alone may be what it learnt: that baseline is not shown to be worse."]
                * contest.is_beaten(held_out)
            ),
            version.activation,
        ],
        [],
    )


def _of_training(run: Run) -> Findings | None:
    version = PolicyVersion.objects.filter(training__run=run).first()
    if version is None:
        return None
    report: Report = version.report
    first = f"This is policy v{version.number}."
    if "before" not in report:
        return Findings([first], [])
    before, after = report["before"], report["after"]
    place = "on prompts that it was not trained on" if report.get("held_out") else "on its own prompts"
    return Findings(
        [
            f"{first} Its mean reward {place} went from {before['reward']:.2f} to {after['reward']:.2f}: "
            f"{report['gain_in_deviations']:+.2f} standard deviations of the policy it started from.",
            f"It is {after['kl']:.1f} nats of KL away from that policy; a completion has {after['length']:.0f} "
            f"tokens now and had {before['length']:.0f}.",
            *([run.result["why"]] if run.result.get("why") else []),
        ],
        [
            Example(
                words_of(one["prompt"]),
                [Text(name, one[name]["completion"], one[name]["reward"]) for name in ("before", "after")],
            )
            for one in report.get("examples", [])[:EXAMPLES]
        ],
    )


def _of_evaluation(run: Run) -> Findings:
    return Findings(
        evaluation.sentences(run.evaluation),
        [
            Example(one.prompt, [Text(answer.name, answer.text, None) for answer in one.answers])
            for one in evaluation.examples(run.evaluation)
        ],
    )


def _of_contest(run: Run) -> Findings:
    least = activation.settings_of(run.contest.project).activation_prompts
    standing = contest.drawn(run.contest, least_prompts=least)
    lines = [*standing.answers, *standing.warnings] if standing else [str(run.contest.report.get("note", ""))]
    return Findings(lines, [])


def _of_sampling(run: Run) -> Findings:
    completions = run.result.get("completions", 0)
    return Findings(
        [f"Policy v{run.result.get('policy')} wrote {completions:,} completions; they wait to be ranked."], []
    )


_FINDERS: dict[str, Callable[[Run], Findings | None]] = {
    "fit_reward_model": _of_fit,
    "train_policy": _of_training,
    "evaluate_policy": _of_evaluation,
    "compare_reward_models": _of_contest,
    "sample_completions": _of_sampling,
}


def _against(words: str, figure: Report | None) -> list[str]:
    return [f"{words} {percent(figure)}."] if figure else []


def words_of(messages: list[dict[str, str]]) -> str:
    """A prompt as the pages of runs show it."""
    return "\n\n".join(message["content"] for message in messages)
