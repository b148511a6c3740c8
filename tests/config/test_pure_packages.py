"""The pure packages run where Django, Celery and a database's driver cannot be imported."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from runs.folder.folder import RunFolder
from tests.rewardmodel.pure.factories import make_fit
from tests.rltrainer.policy.factories import make_sft_folder
from tests.rltrainer.ppo.factories import make_run

pytestmark = pytest.mark.processes

ROOT = Path(settings.BASE_DIR)
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
(CONTRACT,) = (one for one in CONTRACTS if one["name"].startswith("The pure packages"))

# Put before what it runs: whoever imports one of the modules, from wherever, finds that there is none.
BARE = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name in {missing} or name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""
IMPORT_ALL = """
import importlib, pkgutil
for package in sys.argv[1:]:
    importlib.import_module(package)
    for module in pkgutil.walk_packages(sys.modules[package].__path__, f"{package}."):
        importlib.import_module(module.name)
        print(module.name)
"""
RUN_MAINS = """
from tests.rltrainer.mains import main
sys.exit(main(sys.argv[1:]))
"""
READ_JUDGEMENTS = """
import json
from pathlib import Path
from annotation.files.foreign.understanding import Foreign
from annotation.files.jsonl.fields import Limits
from annotation.files.jsonl.kinds import parse
from annotation.preferences.tiers import pairs
limits = Limits(text_bytes=10_000, line_bytes=10_000)
(line,) = Foreign(Path(sys.argv[1]), limits).lines()
ranking = parse("rankings", line.data, limits)
print(json.dumps(pairs(ranking.tiers)))
"""


def bare(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``code`` in an interpreter of its own that has none of what the contract forbids."""
    missing = tuple(CONTRACT["forbidden_modules"])
    return subprocess.run(
        [sys.executable, "-c", BARE.format(missing=missing) + code, *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_is_missing_there_is_missing() -> None:
    for name in ("django", "django.db", "celery", "config.settings", "annotation.models"):
        assert "ModuleNotFoundError: No module named" in bare(f"import {name}").stderr, name
    assert bare("import runs.folder").returncode == 0


def test_each_of_their_modules_is_imported() -> None:
    done = bare(IMPORT_ALL, *CONTRACT["source_modules"])
    assert done.returncode == 0, done.stderr
    imported = done.stdout.split()
    for package in CONTRACT["source_modules"]:
        assert len([name for name in imported if name.startswith(f"{package}.")]) > 5


TRAININGS: dict[str, tuple[str, Callable[[Path], RunFolder]]] = {
    "fit": ("rewardmodel.bradley_terry", lambda path: make_fit(path, epochs=1)),
    "sft": ("rltrainer.policy", lambda path: make_sft_folder(path, epochs=1)),
    "train": ("rltrainer.ppo", lambda path: make_run(path, steps=1)),
}


def test_each_training_runs_from_its_folder(tmp_path: Path) -> None:
    """With runs.folder and lm below it. All in one process, for to load torch takes longer than they do."""
    folders = {name: make(tmp_path / name) for name, (_, make) in TRAININGS.items()}
    words = [
        word for name, (module, _) in TRAININGS.items() for word in (module, name, str(folders[name].path))
    ]
    done = bare(RUN_MAINS, *words)
    assert done.returncode == 0, done.stderr
    for folder in folders.values():
        assert list(folder.output.rglob("*.safetensors"))
        assert json.loads((folder.output / "meta.json").read_text())["files"]


def test_a_judgement_is_read_and_becomes_comparisons(tmp_path: Path) -> None:
    """annotation's three: a file of another tool, its lines, and the pairs of its ranks."""
    completions = [{"text": "Fig.", "rank": 7}, {"text": "Mud.", "rank": 9}, {"text": "Pear.", "rank": 7}]
    (tmp_path / "list.json").write_text(json.dumps([{"prompt": "Name a fruit.", "completions": completions}]))
    done = bare(READ_JUDGEMENTS, str(tmp_path / "list.json"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[[0, 1], [2, 1]], [[0, 2]]]
