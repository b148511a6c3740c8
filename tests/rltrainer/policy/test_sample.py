"""Distinct completions for ranking, resumed where the run was stopped."""

import json
from pathlib import Path
from typing import Any

import pytest

from rltrainer.policy import sample
from runs.folder.errors import BadInput, Stopped
from runs.folder.folder import RunFolder
from runs.folder.progress import read_progress
from runs.folder.stopping import StopSignal
from tests.rltrainer.policy.factories import make_folder, make_prompts


def make_sample_folder(path: Path, base: Path, prompts: int = 7, **config: Any) -> RunFolder:
    folder = RunFolder(path)
    folder.make()
    make_prompts(folder.inputs / "prompts.jsonl", prompts)
    small = {"max_new_tokens": 8, "batch_prompts": 3, "threads": 1, "device": "cpu"}
    folder.write_config({"base": str(base), **small, **config})
    return folder


def run(folder: RunFolder) -> list[dict[str, Any]]:
    sample.main(folder, StopSignal())
    return [json.loads(line) for line in (folder.output / "samples.jsonl").read_text().splitlines()]


def test_each_prompt_gets_its_number_of_distinct_completions(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base", spread=0.02)
    lines = run(make_sample_folder(tmp_path / "run", base, completions=5))
    assert [line["prompt_id"] for line in lines] == [f"p{number}" for number in range(7)]
    for line in lines:
        texts = [completion["text"] for completion in line["completions"]]
        assert len(texts) == len(set(texts)) == 5
        assert all(text.strip() for text in texts)
        assert all(1 <= completion["tokens"] <= 8 for completion in line["completions"])
        assert all(completion["finished"] or completion["tokens"] == 8 for completion in line["completions"])
        assert line["sampling"] == {
            "temperature": 1.0,
            "top_k": 0,
            "top_p": 1.0,
            "max_new_tokens": 8,
            "seed": 0,
        }
    progress = read_progress(tmp_path / "run" / "progress.json")
    assert progress is not None
    assert (progress.done, progress.total) == (7, 7)


def test_a_line_separator_within_a_completion_ends_no_line(tmp_path: Path) -> None:
    """U+2028 and U+0085 end lines for Python's texts, and stand unescaped in JSON."""
    folder = make_sample_folder(tmp_path / "run", make_folder(tmp_path / "base"), prompts=2)
    lines = [
        json.dumps({"prompt_id": name, "completions": [{"text": f"one{mark}two"}]}, ensure_ascii=False)
        for name, mark in (("p0", "\u2028"), ("p1", "\u0085"))
    ]
    (folder.output / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sample.main(folder, StopSignal())
    assert json.loads((folder.output / "report.json").read_text())["completions"] == 2


def test_duplicates_are_asked_for_again_and_a_lack_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One token from the two likeliest: there are two texts, of which EOS would leave none."""
    base = make_folder(tmp_path / "base", spread=0.02)
    folder = make_sample_folder(tmp_path / "run", base, completions=3, max_new_tokens=1, top_k=2, tries=6)
    counts = [len(line["completions"]) for line in run(folder)]
    assert max(counts) == 2
    report = json.loads((folder.output / "report.json").read_text())
    assert report == {
        "prompts": 7,
        "prompts_cut": 0,
        "completions": sum(counts),
        "prompts_with_fewer": 7,
    }
    assert "7 of 7 prompts have fewer than 3 distinct completions" in capsys.readouterr().err


def test_another_try_finds_what_the_first_lacked(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base", spread=0.02)
    counts = [
        sum(
            len(line["completions"])
            for line in run(
                make_sample_folder(tmp_path / str(tries), base, completions=6, max_new_tokens=1, tries=tries)
            )
        )
        for tries in (1, 5)
    ]
    assert counts[0] < counts[1] == 7 * 6


@pytest.mark.parametrize("kept", [0, 3, 5])
def test_a_stopped_run_goes_on_and_writes_the_same_file(tmp_path: Path, kept: int) -> None:
    """``kept`` lines are on disk, and the beginning of another that a kill has torn."""
    base = make_folder(tmp_path / "base", spread=0.02)
    whole = run(make_sample_folder(tmp_path / "whole", base))
    stopped = make_sample_folder(tmp_path / "stopped", base)
    stop = StopSignal()
    stop.ask()
    with pytest.raises(Stopped):
        sample.main(stopped, stop)
    lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in whole]
    (stopped.output / "samples.jsonl").write_text("".join(lines[:kept]) + lines[kept][:20])
    assert run(stopped) == whole


def test_the_seed_decides_the_samples(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base", spread=0.02)
    one, other = (run(make_sample_folder(tmp_path / str(seed), base, seed=seed)) for seed in (1, 2))
    assert [line["completions"] for line in one] != [line["completions"] for line in other]


def test_long_prompts_lose_their_beginning_to_leave_room(tmp_path: Path) -> None:
    """The context is 64: 60 tokens of answer leave 4 of a prompt of 5 and more words."""
    base = make_folder(tmp_path / "base", spread=0.02)
    assert len(run(make_sample_folder(tmp_path / "run", base, max_new_tokens=60))) == 7
    with pytest.raises(BadInput, match="lower it"):
        run(make_sample_folder(tmp_path / "none", base, max_new_tokens=64))


def test_no_prompts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to ask"):
        run(make_sample_folder(tmp_path / "run", make_folder(tmp_path / "base"), prompts=0))


def test_what_another_config_or_policy_sampled_is_not_gone_on_with(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "run" / "policy", spread=0.02)
    folder = make_sample_folder(tmp_path / "run", Path("policy"))
    run(folder)
    folder.write_config({**folder.read_config(), "temperature": 0.5})
    with pytest.raises(BadInput, match="another run: temperature differ"):
        run(folder)
    folder.write_config({**folder.read_config(), "temperature": 1.0})
    make_folder(base, seed=1)
    with pytest.raises(BadInput, match="another run: base differ"):
        run(folder)


def test_prompts_that_are_cut_are_counted(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base", spread=0.02)
    folder = make_sample_folder(tmp_path / "run", base, max_prompt_tokens=5)
    run(folder)
    report = json.loads((folder.output / "report.json").read_text())
    assert (report["prompts"], report["prompts_cut"]) == (7, 7)  # of six words each
