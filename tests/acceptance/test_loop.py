"""The whole loop on people's judgements, by the commands that a researcher uses.

Restaurant descriptions of the E2E NLG Challenge: demonstrations -> a small policy by SFT from scratch ->
rankings -> a reward model -> PPO -> new tasks -> one of them ranked in a browser -> a fit on old and new
rankings -> an export. What it measures goes to the terminal and to ``CONCORD_REPORT``, a JSON file, where
that is set. ``python -m benchmarks.loop`` runs it with the project's own sizes.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection

from annotation.models import Membership, Project, Ranking
from tests.browser.ranking import rank_first_task

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(1500),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("CONCORD_REAL_DATA" not in os.environ, reason="CONCORD_REAL_DATA names no folder"),
]

SLUG = "restaurants"
PASSWORD = "a long pass phrase for the test"


def manage(*arguments: str) -> dict[str, Any]:
    """Run a command as a researcher would, in a process of its own; returns its JSON object."""
    values = connection.settings_dict
    url = f"postgres://{values['USER']}@/{values['NAME']}?host={values['HOST']}&port={values['PORT'] or 5432}"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    sys.stderr.write(f"{time.monotonic() - began:6.1f} s {' '.join(arguments[:1])}\n")
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def configs(tmp_path: Path) -> dict[str, str]:
    """Config files: small runs for the suite; the project's own sizes where ``CONCORD_LOOP`` is "whole"."""
    # One thread: in networks of this size a second takes more processor than it gives.
    scratch = {"base": "scratch", "epochs": 1, "vocabulary": 512, "threads": 1}
    values: dict[str, dict[str, Any]] = {
        "sft": {**scratch, "hidden": 64, "layers": 2, "held_out_rows": 100},
        "fit": {**scratch, "hidden": 64, "layers": 1},
        "fit again": {**scratch, "hidden": 32, "layers": 1},
        "ppo": {
            "steps": 8, "batch_prompts": 16, "minibatches": 2, "epochs": 3, "learning_rate": 8e-4,
            "max_new_tokens": 40, "held_out_prompts": 48, "threads": 1,
        },
    }  # fmt: skip
    if os.environ.get("CONCORD_LOOP") == "whole":
        sft = {"base": "scratch", "epochs": 4, "batch_tokens": 1024, "hidden": 128, "learning_rate": 1.5e-3}
        fit = {"base": "scratch", "epochs": 1}
        values |= {"sft": sft, "fit": fit, "fit again": fit, "ppo": {}}
    paths = {}
    for name, config in values.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(config))
        paths[name] = str(path)
    return paths


@pytest.mark.long
def test_the_loop_on_real_judgements(
    configs: dict[str, str], chromium: Any, live_server: Any, tmp_path: Path
) -> None:
    data = Path(os.environ["CONCORD_REAL_DATA"])
    demonstrations, rankings = data / "e2e_demonstrations.jsonl", data / "e2e_quality_rankings.jsonl.gz"

    # 1. Import what people wrote and judged.
    manage("create_project", SLUG, "--name", "Restaurants", "--completions-per-task", "4")
    assert (
        manage("import_jsonl", str(demonstrations), "--project", SLUG, "--kind", "demonstrations")["added"]
        == 7070
    )
    assert manage("import_jsonl", str(rankings), "--project", SLUG, "--kind", "rankings")["added"] == 2194
    agreement = manage("agreement", "--project", SLUG)

    # 2. A policy from scratch, a reward model, PPO.
    manage("train_policy", "--project", SLUG, "--algorithm", "sft", "--config", configs["sft"], "--here")
    first = manage("fit_reward_model", "--project", SLUG, "--config", configs["fit"], "--here")
    ppo = manage(
        "train_policy", "--project", SLUG, "--algorithm", "ppo", "--config", configs["ppo"], "--here"
    )

    # 3. New tasks, one of them ranked in a browser.
    manage("sample_completions", "--project", SLUG, "--prompts", "20", "--here")
    project = Project.objects.get(slug=SLUG)
    alice = get_user_model().objects.create_user("alice", password=PASSWORD)
    Membership.objects.create(project=project, user=alice, role=Membership.Role.ANNOTATOR)
    before = Ranking.objects.filter(project=project).count()
    rank_first_task(chromium, live_server.url, SLUG, "alice", PASSWORD)
    assert Ranking.objects.filter(project=project).count() == before + 1

    # 4. Fit again on old and new rankings, and export.
    second = manage("fit_reward_model", "--project", SLUG, "--config", configs["fit again"], "--here")
    assert second["reward_model"] == first["reward_model"] + 1
    exported = tmp_path / "pairs.jsonl"
    manage("export_jsonl", "--project", SLUG, "--kind", "pairs", "--output", str(exported))

    _judge(project, agreement, ppo, exported)


def _judge(project: Project, agreement: dict[str, Any], ppo: dict[str, Any], exported: Path) -> None:
    report = project.reward_model_versions.get(number=1).report
    policy = project.policy_versions.get(number=ppo["policy"]).report
    held_out = report["held_out"]
    figures = {
        "accuracy": held_out["accuracy"],
        "longer_wins": held_out["longer_wins"],
        "two_people": report["human_agreement"],
        "agreement": {
            name: agreement[name] for name in ("pairwise_agreement", "krippendorff_alpha", "kendall_tau_b")
        },
        "reward_before": policy["before"]["reward"],
        "reward_after": policy["after"]["reward"],
        "kl": policy["after"]["kl"],
        "gain_in_deviations": policy["gain_in_deviations"],
        "examples": policy["examples"],
        "pairs": len(exported.read_text().splitlines()),
    }
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    sys.stderr.write(text + "\n")
    if "CONCORD_REPORT" in os.environ:
        Path(os.environ["CONCORD_REPORT"]).write_text(text)
    assert held_out["accuracy"]["interval"][0] > held_out["longer_wins"]["value"]
    # Rewards are normalised: mean 0 and standard deviation 1 on completions; "before" holds the SFT samples' own.
    gain = policy["after"]["reward"] - policy["before"]["reward"]
    assert gain >= 0.5 * policy["before"]["reward_std"]
    assert policy["after"]["kl"] < 15
