"""A researcher's first hour in a real Chromium, against a whole Concord with its workers: some minutes.

    CONCORD_REAL_DATA=DIR python -m benchmarks.first_hour [--size desk|laptop|phone] [--dark] [--pictures FOLDER]
        [--docs]

Makes a project, imports demonstrations and rankings, invites, looks at data, trains by SFT, fits twice, compares and
activates, trains by PPO, watches, tries, samples, compares policies and exports: by what the pages offer alone. On
every page axe-core looks for faults and the console is listened to. Then every other page of a researcher is opened,
with all that can be unfolded, and the tables and forms of Django's admin. Says how long each step took; 1 where
anything is wrong.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django
from playwright.sync_api import Locator, Page, expect, sync_playwright

from benchmarks.screenshots import DESK, GUIDELINES, IMAGES, PHONE

LAPTOP = {"viewport": {"width": 1280, "height": 800}}
SIZES: dict[str, dict[str, Any]] = {"desk": DESK, "laptop": LAPTOP, "phone": PHONE}
NAME, PASSWORD = "olivia", "a long pass phrase for the first hour"
TINY = {"base": "scratch", "epochs": 1, "hidden": 48, "layers": 2, "vocabulary": 512}
CONFIGS: dict[str, dict[str, Any]] = {
    "train-sft": {**TINY, "batch_tokens": 2048},
    "fit": TINY,
    "fit-again": {**TINY, "seed": 1, "epochs": 2},
    "train-ppo": {"steps": 6, "held_out_prompts": 40, "max_new_tokens": 40, "batch_prompts": 16},
}
RUN_SECONDS = 300
# What docs/researching.md shows, the upper part of the page.
DOCUMENTED = ("loop", "ranking", "reward-models", "policies", "ppo", "try-it")
# What the walk itself does not come by, below the project and elsewhere.
ROOMS = {
    "all-loop": "",
    "all-reward-models": "reward-models/",
    "all-policies": "policies/",
    "all-try-it": "try/",
    "all-settings": "settings/",
    "all-people": "people/",
    "annotators": "annotators/",
    "flags": "flags/",
    "disagreements": "disagreements/",
    "withdrawals": "withdrawals/",
    "webhooks": "webhooks/",
    **{f"data-{kind}": f"data/{kind}/" for kind in ("completions", "tasks", "ratings", "demonstrations")},
}
TABLES = {
    "projects": "/admin/",
    "tokens": "/account/tokens/",
    "password": "/account/password/",
    "admin-accounts": "/admin/auth/user/",
    "admin-projects": "/admin/annotation/project/",
    "admin-runs": "/admin/runs/run/",
    "admin-snapshots": "/admin/annotation/snapshot/",
}
FIRST_ROWS = {
    **dict.fromkeys(("data-completions", "data-tasks", "data-demonstrations"), ".lines a, table a"),
    **dict.fromkeys(("admin-accounts", "admin-projects", "admin-runs"), "#result_list tbody th a"),
}


class Hour:
    """One walk. ``faults`` are what axe-core or the console said, each with its page."""

    def __init__(
        self, page: Page, address: str, data: Path, pictures: Path | None, *, documented: bool
    ) -> None:
        self.page, self.address, self.data, self.pictures = page, address, data, pictures
        self.documented = documented
        self.faults: list[str] = []
        page.on("console", lambda message: self._note_console(message.type, message.text))
        page.on("pageerror", lambda error: self._note_console("error", str(error)))

    def _note_console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(f"{self.page.url}: {text}")

    def walk(self) -> None:
        """Every step, with how long it took."""
        for step in (
            self.log_in, self.make_the_project, self.import_files, self.invite, self.look_at_data, self.train_by_sft,
            self.fit_twice, self.compare_reward_models, self.activate, self.train_by_ppo, self.try_it, self.sample,
            self.compare_policies, self.export, self.see_the_loop, self.see_the_rest,
        ):  # fmt: skip
            began = time.monotonic()
            step()
            print(f"{time.monotonic() - began:6.1f} s  {step.__name__.replace('_', ' ')}", flush=True)

    def look(self, name: str) -> None:
        """A page as it is now: its faults, and its picture where pictures are wanted."""
        from tests.browser.axe import violations
        from tests.browser.layout import overhang

        self.faults += [f"{self.page.url}: {fault}" for fault in violations(self.page)]
        wide = overhang(self.page)
        if wide:
            self.faults.append(f"{self.page.url}: wider than the screen: {wide}")
        if self.pictures is not None:
            self.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)
        if self.documented and name in DOCUMENTED:
            self.page.evaluate("scrollTo(0, 0)")
            self.page.screenshot(path=IMAGES / f"researcher-{name}.png")

    def room(self, name: str) -> None:
        """One of the project's pages, by its tab, once all of it is there."""
        rooms = self.page.get_by_role("navigation", name="Restaurants")
        tab = rooms.get_by_role("link", name=name, exact=True)
        tab.click()
        expect(tab).to_have_attribute("aria-current", "page")
        self.page.wait_for_load_state()

    def form(self, action: str) -> Locator:
        """The form of an action, unfolded."""
        part = self.page.locator(f"#action-{action}")
        summary = part.locator("> summary")
        if summary.count() and not part.get_attribute("open") and part.get_attribute("open") != "":
            summary.click()
        return part

    def with_json(self, part: Locator, action: str) -> None:
        """Settings, as somebody who has them in a file gives them."""
        part.locator("details", has_text="As JSON").last.locator("summary").click()
        part.get_by_label("Settings as JSON").fill(json.dumps(CONFIGS[action]))

    def until_done(self, name: str) -> None:
        """Watch a run to its end."""
        expect(self.page).to_have_url(
            f"{self.address}/admin/runs/{self.page.url.rstrip('/').split('/')[-1]}/"
        )
        expect(self.page.locator("#live .badge").first).to_have_text(
            "✓ succeeded", timeout=1000 * RUN_SECONDS
        )
        self.page.reload()
        self.page.wait_for_load_state("networkidle")
        self.look(name)

    def log_in(self) -> None:
        self.page.goto(f"{self.address}/admin/")
        self.page.get_by_label("Username").fill(NAME)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.look("nothing-yet")

    def make_the_project(self) -> None:
        self.page.get_by_role("link", name="New project").click()
        self.page.get_by_label("Name", exact=False).first.fill("Restaurants")
        self.page.get_by_label("Guidelines").fill(GUIDELINES)
        self.page.get_by_role("button", name="Make the project").click()
        expect(self.page.get_by_role("heading", name="Worth doing next")).to_be_visible()
        self.look("new-project")

    def import_files(self) -> None:
        demonstrations = self.data / "e2e_demonstrations.jsonl"
        rankings = self.data / "e2e_quality_rankings.jsonl.gz"
        for file, kind in ((demonstrations, "demonstrations"), (rankings, "rankings")):
            self.room("Loop")
            part = self.form("import")
            part.locator("input[type=file]").set_input_files(file)
            part.get_by_label("It holds").select_option(kind)
            part.get_by_role("button", name="Import").click()
            self.until_done(f"import-{kind}")

    def invite(self) -> None:
        self.room("People")
        part = self.form("invite")
        part.get_by_label("E-mail").fill("bob@example.org")
        part.get_by_role("button", name="Invite").click()
        expect(self.page.get_by_text("the link below")).to_be_visible()
        self.look("people")

    def look_at_data(self) -> None:
        self.room("Data")
        self.look("prompts")
        self.page.get_by_role("link", name="Rankings", exact=True).click()
        self.look("rankings")
        self.page.locator(".lines a, table a").first.click()
        self.look("ranking")

    def train_by_sft(self) -> None:
        self.room("Policies")
        part = self.form("train")
        part.get_by_label("SFT").check()
        part = self.page.locator("#action-train-sft")
        self.with_json(part, "train-sft")
        part.get_by_role("button", name="Train").click()
        self.until_done("sft")

    def fit_twice(self) -> None:
        for name in ("fit", "fit-again"):
            self.room("Reward models")
            part = self.form("fit")
            self.with_json(part, name)
            part.get_by_role("button", name="Fit a reward model").click()
            self.until_done(name)

    def compare_reward_models(self) -> None:
        self.room("Reward models")
        self.form("contest").get_by_role("button", name="Compare versions").click()
        self.until_done("contest")
        self.page.get_by_role("link", name="See them side by side").click()
        self.page.get_by_text("The pairs that they order worst").click()
        self.look("reward-models")

    def activate(self) -> None:
        self.page.get_by_role("button", name="Activate").first.click()
        expect(self.page.locator("#v2 .badge", has_text="active")).to_be_visible()

    def train_by_ppo(self) -> None:
        self.room("Policies")
        self.form("train").get_by_label("PPO").check()
        part = self.page.locator("#action-train-ppo")
        self.with_json(part, "train-ppo")
        part.get_by_role("button", name="Train").click()
        expect(self.page.locator("#live .badge").first).to_have_text("running", timeout=60_000)
        self.look("ppo-at-work")
        self.until_done("ppo")

    def try_it(self) -> None:
        self.room("Try it")
        self.page.get_by_label("Prompt").first.fill(
            "Describe the place in one or two sentences: name[The Mill], eatType[coffee shop], food[English]"
        )
        self.page.get_by_role("button", name="Ask").click()
        expect(self.page.get_by_role("region", name="Answers")).to_be_visible(timeout=120_000)
        self.look("try-it")

    def sample(self) -> None:
        self.room("Policies")
        part = self.form("sample")
        part.get_by_label("Prompts").first.fill("20")
        part.get_by_role("button", name="Sample").click()
        self.until_done("sampling")

    def compare_policies(self) -> None:
        self.room("Policies")
        part = self.form("compare")
        for box in part.get_by_role("checkbox", name="policy v").all():
            box.check()
        part.get_by_role("button", name="Compare").click()
        self.until_done("evaluation")
        self.page.get_by_role("link", name="See the policies side by side").click()
        self.look("policies")

    def export(self) -> None:
        self.room("Loop")
        self.form("export").get_by_role("button", name="Export").click()
        self.until_done("export")
        with self.page.expect_download() as file:
            self.page.get_by_role("link", name="Download").click()
        pairs = Path(file.value.path()).read_bytes()
        lines = gzip.decompress(pairs) if pairs[:2] == b"\x1f\x8b" else pairs
        assert lines.count(b"\n") > 1000

    def see_the_loop(self) -> None:
        self.room("Runs")
        self.look("runs")
        self.room("Quality")
        self.look("quality")
        self.room("Loop")
        self.look("loop")

    def see_the_rest(self) -> None:
        """What no step came by: where pictures are wanted they are of all that can be unfolded."""
        project = self.page.url.removeprefix(self.address).rstrip("/")
        for name, path in {**{name: f"{project}/{path}" for name, path in ROOMS.items()}, **TABLES}.items():
            self.page.goto(f"{self.address}{path}")
            self.open_all()
            self.look(name)
            if name in FIRST_ROWS:
                self.page.locator(FIRST_ROWS[name]).first.click()
                self.page.wait_for_load_state()
                self.open_all()
                self.look(f"{name}-one")

    def open_all(self) -> None:
        """Unfold what is folded, but the menu."""
        self.page.locator("details:not(.menu)").evaluate_all("all => all.forEach((one) => (one.open = true))")


def walked(size: str, pictures: Path | None, *, documented: bool, dark: bool) -> list[str]:
    """The faults of one walk on a new Concord."""
    from tests.browser.chromium import launch
    from tests.launched import Concord, free_port

    with tempfile.TemporaryDirectory(prefix="concord-hour-") as home, sync_playwright() as playwright:
        concord = Concord(Path(home), free_port(), CONCORD_FORKS="")
        try:
            concord.ready()
            subprocess.run(
                [
                    sys.executable,
                    "manage.py",
                    "createsuperuser",
                    "--noinput",
                    "--username",
                    NAME,
                    "--email",
                    "",
                ],
                env={**concord.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
                check=True,
                stdout=subprocess.DEVNULL,
            )
            browser = launch(playwright)
            scheme: Any = "dark" if dark else "light"
            page = browser.new_context(**SIZES[size], color_scheme=scheme).new_page()
            page.set_default_timeout(20_000)
            data = Path(os.environ["CONCORD_REAL_DATA"])
            hour = Hour(page, concord.url, data, pictures, documented=documented)
            hour.walk()
            browser.close()
            return hour.faults
        finally:
            concord.end()


def main() -> int:
    """1 where anything was wrong."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_hour")
    parser.add_argument("--size", choices=SIZES, default="desk")
    parser.add_argument("--dark", action="store_true", help="as on a device that asks for dark colours")
    parser.add_argument("--pictures", type=Path, help="a folder for one picture a page")
    parser.add_argument("--docs", action="store_true", help="the pictures of docs/images")
    chosen = parser.parse_args()
    if chosen.pictures:
        chosen.pictures.mkdir(parents=True, exist_ok=True)
    faults = walked(chosen.size, chosen.pictures, documented=chosen.docs, dark=chosen.dark)
    print(f"{len(faults)} faults")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
