"""The run "train" from its folder: in this process, and as a process that is stopped."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lm.lora import LoraSettings
from rewardmodel.bradley_terry.artifact import load_reward_model, save_reward_model
from rewardmodel.bradley_terry.encoding import Limits
from rewardmodel.bradley_terry.scoring import RewardModel, Scored
from rltrainer.policy import bases
from rltrainer.policy.artifact import check_folder
from rltrainer.policy.loading import Policy, load_policy
from rltrainer.policy.prompts import read_prompts
from rltrainer.ppo import train
from rltrainer.ppo.config import PpoConfig
from rltrainer.ppo.report import _Answers, held_out_of
from rltrainer.ppo.value import make_value_network, reads_rollouts
from runs.folder.errors import BadInput, Stopped
from runs.folder.files import file_digest, folder_digest, read_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from tests.children import code_of
from tests.lm.bases import STRICT
from tests.rltrainer.policy.factories import make_tokenizer as make_word_tokenizer
from tests.rltrainer.ppo.factories import make_policy, make_prompts, make_reward_model, make_run
from tests.stopping import StopAt

pytestmark = pytest.mark.long  # they train

CPU = torch.device("cpu")


def run(folder: RunFolder) -> dict[str, Any]:
    """Train in this process; report.json."""
    train.main(folder, StopSignal())
    report: dict[str, Any] = read_json(folder.output / "report.json")
    return report


def command(folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "rltrainer.ppo", "train", str(folder.path)]


def test_the_report_has_the_policy_before_and_after_on_held_out_prompts(tmp_path: Path) -> None:
    report = run(make_run(tmp_path, steps=3, learning_rate=0.01))
    before, after = report["before"], report["after"]
    assert (report["prompts"], report["held_out"], report["samples"], report["steps"]) == (4, True, 2, 3)
    assert before["kl"] == 0.0
    assert abs(after["kl"]) > 1e-3
    gain = report["gain"]
    assert gain["value"] == pytest.approx(after["reward"] - before["reward"])
    assert (gain["prompts"], gain["count"]) == (4, 8)
    assert gain["interval"][0] <= gain["value"] <= gain["interval"][1]
    assert report["gain_in_deviations"] == pytest.approx(gain["value"] / before["reward_std"])
    assert len(report["examples"]) == 3
    model = load_reward_model(tmp_path / "reward_model")
    held_out = {f"p{number}" for number in range(18) if number % 6 in (3, 5)}
    for example in report["examples"]:
        assert example["prompt_id"] in held_out
        for side in ("before", "after"):
            score = model.score_completions("text", example["prompt"], [example[side]["completion"]])
            assert example[side]["reward"] == pytest.approx(float(score), abs=1e-4)


def test_a_policy_that_learnt_nothing_says_the_same_before_and_after(tmp_path: Path) -> None:
    """The same random numbers: only the weights can make a difference."""
    report = run(make_run(tmp_path, steps=1, learning_rate=0.0, value_learning_rate=0.01))
    assert report["after"] == report["before"]
    assert report["gain_in_deviations"] == 0.0
    assert all(example["before"] == example["after"] for example in report["examples"])


def test_the_same_folder_gives_the_same_policy_and_another_seed_another(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = make_run(tmp_path / name, seed=seed)
        run(folder)
        digests.append(file_digest(folder.output / "model.safetensors"))
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("lora", [None, {"rank": 4}])
def test_the_output_is_a_policy_that_can_be_trained_again(lora: Any, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "one", lora=lora)
    run(folder)
    meta = check_folder(folder.output)
    assert meta["made_by"] == "ppo"
    assert meta["parents"] == {
        "base": folder_digest(tmp_path / "one" / "policy"),
        "reward_model": folder_digest(tmp_path / "one" / "reward_model"),
    }
    assert meta["inputs"] == {"prompts.jsonl": file_digest(folder.inputs / "prompts.jsonl")}
    assert meta["config"]["epochs"] == 2
    base, trained = (
        load_file(path / "model.safetensors") for path in (tmp_path / "one" / "policy", folder.output)
    )
    assert base.keys() == trained.keys()
    assert any(not torch.equal(base[name], trained[name]) for name in base)
    second = make_run(tmp_path / "two", policy=str(folder.output), algorithm="reinforce", epochs=1)
    run(second)
    again = check_folder(second.output)
    assert (again["made_by"], again["parents"]["base"]) == ("reinforce", folder_digest(folder.output))


def test_p5_the_value_network_begins_as_the_reward_model() -> None:
    """Its value after EOS is the reward model's score of the finished completion; no random number is drawn."""
    policy = make_policy()
    reward_model = make_reward_model(policy.tokenizer)
    prompt = make_prompts(3)[2]
    ids = policy.tokenizer("the cat sat the dog <eos> cat")["input_ids"]
    ids = policy.tokenizer(prompt.messages[0]["content"])["input_ids"] + ids[3:]
    state = torch.random.get_rng_state()
    value = make_value_network(policy, reward_model, 64)
    batch = torch.tensor([ids])
    values = value(
        batch, torch.ones_like(batch), len(ids) - 1
    )  # of the state before the last token: after EOS
    expected = reward_model.score_completions(prompt.form, prompt.messages, ["the dog"])
    assert ids[-2] == policy.tokenizer.eos_token_id
    assert values.tolist() == [pytest.approx(expected.tolist(), abs=1e-5)]
    assert all(parameter.requires_grad for parameter in value.parameters())
    assert not any(parameter.requires_grad for parameter in reward_model.network.parameters())
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("lora", [None, LoraSettings(rank=4)])
def test_p5_or_as_the_policys_trunk_with_a_head_that_expects_nothing(lora: LoraSettings | None) -> None:
    policy = make_policy(lora=lora)
    value = make_value_network(policy, None, 64)
    batch = torch.tensor([[3, 4, 5, 6]])
    assert value(batch, torch.ones_like(batch), 1).tolist() == [[0.0, 0.0, 0.0]]
    assert not any("lora" in name for name, _ in value.named_parameters())
    plain = dict(make_policy().model.base_model.named_parameters())
    of_value = {
        name.removeprefix("holder.base_model."): parameter for name, parameter in value.named_parameters()
    }
    assert all(torch.equal(of_value[name], parameter) for name, parameter in plain.items())
    of_value["norm.weight"].data.fill_(9.0)
    assert not (policy.model.base_model.norm.weight == 9.0).any()


def test_p5_a_reward_model_that_cannot_read_the_rollouts_is_not_the_value_network() -> None:
    policy = make_policy()
    assert reads_rollouts(policy, make_reward_model(policy.tokenizer), 128)
    assert not reads_rollouts(policy, make_reward_model(policy.tokenizer), 129)  # its context is 128
    assert not reads_rollouts(policy, make_reward_model(), 64)  # other tokens
    encoder = make_reward_model(policy.tokenizer)
    encoder.network.classifier = torch.nn.Identity()
    assert not reads_rollouts(policy, encoder, 128)  # before a token it would know those after it


def test_p13_dropout_is_off_in_all_four_networks(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    for path in (tmp_path / "policy" / "config.json", tmp_path / "reward_model" / "trunk" / "config.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "attention_dropout": 0.5}))
    (tmp_path / "reward_model" / "meta.json").write_text(
        json.dumps({**read_json(tmp_path / "reward_model" / "meta.json"), "files": _digests(tmp_path)})
    )
    config = PpoConfig(**{**folder.read_config(), "policy": str(tmp_path / "policy")})
    reward_model = load_reward_model(tmp_path / "reward_model")
    learner = train.make_learner(config, reward_model)
    assert learner.value is not None
    networks = (learner.policy.model, learner.policy.frozen, learner.value, reward_model.network)
    for network in networks:
        drops = [getattr(module, "attention_dropout", 0.0) for module in network.modules()]
        drops += [module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)]
        assert drops
        assert set(drops) == {0.0}


def _digests(path: Path) -> dict[str, str]:
    folder = path / "reward_model"
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "meta.json"]
    return {file.relative_to(folder).as_posix(): file_digest(file) for file in files}


def test_p16_weights_that_passed_the_limit_in_the_last_step_are_not_the_result(tmp_path: Path) -> None:
    """No rollout follows the last step: the report sees how far it went."""
    folder = make_run(tmp_path, steps=1, learning_rate=0.05, kl_limit=0.01, beta=0.0)
    report = run(folder)
    assert report["kept"] == 0
    assert report["after"] == report["before"]
    base, result = (load_file(path / "model.safetensors") for path in (tmp_path / "policy", folder.output))
    assert all(torch.equal(base[name], result[name]) for name in base)


def test_held_out_prompts_are_those_that_no_step_asks() -> None:
    prompts = [
        prompt._replace(split=split)
        for prompt, split in zip(make_prompts(6), ["train", "test"] * 3, strict=True)
    ]
    held_out = held_out_of(prompts, 2)
    assert held_out == held_out_of(prompts, 2)
    assert held_out.unseen
    assert {prompt.split for prompt in held_out.prompts} == {"test"}
    assert len(held_out.prompts) == 2
    alone = held_out_of(prompts[::2], 10)
    assert not alone.unseen
    assert len(alone.prompts) == 3


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    folder = make_run(tmp_path, steps=2)
    run(folder)
    config = folder.read_config()
    for changed in ({"steps": 3}, {"beta": 0.2}):
        folder.write_config({**config, **changed})
        with pytest.raises(BadInput, match=f"another run: {next(iter(changed))} differ"):
            run(folder)
    folder.write_config({**config, "micro_batch_tokens": 17, "checkpoint_seconds": 5.0})
    prompts = folder.inputs / "prompts.jsonl"
    prompts.write_text("".join(reversed(prompts.read_text().splitlines(keepends=True))))
    (tmp_path / "reward_model" / "README.md").unlink(missing_ok=True)
    save_reward_model(make_reward_model(seed=2), tmp_path / "reward_model", {})
    with pytest.raises(BadInput, match=r"another run: prompts\.jsonl, reward_model differ"):
        run(folder)


def test_the_report_counts_what_was_too_long(tmp_path: Path) -> None:
    folder = make_run(tmp_path, steps=1, max_prompt_tokens=2)
    report = run(folder)
    cut = report["cut"]
    assert (cut["train_texts"], cut["train_texts_cut"]) == (8, 0)
    lines = [json.loads(line) for line in (folder.inputs / "prompts.jsonl").read_text().splitlines()]
    train = [line["prompt"][0]["content"].split() for line in lines if line["split"] == "train"]
    longer = sum(len(words) > 2 for words in train)
    assert 0 < longer < len(train)
    assert (cut["train_prompts"], cut["train_prompts_cut"]) == (len(train), longer)
    assert 0 < cut["held_out_prompts_cut"] < report["prompts"]
    assert (cut["held_out_texts"], cut["held_out_texts_cut"]) == (
        2 * report["prompts"] * report["samples"],
        0,
    )


def test_the_report_counts_what_was_too_long_for_the_reward_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(tmp_path, steps=3, watched_prompts=0, checkpoint_seconds=0.0)
    reward_model = make_reward_model()
    lines = read_prompts(folder.inputs / "prompts.jsonl")
    longer = {
        line.id: len(reward_model.tokenizer(line.messages[0]["content"] + "\n")["input_ids"]) > 3
        for line in lines
    }
    reward_model.limits = Limits(3, 20, 128)
    save_reward_model(reward_model, tmp_path / "reward_model", {})
    flags: list[bool] = []
    score_flagged = RewardModel.score_flagged

    def noted(self: RewardModel, items: Any, **options: Any) -> Scored:
        scored = score_flagged(self, items, **options)
        flags.extend(scored.truncated)
        return scored

    monkeypatch.setattr(RewardModel, "score_flagged", noted)
    with pytest.raises(Stopped):
        train.main(folder, StopAt(60))
    steps = len(read_metrics(folder.metrics_file)[0])
    assert 0 < steps < 3
    del flags[8 * steps :]  # of a step that is made again
    report = run(folder)
    cut = report["cut"]
    texts = 2 * report["prompts"] * report["samples"]
    in_training, in_report = flags[:-texts], flags[-texts:]
    assert (cut["train_texts"], cut["train_texts_cut"]) == (24, sum(in_training))
    assert (cut["held_out_texts"], cut["held_out_texts_cut"]) == (texts, sum(in_report))
    assert 0 < sum(in_training) < 24
    assert 0 < sum(in_report) < texts
    of_train = [longer[line.id] for line in lines if line.split == "train"]
    assert 0 < sum(of_train) < len(of_train)
    assert cut["train_prompts_cut_for_reward"] == sum(of_train)
    of_report = held_out_of(lines, report["prompts"]).prompts
    assert cut["held_out_prompts_cut_for_reward"] == sum(longer[prompt.id] for prompt in of_report) > 0
    assert cut["train_prompts_cut"] == cut["held_out_prompts_cut"] == 0


@pytest.mark.parametrize("refuses", ["policy", "reward_model"])
def test_a_prompt_that_a_template_refuses_is_named_before_the_first_step(
    refuses: str, tmp_path: Path
) -> None:
    folder = make_run(tmp_path)
    path = folder.inputs / "prompts.jsonl"
    *others, last = [json.loads(line) for line in path.read_text().splitlines()]
    begun = [{"role": "assistant", "content": "the cat"}, *last["prompt"]]
    lines = [*others, {**last, "form": "chat", "prompt": begun, "split": "train"}]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    if refuses == "policy":
        tokenizer = make_word_tokenizer()
        tokenizer.chat_template = STRICT
        tokenizer.save_pretrained(tmp_path / "policy")
    else:
        model = make_reward_model()
        model.tokenizer.chat_template = STRICT
        save_reward_model(model, tmp_path / "reward_model", {})
    whose = "" if refuses == "policy" else "the reward model cannot score every prompt: "
    with pytest.raises(BadInput, match=f"^{whose}prompt {last['id']}: .*roles must take turns"):
        run(folder)
    assert not folder.metrics_file.exists()


def test_prompts_without_a_train_split_are_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    path = folder.inputs / "prompts.jsonl"
    path.write_text(path.read_text().replace('"train"', '"test"'))
    with pytest.raises(BadInput, match="train split"):
        run(folder)


@pytest.mark.processes
def test_the_command_fails_with_a_reason(tmp_path: Path) -> None:
    folder = make_run(tmp_path, reward_model="nowhere")
    assert code_of(command(folder)) == 1
    assert "nowhere" in json.loads(folder.failure_file.read_text())["reason"]


def test_the_report_of_lora_beside_a_bfloat16_base_is_of_what_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA: the frozen weights are bfloat16, and what is saved is merged in float32."""

    def load_narrow(base: str, **options: Any) -> Policy:
        return load_policy(base, **{**options, "dtype": torch.bfloat16})

    monkeypatch.setattr(bases, "load_policy", load_narrow)
    folder = make_run(tmp_path, steps=3, learning_rate=0.05, lora={"rank": 4}, value_init="policy")
    report = run(folder)
    config = PpoConfig(**folder.read_config()).resolved(1000)
    held_out = held_out_of(read_prompts(folder.inputs / "prompts.jsonl"), config.held_out_prompts)
    saved = load_policy(str(folder.output), lora=None, device=CPU)
    saved.frozen = load_policy(str(tmp_path / "policy"), lora=None, device=CPU, dtype=torch.bfloat16).model
    reward_of = train.reward_by(load_reward_model(tmp_path / "reward_model"))
    again = _Answers.of(saved, reward_of, held_out.prompts, config, lambda: None).figures()
    assert report["after"] == pytest.approx(again, abs=1e-4)
    assert report["after"]["kl"] > 0.1
