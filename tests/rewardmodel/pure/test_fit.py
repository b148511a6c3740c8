"""Fits: what is learnt, from which base, and that a stop changes nothing."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lm.loading import load_tokenizer, load_trunk
from lm.training import Frame
from rewardmodel.bradley_terry import commands, finish, start
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.config import FitConfig
from rewardmodel.bradley_terry.encoding import Encoded, encode
from rewardmodel.bradley_terry.fit import RewardFit
from rewardmodel.bradley_terry.network import make_head
from rewardmodel.bradley_terry.records import Record, read_snapshot
from rewardmodel.bradley_terry.scoring import Normalisation
from rewardmodel.bradley_terry.start import prepare
from runs.folder.config import parse_config
from runs.folder.errors import BadInput, RunError, Stopped
from runs.folder.files import folder_digest
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from tests.lm.bases import STRICT
from tests.rewardmodel.pure.factories import (
    WORTH,
    fit,
    make_encoder,
    make_fit,
    make_line,
    make_lines,
    make_network,
    make_policy,
    write_lines,
)
from tests.stopping import StopAt, StopWhen

pytestmark = pytest.mark.long


def steps(folder: RunFolder) -> list[dict[str, Any]]:
    """metrics.jsonl without speeds, which no two runs share."""
    return [
        {name: value for name, value in line.items() if name != "rankings_per_second"}
        for line in read_metrics(folder.metrics_file)[0]
    ]


def stop_after(folder: RunFolder, step: int) -> None:
    """Fit until ``step`` is in metrics.jsonl, then ask for a stop."""

    def reached() -> bool:
        lines = steps(folder)
        return bool(lines) and lines[-1]["step"] >= step

    with pytest.raises(Stopped):
        commands.fit(folder, StopWhen(reached))


def worth(text: str) -> float:
    return sum(WORTH.get(word, 0.0) for word in text.split())


def held_out_pairs(folder: RunFolder) -> list[tuple[Record, int, int]]:
    records = read_snapshot(folder.inputs / "snapshot.jsonl")
    return [(record, i, j) for record in records if record.split == "test" for i, j in record.pairs]


def test_a_planted_worth_is_found_again_from_noisy_rankings(tmp_path: Path) -> None:
    lines = make_lines(500, completions=4)
    folder = make_fit(tmp_path, lines, epochs=6, hidden=32, batch_rankings=16)
    report = fit(folder)["report"]["held_out"]
    model = load_reward_model(folder.output)
    ask = [{"role": "user", "content": "How is the inn 3?"}]
    texts = [f"it is {one} and {two}" for one in WORTH for two in WORTH]
    scores = model.score_completions("text", ask, texts)
    planted = torch.tensor([worth(text) for text in texts])
    assert float(torch.corrcoef(torch.stack([scores, planted]))[0, 1]) > 0.95
    # who knows the worth itself is right this often, against judges who follow it with noise
    gaps = [worth(record.texts[i]) - worth(record.texts[j]) for record, i, j in held_out_pairs(folder)]
    best = sum(0.5 if gap == 0 else float(gap > 0) for gap in gaps) / len(gaps)
    assert report["accuracy"]["value"] > best - 0.04
    # logits are in the units of the planted worth: a slope far from 1 would say too much or too little
    raw = scores.double() * model.normalisation.std
    slope = float((raw * (planted - planted.mean())).sum() / (planted - planted.mean()).square().sum())
    assert 0.6 < slope < 1.6


@pytest.mark.parametrize("ties", ["drop", "half", "rao_kupper", "davidson"])
def test_every_treatment_of_ties_learns_the_order(ties: str, tmp_path: Path) -> None:
    folder = make_fit(tmp_path, make_lines(200, ties=True), ties=ties, epochs=3)
    meta = fit(folder)
    model = load_reward_model(folder.output)
    ask = [{"role": "user", "content": "How is the bar 2?"}]
    low, high = model.score_completions(
        "text", ask, ["it is awful and poor", "it is great and good"]
    ).tolist()
    assert high > low + 1
    assert meta["ties"]["mode"] == ties
    moved = [line["tie_parameter"] for line in steps(folder)]
    assert (len(set(moved)) > 1) == (ties in ("rao_kupper", "davidson"))


def test_the_saved_folder_scores_as_the_report_says_and_is_normalised(tmp_path: Path) -> None:
    folder = make_fit(tmp_path)
    meta = fit(folder)
    model = load_reward_model(folder.output)
    pairs = held_out_pairs(folder)
    right = []
    for record, i, j in pairs:
        first, second = model.score_completions(
            record.form, record.messages, [record.texts[i], record.texts[j]]
        ).tolist()
        same = record.texts[i] == record.texts[j]  # no score can tell them apart
        right.append(0.5 if same else float(first > second))
    assert meta["report"]["held_out"]["accuracy"]["value"] == pytest.approx(sum(right) / len(right))
    train = [
        example for example in read_snapshot(folder.inputs / "snapshot.jsonl") if example.split == "train"
    ]
    scores = torch.cat(
        [model.score_completions(example.form, example.messages, example.texts) for example in train]
    )
    assert float(scores.mean()) == pytest.approx(0, abs=1e-4)
    assert float(scores.square().mean()) == pytest.approx(1, abs=1e-4)


def test_the_same_inputs_and_seed_give_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    one, same, other = (make_fit(tmp_path / str(n), seed=seed) for n, seed in enumerate((1, 1, 2)))
    torch.manual_seed(1)
    fit(one)
    torch.manual_seed(2)  # the global generator has no part in it
    before = torch.get_rng_state()
    fit(same)
    assert torch.equal(before, torch.get_rng_state())
    fit(other)
    assert folder_digest(one.output) == folder_digest(same.output)
    assert folder_digest(one.output / "trunk") != folder_digest(other.output / "trunk")


@pytest.mark.parametrize("config", [{}, {"seeds": 2, "epochs": 1}, {"lora": {"rank": 4}}], ids=str)
def test_a_stopped_fit_goes_on_to_the_same_bytes(config: dict[str, Any], tmp_path: Path) -> None:
    base = {"base": str(make_policy(tmp_path / "policy"))} if "lora" in config else {}
    whole, stopped = (make_fit(tmp_path / name, **config, **base) for name in ("whole", "stopped"))
    fit(whole)
    for step in (2, 6, 9):
        stop_after(stopped, step)
    fit(stopped)
    assert folder_digest(stopped.output) == folder_digest(whole.output)
    assert steps(stopped) == steps(whole)


def test_a_stop_within_the_validation_of_an_epoch_comes_back_to_it(tmp_path: Path) -> None:
    whole, stopped = (make_fit(tmp_path / name) for name in ("whole", "stopped"))
    fit(whole)
    end_of_first = next(line["step"] for line in steps(whole) if "validation_loss" in line)
    stop_after(stopped, end_of_first - 1)

    with pytest.raises(Stopped):
        # The last step of the epoch looks for a stop before it and before its one forward pass; then come those of
        # the validation.
        commands.fit(stopped, StopAt(2))
    assert steps(stopped)[-1]["step"] == end_of_first - 1  # the step is made, its line waits for its epoch
    fit(stopped)
    assert folder_digest(stopped.output) == folder_digest(whole.output)
    assert steps(stopped) == steps(whole)


def test_lines_that_a_killed_fit_wrote_after_its_checkpoint_are_written_again(tmp_path: Path) -> None:
    whole, killed = (make_fit(tmp_path / name) for name in ("whole", "killed"))
    fit(whole)
    stop_after(killed, 4)
    with killed.metrics_file.open("a") as file:
        file.write('{"step": 5, "loss": 9.0}\n{"step": 6, "lo')
    fit(killed)
    assert steps(killed) == steps(whole)


def test_a_step_is_as_long_as_the_schedule_says(tmp_path: Path) -> None:
    folder = make_fit(tmp_path, warmup=1.0, weight_decay=0.0)
    first = prepare(parse_config(FitConfig, folder.read_config()), folder).network.head.weight.detach()
    stop_after(folder, 1)
    # 12 steps, all of them warm-up: the first at 0.01 / 12, and Adam's first step is the rate times g / (|g| + 1e-5)
    moved = (load_file(folder.checkpoint / "newest.safetensors")["head.weight"] - first).abs()
    assert float(moved.max()) == pytest.approx(0.01 / 12, rel=0.01)
    assert steps(folder)[0]["learning_rate"] == pytest.approx(0.01 / 12)


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path) -> None:
    """The validation judges want the opposite of the others, so their loss rises with every epoch."""
    lines = make_lines(60)
    for number, line in enumerate(lines):
        if line["split"] == "validation":
            turned = [4 - tier for tier in line["tiers"]]
            kept = {name: line[name] for name in ("prompt", "ranking", "task", "split")}
            texts = [completion["text"] for completion in line["completions"]]
            lines[number] = make_line(turned, texts=texts) | kept
    folder = make_fit(tmp_path, lines, epochs=3)
    report = fit(folder)["report"]["training"]
    losses = [line["validation_loss"] for line in steps(folder) if "validation_loss" in line]
    assert report["validation_loss"] == losses
    assert losses.index(min(losses)) == 0
    assert report["kept"] == {"attempt": 1, "epoch": 1}
    best = load_file(folder.checkpoint / "best" / "newest.safetensors")
    assert torch.equal(best["head.weight"], load_file(folder.output / "head.safetensors")["weight"])
    newest = load_file(folder.checkpoint / "newest.safetensors")
    assert not torch.equal(best["head.weight"], newest["head.weight"])


def test_of_several_seeds_the_best_is_kept(tmp_path: Path) -> None:
    folder = make_fit(tmp_path / "three", seeds=3, epochs=1)
    report = fit(folder)["report"]["training"]
    best = report["validation_loss"].index(min(report["validation_loss"]))
    assert report["kept"] == {"attempt": best + 1, "epoch": 1}
    alone = make_fit(tmp_path / "alone", seed=best, epochs=1)
    fit(alone)
    assert folder_digest(alone.output / "trunk") == folder_digest(folder.output / "trunk")


def test_without_validation_rankings_the_last_weights_are_kept(tmp_path: Path) -> None:
    lines = [line for line in make_lines(60) if line["split"] == "train"]
    folder = make_fit(tmp_path, lines)
    report = fit(folder)["report"]
    assert report["training"] == {"validation_loss": [], "kept": None}
    assert report["held_out"] is None
    newest = load_file(folder.checkpoint / "newest.safetensors")["head.weight"]
    assert torch.equal(newest, load_file(folder.output / "head.safetensors")["weight"])


def test_a_fit_starts_from_a_policys_trunk(tmp_path: Path) -> None:
    policy = make_policy(tmp_path / "policy")
    folder = make_fit(tmp_path / "fit", base=str(policy), learning_rate=0.0, weight_decay=0.0)
    meta = fit(folder)
    before, after = (load_file(path / "model.safetensors") for path in (policy, folder.output / "trunk"))
    for name, value in after.items():
        old = before[f"model.{name}"]
        assert torch.equal(value[: len(old)], old)
        # pad was EOS: the new pad token's row is the mean of the others
        torch.testing.assert_close(value[len(old) :], old.mean(dim=0).expand_as(value[len(old) :]))
    assert meta["parents"] == {"base": folder_digest(policy)}
    model = load_reward_model(folder.output)
    assert model.tokenizer.pad_token_id != model.tokenizer.eos_token_id
    assert load_trunk(str(policy), tokenizer=load_tokenizer(str(policy))).config.attention_dropout == 0


def test_eos_is_learnt_where_it_was_the_bases_pad(tmp_path: Path) -> None:
    policy = make_policy(tmp_path / "policy")
    folder = make_fit(tmp_path / "fit", base=str(policy))
    fit(folder)
    before, after = (load_file(path / "model.safetensors") for path in (policy, folder.output / "trunk"))
    moved = (after["embed_tokens.weight"][:3] - before["model.embed_tokens.weight"][:3]).abs().amax(dim=1)
    # pad and bos, 0 and 1, are in no text; every completion ends with eos, 2
    assert moved.tolist()[:2] == [0, 0]
    assert moved[2] > 0.001


def test_a_fit_goes_on_from_an_earlier_reward_model_with_a_new_head(tmp_path: Path) -> None:
    first = make_fit(tmp_path / "first")
    fit(first)
    second = make_fit(tmp_path / "second", base=str(first.output), learning_rate=0.0)
    fit(second)
    trunks = [load_file(fitted.output / "trunk" / "model.safetensors") for fitted in (first, second)]
    assert all(torch.equal(trunks[0][name], value) for name, value in trunks[1].items())
    heads = [load_file(fitted.output / "head.safetensors")["weight"] for fitted in (first, second)]
    assert not torch.equal(*heads)


def test_an_annotator_without_weight_teaches_nothing(tmp_path: Path) -> None:
    """Bit for bit what a snapshot without their rankings gives."""
    lines = make_lines(60)
    weights = [{"annotator": "bob", "weight": 0.0}]
    vocabulary = make_fit(tmp_path / "base", lines)
    fit(vocabulary)
    base = {"base": str(vocabulary.output)}
    without = [line for line in lines if line["annotator"] != "bob"]
    folders = [
        make_and_fit(tmp_path / "weighted", lines, **base, annotator_weights=weights),
        make_and_fit(tmp_path / "without", without, **base),
    ]
    first, second = (load_file(fitted.output / "trunk" / "model.safetensors") for fitted in folders)
    assert all(torch.equal(first[name], second[name]) for name in first)
    with pytest.raises(BadInput, match="weight must be at least 0"):
        fit(make_fit(tmp_path / "bad", lines, annotator_weights=[{"annotator": "bob", "weight": -1}]))


def test_an_encoder_learns_the_order_with_its_separator_as_eos(tmp_path: Path) -> None:
    folder = make_fit(
        tmp_path / "fit",
        make_lines(120),
        base=str(make_encoder(tmp_path / "bert")),
        epochs=6,
        learning_rate=0.02,
    )
    meta = fit(folder)
    assert meta["report"]["held_out"]["accuracy"]["value"] > 0.7
    model = load_reward_model(folder.output)
    assert not model.share
    ids = encode(
        model.tokenizer, model.limits, "text", [{"role": "user", "content": "the inn"}], ["the bar is good"]
    )
    assert model.tokenizer.convert_ids_to_tokens(ids.prompt) == ["[CLS]", "the", "inn"]
    assert model.tokenizer.convert_ids_to_tokens(ids.completions[0]) == ["the", "bar", "is", "good", "[SEP]"]


def test_a_warm_fit_goes_on_with_head_and_tie_parameter(tmp_path: Path) -> None:
    """It begins where the other ended; a mode of ties without that parameter begins with its own."""
    lines = make_lines(60, ties=True)
    earlier = make_fit(tmp_path / "earlier", lines, epochs=8)
    before = fit(earlier)
    warm = {"base": str(earlier.output), "keep_head": True}
    start = prepare(parse_config(FitConfig, make_fit(tmp_path / "a", lines, **warm).read_config()), earlier)
    assert torch.equal(start.network.head.weight, load_reward_model(earlier.output).network.head.weight)
    assert start.tie_parameter == before["ties"]["parameter"]
    other = make_fit(tmp_path / "b", lines, **warm, ties="rao_kupper").read_config()
    assert prepare(parse_config(FitConfig, other), earlier).tie_parameter != before["ties"]["parameter"]
    first = [  # of a step that learns from all of them
        steps(make_and_fit(tmp_path / name, lines, batch_rankings=60, **fields))[0]["loss"]
        for name, fields in (("warm", warm), ("fresh", {"base": str(earlier.output)}))
    ]
    assert first[0] < first[1]


def make_and_fit(path: Path, lines: list[Any], **config: Any) -> RunFolder:
    folder = make_fit(path, lines, **config)
    fit(folder)
    return folder


def test_a_warm_fit_needs_a_reward_model(tmp_path: Path) -> None:
    folder = make_fit(tmp_path / "run", base=str(make_policy(tmp_path / "policy")), keep_head=True)
    with pytest.raises(BadInput, match="no reward model's folder"):
        fit(folder)


def test_lora_learns_beside_frozen_weights_trains_the_head_and_is_merged(tmp_path: Path) -> None:
    policy = make_policy(tmp_path / "policy")
    folder = make_fit(tmp_path / "fit", base=str(policy), lora={"rank": 4}, learning_rate=0.02, epochs=3)
    fit(folder)
    saved = load_file(folder.checkpoint / "newest.safetensors")
    trained = {name for name in saved if not name.endswith(("exp_avg", "exp_avg_sq", "step"))}
    assert {"head.weight", "head.bias", "tie"} < trained
    assert all(".lora_" in name for name in trained - {"head.weight", "head.bias", "tie"})
    before, after = (load_file(path / "model.safetensors") for path in (policy, folder.output / "trunk"))
    best = load_file(folder.checkpoint / "best" / "newest.safetensors")
    layer = "layers.0.self_attn.v_proj"
    # W + alpha / rank * B A, alpha 32, rank 4
    a, b = (best[f"trunk.{layer}.lora_{side}.default.weight"] for side in "AB")
    expected = before[f"model.{layer}.weight"] + 8 * b @ a
    torch.testing.assert_close(after[f"{layer}.weight"], expected, rtol=0, atol=1e-6)
    assert float(b.abs().max()) > 0
    norm = "layers.0.input_layernorm.weight"
    assert torch.equal(after[norm], before[f"model.{norm}"])
    assert not any("lora" in name or "base_layer" in name for name in after)
    assert torch.equal(load_file(folder.output / "head.safetensors")["weight"], best["head.weight"])
    assert load_reward_model(folder.output).share


def test_what_lora_learnt_beside_a_bfloat16_base_scores_as_its_report_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA: the frozen weights are bfloat16, and what is saved is merged in float32."""

    def load_narrow(base: str, *, tokenizer: Any, dtype: torch.dtype) -> Any:
        return load_trunk(base, tokenizer=tokenizer, dtype=torch.bfloat16)

    monkeypatch.setattr(start, "load_trunk", load_narrow)
    policy = make_policy(tmp_path / "policy")
    folder = make_fit(tmp_path / "fit", base=str(policy), lora={"rank": 4}, learning_rate=0.02, epochs=2)
    meta = fit(folder)
    model = load_reward_model(folder.output)
    train = [
        example for example in read_snapshot(folder.inputs / "snapshot.jsonl") if example.split == "train"
    ]
    scores = torch.cat(
        [model.score_completions(example.form, example.messages, example.texts) for example in train]
    )
    assert float(scores.mean()) == pytest.approx(0, abs=1e-4)
    assert float(scores.square().mean()) == pytest.approx(1, abs=1e-4)
    losses = []
    for record, i, j in held_out_pairs(folder):
        first, second = model.score_completions(
            record.form, record.messages, [record.texts[i], record.texts[j]]
        )
        losses.append(-math.log(float(model.probability((first - second)[None]))))
    assert meta["report"]["held_out"]["log_loss"]["value"] == pytest.approx(
        sum(losses) / len(losses), abs=1e-4
    )


@pytest.mark.parametrize("lora", [None, {"rank": 4}])
def test_recomputing_activations_changes_no_weight(lora: Any, tmp_path: Path) -> None:
    base = str(make_policy(tmp_path / "policy"))
    plain, recomputed = (
        make_fit(tmp_path / str(flag), base=base, lora=lora, gradient_checkpointing=flag, epochs=1)
        for flag in (False, True)
    )
    fit(plain)
    fit(recomputed)
    one, other = (load_file(fitted.output / "trunk" / "model.safetensors") for fitted in (plain, recomputed))
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=1e-5)


def test_a_new_version_is_compared_with_the_active_one(tmp_path: Path) -> None:
    worse = make_fit(tmp_path / "worse", epochs=1, learning_rate=0.0)
    fit(worse)
    folder = make_fit(tmp_path / "better", make_lines(300), incumbent=str(worse.output), epochs=4)
    report = fit(folder)["report"]
    comparison = report["incumbent"]
    accuracies = []
    for place in (folder.output, worse.output):
        model = load_reward_model(place)
        right = [
            # some pairs are of equal texts, whose scores differ by rounding at most: a guess
            0.5
            if r.texts[i] == r.texts[j]
            else float(
                model.score_completions(r.form, r.messages, [r.texts[i], r.texts[j]]).diff().item() < 0
            )
            for r, i, j in held_out_pairs(folder)
        ]
        accuracies.append(sum(right) / len(right))
    difference = comparison["difference"]
    assert difference["value"] == pytest.approx(accuracies[0] - accuracies[1], abs=1e-9)
    low, high = difference["interval"]
    assert 0 < low < difference["value"] < high
    assert difference["prompts"] == report["held_out"]["prompts"]


def test_the_head_starts_with_the_deviation_of_its_width_and_no_bias() -> None:
    _, network = make_network()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    heads = [make_head(network.trunk, seed=seed) for seed in range(300)]
    weights = torch.cat([head.weight.detach()[0] for head in heads])
    assert torch.equal(before, torch.get_rng_state())
    # width 32: deviation 1 / sqrt(33) = .174; of 9,600 draws known to .174 / sqrt(2 * 9600) = .0013
    assert float(weights.std()) == pytest.approx(1 / math.sqrt(33), abs=0.005)
    assert all(float(head.bias.detach()) == 0 for head in heads)


def test_a_digest_that_does_not_match_is_refused(tmp_path: Path) -> None:
    folder = make_fit(tmp_path)
    fit(folder)
    head = folder.output / "head.safetensors"
    whole = head.read_bytes()
    head.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for load in (load_reward_model, lambda path: load_trunk(str(path), tokenizer=None)):
        with pytest.raises(BadInput, match=r"head\.safetensors is not the file that meta\.json describes"):
            load(folder.output)
    head.unlink()
    with pytest.raises(BadInput, match=r"head\.safetensors is missing"):
        load_reward_model(folder.output)
    head.write_bytes(whole)
    (folder.output / "more.bin").write_bytes(b"x")
    with pytest.raises(BadInput, match=r"more\.bin is not listed"):
        load_reward_model(folder.output)
    (folder.output / "more.bin").unlink()
    load_reward_model(folder.output)
    meta = folder.output / "meta.json"
    meta.write_text(meta.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(BadInput, match="format 2"):
        load_reward_model(folder.output)
    meta.unlink()
    with pytest.raises(BadInput, match="it is not a reward model's folder"):
        load_reward_model(folder.output)


def test_bases_that_cannot_be_used_are_refused_with_what_to_do(tmp_path: Path) -> None:
    policy = make_policy(tmp_path / "policy")
    (policy / "model.safetensors").rename(policy / "pytorch_model.bin")
    with pytest.raises(BadInput, match="pickle is refused"):
        fit(make_fit(tmp_path / "one", base=str(policy)))
    # transformers would load it onto the base that it names, without a word
    beside = make_policy(tmp_path / "adapter")
    (beside / "adapter_config.json").write_text("{}")
    with pytest.raises(BadInput, match="an adapter and not whole weights: merge it"):
        fit(make_fit(tmp_path / "three", base=str(beside)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="tokenizer of the base"):
        fit(make_fit(tmp_path / "two", base=str(tmp_path / "empty")))


def test_a_ranking_whose_prompt_the_template_refuses_is_named(tmp_path: Path) -> None:
    policy = make_policy(tmp_path / "policy")
    tokenizer = load_tokenizer(str(policy))
    tokenizer.chat_template = STRICT
    tokenizer.save_pretrained(policy)
    lines = make_lines(12)
    turns = [{"role": "assistant", "content": "Hello."}, *lines[5]["prompt"]]
    lines[5] |= {"form": "chat", "prompt": turns, "split": "train"}
    with pytest.raises(
        BadInput, match=f"^ranking {lines[5]['ranking']} of task {lines[5]['task']}: .*take turns"
    ):
        fit(make_fit(tmp_path / "run", lines, base=str(policy)))


def test_what_several_people_ranked_is_one_encoding(tmp_path: Path) -> None:
    folder = make_fit(tmp_path)
    lines = [json.loads(line) for line in (folder.inputs / "snapshot.jsonl").read_text().splitlines()]
    texts = {
        json.dumps([line["prompt"], [completion["text"] for completion in line["completions"]]])
        for line in lines
        if line["split"] == "train"
    }
    start = prepare(parse_config(FitConfig, folder.read_config()), folder)
    assert len({id(example.encoded) for example in start.train}) == len(texts) < len(start.train)


def test_what_is_held_out_or_a_reference_is_drawn_at_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the first by id, which are of one week or one import."""
    lines = [{**line, "split": "validation" if n % 2 else "train"} for n, line in enumerate(make_lines(60))]
    folder = make_fit(tmp_path, lines, validation_rankings=5)
    held_out = [line["ranking"] for line in lines if line["split"] == "validation"]

    def drawn_by(seed: int) -> list[str]:
        config = parse_config(FitConfig, {**folder.read_config(), "seed": seed})
        return [example.ranking for example in prepare(config, folder).validation]

    assert len(drawn_by(1)) == 5
    assert set(drawn_by(1)) <= set(held_out)
    assert drawn_by(1) == drawn_by(1) != drawn_by(2)
    assert held_out[:5] not in (drawn_by(1), drawn_by(2))

    references: list[list[Encoded]] = []

    def noted(model: Any, encoded: list[Encoded], **options: Any) -> Normalisation:
        references.append(encoded)
        return Normalisation()

    monkeypatch.setattr(finish, "normalisation_on", noted)
    for seed in (1, 2):
        run = make_fit(tmp_path / str(seed), lines, reference_rankings=5, epochs=1, seed=seed)
        commands.fit(run, StopSignal())
        train = [
            example.encoded for example in prepare(parse_config(FitConfig, run.read_config()), run).train
        ]
        assert all(encoded in train for encoded in references[-1])
        assert references[-1] != train[:5]
    assert len(references[0]) == 5
    assert references[0] != references[1]


def test_nothing_to_learn_is_refused_with_what_to_do(tmp_path: Path) -> None:
    ties, none = [make_line([1, 1])], [make_line([], texts=["a", "b"], verdict="all_bad")]
    with pytest.raises(BadInput, match="learn from ties"):
        fit(make_fit(tmp_path / "ties", ties, ties="drop"))
    with pytest.raises(BadInput, match="collect rankings"):
        fit(make_fit(tmp_path / "none", none))


def test_a_fit_to_ties_alone_ends(tmp_path: Path) -> None:
    lines = [make_line([1, 1], prompt=f"P{number}") for number in range(8)]
    assert fit(make_fit(tmp_path, lines))["report"]["counts"]["train"]["ties"] == 8


def test_another_snapshot_does_not_go_on_from_the_checkpoint(tmp_path: Path) -> None:
    folder = make_fit(tmp_path)
    stop_after(folder, 2)
    write_lines(folder.inputs / "snapshot.jsonl", make_lines(200))
    with pytest.raises(BadInput, match="Remove checkpoint"):
        fit(folder)


def test_a_loss_of_nan_ends_the_fit_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    folder = make_fit(tmp_path)
    stop_after(folder, 2)
    kept = (folder.checkpoint / "newest.safetensors").read_bytes()
    start = prepare(parse_config(FitConfig, folder.read_config()), folder)
    training = RewardFit(start)
    start.train[:] = [example._replace(strength=math.nan) for example in start.train]
    training.loss = replace(training.loss, objective=training.loss.objective._replace(margin=1.0))
    with pytest.raises(RunError, match="Lower learning_rate"):
        Frame(folder, StopSignal(), training, checkpoint_seconds=60.0).run()
    bad = json.loads((folder.path / "bad_batch.json").read_text())
    assert bad["step"] == 3
    assert set(bad["rankings"]) <= {record.ranking for record in start.records}
    assert (folder.checkpoint / "newest.safetensors").read_bytes() == kept


def test_texts_that_are_cut_are_counted(tmp_path: Path) -> None:
    folder = make_fit(tmp_path, max_prompt_tokens=3, max_completion_tokens=4, epochs=1)
    report = fit(folder)["report"]
    counts, validation, held_out = (
        report["counts"]["train"],
        report["counts"]["validation"],
        report["held_out"],
    )
    assert counts["prompts_cut"] == counts["rankings"] == 48
    assert counts["completions_cut"] > 0
    assert counts["simulated"] == 48
    assert validation["prompts_cut"] == validation["rankings"] > 0 < validation["completions_cut"]
    # Of the report each different prompt and text counts once
    assert held_out["prompts_cut"] == held_out["prompts"]
    assert held_out["completions_cut"] > held_out["rankings"]


def test_what_was_asked_by_doubt_is_learnt_from_and_chooses_no_epoch(tmp_path: Path) -> None:
    folder = make_fit(tmp_path)
    path = folder.inputs / "snapshot.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    first = next(number for number, line in enumerate(lines) if line["split"] == "validation")
    for number, line in enumerate(lines):
        line["by_doubt"] = number != first
    write_lines(path, lines)
    start = prepare(parse_config(FitConfig, folder.read_config()), folder)
    assert [example.ranking for example in start.validation] == [lines[first]["ranking"]]
    assert len(start.train) == sum(line["split"] == "train" for line in lines)


def test_defaults_follow_the_kind_and_size_of_the_base() -> None:
    scratch = FitConfig().resolved(1_500_000)
    small = FitConfig(base="/somewhere").resolved(1_500_000)
    large = FitConfig(base="/somewhere").resolved(1_500_000_000)
    assert scratch.learning_rate > small.learning_rate > large.learning_rate
    assert (large.learning_rate, large.epochs) == (9e-6, 1)
    assert FitConfig(base="x", learning_rate=0.5).resolved(10).learning_rate == 0.5


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"label_smoothing": 0.5}, "label_smoothing"),
        ({"max_grad_norm": 0.0}, "max_grad_norm"),
        ({"hidden": 30, "heads": 4}, "hidden 30"),
        ({"vocabulary": 100}, "vocabulary"),
        ({"lora": {"rank": 4}}, "lora learns beside a trained base"),
        ({"base": "x", "lora": {"rank": 0}}, "lora.rank must be at least 1"),
        ({"ties": "ignore"}, "ties"),
        ({"device": "toaster"}, "device"),
    ],
)
def test_impossible_configs_are_refused_by_their_key(
    config: dict[str, Any], named: str, tmp_path: Path
) -> None:
    folder = make_fit(tmp_path)
    folder.write_config(json.loads(folder.config_file.read_text()) | config)
    with pytest.raises(BadInput, match=named):
        fit(folder)


def test_a_checkpoint_of_another_snapshot_is_refused_and_of_the_same_goes_on(tmp_path: Path) -> None:
    whole, stopped = (make_fit(tmp_path / name) for name in ("whole", "stopped"))
    fit(whole)
    stop_after(stopped, 3)
    snapshot = stopped.inputs / "snapshot.jsonl"
    own_bytes, newest = snapshot.read_bytes(), stopped.checkpoint / "newest.safetensors"
    kept = newest.read_bytes()
    write_lines(snapshot, make_lines(60, seed=1))  # as many rankings, of the same prompts: as many steps
    with pytest.raises(BadInput, match=r"another run: snapshot\.jsonl differ"):
        commands.fit(stopped, StopSignal())
    assert newest.read_bytes() == kept
    snapshot.write_bytes(own_bytes)
    fit(stopped)
    assert folder_digest(stopped.output) == folder_digest(whole.output)


def test_a_checkpoint_of_another_config_or_base_is_refused(tmp_path: Path) -> None:
    base = make_policy(tmp_path / "policy")
    folder = make_fit(tmp_path / "fit", base=str(base))
    stop_after(folder, 3)
    config = folder.read_config()
    folder.write_config({**config, "margin": 0.5})
    with pytest.raises(BadInput, match="another run: margin differ"):
        commands.fit(folder, StopSignal())
    folder.write_config({**config, "checkpoint_seconds": 5.0, "micro_batch_tokens": 512})
    (base / "README.md").write_text("another base")
    with pytest.raises(BadInput, match="another run: base differ"):
        commands.fit(folder, StopSignal())
    (base / "README.md").unlink()
    moved = base.rename(tmp_path / "moved")
    folder.write_config({**config, "base": str(moved)})
    fit(folder)
