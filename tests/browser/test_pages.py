"""Every page in a real browser: no complaint of the console (the ``visit`` fixture holds that, CSP included), nothing
wider than the screen, nothing that axe-core finds, in light and dark."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from playwright.sync_api import Page, ViewportSize, expect

from annotation import members, people
from annotation.checking import control, standing
from annotation.collecting import flags, queue
from annotation.files import looking
from annotation.models import Completion, Delivery, Demonstration, Project, Prompt, Ranking, Rating, Task
from annotation.webhooks import subscribing
from annotation.withdrawal import erasure
from console import accounts
from console.data.kinds import KINDS
from rewardmodel import activation, rewards
from rewardmodel.models import Fit
from runs.models import Run, RunAnswer, RunMetric
from tests.annotation.factories import (
    have_read,
    make_annotator,
    make_member,
    make_project,
    make_tasks,
    make_user,
    put,
)
from tests.browser.axe import violations, violations_in_both_schemes
from tests.browser.conftest import Visit
from tests.browser.layout import EVERY_CONTROL, overhang, small_targets, wait_until_still
from tests.browser.ranking import wait_until_ready
from tests.pages.factories import make_transfer
from tests.rltrainer.factories import make_reward_model, make_snapshot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GUIDELINES = "Prefer **true** answers.\n\n1. Nothing wrong\n2. Nothing missing\n"
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 4
HOSTILE = '<script>document.title = "taken"</script><img src=x onerror="document.title = \'taken\'">'
# Who opens it, and where it is; {run} is a run with curves.
PAGES = {
    "login": (None, "/login/"),
    "home": ("olivia", "/"),
    "rank": ("alice", "/projects/helpful/rank/"),
    "guidelines": ("alice", "/projects/helpful/guidelines/"),
    "finished": ("alice", "/projects/empty/rank/"),
    "missing": ("alice", "/no-such-page/"),
    "invitation": (None, "{invitation}"),
    "admin": ("olivia", "/admin/"),
    "new project": ("olivia", "/admin/projects/"),
    "project": ("olivia", "/admin/projects/helpful/"),
    "reward models": ("olivia", "/admin/projects/helpful/reward-models/"),
    "policies": ("olivia", "/admin/projects/helpful/policies/"),
    "runs of a project": ("olivia", "/admin/projects/helpful/runs/"),
    "settings": ("olivia", "/admin/projects/helpful/settings/"),
    "try it": ("olivia", "/admin/projects/helpful/try/"),
    "annotators": ("olivia", "/admin/projects/helpful/annotators/"),
    "members": ("olivia", "/admin/projects/helpful/people/"),
    "flags": ("olivia", "/admin/projects/helpful/flags/"),
    "skips": ("olivia", "/admin/projects/helpful/flags/?show=skips"),
    "disagreements": ("olivia", "/admin/projects/helpful/disagreements/"),
    "withdrawals": ("olivia", "/admin/projects/helpful/withdrawals/?annotator=bob"),
    "webhooks": ("olivia", "/admin/projects/helpful/webhooks/"),
    "look": ("olivia", "/admin/projects/helpful/look/?file={look}"),
    "paused": ("alice", "/projects/paused/rank/"),
    "run": ("olivia", "/admin/runs/{run}/"),
    **{kind: ("olivia", f"/admin/projects/helpful/data/{kind}/") for kind in KINDS},
    **{f"one of {kind}": ("olivia", f"/admin/projects/helpful/data/{kind}/{{{kind}}}/") for kind in KINDS},
    "filtered": (
        "olivia",
        "/admin/projects/helpful/data/completions/?q=chat&source=nobody&split=train&until=x",
    ),
    "by reward": ("olivia", "/admin/projects/helpful/data/completions/?order=rewarded"),
    "tables": ("olivia", "/admin/annotation/"),
    "people": ("olivia", "/admin/annotation/annotator/"),
    "quality": ("olivia", "/admin/projects/helpful/quality/"),
    "snapshots": ("olivia", "/admin/annotation/snapshot/"),
    "runs": ("olivia", "/admin/runs/run/"),
    "row": ("olivia", "/admin/annotation/project/{project}/change/"),
    "accounts": ("olivia", "/admin/auth/user/"),
    "account": ("olivia", "/admin/auth/user/{alice}/change/"),
    "password": ("alice", "/account/password/"),
    "reset link": ("olivia", "/account/{alice}/reset-link/"),
    "reset": (None, "{reset}"),
    "tokens": ("alice", "/account/tokens/"),
    "api": (None, "/api/v1/docs/"),
}


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers", guidelines=GUIDELINES)
    make_tasks(helpful, 2, completions=4)
    return helpful


@pytest.fixture
def paths(project: Project) -> dict[str, Any]:
    """What the addresses in PAGES need."""
    alice = make_member(project, name="alice")
    have_read(project, alice)
    members.accept(token=_token(make_project("empty")), user=alice)
    olivia = User.objects.create_superuser("olivia")
    paused = make_project("paused")
    members.accept(token=_token(paused), user=alice)
    stopped = people.annotator_for(project=paused, user=alice)
    standing.pause(annotator=stopped, why="Your score on gold tasks is 0.31.", by=olivia)
    _flagged_and_skipped(project)
    _failed_to_tell(project)
    version = make_reward_model(project, 1, make_snapshot(project, "s"))
    activation.activate(version=version, why="Activated by olivia.")
    every = Completion.objects.filter(prompt__project=project)
    rewards.keep(version=version, values={one.public_id: one.pk / -7 for one in every})
    run = make_transfer(project).run
    Run.objects.filter(pk=run.pk).update(log_tail="reading\nwriting")
    RunMetric.objects.bulk_create(
        RunMetric(run=run, step=step, figures={"step": step, "loss": 1 / step}) for step in range(1, 20)
    )
    prompt_id = Prompt.objects.filter(project=project).values_list("public_id", flat=True)[0]
    RunAnswer.objects.bulk_create(
        RunAnswer(run=run, step=step, prompt_id=prompt_id, answer=text, reward=step / 3 - 1)
        for step, text in ((0, f"It is {LONG}."), (5, "It is a fig."))
    )
    path = members.invite(project=project, email="bob@example.org", role="annotator")
    return {
        **_rows_of_every_kind(project),
        "run": run.pk,
        "look": looked_at(project, olivia),
        "project": project.pk,
        "alice": alice.pk,
        "invitation": path,
        "reset": accounts.reset_path(user=alice),
    }


def looked_at(project: Project, user: User) -> str:
    """A table of which one row is bad, and one has a long word."""
    table = f"question,response_a,response_b,winner\nWhich?,{LONG},Mud.,a\nWhich?,Fig.,Mud.,perhaps\n"
    file = ContentFile(table.encode())
    return looking.send(project=project, file=file, file_name="table.csv", columns={}, user=user)


def _rows_of_every_kind(project: Project) -> dict[str, Any]:
    """One row of every kind of data, of words that are hard to show."""
    put(project, "ratings", {"prompt": HOSTILE, "completion": LONG, "score": 1, "annotator": HOSTILE})
    chat = [{"role": "system", "content": HOSTILE}, {"role": "user", "content": LONG}]
    put(project, "demonstrations", {"prompt": chat, "completion": f"# {LONG}", "annotator": LONG[:200]})
    rows: dict[str, Any] = {
        "prompts": Prompt.objects.kept(),
        "completions": Completion.objects.filter(flags__isnull=False),
        "tasks": Task.objects.filter(rankings__isnull=False),
        "rankings": Ranking.objects.all(),
        "ratings": Rating.objects.all(),
        "demonstrations": Demonstration.objects.all(),
    }
    return {kind: of_kind.latest("pk").public_id for kind, of_kind in rows.items()}


def _failed_to_tell(project: Project) -> None:
    """One webhook that is active with a failed message, and one that is paused."""
    hook, _ = subscribing.create(
        project=project, url=f"https://{'long-name-' * 6}.example/a", events=["run.ended"]
    )
    subscribing.send_test(webhook=hook)
    Delivery.objects.update(status="failed", attempts=12, answer_status=503, reason=HOSTILE)
    paused, _ = subscribing.create(project=project, url="https://example.org/", events=["task.completed"])
    subscribing.change(webhook=paused, active=False)


def _flagged_and_skipped(project: Project) -> None:
    """Bob flags one task, for two reasons, and skips it; a third text names its model."""
    bob = make_annotator(project, "bob")
    in_hand = queue.claim(annotator=bob)
    assert in_hand is not None
    flags.raise_flag(assignment=in_hand, annotator=bob, category="private", words=HOSTILE)
    flags.raise_flag(assignment=in_hand, annotator=bob, category="other", words=LONG, passing=True)
    texts = [{"text": f"I am ChatGPT. {HOSTILE}"}, {"text": LONG}]
    put(
        project,
        "rankings",
        {"prompt": LONG, "completions": [{**t, "rank": 1 + i} for i, t in enumerate(texts)]},
    )
    standing.pause(annotator=bob, why=LONG, by=None)
    for number, (name, ranks) in enumerate({"x": (1, 2), "y": (2, 1)}.items()):
        answers = [{**text, "rank": rank} for text, rank in zip(texts, ranks, strict=True)]
        line = {
            "prompt": HOSTILE,
            "completions": answers,
            "annotator": name,
            "rationale": (HOSTILE, LONG)[number],
        }
        put(project, "rankings", line)
    control.configure(project=project, adjudicate_below=0.9)
    put(project, "prompts", {"prompt": "Not for long."})
    prompt = Prompt.objects.get(project=project, messages__0__content="Not for long.")
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))


def _token(project: Project) -> str:
    path = members.invite(project=project, email="alice@example.org", role="annotator")
    return path.rstrip("/").rsplit("/", 1)[-1]


def open_named(visit: Visit, name: str, paths: dict[str, Any], **options: Any) -> Page:
    who, path = PAGES[name]
    user = User.objects.get(username=who) if who else None
    page = visit(path.format(**paths), user, **options)
    if name in {"rank", "finished", "paused"}:
        wait_until_ready(page)
    if name == "run":
        page.wait_for_selector(".curve canvas")
    return page


# Tables and rows as Django's admin shows them, whose controls all have 24 px (WCAG 2.5.8); and what a finger touches
# on all other pages, links in sentences apart.
DJANGOS = ("/admin/annotation/", "/admin/auth/", "/admin/runs/run/")
CONTROLS = (
    ".button, button, summary, select, textarea, .tabs a, .kinds a, .chip, "
    ".field input:not([type=checkbox], [type=hidden])"
)


# Opened one after another, the rows being the same: a researcher's are so many that they are several tests.
ROUNDS = [[name for name, (who, _) in PAGES.items() if who != "olivia"]] + [
    [name for name, (who, _) in PAGES.items() if who == "olivia"][first::4] for first in range(4)
]


@pytest.mark.parametrize("names", ROUNDS, ids=lambda names: names[0])
def test_axe_finds_nothing_in_light_and_dark_and_a_small_phone_shows_it_whole(
    visit: Visit, paths: dict[str, Any], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.contrib.admin.ModelAdmin.list_per_page", 2)  # there are pages to be chosen
    faults: dict[str, Any] = {}
    contexts: dict[str | None, Any] = {}
    for name in names:
        page = open_named(visit, name, paths, context=contexts.get(PAGES[name][0]))
        contexts[PAGES[name][0]] = page.context
        seen = violations_in_both_schemes(page)
        page.set_viewport_size(ViewportSize(width=360, height=640))
        wait_until_still(page)
        least, controls = (24, EVERY_CONTROL) if PAGES[name][1].startswith(DJANGOS) else (44, CONTROLS)
        small = small_targets(page, least, controls)
        if seen or overhang(page) or small:
            faults[name] = (seen, overhang(page), small)
        page.close()
    assert faults == {}


def trouble(visit: Visit, name: str, live_server: Any) -> Page:
    """The page that says ``name``: what is no ordinary page is brought about as it comes about."""
    if name == "forbidden":
        return visit("/admin/", User.objects.get(username="alice"))
    page = visit("/login/")
    if name == "no token":
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill("wrong")
        page.evaluate("document.querySelector('[name=csrfmiddlewaretoken]').remove()")
        page.get_by_role("button", name="Log in").click()
    elif name == "no sense":
        # More fields than a request may have.
        page.evaluate(
            """() => {
              const form = document.querySelector("main form");
              form.noValidate = true;
              for (let i = 0; i < 1001; i += 1) {
                form.append(Object.assign(document.createElement("input"), { name: "x" }));
              }
              form.submit();
            }"""
        )
        page.wait_for_selector("h1:has-text('makes no sense')")
    elif name == "locked":
        for _ in range(10):
            page.get_by_label("Username").fill("alice")
            page.get_by_label("Password").fill("wrong")
            page.get_by_role("button", name="Log in").click()
    elif name == "closed address":
        for number in range(11):
            page.get_by_label("Username").fill(f"account-{number}")
            page.get_by_label("Password").fill("wrong")
            page.get_by_role("button", name="Log in").click()
    elif name == "used link":
        page.goto("/account/reset/MQ/used/")
    elif name == "used invitation":
        page.goto("/invitations/used/")
    return page


TROUBLES = {
    "forbidden": "This is not open to you",
    "no token": "This page was open for too long",
    "no sense": "This request makes no sense",
    "locked": "Too many attempts",
    "closed address": "Too many attempts",
    "used link": "This link does not work any more",
    "used invitation": "This link does not open anything",
    "broken": "Something broke",
}


@pytest.mark.parametrize("name", TROUBLES)
def test_axe_finds_nothing_where_something_went_wrong(
    visit: Visit,
    paths: dict[str, Any],
    name: str,
    live_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    complaints: list[str],
    settings: Any,
) -> None:
    settings.ADDRESS_FAILURES = 10 if name == "closed address" else 100
    if name == "broken":
        monkeypatch.setattr("annotation.collecting.progress.of", lambda annotator: 1 / 0)
        page = visit("/", User.objects.get(username="alice"))
    else:
        page = trouble(visit, name, live_server)
    expect(page.get_by_role("heading", level=1)).to_have_text(TROUBLES[name])
    for size in (1440, 360):
        page.set_viewport_size(ViewportSize(width=size, height=800))
        assert overhang(page) == 0
        assert violations_in_both_schemes(page) == {}, size
    # A status of 500 is said to the console, rightly.
    if name == "broken":
        complaints.clear()


def test_a_link_for_a_new_password_is_made_followed_and_used(visit: Visit, paths: dict[str, Any]) -> None:
    page = open_named(visit, "reset link", paths, viewport={"width": 360, "height": 640})
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("code.copyable").inner_text()
    assert overhang(page) == 0
    assert violations_in_both_schemes(page) == {}
    holder = visit(link)
    holder.locator("[name=new_password1]").fill("a long new password")
    holder.locator("[name=new_password2]").fill("a long new password")
    holder.get_by_role("button", name="Set it and log in").click()
    expect(holder.get_by_text("Your new password is set")).to_be_visible()
    holder.locator(".site details summary").click()
    holder.get_by_role("link", name="Change password").click()
    expect(holder.get_by_role("heading", level=1)).to_have_text("Change your password")


def test_hostile_and_unwieldy_texts_do_nothing_and_fit(visit: Visit, complaints: list[str]) -> None:
    project = make_project("helpful", guidelines=HOSTILE)
    texts = [
        HOSTILE,
        LONG,
        "مرحبا بالعالم، هذه إجابة طويلة بعض الشيء.",
        f"```\n{LONG}\n```\n\n|a|b|\n|-|-|\n|{LONG}|1|",
    ]
    put(project, "completions", {"prompt": HOSTILE + LONG, "completions": [{"text": text} for text in texts]})
    alice = make_member(project)
    have_read(project, alice)
    for width in (360, 1440):
        page = visit("/projects/helpful/rank/", alice, viewport={"width": width, "height": 800})
        wait_until_ready(page)
        assert overhang(page) == 0
        assert violations(page) == []
        for key in ("1", "2", "3", "4"):
            page.keyboard.press(key)
        page.keyboard.press("v")
        assert overhang(page) == 0
        assert page.title() == "Helpful · Concord"
        assert page.locator("main img, main script").count() == 0
        arabic = page.locator(".completion .prose p", has_text="مرحبا")
        assert arabic.evaluate("(p) => getComputedStyle(p).unicodeBidi") == "plaintext"
    assert complaints == []


def test_the_choice_of_colours_is_kept_and_holds_in_the_admin(visit: Visit, paths: dict[str, Any]) -> None:
    page = open_named(visit, "home", paths, color_scheme="light")
    light = background(page)
    page.locator(".menu > summary").click()
    page.get_by_label("Colours").select_option("dark")
    dark = background(page)
    assert dark != light
    page.goto("/admin/")
    assert background(page) == dark


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_an_annotator_who_opens_the_admin_is_told_so(visit: Visit, project: Project) -> None:
    page = visit("/admin/", make_user())
    assert page.get_by_role("heading", name="This is not open to you").is_visible()


def test_guidelines_are_previewed_while_they_are_written(visit: Visit, paths: dict[str, Any]) -> None:
    page = open_named(visit, "settings", paths)
    page.locator("#action-configure summary").click()
    text = page.get_by_label("Guidelines")
    text.fill("Prefer **true** answers.")
    form = page.locator("#action-configure")
    form.get_by_role("button", name="Preview").click()
    preview = form.get_by_role("region", name="Preview")
    expect(preview.locator("strong")).to_have_text("true")
    text.fill("Prefer *short* answers.\n\n- Nothing wrong")
    expect(preview.locator("li")).to_have_count(1)
    sizes = preview.locator("p, li").evaluate_all("all => all.map(one => getComputedStyle(one).fontSize)")
    assert len(set(sizes)) == 1
    expect(preview.locator("em")).to_have_text("short")
    expect(preview.locator("strong")).to_have_count(0)
    assert violations_in_both_schemes(page) == {}
    form.get_by_role("button", name="Hide the preview").click()
    expect(preview).to_be_hidden()


def test_a_fit_is_asked_for_with_a_preset_and_a_setting_of_ones_own(
    visit: Visit, paths: dict[str, Any]
) -> None:
    page = open_named(visit, "reward models", paths)
    page.locator("#action-fit > summary").click()
    form = page.locator("#action-fit form")
    form.get_by_label("Preset").select_option("quick look")
    expect(form.get_by_label("Epochs")).to_have_value("1")
    lengths = form.locator("summary", has_text="Lengths and memory")
    expect(lengths).to_contain_text("2 changed")
    lengths.click()
    expect(form.get_by_label("Longest prompt")).to_have_value("256")
    form.get_by_label("Longest prompt").fill("300")
    # Back to what it was without the preset: stays so, though the preset says otherwise.
    form.get_by_label("Longest completion").fill("1024")
    expect(lengths).to_contain_text("1 changed")
    form.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    assert violations_in_both_schemes(page) == {}
    # The browser itself refuses what is out of range.
    form.get_by_label("Epochs").fill("0")
    form.get_by_role("button", name="Fit a reward model").click()
    assert form.get_by_label("Epochs").evaluate("(input) => input.validity.rangeUnderflow")
    queued = Fit.objects.filter(run__status=Run.Status.QUEUED, version=None)
    assert not queued.exists()
    form.get_by_label("Epochs").fill("2")
    form.get_by_role("button", name="Fit a reward model").click()
    page.wait_for_url("**/admin/runs/*/")
    assert queued.get().config == {
        "epochs": 2,
        "max_prompt_tokens": 300,
        "validation_rankings": 200,
        "resamples": 200,
    }


def test_the_fields_of_the_algorithm_that_is_chosen_are_shown(visit: Visit, paths: dict[str, Any]) -> None:
    page = visit("/admin/projects/helpful/policies/", User.objects.get(username="olivia"))
    page.locator("#action-train > summary").click()
    trainings = page.locator("#action-train")
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for algorithm, button in (
            ("SFT", "Train by SFT"),
            ("REINFORCE", "Train by REINFORCE"),
            ("PPO", "Train by PPO"),
        ):
            trainings.get_by_label(algorithm, exact=True).check()
            expect(trainings.get_by_role("button", name="Train by")).to_have_text([button])
            trainings.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
            assert overhang(page) == 0, (width, algorithm)
        assert violations_in_both_schemes(page) == {}, width


WITHOUT_HAS = """() => {
    for (const sheet of document.styleSheets)
        for (let i = sheet.cssRules.length - 1; i >= 0; i -= 1)
            if (sheet.cssRules[i].selectorText?.includes(":has(")) sheet.deleteRule(i);
}"""


def test_browsers_without_has_show_the_fields_of_the_chosen_algorithm_alone(
    visit: Visit, paths: dict[str, Any]
) -> None:
    page = visit("/admin/projects/helpful/policies/#action-train-ppo", User.objects.get(username="olivia"))
    page.evaluate(WITHOUT_HAS)
    trainings = page.locator("#action-train")
    # What the address names is open and chosen.
    expect(trainings.get_by_role("button", name="Train by")).to_have_text(["Train by PPO"])
    for algorithm in ("SFT", "REINFORCE", "PPO"):
        trainings.get_by_label(algorithm, exact=True).check()
        expect(trainings.get_by_role("button", name="Train by")).to_have_text([f"Train by {algorithm}"])
