"""The day that a chat template writes is that of the run, however often and late the run goes on."""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotation.models import Project
from lm import encoding
from lm.rendering import apply_template
from rewardmodel import fits
from rewardmodel.bradley_terry import commands
from rltrainer import evaluation, policies, sampling, training
from rltrainer.models import PolicyVersion
from rltrainer.policy import evaluate, sample, sft
from rltrainer.ppo import train
from runs import kinds
from runs.folder.errors import Stopped
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from runs.models import Run
from tests.annotation.factories import make_project, put
from tests.lm.bases import DATED
from tests.rewardmodel.pure.factories import make_fit
from tests.rewardmodel.versions import make_active
from tests.rltrainer.policy.factories import make_folder, make_tokenizer
from tests.storing import store_artifacts_in

pytestmark = [pytest.mark.django_db, pytest.mark.long]  # they train

CREATED_AT = datetime.datetime(2020, 2, 29, 23, 59, tzinfo=datetime.UTC)
DEVICE = {"threads": 1, "device": "cpu"}
REQUESTS: dict[str, Callable[[Project, str], Run]] = {
    "fit": lambda project, base: fits.request_fit(
        project=project, config={"base": base, "epochs": 3, "batch_rankings": 4, "resamples": 20, **DEVICE}
    ),
    "sft": lambda project, base: training.request_training(
        project=project, algorithm="sft", config={"base": base, "epochs": 3, "batch_tokens": 64, **DEVICE}
    ),
    "sample": lambda project, base: sampling.request_sampling(
        project=project, config={"max_new_tokens": 4, "batch_prompts": 4, **DEVICE}
    ),
    "ppo": lambda project, base: training.request_training(
        project=project,
        algorithm="ppo",
        config={"steps": 2, "batch_prompts": 4, "max_new_tokens": 4, "held_out_prompts": 4, **DEVICE},
    ),
    "evaluate": lambda project, base: evaluation.request_evaluation(
        project=project,
        versions=list(PolicyVersion.objects.filter(project=project)),
        config={"max_new_tokens": 4, "batch_prompts": 4, **DEVICE},
    ),
}
CHILDREN = {
    "fit": commands.fit,
    "sft": sft.main,
    "sample": sample.main,
    "ppo": train.main,
    "evaluate": evaluate.main,
}
# A fit of another day, whose reward model states that one wherever it scores.
EARLIER = "2019-01-01"
SCORING = ("ppo", "evaluate")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What templates have written of the prompts that were read."""
    texts: list[str] = []

    def apply(tokenizer: Any, messages: Any, **options: Any) -> Any:
        texts.append(apply_template(tokenizer, messages, tokenize=False))
        return apply_template(tokenizer, messages, **options)

    monkeypatch.setattr(encoding, "apply_template", apply)
    return texts


def make_dated_base(folder: Path) -> str:
    """A policy whose template says when it is rendered."""
    make_folder(folder)
    tokenizer = make_tokenizer()
    tokenizer.chat_template = DATED.replace("{{ bos_token }}", "")
    tokenizer.save_pretrained(folder)
    return str(folder)


def make_chat_project() -> Project:
    """Chats, rankings of two answers to each, and an answer that somebody wrote."""
    project = make_project()
    chats = [[{"role": "user", "content": f"the cat sat on the hill {number}"}] for number in range(16)]
    answers = [{"text": "the cat ran", "rank": 1}, {"text": "a bird sang", "rank": 2}]
    put(project, "rankings", *({"prompt": chat, "completions": answers, "annotator": "a"} for chat in chats))
    put(project, "demonstrations", *({"prompt": chat, "completion": "the cat ran"} for chat in chats))
    return project


def make_earlier_fit(path: Path, base: str) -> RunFolder:
    """A reward model from the same base."""
    folder = make_fit(path, base=base, epochs=1, date=EARLIER)
    commands.fit(folder, StopSignal())
    return folder


class HalfWay(StopSignal):
    """Asked for when something of the run is written."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder

    def __bool__(self) -> bool:
        return bool(read_metrics(self.folder.metrics_file)[0]) or any(
            path.exists()
            for path in (self.folder.output / "samples.jsonl", self.folder.checkpoint / "policy_0.json")
        )


@pytest.mark.parametrize("name", REQUESTS)
def test_a_template_writes_the_day_of_the_run_and_a_resumed_run_keeps_it(
    name: str, tmp_path: Path, settings: Any, written: list[str]
) -> None:
    store_artifacts_in(tmp_path / "files", settings)
    base, project = make_dated_base(tmp_path / "base"), make_chat_project()
    for _ in range(2):
        policies.make_version(project=project, base=base)
    if name in SCORING:
        make_active(project, make_earlier_fit(tmp_path / "earlier", base).output)
        written.clear()
    run = REQUESTS[name](project, base)
    Run.objects.filter(pk=run.pk).update(created_at=CREATED_AT)
    run.refresh_from_db()
    folder, anew = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "anew")
    for one in (folder, anew):  # a run whose folder is lost is prepared again
        one.make()
        kinds.kind_of(run).prepare(run, one)
        assert one.read_config()["date"] == "2020-02-29"
    with pytest.raises(Stopped):
        CHILDREN[name](folder, HalfWay(folder))
    before = len(written)
    CHILDREN[name](folder, StopSignal())
    assert 0 < before < len(written)
    days = {day for text in written for day in re.findall(r"It is (.*?)\.\n", text)}
    assert days == {"29 Feb 2020 00:00"} | ({"01 Jan 2019 00:00"} if name in SCORING else set())
    # Whatever is made from it says that day too
    templates = [path.read_text() for path in folder.output.rglob("chat_template.jinja")]
    assert len(templates) == (name in {"fit", "sft", "ppo"})
    assert all("29 Feb 2020 00:00" in template for template in templates)
