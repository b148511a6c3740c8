"""A policy from elsewhere becomes a version once it was tried; what cannot be one is refused with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from transformers import BertConfig, BertModel

from rltrainer import policies, registering
from rltrainer.errors import BadConfig
from rltrainer.models import PolicyVersion, Registration
from runs.folder.files import folder_digest
from runs.foreground import run_here
from runs.models import Run
from tests.annotation.factories import make_project
from tests.pages.cast import make_cast
from tests.rltrainer.policy.factories import make_folder, make_tokenizer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    settings.RUNS_DIR = tmp_path / "runs"


def make_encoder(folder: Path) -> Path:
    """A base of reward models that can write nothing."""
    config = BertConfig(
        vocab_size=len(make_tokenizer()),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    BertModel(config).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def test_a_folder_becomes_the_current_policy_where_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, folder = make_project(), make_folder(tmp_path / "ours")
    call_command("register_policy", str(folder), project=project.slug)
    report = json.loads(capsys.readouterr().out)
    assert (report["status"], report["policy"], report["current"], report["cannot_be_trained"]) == (
        "succeeded",
        1,
        True,
        "",
    )
    assert (report["base"], report["digest"]) == (str(folder), folder_digest(folder))
    version = policies.require_policy(project=project)
    assert (version.number, version.base, version.artifact) == (1, str(folder), None)
    assert policies.location(version) == str(folder)


@pytest.mark.parametrize("chosen", [False, True])
def test_beside_another_it_is_current_where_somebody_said_so(tmp_path: Path, chosen: bool) -> None:
    project = make_project()
    policies.make_version(project=project, base="one")
    base = str(make_folder(tmp_path / "ours"))
    run = run_here(lambda: registering.request_registration(project=project, base=base, current=chosen))
    assert run.status == Run.Status.SUCCEEDED, run.reason
    assert policies.require_policy(project=project).number == (2 if chosen else 1)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "nowhere", "cannot be loaded"),
        (make_encoder, "cannot be"),
        (lambda folder: folder.mkdir() or folder, "holds no safetensors weights"),
    ],
    ids=["nowhere", "an encoder", "an empty folder"],
)
def test_what_cannot_be_a_policy_is_refused_with_the_reason(tmp_path: Path, make: Any, reason: str) -> None:
    project = make_project()
    with pytest.raises(CommandError, match=reason):
        call_command("register_policy", str(make(tmp_path / "theirs")), project=project.slug)
    assert not PolicyVersion.objects.exists()
    assert Run.objects.get().status == Run.Status.FAILED


@pytest.mark.parametrize("base", ["", "  ", "a" * 301])
def test_a_base_has_a_name(base: str) -> None:
    with pytest.raises(BadConfig, match="Name a folder or a hub's model"):
        registering.request_registration(project=make_project(), base=base)
    assert not Registration.objects.exists()


def test_researchers_register_by_the_page(tmp_path: Path) -> None:
    cast = make_cast()
    client = Client()
    client.force_login(cast.carol)
    assert "Register a policy" in client.get("/admin/projects/helpful/policies/").content.decode()
    answer = client.post("/admin/projects/helpful/register/", {"register-base": str(tmp_path)})
    run = Run.objects.get(kind="register_policy")
    assert answer["Location"] == f"/admin/runs/{run.pk}/"
    assert client.get(answer["Location"]).status_code == 200
    assert (run.registration.base, run.registration.current) == (str(tmp_path), False)
