"""SFT: what is learnt, that a stop changes nothing, and that the cut into micro-batches changes nothing."""

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from lm.optimizer import cosine
from lm.training import Frame
from rltrainer.policy import bases, sft
from rltrainer.policy.answers import demonstration_losses
from rltrainer.policy.config import EvaluateConfig, SftConfig
from rltrainer.policy.demonstrations import Example, collate, plan_epoch, read_demonstrations
from rltrainer.policy.loading import Policy, load_policy
from rltrainer.policy.sft_loss import accumulate_gradient, micro_batches, row_losses
from rltrainer.policy.sft_start import prepare
from runs.folder.checkpoint import load_checkpoint
from runs.folder.errors import BadInput, RunError, Stopped
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from tests.rltrainer.policy.factories import make_folder, make_model, make_sft_folder

pytestmark = pytest.mark.long  # they train

CPU = torch.device("cpu")
ROWS = [
    Example("a", [3, 4, 5, 6, 7, 1], 2),
    Example("b", [8, 9, 1], 1),
    Example("c", [3, 10, 11, 12, 13, 14, 15, 1], 5),
    Example("d", [4, 4, 5, 1], 2),
]


def run(folder: RunFolder) -> dict[str, torch.Tensor]:
    sft.main(folder, StopSignal())
    return load_file(folder.output / "model.safetensors")


@torch.no_grad()
def loss_alone(model: Any, example: Example) -> float:
    """-log softmax of the completion's tokens, written out, without padding."""
    logits = model(input_ids=torch.tensor([example.ids])).logits[0].double()
    logs = logits - logits.exp().sum(-1, keepdim=True).log()
    return -sum(
        float(logs[place - 1, example.ids[place]]) for place in range(example.start, len(example.ids))
    )


def test_only_completions_and_their_eos_are_targets() -> None:
    batch = collate(ROWS, pad_id=0, device=CPU)
    learnt = [batch.ids[row, 1:][batch.targets[row]].tolist() for row in range(4)]
    assert learnt == [[5, 6, 7, 1], [9, 1], [14, 15, 1], [5, 1]]
    assert batch.mask.sum(dim=1).tolist() == [6, 3, 8, 4]


def test_loss_of_a_padded_batch_is_that_of_each_demonstration_alone() -> None:
    model = make_model()
    losses = row_losses(model, ROWS, 0, micro_batch_tokens=1000, device=CPU)
    assert losses == pytest.approx([loss_alone(model, row) for row in ROWS], abs=1e-4)


def test_gradient_is_the_same_however_the_batch_is_cut() -> None:
    losses, gradients = [], []
    for budget in (1000, 12, 1):
        model = make_model()
        losses.append(accumulate_gradient(model, ROWS, 0, micro_batch_tokens=budget, device=CPU))
        gradients.append(torch.cat([value.grad.flatten() for value in model.parameters()]))
    assert [len(micro_batches(ROWS, budget)) for budget in (1000, 12, 1)] == [1, 3, 4]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-5)
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0], rtol=1e-4, atol=1e-6)
    # 11 targets in all: the loss is a mean over tokens, not over rows
    assert losses[0] == pytest.approx(sum(loss_alone(make_model(), row) for row in ROWS) / 11, abs=1e-5)


def test_an_epoch_has_each_row_once_within_the_budget_and_another_order_next_time() -> None:
    lengths = [3 + number * 7 % 40 for number in range(500)]
    one, same, other = (plan_epoch(lengths, 256, seed=3, epoch=epoch) for epoch in (0, 0, 1))
    assert sorted(row for batch in one for row in batch) == list(range(500))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 256 for batch in one)
    assert one == same != other


def test_a_row_above_the_budget_stands_alone() -> None:
    assert sorted(map(sorted, plan_epoch([5, 400, 5], 100, seed=0, epoch=0))) == [[0, 2], [1]]


def test_a_cut_completion_does_not_teach_to_end_there_and_the_report_counts_what_was_cut(
    tmp_path: Path,
) -> None:
    """Counted here as Concord's own chat format would have it, and by what the saved tokenizer makes of it."""
    folder = make_sft_folder(tmp_path, epochs=1, max_prompt_tokens=14, max_completion_tokens=14)
    run(folder)
    report = json.loads((folder.output / "report.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(folder.output)
    longer_of = {}
    for split in ("train", "validation"):
        prompts, completions = [], []
        for line in read_demonstrations(folder.inputs / "demonstrations.jsonl"):
            if line.split == split:
                question = line.messages[0]["content"]
                prompts.append(f"{question}\n" if line.form == "text" else f"User: {question}\n\nAssistant:")
                completions.append(line.completion)
        longer_of[split] = [
            [len(ids) > most for ids in tokenizer(texts)["input_ids"]]
            for texts, most in ((prompts, 14), (completions, 13))
        ]
    longer = longer_of["train"]
    assert (report["prompts_cut"], report["completions_cut"]) == tuple(map(sum, longer))
    held_out = (report["held_out_prompts_cut"], report["held_out_completions_cut"])
    assert held_out == tuple(map(sum, longer_of["validation"]))
    assert min(held_out) > 0
    assert 25 < report["prompts_cut"] < 50 == report["demonstrations"]
    start = prepare(SftConfig(**folder.read_config()), folder, CPU)
    end = start.policy.tokenizer.eos_token_id
    assert [row.ids[-1] != end for row in start.train] == longer[1]
    assert all(end not in row.ids[:-1] for row in start.train)


def test_learning_lowers_the_held_out_loss_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    folder = make_sft_folder(tmp_path, epochs=25, learning_rate=0.01)
    weights = run(folder)
    report = json.loads((folder.output / "report.json").read_text())
    losses = report["held_out_loss"]
    assert losses[0] > 2
    assert min(losses) < 0.5
    assert report["perplexity"] == pytest.approx(math.exp(min(losses)))
    policy = load_policy(str(folder.output), lora=None, device=CPU)
    assert torch.equal(policy.model.model.norm.weight, weights["model.norm.weight"])
    start = prepare(SftConfig(**{**folder.read_config(), "base": str(folder.output)}), folder, CPU)
    of_rows = row_losses(
        policy.model, start.held_out, policy.tokenizer.pad_token_id, micro_batch_tokens=512, device=CPU
    )
    tokens = sum(len(row.ids) - row.start for row in start.held_out)
    assert sum(of_rows) / tokens == pytest.approx(min(losses), abs=1e-5)


def test_the_gain_is_by_how_much_held_out_demonstrations_became_likelier(tmp_path: Path) -> None:
    base = run_base(tmp_path / "base")
    assert (
        json.loads((Path(base) / "report.json").read_text())["gain"] is None
    )  # nothing to compare a new policy with
    folder = make_sft_folder(tmp_path / "again", base=base, epochs=6, learning_rate=0.01)
    run(folder)
    gain = json.loads((folder.output / "report.json").read_text())["gain"]
    held_out = prepare(SftConfig(**folder.read_config()), folder, CPU).held_out
    before, after = (
        [loss_alone(load_policy(place, lora=None, device=CPU).model, row) for row in held_out]
        for place in (base, str(folder.output))
    )
    rises = [
        (one - other) / (len(row.ids) - row.start)
        for row, one, other in zip(held_out, before, after, strict=True)
    ]
    assert gain["value"] == pytest.approx(sum(rises) / len(rises), abs=1e-4)
    assert 0 < gain["interval"][0] < gain["value"] < gain["interval"][1]
    assert gain["count"] == len(held_out) >= gain["prompts"] > 1


def test_the_weights_of_the_best_epoch_win_over_later_ones(tmp_path: Path) -> None:
    """The held-out completions are of another kind, so learning the others makes their loss rise in the end."""
    folders = [make_sft_folder(tmp_path / name, epochs=6, learning_rate=0.02) for name in ("whole", "short")]
    for folder in folders:
        path = folder.inputs / "demonstrations.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            line["completion"] = "Qxz jvk!" if line["split"] == "validation" else line["completion"]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    saved = run(folders[0])
    ends = [line for line in steps(folders[0]) if "held_out_loss" in line]
    best = min(ends, key=lambda line: float(line["held_out_loss"]))
    assert best["step"] < ends[-1]["step"]
    assert json.loads((folders[0].output / "report.json").read_text())["best_epoch"] == best["epoch"]
    stop_after(folders[1], best["step"])
    at_best = load_file(folders[1].checkpoint / "newest.safetensors")
    assert all(torch.equal(at_best[name], value) for name, value in saved.items())


def steps(folder: RunFolder) -> list[dict[str, Any]]:
    return read_metrics(folder.metrics_file)[0]


def stop_after(folder: RunFolder, step: int) -> None:
    """Run until ``step`` is in metrics.jsonl, then ask for a stop."""

    class StopAt(StopSignal):
        def __bool__(self) -> bool:
            lines = steps(folder)
            return bool(lines) and lines[-1]["step"] >= step

    with pytest.raises(Stopped):
        sft.main(folder, StopAt())


def test_a_stopped_run_goes_on_to_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    whole = make_sft_folder(tmp_path / "whole")
    expected = run(whole)
    stopped = make_sft_folder(tmp_path / "stopped")
    for step in (2, 3, 7):
        stop_after(stopped, step)
    resumed = run(stopped)
    assert resumed.keys() == expected.keys()
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)
    without_speed = [
        [
            {name: value for name, value in line.items() if name != "tokens_per_second"}
            for line in steps(folder)
        ]
        for folder in (whole, stopped)
    ]
    assert without_speed[0] == without_speed[1]


def test_the_report_of_lora_beside_a_bfloat16_base_is_of_what_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA: the frozen weights are bfloat16, and what is saved is merged in float32."""
    monkeypatch.setattr(bases, "load_policy", partial(load_narrow, load_policy))
    base = make_sft_folder(tmp_path / "base", epochs=1)
    sft.main(base, StopSignal())
    folder = make_sft_folder(
        tmp_path / "run", base=str(base.output), lora={"rank": 4}, learning_rate=0.005, epochs=3
    )
    sft.main(folder, StopSignal())
    report = json.loads((folder.output / "report.json").read_text())
    saved = load_policy(str(folder.output), lora=None, device=CPU, reference=False)
    rows = read_demonstrations(folder.inputs / "demonstrations.jsonl")
    losses = demonstration_losses(
        saved, [row for row in rows if row.split == "validation"], EvaluateConfig(policies=("p",))
    ).rows
    loss = math.fsum(nats for nats, _ in losses) / sum(tokens for _, tokens in losses)
    assert math.log(report["perplexity"]) == pytest.approx(loss, abs=1e-4)
    assert report["gain"]["value"] > 0.05


def load_narrow(load: Callable[..., Policy], base: str, **options: Any) -> Policy:
    """A base that learns with LoRA in bfloat16."""
    return load(base, **{**options, "dtype": torch.bfloat16})


def test_a_stop_in_the_middle_of_the_held_out_loss_comes_back_to_it(tmp_path: Path) -> None:
    whole, stopped = (
        make_sft_folder(tmp_path / name, checkpoint_seconds=60.0) for name in ("whole", "stopped")
    )
    expected = run(whole)
    end_of_first = next(line["step"] for line in steps(whole) if "held_out_loss" in line)
    stop_after(stopped, end_of_first - 1)

    class StopLater(StopSignal):
        def __bool__(self) -> bool:
            return True  # the first look at it is in the middle of the held-out loss

    with pytest.raises(Stopped):
        sft.main(stopped, StopLater())
    assert steps(stopped)[-1]["step"] == end_of_first - 1
    resumed = run(stopped)
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)
    assert [line["step"] for line in steps(stopped)] == [line["step"] for line in steps(whole)]


def test_lora_resumes_exactly_and_leaves_full_weights(tmp_path: Path) -> None:
    base = run_base(tmp_path / "base")
    config = {"base": base, "lora": {"rank": 4}, "epochs": 2}
    expected = run(make_sft_folder(tmp_path / "whole", **config))
    stopped = make_sft_folder(tmp_path / "stopped", **config)
    stop_after(stopped, 3)
    assert all(".lora_" in name for name in load_file(stopped.checkpoint / "newest.safetensors"))
    resumed = run(stopped)
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)
    gains = [
        json.loads((tmp_path / name / "output" / "report.json").read_text())["gain"]
        for name in ("whole", "stopped")
    ]
    assert gains[0] == gains[1] is not None
    assert resumed.keys() == load_file(Path(base) / "model.safetensors").keys()
    parents = json.loads((stopped.output / "meta.json").read_text())["parents"]
    assert len(parents["base"]) == 64


def run_base(path: Path) -> str:
    folder = make_sft_folder(path, epochs=1)
    run(folder)
    return str(folder.output)


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base")
    folder = make_sft_folder(tmp_path / "run", base="base_inside")
    (folder.path / "base_inside").symlink_to(base)  # a path inside the folder, as everywhere
    stop_after(folder, 2)
    config, path = folder.read_config(), folder.inputs / "demonstrations.jsonl"
    folder.write_config({**config, "learning_rate": 0.5})  # as many steps
    with pytest.raises(BadInput, match="another run: learning_rate differ"):
        run(folder)
    folder.write_config(config)
    before = path.read_text()
    path.write_text(before.replace("hill", "dale"))
    with pytest.raises(BadInput, match=r"another run: demonstrations\.jsonl differ"):
        run(folder)
    path.write_text(before)
    (base / "notes.txt").write_text("another base")
    with pytest.raises(BadInput, match="another run: base differ"):
        run(folder)
    (base / "notes.txt").unlink()
    folder.write_config({**config, "base": str(base), "micro_batch_tokens": 64})
    run(folder)


@pytest.mark.parametrize("loss", [math.nan, 2.0], ids=["nan", "equal"])
def test_of_held_out_losses_the_first_of_equals_is_best_and_none_that_is_not_finite(
    loss: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losses(model: Any, rows: list[Example], *args: Any, **options: Any) -> list[float]:
        return [2.0] * (len(rows) - 1) + [loss]

    monkeypatch.setattr(sft, "row_losses", losses)
    folder = make_sft_folder(tmp_path, epochs=2)
    if math.isnan(loss):
        with pytest.raises(RunError, match=r"the held out loss is nan\. Lower learning_rate"):
            run(folder)
        assert not (folder.output / "meta.json").exists()
        held_out = [
            line.id
            for line in read_demonstrations(folder.inputs / "demonstrations.jsonl")
            if line.split == "validation"
        ]
        bad = json.loads((folder.path / "bad_batch.json").read_text())
        assert bad["demonstrations"] == held_out[-1:]
        return
    run(folder)
    report = json.loads((folder.output / "report.json").read_text())
    kept = load_checkpoint(folder.checkpoint / "best")
    assert kept is not None
    assert (report["best_epoch"], kept.step) == (1, report["steps"] // 2)


def test_a_loss_of_nan_ends_the_run_before_the_weights_are_touched(tmp_path: Path) -> None:
    folder = make_sft_folder(tmp_path / "run")
    start = prepare(SftConfig(**folder.read_config()), folder, CPU)
    frame = Frame(folder, StopSignal(), sft.SftTraining(start), checkpoint_seconds=60.0)
    with torch.no_grad():
        start.policy.model.model.norm.weight[0] = math.nan
    before = start.policy.model.lm_head.weight.clone()
    with pytest.raises(RunError, match="Lower learning_rate"):
        frame.run()
    assert torch.equal(start.policy.model.lm_head.weight, before)
    assert json.loads((folder.path / "bad_batch.json").read_text())["demonstrations"]


def test_nothing_to_learn_from_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = make_sft_folder(tmp_path)
    path = folder.inputs / "demonstrations.jsonl"
    path.write_text(path.read_text().replace('"train"', '"test"'))
    with pytest.raises(BadInput, match="train split"):
        run(folder)
    path.write_text('{"id": 1, "form": "text"}\n')
    with pytest.raises(BadInput, match="line 1: prompt: it is missing"):
        read_demonstrations(path)
    path.unlink()
    with pytest.raises(BadInput, match="is missing"):
        run(folder)


def test_impossible_sizes_are_refused(tmp_path: Path) -> None:
    for name, wrong in (("vocabulary", 100), ("heads", 5)):
        with pytest.raises(BadInput, match=str(wrong)):
            run(make_sft_folder(tmp_path / name, **{name: wrong}))


def test_defaults_follow_the_kind_and_size_of_the_base() -> None:
    scratch = SftConfig().resolved(1_500_000)
    small = SftConfig(base="/somewhere").resolved(1_500_000)
    large = SftConfig(base="/somewhere").resolved(1_500_000_000)
    assert scratch.learning_rate > small.learning_rate > large.learning_rate
    assert SftConfig(base="x", learning_rate=0.5).resolved(10).learning_rate == 0.5


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine_to_its_floor() -> None:
    rates = [cosine(step, 100, warmup=0.1, floor=0.2) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(0.6)  # half way from 10 to 100: the mean of 1 and 0.2
    assert rates[99] == pytest.approx(0.2, abs=1e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_what_is_held_out_is_drawn_at_random(tmp_path: Path) -> None:
    """Not the first by id, which are of one week or one import."""
    folder = make_sft_folder(tmp_path, held_out_rows=3)

    def drawn_by(seed: int) -> list[str]:
        config = SftConfig(**{**folder.read_config(), "seed": seed})
        return [row.id for row in prepare(config, folder, CPU).held_out]

    first = ["d5", "d11", "d17"]
    assert len(drawn_by(1)) == 3
    assert drawn_by(1) == drawn_by(1) != drawn_by(2)
    assert first not in (drawn_by(1), drawn_by(2))
