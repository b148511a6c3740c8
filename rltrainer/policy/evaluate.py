"""Several policies on the same prompts: reward, length, endings, diversity, KL and perplexity.

The first policy is the reference: the KL of each other one is against it, and rewards are compared with its own.
What is measured of one policy is kept in checkpoint/, so a run that was stopped goes on with the next policy.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from lm.bootstrap import Mean, mean_by_prompt
from lm.devices import choose_device, device_of_run
from lm.origin import claim_checkpoint, parent_of
from rltrainer.policy.answers import Answer, answer_prompts, demonstration_losses, same_tokens
from rltrainer.policy.bases import load_for_inference
from rltrainer.policy.config import EvaluateConfig
from rltrainer.policy.demonstrations import Demonstration, read_demonstrations
from rltrainer.policy.generation import storable
from rltrainer.policy.loading import Policy
from rltrainer.policy.prompts import Prompt, encode_with_room, read_prompts
from runs.folder.config import parse_config
from runs.folder.files import file_digest, read_json, write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

if TYPE_CHECKING:
    from rewardmodel.bradley_terry.scoring import Scored

Measured = dict[str, Any]
EXAMPLES = 10
CUT = (
    "prompts_cut",
    "answers_cut_for_reward",
    "demonstration_prompts_cut",
    "demonstration_completions_cut",
)


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``evaluate`` on a prepared folder: output/report.json."""
    config = _read_config(folder)
    torch.set_num_threads(config.threads)
    prompts = read_prompts(folder.inputs / "prompts.jsonl")
    files = [path for path in sorted(folder.inputs.glob("*.jsonl")) if path.is_file()]
    models = [*config.policies, *filter(None, [config.reward_model])]
    claim_checkpoint(
        folder,
        config,
        inputs={path.name: file_digest(path) for path in files},
        parents={f"model {n}": parent_of(name) for n, name in enumerate(models)},
        free=("policies", "reward_model", "resamples"),
    )
    device_of_run(folder, config.device)
    measured = evaluate_policies(folder, stop, config, prompts)
    with stop.at_once():
        report = make_report(config, prompts, measured)
    write_json(folder.output / "report.json", report)


def _read_config(folder: RunFolder) -> EvaluateConfig:
    config = parse_config(EvaluateConfig, folder.read_config())
    return replace(
        config,
        policies=tuple(folder.located(name) for name in config.policies),
        reward_model=None if config.reward_model is None else folder.located(config.reward_model),
    )


def evaluate_policies(
    folder: RunFolder, stop: StopSignal, config: EvaluateConfig, prompts: Sequence[Prompt]
) -> list[Measured]:
    """Of each policy its answers, their rewards and the losses of the demonstrations, as plain JSON."""
    progress = Progress(folder.progress_file)
    demonstrations = _held_out(folder)
    first: Policy | None = None
    for number, base in enumerate(config.policies):
        path = folder.checkpoint / f"policy_{number}.json"
        if path.exists():
            continue

        def between(done: int, place: int = number) -> None:
            stop.check()
            total = len(prompts) * len(config.policies)
            progress.report(
                place * len(prompts) + done, total, f"policy {place + 1} of {len(config.policies)}"
            )

        between(0)
        with stop.at_once():  # nothing of a policy is kept until all of it is measured
            first = first or load_for_inference(config.policies[0], config.device, date=config.date)
            policy = first if number == 0 else load_for_inference(base, config.device, date=config.date)
            measured = evaluate_policy(policy, first, config, prompts, demonstrations, between)
        write_json(path, measured)
    return [read_json(folder.checkpoint / f"policy_{number}.json") for number in range(len(config.policies))]


def evaluate_policy(
    policy: Policy,
    first: Policy,
    config: EvaluateConfig,
    prompts: Sequence[Prompt],
    demonstrations: Sequence[Demonstration],
    between: Callable[[int], None],
) -> Measured:
    """One policy's answers, rewards and losses."""
    reference = first if same_tokens(policy, first) else None
    cut = encode_with_room(
        policy, prompts, **config.limits
    ).truncated  # a refused one is told before any is sampled
    answers = answer_prompts(policy, reference, prompts, config, between)
    all_answered = partial(between, len(prompts))
    scored = _scored(config, prompts, answers, all_answered)
    losses = demonstration_losses(policy, demonstrations, config, all_answered)
    return {
        "answers": [asdict(answer) for answer in answers],
        "rewards": None if scored is None else scored.scores.tolist(),
        "losses": losses.rows,
        "prompts_cut": cut,
        "answers_cut_for_reward": None if scored is None else sum(scored.truncated),
        **{f"demonstration_{name}": count for name, count in losses.cut.items()},
        "demonstrations": _numbers([demonstration.messages for demonstration in demonstrations]),
    }


def make_report(
    config: EvaluateConfig, prompts: Sequence[Prompt], measured: Sequence[Measured]
) -> dict[str, Any]:
    """The figures of every policy, with 95% intervals over prompts, and a few answers side by side."""
    return {
        "prompts": len(prompts),
        "completions": config.completions,
        "temperature": config.temperature,
        "max_new_tokens": config.max_new_tokens,
        "reward_model": config.reward_model,
        "policies": [
            {"policy": base, **figures(measurement, measured[0], config.resamples)}
            for base, measurement in zip(config.policies, measured, strict=True)
        ],
        "examples": [_example(prompts, measured, number) for number in range(min(EXAMPLES, len(prompts)))],
    }


def figures(measured: Measured, first: Measured, resamples: int) -> dict[str, Any]:
    """``reward``, ``length`` (tokens), ``eos_rate``, ``kl`` (nats), ``perplexity``: a Mean (lm.bootstrap) or None.

    ``reward_gain`` is the reward above the first policy's on the same prompt, ``win_rate`` the share of its
    answers that score above the first policy's at the same place (equal ones half; one that both gave has one score,
    whatever rounding makes of it in two batches), ``distinct_1`` and ``_2`` the
    distinct words and pairs of words as a share of all (Li et al. 1510.03055). ``CUT`` counts what was too long to be
    read whole: prompts and demonstrations by the policy, answers (with their prompts) by the reward model.
    """

    def over_prompts(values: Sequence[float] | None) -> Mean | None:
        return None if values is None else mean_by_prompt(places, values, resamples=resamples)

    answers = measured["answers"]
    places = [answer["prompt"] for answer in answers]
    divergence = [answer["kl"] for answer in answers]
    rewards = measured["rewards"]
    pairs = _beside_the_first(measured, first) if rewards else None
    return {
        "reward": over_prompts(rewards),
        "reward_gain": over_prompts([one - other for one, other in pairs] if pairs else None),
        "win_rate": over_prompts(
            [0.5 * (one == other) + (one > other) for one, other in pairs] if pairs else None
        ),
        "length": over_prompts([answer["tokens"] for answer in answers]),
        "eos_rate": over_prompts([float(answer["finished"]) for answer in answers]),
        "kl": over_prompts(None if None in divergence else divergence),
        "perplexity": _perplexity(measured, resamples),
        "distinct_1": distinct([answer["text"] for answer in answers], 1),
        "distinct_2": distinct([answer["text"] for answer in answers], 2),
        **{name: measured[name] for name in CUT},
    }


def _beside_the_first(measured: Measured, first: Measured) -> list[tuple[float, float]]:
    """The reward of each answer and that of the first policy's at its place."""
    rows = zip(measured["answers"], measured["rewards"], first["answers"], first["rewards"], strict=True)
    return [
        (reward, reward if answer["text"] == first_answer["text"] else first_reward)
        for answer, reward, first_answer, first_reward in rows
    ]


def distinct(texts: Sequence[str], size: int) -> float | None:
    """Distinct runs of ``size`` words as a share of all of them, over all texts; None where there are none."""
    runs = [
        tuple(words[start : start + size])
        for words in (text.split() for text in texts)
        for start in range(len(words) - size + 1)
    ]
    return len(set(runs)) / len(runs) if runs else None


def _perplexity(measured: Measured, resamples: int) -> Mean | None:
    """exp of the mean loss a token, its interval over the demonstrations' prompts."""
    losses = [loss for loss, _ in measured["losses"]]
    tokens = [count for _, count in measured["losses"]]
    loss = mean_by_prompt(measured["demonstrations"], losses, sizes=tokens, resamples=resamples)
    if loss is None:
        return None
    value, *interval = torch.tensor([loss["value"], *loss["interval"]], dtype=torch.float64).exp().tolist()
    return {**loss, "value": value, "interval": interval}


def _numbers(things: Sequence[Any]) -> list[int]:
    """Equal things, equal numbers, counted from 0 in the order of their first appearance."""
    seen: dict[str, int] = {}
    return [seen.setdefault(repr(thing), len(seen)) for thing in things]


def _scored(
    config: EvaluateConfig, prompts: Sequence[Prompt], answers: Sequence[Answer], between: Callable[[], None]
) -> "Scored | None":
    """What the reward model makes of the answers; None where none judges."""
    if config.reward_model is None:
        return None
    from rewardmodel.bradley_terry.artifact import load_reward_model  # only a run that scores needs it

    model = load_reward_model(config.reward_model, device=choose_device(config.device))
    items = [(prompts[a.prompt].form, prompts[a.prompt].messages, a.text) for a in answers]
    return model.score_flagged(items, between=between)


def _held_out(folder: RunFolder) -> list[Demonstration]:
    """The demonstrations that no policy was trained on, where the run has any."""
    path = folder.inputs / "demonstrations.jsonl"
    return (
        [demonstration for demonstration in read_demonstrations(path) if demonstration.split != "train"]
        if path.exists()
        else []
    )


def _example(prompts: Sequence[Prompt], measured: Sequence[Measured], number: int) -> dict[str, Any]:
    texts = [
        storable(next(answer["text"] for answer in measurement["answers"] if answer["prompt"] == number))
        for measurement in measured
    ]
    return {"prompt_id": prompts[number].id, "texts": texts}
