"""The pictures in docs/images, taken of real pages with a home of their own: nothing of an existing one is touched.

    python -m benchmarks.screenshots [FOLDER]
    python -m benchmarks.screenshots --every FOLDER [WORDS ...]

Starts a Postgres and the pages, makes a project, and has Chromium rank in it. Prints what it wrote. With ``--every``,
every state of every annotator's page instead (benchmarks.every_state), to be looked at.
"""

import argparse
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import launch

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
GUIDELINES = """What counts, in this order:

1. **Right.** One wrong fact is worse than one missing fact.
2. **Complete.** Everything that was asked is answered.
3. **Short.** No longer than it needs to be, in words that the reader knows.

Rank two answers as a tie when you would not mind which one you got. *All bad* is for tasks in which no answer helps.
"""
PROMPT = [
    {"role": "user", "content": "I fly to Lisbon next week. Is tap water fine there?"},
    {"role": "assistant", "content": "Yes. It is tested daily and safe all over the city."},
    {"role": "user", "content": "And how do I get from the airport to Cais do Sodré, with what it costs?"},
]
ANSWERS = [
    """Take the **metro**:

1. red line to *Alameda*
2. change to the green line, to *Cais do Sodré*, its last stop

It takes about 35 minutes. A ticket is 1.85 €, plus 0.50 € for the card that it is loaded on.""",
    """| way | minutes | costs |
| --- | ---: | ---: |
| metro, one change | 35 | 1.85 € |
| bus 744 | 50 | 2.20 € |
| taxi | 20 | 15 to 20 € |

With luggage and before midnight I would take the metro.""",
    "You can take the metro, a bus, or a taxi. There are many ways to get there and all of them are good, "
    "so choose the one that suits you best! Lisbon is a wonderful city. Enjoy your stay!",
    """Take the **metro**:

1. red line to *São Sebastião*
2. change to the blue line, to *Cais do Sodré*, its last stop

It takes about 35 minutes. A ticket is 1.85 €.""",
]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of requests."""


@contextmanager
def concord() -> Iterator[str]:
    """The address of a Concord with an empty database, for as long as the block lasts."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    home = Path(tempfile.mkdtemp(prefix="concord-"))
    os.environ["CONCORD_HOME"] = str(home)
    from config.running.postgres import Server

    postgres = Server(home)
    postgres.hold()
    try:
        import django
        from django.core.management import call_command
        from django.core.wsgi import get_wsgi_application

        django.setup()
        call_command("migrate", verbosity=0)
        with make_server("127.0.0.1", 0, get_wsgi_application(), _Server, _Quiet) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
    finally:
        postgres.release()
        shutil.rmtree(home, ignore_errors=True)


AXES = [
    {"name": "helpful", "least": 1, "most": 7, "least_words": "useless", "most_words": "all one could want"},
    {"name": "honest", "least": 1, "most": 5, "required": False},
]


def make_project(slug: str, tasks: int) -> None:
    """A project with a task for each picture, and Alice in it; of another kind where the picture is of one."""
    from django.contrib.auth.models import User

    from annotation import people
    from annotation.collecting import asking
    from annotation.files import intake
    from annotation.models import Membership, Task

    project = people.create_project(slug=slug, name="Helpful answers", guidelines=GUIDELINES)
    asking.change(
        project=project,
        rating_axes=AXES,
        ask_strength=slug == "pair",
        review_demonstrations=True,
        demonstration_least_characters=20,
    )
    completions = [{"text": text} for text in (ANSWERS[:2] if slug == "pair" else ANSWERS)]
    values = [{"prompt": PROMPT, "completions": completions, "task": f"task {i}"} for i in range(tasks)]
    intake.import_values(project=project, kind="completions", values=values)
    if slug in KINDS:
        Task.objects.filter(project=project).delete()
        prompt = {"prompt": PROMPT}
        intake.import_values(project=project, kind="prompts", values=[prompt])
        intake.create_tasks(project=project, kind=KINDS[slug], completions=2 if slug == "rating" else None)
    alice, _ = User.objects.get_or_create(username="alice")
    Membership.objects.create(project=project, user=alice, role="annotator")
    annotator = people.annotator_for(project=project, user=alice)
    people.has_read_guidelines(annotator=annotator, version=project.guideline_version)


def opened(browser: Browser, address: str, path: str, **options: Any) -> Page:
    """A page as Alice sees it."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="alice"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context = browser.new_context(**options)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
    page = context.new_page()
    page.goto(address + path)
    page.wait_for_selector("html[data-ready]", state="attached")
    return page


def letter_of(page: Page, words: str) -> str:
    """The letter under which a completion is shown."""
    letter = page.locator(".completion", has_text=words).first.get_attribute("data-letter")
    assert letter is not None
    return letter


def half_ranked(page: Page) -> None:
    """Two of four placed, the third in hand."""
    for words, place in (("bus 744", 1), ("Enjoy your stay", 4)):
        page.keyboard.press(letter_of(page, words))
        page.keyboard.press(str(place))
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")


def side_by_side(page: Page) -> None:
    """The two answers that differ in a few words."""
    page.keyboard.press("v")
    page.locator('[data-side="a"]').select_option(letter_of(page, "Alameda"))
    page.locator('[data-side="b"]').select_option(letter_of(page, "São Sebastião"))
    expect(page.locator("#compare mark").first).to_be_visible()


def guidelines_beside(page: Page) -> None:
    """The guidelines beside the work."""
    page.keyboard.press("g")
    page.keyboard.press(letter_of(page, "Alameda"))


def some_scores(page: Page) -> None:
    """One answer rated, the other begun."""
    for key in ("6", "5", "2"):
        page.keyboard.press(key)
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")


def slightly_better(page: Page) -> None:
    """The fifth of seven."""
    page.keyboard.press("5")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")


def begun_to_write(page: Page) -> None:
    """An answer, and how it will look."""
    page.locator("#answer").fill(ANSWERS[0])
    expect(page.locator("[data-saved]")).to_have_text("Draft saved.")
    page.locator("#answer").blur()
    page.keyboard.press("p")
    expect(page.locator("#preview strong")).to_be_visible()


def to_the_end(page: Page) -> None:
    """Everything ranked."""
    while page.locator("#judgement").count():
        before = page.locator("#judgement [name=assignment]").input_value()
        for key in ("2", "1", "4", "3", "Enter"):
            page.keyboard.press(key)
        expect(page.locator(f'#judgement [name=assignment][value="{before}"]')).to_have_count(0)
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()


KINDS = {"rating": "rate", "writing": "demonstrate"}
PICTURES: dict[str, tuple[str, dict[str, Any], Callable[[Page], None]]] = {
    "ranking": ("light", DESK, half_ranked),
    "ranking-dark": ("dark", DESK, half_ranked),
    "ranking-phone": ("light", PHONE, half_ranked),
    "difference": ("light", DESK, side_by_side),
    "guidelines": ("light", DESK, guidelines_beside),
    "rating": ("light", DESK, some_scores),
    "pair": ("light", DESK, slightly_better),
    "writing": ("light", DESK, begun_to_write),
    "finished": ("light", {"viewport": {"width": 1440, "height": 520}}, to_the_end),
}


def take(folder: Path) -> None:
    """Take all pictures into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with concord() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for name, (scheme, options, arrange) in PICTURES.items():
            make_project(name, tasks=2)
            page = opened(browser, address, f"/projects/{name}/rank/", color_scheme=scheme, **options)
            arrange(page)
            page.wait_for_timeout(300)
            path = folder / f"{name}.png"
            page.screenshot(path=path)
            print(f"{path}  {path.stat().st_size / 1000:.0f} kB")
            page.context.close()
        browser.close()


def main() -> None:
    """Either what the documentation shows, or all there is to see."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES, help="docs/images, if not said")
    parser.add_argument(
        "words", nargs="*", help="with --every: of states with one of these in their name alone"
    )
    parser.add_argument(
        "--every", action="store_true", help="every state of annotators' pages, in four variants"
    )
    chosen = parser.parse_args()
    if not chosen.every:
        take(chosen.folder)
        return
    if chosen.folder == IMAGES:
        parser.error("--every needs a folder of its own: it writes some hundred pictures")
    from benchmarks.every_state import take_every

    take_every(chosen.folder, chosen.words)


if __name__ == "__main__":
    main()
