"""Versions and the data set asked for on pages, and what their runs' pages offer."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation.files import transfers
from console import describing
from rewardmodel import handing_over
from rewardmodel.models import RewardModelVersion
from rltrainer.models import PolicyVersion
from runs.execution import folder_of
from runs.models import Run
from tests.annotation.factories import put
from tests.pages.cast import Cast, make_cast
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot

pytestmark = pytest.mark.django_db
ADAPTER = {"adapter.safetensors": {"sha256": "0", "bytes": 2}}


@pytest.fixture
def cast(tmp_path: Path, settings: Any) -> Cast:
    settings.RUNS_DIR = tmp_path
    return make_cast()


def carol(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.carol)
    return client


def make_reward_models(cast: Cast) -> list[RewardModelVersion]:
    """Of v2 and v3 the adapters are kept, but v3 has no base."""
    versions = [
        make_reward_model(cast.project, number, make_snapshot(cast.project, f"s{number}"))
        for number in (1, 2, 3)
    ]
    for version, base in zip(versions, ("hub/base", "hub/base", "scratch"), strict=True):
        version.fit.base = base
        version.fit.save()
    for version in versions[1:]:
        version.artifact.files = ADAPTER
        version.artifact.save()
    return versions


def make_policies(cast: Cast) -> list[PolicyVersion]:
    """Of v2 and v3 the adapters are kept, but v3 has no base."""
    base = make_policy(cast.project, 1)
    versions = [
        make_policy(cast.project, 2, algorithm="sft", start=base),
        make_policy(cast.project, 3, algorithm="sft"),
    ]
    for version in versions:
        assert version.artifact is not None
        version.artifact.files = ADAPTER
        version.artifact.save()
    return [base, *versions]


@pytest.mark.parametrize(
    ("make", "page", "action", "row", "queues"),
    [
        (
            make_reward_models,
            "reward-models",
            "export-reward-model",
            "reward_model_export",
            ["cpu", "cpu", "gpu"],
        ),
        (make_policies, "policies", "export-policy", "policy_export", ["gpu", "cpu", "gpu"]),
    ],
)
def test_a_version_is_exported_whole_or_as_the_adapter_that_it_has(
    cast: Cast, make: Any, page: str, action: str, row: str, queues: list[str]
) -> None:
    client, address = carol(cast), f"/admin/projects/helpful/{page}/"
    assert f"action-{action}" not in client.get(address).content.decode(), "there is nothing to export"
    versions = make(cast)
    text = client.get(address).content.decode()
    assert "What LoRA learnt was kept of v2: small" in text
    wishes = [(versions[0], "whole"), (versions[1], "whole"), (versions[1], "adapter")]
    for (version, shape), queue in zip(wishes, queues, strict=True):
        sent = {f"{action}-version": version.pk, f"{action}-shape": shape, f"{action}-license": "mit"}
        answer = client.post(f"/admin/projects/helpful/{action}/", sent)
        run = Run.objects.latest("pk")
        assert answer["Location"] == f"/admin/runs/{run.pk}/"
        export = getattr(run, row)
        assert (export.version, export.adapter, export.license) == (version, shape == "adapter", "mit")
        assert (run.created_by, run.queue) == (cast.carol, queue)
        assert describing.sentence(run) in client.get(answer["Location"]).content.decode()
    before = Run.objects.count()
    for version in (versions[0], versions[2]):
        sent = {f"{action}-version": version.pk, f"{action}-shape": "adapter", f"{action}-license": "mit"}
        answer = client.post(f"/admin/projects/helpful/{action}/", sent)
        assert answer.status_code == 400
        assert "Export it whole." in answer.content.decode()
    assert Run.objects.count() == before


def test_where_no_version_has_an_adapter_none_is_offered(cast: Cast) -> None:
    version = make_reward_model(cast.project, 1, make_snapshot(cast.project, "s"))
    client = carol(cast)
    assert "for peft" not in client.get("/admin/projects/helpful/reward-models/").content.decode()
    sent = {"export-reward-model-version": version.pk, "export-reward-model-license": "other"}
    assert client.post("/admin/projects/helpful/export-reward-model/", sent).status_code == 302
    assert not Run.objects.latest("pk").reward_model_export.adapter


def test_the_data_set_is_asked_for_on_the_projects_page(cast: Cast) -> None:
    client = carol(cast)
    assert 'id="action-dataset"' in client.get("/admin/projects/helpful/").content.decode()
    answer = client.post("/admin/projects/helpful/dataset/", {"dataset-license": "cc-by-4.0"})
    run = Run.objects.get(kind="export_dataset")
    assert answer["Location"] == f"/admin/runs/{run.pk}/"
    assert run.dataset_export.license == "cc-by-4.0"
    two = [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}]
    put(cast.project, "rankings", {"prompt": "Which?", "completions": two})
    data = client.get("/admin/projects/helpful/data/rankings/").content.decode()
    assert 'href="/admin/projects/helpful/#action-dataset"' in data


def test_pairs_of_two_forms_are_refused_at_their_field_and_go_out_by_form(cast: Cast) -> None:
    client, address = carol(cast), "/admin/projects/helpful/export/"
    two = [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}]
    chat = [{"role": "user", "content": "Which one?"}]
    put(cast.project, "rankings", *({"prompt": prompt, "completions": two} for prompt in ("Which?", chat)))
    refused = client.post(address, {"export-kind": "pairs", "export-split": "train"})
    assert refused.status_code == 400
    page = refused.content.decode()
    (field,) = re.findall(r'<select[^>]*name="export-form"[^>]*>', page)
    assert 'aria-invalid="true"' in field
    assert page.count("a file holds one form") == 1
    assert not Run.objects.exists()
    for form in ("text", "chat"):
        assert client.post(address, {"export-kind": "pairs", "export-form": form}).status_code == 302
        transfer = Run.objects.latest("pk").transfer
        assert (transfer.kind, transfer.form) == ("pairs", form)
    assert client.post(address, {"export-kind": "rankings"}).status_code == 302
    assert Run.objects.latest("pk").transfer.form == ""


def succeeded(run: Run, folder: str, **result: Any) -> Run:
    """As a worker leaves it, with two files in its folder."""
    Run.objects.filter(pk=run.pk).update(
        status="succeeded", finished_at=timezone.now(), result={"folder": folder, **result}
    )
    run.refresh_from_db()
    exported = folder_of(run).output / folder
    (exported / "train").mkdir(parents=True)
    (exported / "README.md").write_text("# Ours\n")
    (exported / "train" / "one").write_bytes(b"1" * 100)
    (exported.parent / "report.json").write_text("{}")
    return run


def test_what_was_made_is_downloaded_as_one_archive_with_the_lines_that_load_it(cast: Cast) -> None:
    version = make_reward_models(cast)[1]
    runs = [
        (handing_over.request_export(version=version), "ours-v2", {}),
        (handing_over.request_export(version=version, adapter=True), "ours-v2-adapter", {}),
        (
            transfers.request_dataset(project=cast.project),
            "ours",
            {"files": [{"path": "pairs_chat/train.parquet"}]},
        ),
    ]
    lines = [
        "from transformers import AutoModelForSequenceClassification\n"
        'model = AutoModelForSequenceClassification.from_pretrained("ours-v2")',
        "from peft import AutoPeftModelForSequenceClassification\n"
        'model = AutoPeftModelForSequenceClassification.from_pretrained("ours-v2-adapter", num_labels=1)',
        'from datasets import load_dataset\npairs_chat = load_dataset("ours", "pairs_chat")',
    ]
    client = carol(cast)
    for (run, folder, result), loading in zip(runs, lines, strict=True):
        address = f"/admin/runs/{run.pk}/"
        assert "/output/" not in client.get(address).content.decode(), "it has made nothing yet"
        assert client.get(f"{address}output/").status_code == 404
        succeeded(run, folder, **result)
        page = client.get(address).content.decode()
        assert f'href="{address}output/"' in page
        assert loading in page.replace("&quot;", '"')
        for download in (f"{address}output/", f"/api/v1/projects/helpful/runs/{run.pk}/output/"):
            answer = client.get(download)
            assert (answer["Content-Type"], answer["Content-Disposition"]) == (
                "application/zip",
                f'attachment; filename="{folder}.zip"',
            )
            assert answer.streaming
            sent = b"".join(answer)
            assert answer["Content-Length"] == str(len(sent))
            with zipfile.ZipFile(io.BytesIO(sent)) as archive:
                assert archive.namelist() == [f"{folder}/README.md", f"{folder}/train/one"]


def test_a_folder_that_is_gone_or_leads_elsewhere_is_not_offered(cast: Cast, tmp_path: Path) -> None:
    run = succeeded(transfers.request_dataset(project=cast.project), "ours", files=[{"path": "pairs/train"}])
    exported = folder_of(run).output / "ours"
    exported.rename(tmp_path / "elsewhere")
    client = carol(cast)
    page = client.get(f"/admin/runs/{run.pk}/").content.decode()
    assert re.search(r"The folder is kept no longer\.", page)
    assert "/output/" not in page
    exported.symlink_to(tmp_path / "elsewhere")
    assert client.get(f"/admin/runs/{run.pk}/output/").status_code == 404
