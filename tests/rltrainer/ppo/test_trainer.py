"""The loop: exact resume, the KL's limit, beta, and what is left when something is not finite."""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from lm.lora import LoraSettings
from lm.training import Frame
from rltrainer.policy.prompts import encode_with_room
from rltrainer.ppo.learner import Learner
from rltrainer.ppo.rollout import RewardFunction
from rltrainer.ppo.trainer import PolicyGradient
from runs.folder.errors import RunError, Stopped
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from tests.rltrainer.ppo.factories import (
    count_cats,
    make_learner,
    make_policy,
    make_prompts,
    score_by,
    weights,
)
from tests.stopping import Looks, StopAt, StopWhen

pytestmark = pytest.mark.long  # they train

TIMES = ("tokens_per_second", "seconds_generation", "seconds_scoring", "seconds_forward", "seconds_update")
LORA = LoraSettings(rank=4)

When = Callable[[Frame, PolicyGradient], bool]


def train(
    path: Path,
    stop: StopSignal | When | None = None,
    reward_of: RewardFunction | None = None,
    learner: Learner | None = None,
    watched: int = 2,
    **fields: Any,
) -> PolicyGradient:
    """A training in ``path``, from its checkpoint where there is one; ``stop`` may be asked of it as it stands."""
    folder = RunFolder(path)
    folder.make()
    training = PolicyGradient(
        learner or make_learner(**fields),
        reward_of or score_by(count_cats),
        make_prompts(5),
        watched=make_prompts(5 + watched)[5:],
    )
    seconds = training.config.checkpoint_seconds
    frame = Frame(folder, StopSignal(), training, checkpoint_seconds=seconds)
    if isinstance(stop, StopSignal):
        frame.stop = stop
    elif stop is not None:
        when = stop
        frame.stop = StopWhen(lambda: when(frame, training))
    frame.run()
    return training


def at_step(step: int) -> When:
    """At the first look within or before ``step``."""
    return lambda frame, training: frame.step == step


def within_update(step: int) -> When:
    """Between two optimizer steps of ``step``."""
    return lambda frame, training: frame.step == step and training.torn


def at_look(step: int) -> When:
    """While the answers to the watched prompts after ``step`` steps are written, before its last pass."""
    seen = list[int]()

    def stands(frame: Frame, training: PolicyGradient) -> bool:
        if frame.step == step and not training.torn:
            seen.append(step)
        return len(seen) > 1

    return stands


def lines(path: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what a clock measured."""
    read = read_metrics(RunFolder(path).metrics_file)[0]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in read]


def looks(path: Path) -> list[dict[str, Any]]:
    """watched.jsonl."""
    return read_metrics(RunFolder(path).watched_file)[0]


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("fields", "stops"),
    [
        (
            {"kl_target": 0.5, "kl_horizon": 50, "checkpoint_seconds": 0.0},
            (
                StopAt(0),
                StopAt(5),
                at_look(0),
                StopAt(10),
                within_update(0),
                at_step(1),
                at_look(2),
                within_update(2),
                StopAt(3),
                at_step(3),
                at_look(4),
            ),
        ),
        ({"kl_target": 0.5, "kl_horizon": 50}, (at_step(1), at_look(2), within_update(2), at_step(3))),
        (
            {"algorithm": "reinforce", "epochs": 1, "checkpoint_seconds": 0.0},
            (StopAt(4), at_step(2), at_look(3)),
        ),
    ],
    ids=["ppo", "ppo-rarely-saved", "reinforce"],
)
def test_p21_a_stopped_run_goes_on_bit_for_bit(
    fields: dict[str, Any], stops: tuple[StopSignal | When, ...], tmp_path: Path
) -> None:
    """Stopped within the sampling, between steps, and in the middle of an update; a fresh learner each time."""
    whole = train(tmp_path / "whole", **fields)
    for stop in stops:
        with pytest.raises(Stopped):
            train(tmp_path / "stopped", stop, **fields)
    stopped = train(tmp_path / "stopped", **fields)
    assert same(weights(whole.learner), weights(stopped.learner))
    assert not same(weights(whole.learner), weights(make_learner(**fields)))
    assert lines(tmp_path / "whole") == lines(tmp_path / "stopped")
    assert [line["step"] for line in lines(tmp_path / "whole")] == [1, 2, 3, 4]
    assert looks(tmp_path / "whole") == looks(tmp_path / "stopped")
    assert [line["step"] for line in looks(tmp_path / "whole")] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert whole.state() == stopped.state()


def test_a_stop_is_looked_for_between_any_two_forward_passes(tmp_path: Path) -> None:
    """Sampling, reference, values, the passes of the update and those of watched answers: as often as the networks are
    run, and once a step."""
    learner, heard, passes = make_learner(steps=1), Looks(), list[int]()
    assert learner.value is not None
    assert learner.policy.frozen is not None
    for trunk in (learner.policy.model.base_model, learner.policy.frozen.base_model, learner.value):
        trunk.register_forward_hook(lambda *_: passes.append(1))
    train(tmp_path / "run", heard, learner=learner)
    # One backward pass of each minibatch is of both networks
    backward = learner.config.epochs * learner.config.minibatches
    # The made-up reward looks once, for the rollout and for what is watched before and after
    assert heard.count == 1 + 3 + len(passes) + backward
    assert [line["step"] for line in looks(tmp_path / "run")] == [0, 0, 1, 1]


def test_watched_prompts_are_answered_greedily_and_change_nothing(tmp_path: Path) -> None:
    """Each answer is what the tokens of the largest logits say, one by one, of the policy as it is after the step."""
    unseen = train(tmp_path / "unseen", watch_every=99, learning_rate=0.01)
    seen = train(tmp_path / "seen", watch_every=3, learning_rate=0.01)
    assert same(weights(seen.learner), weights(unseen.learner))
    assert lines(tmp_path / "seen") == lines(tmp_path / "unseen")
    written = looks(tmp_path / "seen")
    assert [(line["step"], line["prompt_id"]) for line in written] == [
        (step, prompt) for step in (0, 3, 4) for prompt in ("p5", "p6")
    ]
    assert [line["step"] for line in looks(tmp_path / "unseen")] == [0, 0, 4, 4]
    assert all(line["reward"] == count_cats(line["answer"]) for line in written)
    for policy, after in ((make_policy(), 0), (seen.learner.policy, 4)):
        for prompt in seen.watched:
            ids = encode_with_room(policy, [prompt], **seen.config.limits).ids[0]
            likeliest = list[int]()
            while len(likeliest) < seen.config.max_new_tokens:
                with torch.no_grad():
                    logits = policy.model(input_ids=torch.tensor([[*ids, *likeliest]])).logits
                likeliest.append(int(logits[0, -1].argmax()))
                if likeliest[-1] == policy.tokenizer.eos_token_id:
                    break
            (line,) = (one for one in written if (one["step"], one["prompt_id"]) == (after, prompt.id))
            assert line["answer"] == policy.tokenizer.decode(likeliest, skip_special_tokens=True)
    assert written[0]["answer"] != written[-2]["answer"] or written[1]["answer"] != written[-1]["answer"]


def test_p21_a_stopped_run_of_an_adapter_goes_on_bit_for_bit(tmp_path: Path) -> None:
    def learner() -> Learner:
        return make_learner(make_policy(lora=LORA), lora=LORA, learning_rate=0.01, checkpoint_seconds=0.0)

    whole = train(tmp_path / "whole", learner=learner())
    for stop in (StopAt(5), within_update(0), at_step(1), within_update(2), at_step(3)):
        with pytest.raises(Stopped):
            train(tmp_path / "stopped", stop, learner=learner())
    stopped = train(tmp_path / "stopped", learner=learner())
    assert all(".lora_" in name for name in stopped.learner.policy_parameters)
    assert same(weights(whole.learner), weights(stopped.learner))
    assert not same(weights(whole.learner), weights(learner()))
    assert lines(tmp_path / "whole") == lines(tmp_path / "stopped")
    assert whole.state() == stopped.state()


def test_p21_the_optimizers_go_on_too(tmp_path: Path) -> None:
    """A run from the same weights with a fresh Adam would end elsewhere."""
    with pytest.raises(Stopped):
        train(tmp_path / "run", at_step(1), checkpoint_seconds=0.0)
    file = RunFolder(tmp_path / "run").checkpoint / "newest.safetensors"
    names = set(load_file(file))
    for start in ("policy.", "value."):
        of_network = {name for name in names if name.startswith(start)}
        assert {name.rsplit(".", 1)[1] for name in of_network} >= {"weight", "step", "exp_avg", "exp_avg_sq"}


def test_lora_trains_the_adapter_alone_and_the_checkpoint_holds_no_base_weight(tmp_path: Path) -> None:
    policy = make_policy(lora=LORA)
    base = {
        name: parameter.clone() for name, parameter in policy.model.named_parameters() if ".lora_" not in name
    }
    train(tmp_path / "run", learner=make_learner(policy, lora=LORA, learning_rate=0.01))
    now = dict(policy.model.named_parameters())
    assert all(torch.equal(now[name], parameter) for name, parameter in base.items())
    stored = load_file(RunFolder(tmp_path / "run").checkpoint / "newest.safetensors")
    assert all(".lora_" in name for name in stored if name.startswith("policy."))
    assert any(
        float(parameter.detach().abs().max()) > 0 for name, parameter in now.items() if ".lora_B" in name
    )


@pytest.mark.parametrize("lora", [None, LORA])
def test_the_reference_is_unchanged_by_training(lora: LoraSettings | None, tmp_path: Path) -> None:
    policy = make_policy(lora=lora)
    ids = torch.tensor([[3, 4, 5, 6]])

    def logits(model: Any) -> Tensor:
        with torch.no_grad():
            output: Tensor = model(input_ids=ids).logits
        return output

    before = logits(policy.model)
    train(tmp_path / "run", learner=make_learner(policy, learning_rate=0.01))
    with policy.reference() as reference:
        torch.testing.assert_close(logits(reference), before, rtol=0, atol=1e-6)
    assert float((logits(policy.model) - before).abs().max()) > 0.05


def test_p2_beta_is_fixed_without_a_target_and_follows_one(tmp_path: Path) -> None:
    train(tmp_path / "fixed", beta=0.3)
    assert {line["beta"] for line in lines(tmp_path / "fixed")} == {0.3}
    train(tmp_path / "adapted", beta=0.3, kl_target=1e-4, kl_horizon=8)
    steps = lines(tmp_path / "adapted")
    # 8 episodes a step: a KL far below the target gives a factor of 1 - 0.2 * 8 / 8 = 0.8, far above it 1.2.
    assert steps[0]["beta"] == 0.3
    for line, following in pairwise(steps):
        factor = 1.2 if line["kl"] > 1.2e-4 else 0.8
        assert following["beta"] == pytest.approx(line["beta"] * factor)
    assert {line["kl"] > 1.2e-4 for line in steps} == {True, False}


def test_the_kl_holds_the_policy_near_the_reference(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"steps": 12, "learning_rate": 0.002, "samples": 16}
    free, near = (train(tmp_path / str(beta), beta=beta, **fields) for beta in (0.0, 50.0))
    ends = [lines(tmp_path / name)[-1]["kl"] for name in ("0.0", "50.0")]
    assert ends[0] > 2 * abs(ends[1])
    assert free.steps == near.steps == 12
    assert free.kept is near.kept is None


def test_p16_the_kl_limit_ends_the_run_with_the_newest_policy_below_it(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"steps": 12, "learning_rate": 0.001, "beta": 0.0, "kl_limit": 0.6}
    ended = train(tmp_path / "ended", **fields)
    steps = lines(tmp_path / "ended")
    kept = ended.kept or 0
    assert 0 < len(steps) < 12
    # The last line's step was still below the limit: its sample is of the policy that is kept.
    assert kept == steps[-1]["step"] - 1
    assert steps[-1]["kl"] <= 0.6
    assert kept > 0
    with pytest.raises(Stopped):  # the same run, stopped where its policy was the one that is kept
        train(tmp_path / "stopped", at_step(kept), **fields)
    at_kept = load_file(RunFolder(tmp_path / "stopped").checkpoint / "newest.safetensors")
    parameters = ended.learner.policy_parameters
    assert all(torch.equal(at_kept[name], parameter) for name, parameter in parameters.items())
    again = train(tmp_path / "ended", **fields)
    assert again.state() == ended.state()
    assert same(weights(again.learner), weights(ended.learner))


def test_p16_without_a_limit_nothing_is_kept(tmp_path: Path) -> None:
    training = train(tmp_path / "run")
    assert training.kept is None
    assert not (RunFolder(tmp_path / "run").checkpoint / "kept").exists()


def test_p16_a_batch_that_is_not_finite_is_saved_and_the_last_checkpoint_stands(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(tmp_path / "run", at_step(1), watched=0, checkpoint_seconds=0.0)
    folder = RunFolder(tmp_path / "run")
    good = (folder.checkpoint / "newest.safetensors").read_bytes()
    calls = []

    def broken(text: str) -> float:
        calls.append(text)
        return math.nan if len(calls) == 3 else 0.0

    with pytest.raises(RunError, match="bad_batch") as caught:
        train(tmp_path / "run", reward_of=score_by(broken), watched=0, checkpoint_seconds=0.0)
    assert "scores of 1 completions are not finite" in str(caught.value)
    assert (folder.checkpoint / "newest.safetensors").read_bytes() == good
    bad_batch = json.loads((folder.path / "bad_batch.json").read_text())
    assert bad_batch["completions"] == [calls[2]]
    assert bad_batch["scores"] == ["nan"]
    assert bad_batch["prompts"][0].startswith("p")
    tensors = load_file(folder.path / "bad_batch.safetensors")
    assert tensors["sequences"].shape[0] == tensors["advantages"].shape[0] == 1
    train(tmp_path / "run", checkpoint_seconds=0.0)
    assert lines(tmp_path / "run")[-1]["step"] == 4


def test_p16_a_value_network_that_breaks_ends_the_run_with_its_batch(tmp_path: Path) -> None:
    learner = make_learner()
    assert learner.value is not None
    with torch.no_grad():
        learner.value.head.bias.fill_(math.inf)
    with pytest.raises(RunError, match="Lower learning_rate"):
        train(tmp_path / "run", learner=learner)
    assert load_file(tmp_path / "run" / "bad_batch.safetensors")["values"].isinf().any()


def test_a_line_of_metrics_has_every_figure(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=2)
    (first, second) = read_metrics(RunFolder(tmp_path / "run").metrics_file)[0]
    assert set(first) == {
        "step", "reward", "reward_std", "objective", "kl", "kl_k2", "kl_k3", "entropy", "length", "ended",
        "distinct_2", "texts_cut", "explained_variance", "policy_loss", "value_loss", "clip_fraction", "ratio",
        "update_kl", "gradient_norm", "value_gradient_norm", "optimizer_steps", "beta", "learning_rate", *TIMES,
    }  # fmt: skip
    assert first["kl"] == pytest.approx(0.0, abs=1e-5)
    assert second["kl_k3"] > 1e-4
    assert first["learning_rate"] == 2 * second["learning_rate"]


def test_figures_of_a_step_by_their_definitions(tmp_path: Path) -> None:
    texts: list[str] = []

    def remember(text: str) -> float:
        texts.append(text)
        return count_cats(text)

    fields: dict[str, Any] = {"steps": 1, "missing_eos_penalty": None, "beta": 0.7}
    train(tmp_path / "run", reward_of=score_by(remember), watched=0, **fields)
    (line,) = lines(tmp_path / "run")
    rewards = [count_cats(text) for text in texts]
    mean = sum(rewards) / 8
    pairs = [pair for text in texts for pair in pairwise(text.split())]
    assert len(texts) == 8
    assert line["reward"] == pytest.approx(mean, abs=1e-6)
    assert line["reward_std"] == pytest.approx(
        math.sqrt(sum((reward - mean) ** 2 for reward in rewards) / 8), abs=1e-6
    )
    assert line["objective"] == pytest.approx(mean, abs=1e-5)  # the policy is the reference: its KL is 0
    assert line["distinct_2"] == pytest.approx(len(set(pairs)) / len(pairs))
    # Words, and EOS where it came (<unk>, <pad> and a second <eos> would be missing from the texts).
    assert line["length"] >= sum(len(text.split()) for text in texts) / 8 + line["ended"] - 1e-9
