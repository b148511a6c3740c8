"""A version exported in a browser: the form that asks for it, and the run's page that hands it out."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ViewportSize, expect

from runs.models import Run
from tests.browser.axe import violations_in_both_schemes
from tests.browser.conftest import Visit
from tests.browser.layout import overhang, wait_until_still
from tests.pages.cast import make_cast
from tests.pages.test_exporting import make_policies, make_reward_models, succeeded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("make", "page_name", "row"),
    [
        (make_reward_models, "reward-models", "reward_model_export"),
        (make_policies, "policies", "policy_export"),
    ],
)
def test_an_adapter_is_asked_for_and_downloaded(
    visit: Visit, tmp_path: Path, settings: Any, make: Any, page_name: str, row: str
) -> None:
    settings.RUNS_DIR = tmp_path
    cast = make_cast()
    version = make(cast)[1]
    page = visit(f"/admin/projects/helpful/{page_name}/", cast.carol)
    page.get_by_text("Export a version").click()
    form = page.locator("details[open].action")
    form.get_by_label("Version").select_option(label=str(version))
    form.get_by_label("As").select_option(label="adapter alone, for peft")
    form.get_by_label("License").fill("mit")
    for width in (360, 1440):
        page.set_viewport_size(ViewportSize(width=width, height=900))
        wait_until_still(page)
        assert overhang(page) == 0
    assert violations_in_both_schemes(page) == {}
    form.get_by_role("button", name="Export").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Export the adapter of {version}")
    run = Run.objects.latest("pk")
    export = getattr(run, row)
    assert (export.version, export.adapter, export.license) == (version, True, "mit")
    # The page asks for itself again until its run has ended.
    name = f"helpful-{page_name}-with-a-name-that-is-as-long-as-a-projects-may-be-adapter"
    succeeded(run, name)
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    expect(page.locator("#live pre").first).to_contain_text(f'.from_pretrained("{name}"')
    assert violations_in_both_schemes(page) == {}
    page.set_viewport_size(ViewportSize(width=360, height=640))
    wait_until_still(page)
    assert overhang(page) == 0
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == f"{name}.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.read(f"{name}/train/one") == b"1" * 100
