"""fit, evaluate and score as processes: what a worker starts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rewardmodel.bradley_terry import commands
from rewardmodel.bradley_terry.artifact import load_reward_model, save_reward_model
from rewardmodel.bradley_terry.scoring import Normalisation
from runs.folder.errors import BadInput, Stopped
from runs.folder.files import folder_digest, read_json
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.children import code_of
from tests.rewardmodel.pure.factories import fit, make_fit, make_lines, write_lines

pytestmark = pytest.mark.processes

ASK = [{"role": "user", "content": "How is the inn 0?"}]


def command(name: str, folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "rewardmodel.bradley_terry", name, str(folder.path)]


def run(name: str, folder: RunFolder) -> int:
    return code_of(command(name, folder))


def make_folder(path: Path, model: RunFolder) -> RunFolder:
    folder = RunFolder(path)
    folder.make()
    folder.write_config({"reward_model": str(model.output), "threads": 1, "device": "cpu"})
    return folder


@pytest.mark.long
def test_a_fitted_reward_model_is_evaluated_and_scores_as_it_does_in_process(tmp_path: Path) -> None:
    fitting = make_fit(tmp_path / "fit", max_completion_tokens=40)
    assert run("fit", fitting) == 0
    meta = read_json(fitting.output / "meta.json")

    evaluation = make_folder(tmp_path / "evaluate", fitting)
    evaluation.write_config(evaluation.read_config() | {"resamples": 50})
    write_lines(evaluation.inputs / "snapshot.jsonl", make_lines(60))
    assert run("evaluate", evaluation) == 0
    report = read_json(evaluation.output / "report.json")
    assert report["held_out"]["pairs"] == meta["report"]["held_out"]["pairs"]
    assert report["human_agreement"]["count"] == meta["report"]["human_agreement"]["count"]
    for name in ("accuracy", "longer_wins", "log_loss"):
        assert report["held_out"][name]["value"] == pytest.approx(
            meta["report"]["held_out"][name]["value"], abs=1e-5
        )

    scoring = make_folder(tmp_path / "score", fitting)
    texts = ["it is great and great", "it is awful and awful", "it is plain and " * 20]
    lines = [{"form": "text", "prompt": ASK, "completion": text} for text in texts]
    write_lines(scoring.inputs / "scored.jsonl", lines)
    assert run("score", scoring) == 0
    answers = [json.loads(line) for line in (scoring.output / "scores.jsonl").read_text().splitlines()]
    expected = load_reward_model(fitting.output).score_completions("text", ASK, texts).tolist()
    assert [answer["score"] for answer in answers] == pytest.approx(expected, abs=1e-5)
    assert [answer["completion_cut"] for answer in answers] == [False, False, True]
    assert not any(answer["prompt_cut"] for answer in answers)
    assert answers[0]["score"] > answers[1]["score"]
    # Nor does another reward model go on behind the lines of this one
    other = load_reward_model(fitting.output)
    other.normalisation = Normalisation(0.0, 2.0)
    save_reward_model(other, tmp_path / "other", {})
    scoring.write_config({**scoring.read_config(), "reward_model": str(tmp_path / "other")})
    with pytest.raises(BadInput, match="another run: model differ"):
        commands.score(scoring, StopSignal())
    for folder in (evaluation, scoring):
        assert read_json(folder.device_file)["device"] == "cpu"


def count_steps(folder: RunFolder) -> int:
    return folder.metrics_file.read_text().count("\n") if folder.metrics_file.exists() else 0


@pytest.mark.parametrize(
    ("name", "file", "line", "reason"),
    [
        ("fit", "snapshot.jsonl", {"ranking": "r"}, "snapshot.jsonl, line 61: completions: it is missing"),
        (
            "evaluate",
            "snapshot.jsonl",
            {"ranking": "r"},
            "snapshot.jsonl, line 61: completions: it is missing",
        ),
        (
            "score",
            "scored.jsonl",
            {"form": "text", "prompt": ASK},
            "scored.jsonl, line 2: completion: it is missing",
        ),
        (
            "score",
            "scored.jsonl",
            {"form": "song", "prompt": ASK, "completion": ""},
            "scored.jsonl, line 2: form",
        ),
    ],
)
def test_a_bad_line_ends_a_command_with_its_number(
    name: str, file: str, line: object, reason: str, tmp_path: Path
) -> None:
    folder = make_fit(tmp_path / "fit")
    if name != "fit":
        fit(folder)
        folder = make_folder(tmp_path / name, folder)
    scored = {"form": "text", "prompt": ASK, "completion": "good"}
    good = [scored] if name == "score" else make_lines(60)
    write_lines(folder.inputs / file, [*good, line])
    with pytest.raises(BadInput, match=reason):
        getattr(commands, name)(folder, StopSignal())


def test_an_unknown_key_of_a_config_is_named(tmp_path: Path) -> None:
    folder = make_fit(tmp_path, learning_rat=1.0)
    assert run("fit", folder) == 1
    assert read_json(folder.failure_file)["reason"].startswith("learning_rat is not a key of FitConfig")


def test_paths_of_a_config_may_be_relative_to_the_folder(tmp_path: Path) -> None:
    fitting = make_fit(tmp_path / "fit")
    fit(fitting)
    again = make_fit(tmp_path / "again", base="inputs/base", incumbent="inputs/base", epochs=1)
    (again.inputs / "base").symlink_to(fitting.output)
    meta = fit(again)
    assert meta["parents"] == {"base": folder_digest(fitting.output)}
    assert meta["report"]["incumbent"]["difference"] is not None


def test_concord_need_not_be_installed() -> None:
    """Nor have a version: its packages may lie beside each other in a folder."""
    code = (
        "import importlib.metadata as m\n"
        "def missing(name): raise m.PackageNotFoundError(name)\n"
        "m.version = missing\n"
        "from lm.manifest import code_version\n"
        "assert code_version() is None"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_the_config_is_read_without_torch() -> None:
    code = "import sys, rewardmodel.bradley_terry.config; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_a_fit_that_may_not_write_its_checkpoint_says_why_and_goes_on_from_the_last_one(
    tmp_path: Path,
) -> None:
    """A limit on the size of files stands for a full disk: the write of a checkpoint fails half-way."""
    whole, full = (make_fit(tmp_path / name, checkpoint_seconds=0.0) for name in ("whole", "full"))
    fit(whole)

    class AtOnce(StopSignal):
        def __bool__(self) -> bool:
            return count_steps(full) >= 3

    with pytest.raises(Stopped):
        commands.fit(full, AtOnce())
    newest = full.checkpoint / "newest.safetensors"
    kept = newest.read_bytes()
    limited = ["prlimit", f"--fsize={len(kept) // 2}", *command("fit", full)]
    assert subprocess.run(limited, check=False, timeout=120, capture_output=True).returncode == 1
    assert read_json(full.failure_file)["reason"].startswith("The disk is full")
    assert newest.read_bytes() == kept
    assert run("fit", full) == 0
    assert folder_digest(full.output) == folder_digest(whole.output)
