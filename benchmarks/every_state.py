"""A picture of every page of an annotator, in every state that can be brought about, on a desk and a phone, in light
and dark.

    python -m benchmarks.screenshots --every FOLDER [WORDS ...]

Writes PAGE-STATE-VARIANT.png into FOLDER, VARIANT being desk, desk-dark, phone or phone-dark: of states whose name has
one of WORDS alone, where there are any. Dialogs and tasks are taken as the screen shows them (parts stick to it), the
lower end of a long task as ...-end.png; all others whole. Also says, once a state and size, what is wider than the
screen or too small for a finger: to look at, not a test.

Each state has a project and a person of its own, so that none depends on another. Left out: gold tasks, repeats and
adjudication, which look like any other on purpose, and a server that fails (``500.html``).
"""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from benchmarks.screenshots import ANSWERS, AXES, DESK, GUIDELINES, PHONE, PROMPT, concord
from tests.browser.chromium import launch

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from annotation.models import Annotator, Assignment, Project

SIZES: dict[str, dict[str, Any]] = {"desk": DESK, "phone": PHONE}
SCHEMES: dict[str, Literal["light", "dark"]] = {"": "light", "-dark": "dark"}
PASSWORD = "a long pass phrase for pictures"
ONE_PAIR = ANSWERS[:2]
LONG = "\n\n".join(
    f"{number}. The red line runs every {5 + number} minutes by day. It is the quickest way with a suitcase, for there "
    "are lifts at both ends; keep the card, which can be loaded for a year, and mind the gap where the line bends."
    for number in range(1, 16)
)
TECHNICAL = [
    "Sort by the key, in place:\n\n```python\ndef by_size(files: list[Path], descending: bool = False, "
    "follow_symbolic_links: bool = True) -> list[Path]:\n    return sorted(files, key=lambda file: "
    "file.stat(follow_symlinks=follow_symbolic_links).st_size, reverse=descending)\n```\n\nIt takes `O(n log n)`.",
    "| name | type | default | what it does | since |\n| --- | --- | ---: | --- | --- |\n"
    "| `descending` | boolean | false | largest first, smallest last | 3.1 |\n"
    "| `follow_symbolic_links` | boolean | true | the size of what a link points to | 3.9 |",
    "With $n$ files, this grows as\n\n$$\\sum_{i=1}^{n} \\log_2 i = n \\log_2 n - \\frac{n}{\\ln 2} + O(\\log n)$$"
    "\n\n> A quotation, *emphasis* and [a link](https://example.org/).",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft_und_noch_ein_sehr_langes_wort\n\n"
    "مرحبا بالعالم\n\n- one\n  - two\n    - three",
]
_numbers = itertools.count(1)


class Scene:
    """One state on one size of screen: its own person, who is in ``project``, and the page they see in the end."""

    def __init__(self, browser: Browser, address: str, size: dict[str, Any]) -> None:
        from django.contrib.auth.models import User

        self.number = next(_numbers)
        self.user = User.objects.create_user(f"alice{self.number}", password=PASSWORD)
        self._browser, self._address, self._size = browser, address, size
        self._contexts: list[BrowserContext] = []
        self.page: Page

    def project(
        self, *, name: str = "Helpful answers", guidelines: str = GUIDELINES, **settings: Any
    ) -> "Project":
        """A project that the person is in, and has read the guidelines of; ``settings`` of how it asks."""
        from annotation import people
        from annotation.collecting import asking

        new = people.create_project(slug=f"helpful-{next(_numbers)}", name=name, guidelines=guidelines)
        asking.change(
            project=new,
            **{
                "rating_axes": AXES,
                "ask_strength": False,
                "review_demonstrations": True,
                "demonstration_least_characters": 20,
                **settings,
            },
        )
        new.refresh_from_db()
        self.join(new, self.user)
        return new

    def join(self, project: "Project", user: "User") -> "Annotator":
        """Make ``user`` an annotator who has read the guidelines."""
        from annotation import people
        from annotation.models import Membership

        Membership.objects.create(project=project, user=user, role="annotator")
        annotator = people.annotator_for(project=project, user=user)
        people.has_read_guidelines(annotator=annotator, version=project.guideline_version)
        return annotator

    def annotator(self, project: "Project") -> "Annotator":
        """The person in ``project``."""
        from annotation import people

        return people.annotator_for(project=project, user=self.user)

    def somebody(self, project: "Project") -> "Annotator":
        """Another annotator."""
        from django.contrib.auth.models import User

        return self.join(project, User.objects.create_user(f"bob{next(_numbers)}"))

    def open(self, path: str, *, anonymous: bool = False, scripts: bool = True) -> Page:
        """The page as the person sees it, once its script has taken over."""
        from django.conf import settings
        from django.test import Client

        context = self._browser.new_context(
            **self._size, base_url=self._address, java_script_enabled=scripts, color_scheme="light"
        )
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        if not anonymous:
            client = Client()
            client.force_login(self.user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self._address}]
            )
        self.page = context.new_page()
        self.page.goto(path)
        if scripts and self.page.locator("html[data-needs=task]").count():
            self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.page

    def close(self) -> None:
        """Close what was opened."""
        for context in self._contexts:
            context.close()


def _tasks(
    project: "Project",
    answers: Sequence[str] = ANSWERS,
    prompt: Any = PROMPT,
    number: int = 2,
    kind: str = "rank",
) -> None:
    """Tasks of a kind, each of its own copy of ``answers``."""
    from annotation.files import intake
    from annotation.models import Task

    if kind == "demonstrate":
        values = [{"prompt": prompt if i == 0 else f"What is rain, in {i} words?"} for i in range(number)]
        intake.import_values(project=project, kind="prompts", values=values)
    else:
        completions = [{"text": text} for text in answers]
        values = [{"prompt": prompt, "completions": completions, "task": f"task {i}"} for i in range(number)]
        intake.import_values(project=project, kind="completions", values=values)
    if kind != "rank":
        Task.objects.filter(project=project).delete()
        intake.create_tasks(project=project, kind=kind, completions=len(answers) if kind == "rate" else None)


def _claimed(annotator: "Annotator") -> "Assignment":
    from annotation.collecting import queue

    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    return assignment


def _ranked(annotator: "Annotator", ranks: Sequence[int], verdict: str = "ranked", **words: Any) -> None:
    from annotation.collecting import ranking

    ranking.submit(
        assignment=_claimed(annotator),
        annotator=annotator,
        verdict=verdict,
        ranks=ranks,
        active_seconds=48.0,
        **words,
    )


def _written(annotator: "Annotator", text: str) -> Any:
    from annotation.collecting import demonstrating

    return demonstrating.submit(
        assignment=_claimed(annotator), annotator=annotator, text=text, active_seconds=210.0
    )


def _rank(scene: Scene, project: "Project", *keys: str, saved: bool = True, scripts: bool = True) -> Page:
    """The task in hand, with ``keys`` pressed on it."""
    page = scene.open(f"/projects/{project.slug}/rank/", scripts=scripts)
    for key in keys:
        page.keyboard.press(key)
    if keys and saved:
        expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    return page


# Logging in, and accounts.


def _tried(scene: Scene, times: int) -> None:
    page = scene.open("/login/", anonymous=True)
    for _ in range(times):
        page.get_by_label("Username").fill(scene.user.get_username())
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()


def _invitation(scene: Scene, *, used: bool = False, anonymous: bool = True, refused: bool = False) -> None:
    from annotation import members, people

    project = people.create_project(slug=f"helpful-{next(_numbers)}", name="Helpful answers")
    path = members.invite(project=project, email="alice@example.org", role="annotator")
    if used:
        members.accept(token=path.rstrip("/").rsplit("/", 1)[-1], user=scene.user)
    page = scene.open(path, anonymous=anonymous)
    if refused:
        page.locator("[name=password1]").fill("short")
        page.locator("[name=password2]").fill("shorter")
        page.get_by_role("button", name="Make the account and join").click()
        page.wait_for_load_state()


def _password_refused(scene: Scene) -> None:
    page = scene.open("/account/password/")
    page.locator("[name=old_password]").fill("wrong")
    page.locator("[name=new_password1]").fill("short")
    page.locator("[name=new_password2]").fill("shorter")
    page.get_by_role("button", name="Change the password").click()
    page.wait_for_load_state()


def _reset(scene: Scene) -> None:
    from console import accounts

    scene.open(accounts.reset_path(user=scene.user), anonymous=True)


def _no_token(scene: Scene) -> None:
    page = scene.open("/login/", anonymous=True)
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.evaluate("document.querySelector('[name=csrfmiddlewaretoken]').remove()")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state()


def _menu(scene: Scene) -> None:
    _tasks(scene.project())
    scene.open("/").locator(".menu > summary").click()


# Home and guidelines.


def _home(scene: Scene) -> None:
    """Some to judge, some finished, one paused, one with what was sent back and what waits for review."""
    from annotation.checking import standing
    from annotation.collecting import demonstrating

    _tasks(scene.project(), number=38)
    finished = scene.project(
        name="Summaries of the minutes of a town council that met more often than it had to", guidelines=""
    )
    _tasks(finished, number=1)
    _ranked(scene.annotator(finished), (1, 2, 3, 4))
    paused = scene.project(name="Travel")
    _tasks(paused)
    standing.pause(annotator=scene.annotator(paused), why="Your score on gold tasks is 0.31.", by=None)
    writing = scene.project(name="Ideal answers")
    _tasks(writing, kind="demonstrate", number=6)
    bob = scene.somebody(writing)
    mine = _written(scene.annotator(writing), "The red line runs to Alameda.")
    demonstrating.send_back(demonstration=mine, reviewer=bob, comment="Say what it costs.")
    _written(bob, "Rain is water that falls from clouds.")
    scene.open("/")


def _guidelines(scene: Scene, *, read: bool = True, text: str = GUIDELINES, changed: bool = False) -> None:
    from annotation import people
    from annotation.models import Annotator

    project = scene.project(guidelines=text)
    _tasks(project)
    annotator = scene.annotator(project)
    if not read:
        Annotator.objects.filter(pk=annotator.pk).update(guidelines_read=0)
    if changed:
        newer = (
            text.replace("Everything that was asked", "All that was asked, and no more,")
            + "\nSay so when you are unsure.\n"
        )
        people.change_project(project=project, guidelines=newer)
    scene.open(f"/projects/{project.slug}/{'guidelines' if read else 'rank'}/")


# Ranking.


def _ranking(
    scene: Scene, *keys: str, saved: bool = True, answers: Sequence[str] = ANSWERS, prompt: Any = PROMPT
) -> Page:
    project = scene.project()
    _tasks(project, answers, prompt)
    return _rank(scene, project, *keys, saved=saved)


def _offline(scene: Scene) -> None:
    page = _ranking(scene, "1", "2", "3")
    ahead = "performance.getEntriesByType('resource').some(({name}) => name.endsWith('/rank/ahead/'))"
    page.wait_for_function(ahead)
    page.wait_for_timeout(500)
    page.context.set_offline(True)
    for key in ("4", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".notice", has_text="offline").first).to_be_visible()


def _restored(scene: Scene) -> None:
    page = _ranking(scene, "1", "2", "2")
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")


def _refused(scene: Scene, kind: str, answers: Sequence[str] = ANSWERS, **settings: Any) -> None:
    project = scene.project(**settings)
    _tasks(project, answers, kind=kind)
    page = _rank(scene, project, scripts=False)
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("alert").wait_for()


def _taken(scene: Scene) -> None:
    """What was submitted while offline, and somebody else had judged it meanwhile."""
    from annotation.collecting import queue
    from annotation.models import Assignment

    page = _ranking(scene, "1", "2", "3")
    in_hand = Assignment.objects.get(public_id=page.locator("#judgement [name=assignment]").input_value())
    queue.release(assignment=in_hand, annotator=in_hand.annotator)
    _claimed(scene.somebody(in_hand.project))
    for key in ("4", "Enter"):
        page.keyboard.press(key)
    page.locator(".notice, .ranking__errors").first.wait_for()


def _dialog(scene: Scene, key: str, *then: str, answers: Sequence[str] = ANSWERS) -> None:
    """On a phone the buttons are what opens them."""
    names = {"s": "skip", "f": "flag", "g": "guidelines", "v": "compare", "?": "keys"}
    page = _ranking(scene, answers=answers)
    opener = page.locator(f"[data-open={names[key]}]").first
    if opener.is_visible():
        opener.click()
    else:
        page.keyboard.press(key)
    page.locator(f"#{names[key]}").wait_for()
    for button in then:
        page.locator(f"#{names[key]}").get_by_role("button", name=button).click()


def _warned(scene: Scene) -> None:
    from annotation.models import Annotator, StandingChange

    project = scene.project()
    _tasks(project)
    annotator = scene.annotator(project)
    Annotator.objects.filter(pk=annotator.pk).update(standing="warned")
    why = "Your score on tasks whose best order is known is 0.52 over 10; this project asks for 0.60."
    StandingChange.objects.create(annotator=annotator, standing="warned", why=why, last_ranking_id=0)
    _rank(scene, project)


def _guidelines_changed(scene: Scene) -> None:
    from annotation import people

    project = scene.project()
    _tasks(project)
    _claimed(scene.annotator(project))
    people.change_project(project=project, guidelines=f"{GUIDELINES}\nSay so when you are unsure.\n")
    _rank(scene, project)


def _paused(scene: Scene) -> None:
    from annotation.checking import standing

    project = scene.project()
    _tasks(project)
    standing.pause(annotator=scene.annotator(project), why="Your score on gold tasks is 0.31.", by=None)
    _rank(scene, project)


def _finished(scene: Scene, *, others: bool = False) -> None:
    project = scene.project()
    _tasks(project, number=2)
    annotator = scene.annotator(project)
    _ranked(annotator, (1, 2, 2, 3))
    if others:
        _claimed(scene.somebody(project))
    else:
        _ranked(annotator, (1, 2, 2, 3))
    _rank(scene, project)


# Pairs, ratings, writing and reviewing.


def _pair(scene: Scene, *keys: str, strength: bool = True, saved: bool = True) -> None:
    project = scene.project(ask_strength=strength)
    _tasks(project, ONE_PAIR)
    _rank(scene, project, *keys, saved=saved)


def _rating(scene: Scene, *keys: str, axes: list[dict[str, Any]] = AXES) -> None:
    project = scene.project(rating_axes=axes)
    _tasks(project, ONE_PAIR, kind="rate")
    _rank(scene, project, *keys)


def _writing(scene: Scene, text: str = "", *, preview: bool = False) -> None:
    project = scene.project()
    _tasks(project, kind="demonstrate")
    page = _rank(scene, project)
    if text:
        page.locator("#answer").fill(text)
        expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    if preview:
        page.locator("[data-show-preview]").click()
        expect(page.locator("#preview strong").first).to_be_visible()


def _review(
    scene: Scene, *, waiting: bool = True, mend: bool = False, refuse: bool = False, later: bool = False
) -> None:
    from annotation.collecting import demonstrating

    project = scene.project()
    _tasks(project, kind="demonstrate")
    if waiting:
        bob = scene.somebody(project)
        first = _written(bob, ANSWERS[0])
        if later:
            demonstrating.send_back(
                demonstration=first, reviewer=scene.somebody(project), comment="Say what the card costs."
            )
            demonstrating.revise(demonstration=first, annotator=bob, text=ANSWERS[3])
    page = scene.open(f"/projects/{project.slug}/review/")
    if mend:
        page.locator(".editing > summary").click()
    if refuse:
        page.get_by_role("button", name="Send back").click()
        page.get_by_role("alert").wait_for()


# One's own work.


def _work(scene: Scene, *, number: int = 4, query: str = "") -> None:
    """What was ranked in several ways, and an answer that was sent back."""
    from annotation.collecting import demonstrating

    project = scene.project()
    annotator = scene.annotator(project)
    if number:
        bob = scene.somebody(project)
        _tasks(project, kind="demonstrate", number=1)
        mine = _written(annotator, ANSWERS[0])
        demonstrating.send_back(demonstration=mine, reviewer=bob, comment="Say what the card costs.")
        _tasks_beside(project, number)
        _ranked(annotator, (2, 1, 4, 3), rationale="A says the price, B does not.", confidence="high")
        _ranked(annotator, (), verdict="all_bad", reason="Neither names the line.")
        for _ in range(number - 2):
            _ranked(annotator, (1, 2, 2, 3))
    scene.open(f"/projects/{project.slug}/history/{query}")


def _tasks_beside(project: "Project", number: int) -> None:
    """Tasks to be ranked where there are others already."""
    from annotation.files import intake

    completions = [{"text": text} for text in ANSWERS]
    values = [{"prompt": PROMPT, "completions": completions, "task": f"beside {i}"} for i in range(number)]
    intake.import_values(project=project, kind="completions", values=values)


def _revise(scene: Scene, kind: str) -> None:
    from annotation.collecting import demonstrating, rating

    project = scene.project(ask_strength=True)
    annotator = scene.annotator(project)
    if kind == "demonstrate":
        _tasks(project, kind=kind, number=1)
        mine = _written(annotator, ANSWERS[0])
        bob = scene.somebody(project)
        demonstrating.send_back(demonstration=mine, reviewer=bob, comment="Say what the card costs.")
        assignment = mine.assignment
    elif kind == "rate":
        _tasks(project, ONE_PAIR, kind=kind)
        assignment = _claimed(annotator)
        scores: list[dict[str, int | None]] = [{"helpful": 6, "honest": 4}, {"helpful": 3, "honest": None}]
        rating.submit(assignment=assignment, annotator=annotator, scores=scores, active_seconds=60.0)
    else:
        _tasks(project, ONE_PAIR if kind == "pair" else ANSWERS)
        assignment = _claimed(annotator)
        strength = 2 if kind == "pair" else None
        ranks = (1, 2) if kind == "pair" else (1, 2, 2, 3)
        _ranked(annotator, ranks, rationale="It says the price.", strength=strength)
    scene.open(f"/projects/{project.slug}/history/{assignment.public_id}/")


def _open(path: str, *, anonymous: bool = False) -> Callable[[Scene], None]:
    def arrange(scene: Scene) -> None:
        scene.open(path, anonymous=anonymous)

    return arrange


LONG_PROMPT = [
    {"role": "system", "content": "You help travellers."},
    *PROMPT[:2],
    {"role": "user", "content": LONG},
]
MANY_AXES: list[dict[str, Any]] = [
    *AXES,
    {"name": "harmless", "least": 0, "most": 8},
    {"name": "tone", "least": 1, "most": 3},
]
STATES: dict[str, Callable[[Scene], object]] = {
    "login-plain": _open("/login/", anonymous=True),
    "login-refused": lambda scene: _tried(scene, 1),
    "login-locked": lambda scene: _tried(scene, 10),
    "invitation-new": _invitation,
    "invitation-refused": lambda scene: _invitation(scene, refused=True),
    "invitation-member": lambda scene: _invitation(scene, anonymous=False),
    "invitation-used": lambda scene: _invitation(scene, used=True),
    "password-change": _open("/account/password/"),
    "password-refused": _password_refused,
    "password-reset": _reset,
    "password-used": _open("/account/reset/MQ/used/", anonymous=True),
    "account-menu": _menu,
    "account-tokens": _open("/account/tokens/"),
    "trouble-404": _open("/no-such-page/"),
    "trouble-403": _open("/admin/"),
    "trouble-csrf": _no_token,
    "trouble-offline": _open("/offline/"),
    "home-none": _open("/"),
    "home-some": _home,
    "guidelines-first": lambda scene: _guidelines(scene, read=False),
    "guidelines-again": _guidelines,
    "guidelines-changed": lambda scene: _guidelines(scene, changed=True),
    "guidelines-empty": lambda scene: _guidelines(scene, text=""),
    "ranking-empty": _ranking,
    "ranking-half": lambda scene: _ranking(scene, "1", "4"),
    "ranking-tie": lambda scene: _ranking(scene, "1", "2", "2"),
    "ranking-complete": lambda scene: _ranking(scene, "2", "1", "4", "3"),
    "ranking-bad": lambda scene: _ranking(scene, "x", saved=False),
    "ranking-long": lambda scene: _ranking(
        scene, answers=[LONG, ANSWERS[0], LONG[:1200], ANSWERS[1]], prompt=LONG_PROMPT
    ),
    "ranking-technical": lambda scene: _ranking(scene, answers=TECHNICAL),
    "ranking-many": lambda scene: _ranking(scene, "1", "2", answers=[*ANSWERS, *TECHNICAL, "Take a taxi."]),
    "ranking-empty-answer": lambda scene: _ranking(scene, answers=["", "Take a taxi.", "Take a taxi.\n"]),
    "ranking-skip": lambda scene: _dialog(scene, "s"),
    "ranking-flag": lambda scene: _dialog(scene, "f"),
    "ranking-keys": lambda scene: _dialog(scene, "?"),
    "ranking-aside": lambda scene: _dialog(scene, "g"),
    "ranking-compare": lambda scene: _dialog(scene, "v"),
    "ranking-restored": _restored,
    "ranking-offline": _offline,
    "ranking-refused": lambda scene: _refused(scene, "rank"),
    "ranking-taken": _taken,
    "ranking-warned": _warned,
    "ranking-guidelines": _guidelines_changed,
    "pair-empty": _pair,
    "pair-strength": lambda scene: _pair(scene, "5"),
    "pair-plain": lambda scene: _pair(scene, strength=False),
    "pair-bad": lambda scene: _pair(scene, "x", saved=False),
    "pair-refused": lambda scene: _refused(scene, "rank", ONE_PAIR, ask_strength=True),
    "rating-one": lambda scene: _rating(scene, axes=AXES[:1]),
    "rating-half": lambda scene: _rating(scene, "6", "5", "2"),
    "rating-many": lambda scene: _rating(scene, "6", "5", axes=MANY_AXES),
    "rating-missing": lambda scene: _refused(scene, "rate", ONE_PAIR),
    "writing-empty": _writing,
    "writing-draft": lambda scene: _writing(scene, ANSWERS[0], preview=True),
    "writing-refused": lambda scene: _refused(scene, "demonstrate"),
    "review-one": _review,
    "review-mend": lambda scene: _review(scene, mend=True),
    "review-refused": lambda scene: _review(scene, refuse=True),
    "review-later": lambda scene: _review(scene, later=True),
    "review-none": lambda scene: _review(scene, waiting=False),
    "end-none": lambda scene: _rank(scene, scene.project()),
    "end-finished": _finished,
    "end-waiting": lambda scene: _finished(scene, others=True),
    "end-paused": _paused,
    "work-empty": lambda scene: _work(scene, number=0),
    "work-many": _work,
    "work-no-hit": lambda scene: _work(scene, query="?q=zebra"),
    "revise-rank": lambda scene: _revise(scene, "rank"),
    "revise-pair": lambda scene: _revise(scene, "pair"),
    "revise-rate": lambda scene: _revise(scene, "rate"),
    "revise-write": lambda scene: _revise(scene, "demonstrate"),
}


def _faults(page: Page, size: str) -> list[str]:
    """What can be measured of a state without looking."""
    from tests.browser.layout import EVERY_CONTROL, overhang, small_targets

    wide = overhang(page)
    # A link within a sentence is as high as its line.
    controls = EVERY_CONTROL.replace("a,", ":not(p) > a, a.button,", 1)
    small = small_targets(page, controls=controls) if size == "phone" else []
    return [*([f"{wide} px wider than the screen"] if wide > 0 else []), *small]


def take_every(folder: Path, words: Sequence[str] = ()) -> None:
    """Take them all into ``folder``, or those with one of ``words`` in their name. A state that cannot be brought
    about is said, and the others are taken; raises SystemExit then."""
    folder.mkdir(parents=True, exist_ok=True)
    missing: list[str] = []
    with concord() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for name, arrange in STATES.items():
            if words and not any(word in name for word in words):
                continue
            for size, options in SIZES.items():
                scene = Scene(browser, address, options)
                try:
                    arrange(scene)
                    _pictures(scene.page, folder, name, size)
                except Exception as error:  # one that fails must not hide the others
                    missing.append(f"{name}-{size}")
                    print(f"{name}-{size}: not brought about: {error}", flush=True)
                finally:
                    scene.close()
        browser.close()
    if missing:
        raise SystemExit(f"without a picture: {', '.join(missing)}")


def _pictures(page: Page, folder: Path, name: str, size: str) -> None:
    page.wait_for_timeout(250)
    for fault in _faults(page, size):
        print(f"{name}-{size}: {fault}", flush=True)
    is_task = page.locator("#judgement, #review").count() > 0
    as_shown = is_task or page.locator("dialog[open]").count() > 0
    for suffix, scheme in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(150)
        page.screenshot(path=folder / f"{name}-{size}{suffix}.png", full_page=not as_shown)
    if is_task and page.evaluate("document.documentElement.scrollHeight > innerHeight"):
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(150)
        page.screenshot(path=folder / f"{name}-{size}-end.png")
