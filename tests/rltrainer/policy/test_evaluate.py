"""The comparison of policies: each figure against arithmetic or brute force."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaModel

from lm.bootstrap import mean_by_prompt
from lm.rendering import DATE
from rewardmodel.bradley_terry.artifact import load_reward_model, save_reward_model
from rltrainer.policy import evaluate
from rltrainer.policy.bases import load_for_inference
from rltrainer.policy.config import EvaluateConfig
from rltrainer.policy.evaluate import CUT, distinct, figures
from runs.folder.errors import BadInput, Stopped
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.rltrainer.policy.factories import make_folder, make_model, make_prompts, make_tokenizer
from tests.rltrainer.ppo.factories import make_reward_model
from tests.stopping import Looks

pytestmark = pytest.mark.long  # they train


def make_evaluate_folder(path: Path, policies: list[Path], **config: Any) -> RunFolder:
    folder = RunFolder(path)
    folder.make()
    make_prompts(folder.inputs / "prompts.jsonl", 6)
    small = {"max_new_tokens": 4, "batch_prompts": 4, "threads": 1, "device": "cpu", "resamples": 200}
    folder.write_config({"policies": [str(policy_folder) for policy_folder in policies], **small, **config})
    return folder


def run(folder: RunFolder) -> dict[str, Any]:
    evaluate.main(folder, StopSignal())
    report: dict[str, Any] = json.loads((folder.output / "report.json").read_text())
    return report


def test_kl_estimate_covers_the_kl_by_enumeration(tmp_path: Path) -> None:
    """One token a completion: the KL of two softmaxes, averaged over the prompts, is a sum over 16 tokens."""
    folders = [make_folder(tmp_path / str(seed), seed, spread=0.1) for seed in (0, 1)]
    folder = make_evaluate_folder(
        tmp_path / "run", folders, max_new_tokens=1, completions=1500, temperature=0.5
    )
    of_policies = run(folder)["policies"]
    tokenizer = make_tokenizer()
    divergences = []
    for line in (folder.inputs / "prompts.jsonl").read_text().splitlines():
        ids = torch.tensor([tokenizer(json.loads(line)["prompt"][0]["content"])["input_ids"]])
        with torch.no_grad():
            first, second = (
                make_model(seed, spread=0.1)(input_ids=ids).logits[0, -1].double() / 0.5 for seed in (0, 1)
            )
        chances = second.softmax(-1)
        divergences.append(float((chances * (second.log_softmax(-1) - first.log_softmax(-1))).sum()))
    assert (of_policies[0]["kl"]["value"], of_policies[0]["kl"]["interval"]) == (0.0, [0.0, 0.0])
    assert of_policies[1]["kl"]["value"] == pytest.approx(sum(divergences) / 6, abs=0.02)
    assert of_policies[1]["kl"]["value"] > 0.1


def test_perplexity_is_that_of_the_held_out_demonstrations_alone(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base")
    folder = make_evaluate_folder(tmp_path / "run", [base], max_new_tokens=16)
    texts = {"test": "sat on the mat", "validation": "ran over", "train": "the the the the"}
    message = [{"role": "user", "content": "the cat"}]
    lines = [
        json.dumps({"id": split, "form": "text", "prompt": message, "completion": text, "split": split})
        for split, text in texts.items()
    ]
    (folder.inputs / "demonstrations.jsonl").write_text("\n".join(lines))
    perplexity = run(folder)["policies"][0]["perplexity"]["value"]
    model, tokenizer, losses = make_model(), make_tokenizer(), []
    for split in ("test", "validation"):
        completion = [*tokenizer(texts[split])["input_ids"], 1]
        ids = [*tokenizer("the cat")["input_ids"], *completion]
        with torch.no_grad():
            logs = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        start = len(ids) - len(completion)
        losses += [-float(logs[place - 1, ids[place]]) for place in range(start, len(ids))]
    assert len(losses) == 8  # 4 words and EOS, 2 words and EOS
    assert perplexity == pytest.approx(math.exp(sum(losses) / 8), rel=1e-4)


def make_answer(prompt: int, text: str, tokens: int, finished: bool = True) -> dict[str, Any]:
    return {"prompt": prompt, "text": text, "tokens": tokens, "finished": finished, "kl": 0.5 * tokens}


def test_figures_by_hand() -> None:
    answers = [make_answer(0, "a b", 3), make_answer(0, "a b a", 4), make_answer(1, "c", 8, finished=False)]
    of_policies = {
        "answers": answers,
        "rewards": [1.0, 2.0, 3.0],
        "losses": [],
        "demonstrations": [],
        **dict.fromkeys(CUT, 0),
    }
    others = [make_answer(0, "b", 2), make_answer(0, "a b a", 4), make_answer(1, "d", 2)]
    # The second answer both gave: scored in another batch, it has another last digit.
    first = {**of_policies, "answers": others, "rewards": [0.0, 2.0000002, 4.0]}
    computed = figures(of_policies, first, 100)
    assert computed["reward"]["value"] == 2.0
    assert computed["reward_gain"]["value"] == 0.0  # 1 + 0 - 1
    assert computed["win_rate"]["value"] == 0.5  # 1 + 1/2 + 0, of 3
    assert computed["length"]["value"] == 5.0  # 3 + 4 + 8, of 3
    assert computed["eos_rate"]["value"] == pytest.approx(2 / 3)
    assert computed["kl"]["value"] == 2.5
    assert computed["perplexity"] is None
    assert computed["distinct_1"] == 0.5  # a b c of a b a b a c
    assert computed["distinct_2"] == pytest.approx(2 / 3)  # ab, ba of ab ab ba
    assert distinct(["a"], 2) is None


def test_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    """400 prompts with one answer each, half 0 and half 1: deviation of the mean 0.5 / 20, times 1.96."""
    mean = mean_by_prompt(range(400), [0.0, 1.0] * 200, resamples=4000)
    assert mean is not None
    assert mean["value"] == 0.5
    assert mean["interval"] == pytest.approx([0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025], abs=0.005)


def test_interval_draws_prompts_and_not_answers() -> None:
    """Four prompts with 100 equal answers each say as little as four answers: deviation 0.25, not 0.025."""
    mean = mean_by_prompt(range(4), [0.0, 100.0, 0.0, 100.0], sizes=[100.0] * 4, resamples=2000)
    assert mean == {"value": 0.5, "interval": [0.0, 1.0], "count": 4, "prompts": 4}


def test_a_stopped_run_goes_on_with_the_next_policy(tmp_path: Path) -> None:
    folders = [make_folder(tmp_path / str(seed), seed, spread=0.1) for seed in (0, 1)]
    expected = run(make_evaluate_folder(tmp_path / "whole", folders))
    stopped = make_evaluate_folder(tmp_path / "stopped", folders)

    class StopInTheSecond(StopSignal):
        def __bool__(self) -> bool:
            return (stopped.checkpoint / "policy_0.json").exists()

    with pytest.raises(Stopped):
        evaluate.main(stopped, StopInTheSecond())
    before = (stopped.checkpoint / "policy_0.json").stat().st_mtime_ns
    assert run(stopped) == expected
    assert (stopped.checkpoint / "policy_0.json").stat().st_mtime_ns == before
    assert len(expected["examples"]) == 6
    assert all(len(example["texts"]) == 2 for example in expected["examples"])


def test_a_stop_is_looked_for_between_any_two_forward_passes(tmp_path: Path) -> None:
    """Of sampling, of the KL, of the scores and of the demonstrations' losses: before each pass, and before a load."""
    folders = [make_folder(tmp_path / str(seed), seed, spread=0.1) for seed in (0, 1)]
    save_reward_model(make_reward_model(), tmp_path / "reward_model", {})
    folder = make_evaluate_folder(
        tmp_path / "run", folders, reward_model=str(tmp_path / "reward_model"), batch_prompts=2
    )
    lines = (folder.inputs / "prompts.jsonl").read_text().splitlines()
    demonstrations = [{**json.loads(line), "completion": "sat", "split": "test"} for line in lines]
    (folder.inputs / "demonstrations.jsonl").write_text("\n".join(map(json.dumps, demonstrations)))
    looks, passes = Looks(), list[str]()

    def count(module: torch.nn.Module, *_: Any) -> None:
        if isinstance(module, LlamaModel):
            passes.append("pass")

    tried = 0
    hook = torch.nn.modules.module.register_module_forward_hook(count)
    try:
        for name in folders:
            load_for_inference(str(name), "cpu", date=DATE)
            load_reward_model(tmp_path / "reward_model")
        tried = len(passes)  # with what a base is tried as it is loaded
        evaluate.main(folder, looks)
    finally:
        hook.remove()
    # Before each load twice, as a policy begins, and as it is loaded; and before the report.
    assert looks.count - 2 * len(folders) - 1 == len(passes) - 2 * tried > 20


def test_policies_with_other_tokens_have_no_kl(tmp_path: Path) -> None:
    one, other = make_folder(tmp_path / "one"), make_folder(tmp_path / "other")
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["elephant"])
    tokenizer.save_pretrained(other)
    report = run(make_evaluate_folder(tmp_path / "run", [one, other]))
    assert report["policies"][0]["kl"]["value"] == 0
    assert report["policies"][1]["kl"] is None


def test_no_policy_and_temperature_zero_are_refused() -> None:
    with pytest.raises(BadInput, match="at least one policy"):
        EvaluateConfig(policies=())
    with pytest.raises(BadInput, match="temperature must be above 0"):
        EvaluateConfig(policies=("a",), temperature=0)


def test_what_was_measured_of_other_policies_is_not_gone_on_with(tmp_path: Path) -> None:
    folders = [make_folder(tmp_path / str(seed), seed) for seed in (0, 1)]
    folder = make_evaluate_folder(tmp_path / "run", folders)
    assert run(folder)["policies"][0]["prompts_cut"] == 0
    config = folder.read_config()
    for name, value in (("temperature", 0.5), ("seed", 7), ("completions", 1), ("date", "2026-02-03")):
        folder.write_config({**config, name: value})
        with pytest.raises(BadInput, match=f"another run: {name} differ"):
            run(folder)
    folder.write_config(config)
    folder.write_config(
        {**folder.read_config(), "policies": [str(policy_folder) for policy_folder in reversed(folders)]}
    )
    with pytest.raises(BadInput, match="another run: model 0, model 1 differ"):
        run(folder)
    folder.write_config(
        {
            **folder.read_config(),
            "policies": [str(policy_folder) for policy_folder in folders],
            "resamples": 100,
        }
    )
    run(folder)


def test_paths_are_the_folders_and_whatever_is_cut_is_counted(tmp_path: Path) -> None:
    make_folder(tmp_path / "run" / "inside", spread=0.1)
    reward_model = make_reward_model()
    reward_model.limits = reward_model.limits._replace(prompt=3)
    save_reward_model(reward_model, tmp_path / "run" / "judge", {})
    folder = make_evaluate_folder(
        tmp_path / "run", [Path("inside")], max_prompt_tokens=5, reward_model="judge"
    )
    question = [{"role": "user", "content": "the cat"}]
    texts = {"a": "sat on the mat", "b": "ran over"}  # and EOS, of four tokens at most
    lines = [
        json.dumps({"id": name, "form": "text", "prompt": question, "completion": text, "split": "test"})
        for name, text in texts.items()
    ]
    (folder.inputs / "demonstrations.jsonl").write_text("\n".join(lines))
    of_policy = run(folder)["policies"][0]
    assert of_policy["prompts_cut"] == 6  # of six words each
    assert of_policy["answers_cut_for_reward"] == 12  # two to a prompt
    assert (of_policy["demonstration_prompts_cut"], of_policy["demonstration_completions_cut"]) == (0, 1)
