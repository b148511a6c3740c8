"""The browser's worker for annotators' pages, as the server serves it: what it is told, and which pages say that they
may be kept."""

import json
import re
from typing import Any
from urllib.parse import urljoin

import pytest
from django.conf import settings
from django.test import Client

from annotation.models import Assignment, Task
from tests.annotation.factories import make_tasks
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    make_tasks(cast.project, 2)
    return cast


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shell() -> dict[str, Any]:
    """What the worker is told of this release."""
    files: dict[str, Any] = json.loads(
        Client().get("/task-worker.js").text.split("\n")[0][len("self.shell = ") : -1]
    )
    return files


def test_the_worker_is_asked_for_anew_and_names_this_release() -> None:
    answer = Client().get("/task-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Cache-Control"] == "no-cache"
    assert f'importScripts("{settings.STATIC_URL}js/worker.js");' in answer.text


def test_every_script_of_a_task_is_named_and_each_file_is_there(cast: Cast) -> None:
    release = shell()
    assert not [name for name in release["files"] if "admin" in name or name.endswith(".map")]
    served = {}
    for name in release["files"]:
        answer = Client().get(name)
        assert answer.status_code == 200, name
        served[name] = answer.getvalue().decode()
    page = client_of(cast.alice).get("/projects/helpful/rank/").text
    loaded = set(re.findall(rf'(?:src|href)="({settings.STATIC_URL}[^"]+)"', page))
    assert f"{settings.STATIC_URL}js/task/page.js" in loaded
    # And what these load, where a page's modules are not one file.
    for name in loaded | {f"{settings.STATIC_URL}js/task/offline.js"}:
        assert modules(name, served) <= set(release["files"])


def modules(name: str, served: dict[str, str]) -> set[str]:
    """``name``, and all that it imports and they import."""
    text = served.get(name, "") if name.endswith(".js") else ""
    paths = re.findall(r'^import\b[^"]*"([^"]+)";$', text, re.MULTILINE)
    return {name}.union(*(modules(urljoin(name, path), served) for path in paths))


def test_a_task_in_hand_and_the_one_held_ahead_say_whose_they_are_and_no_other_page_does(cast: Cast) -> None:
    client = client_of(cast.alice)
    for path, ahead in (("rank/", False), ("rank/ahead/", True)):
        kept_for = client.get(f"/projects/helpful/{path}")["X-Kept-For"]
        assert kept_for == f"{cast.alice.pk} {Assignment.objects.get(ahead=ahead).public_id}"
    for path in ("/", "/offline/", "/login/", "/projects/helpful/history/", "/projects/helpful/guidelines/"):
        assert "X-Kept-For" not in client.get(path), path
    carol = client_of(cast.carol)
    assert "X-Kept-For" not in carol.get("/admin/projects/helpful/")


def test_a_page_without_a_task_may_not_be_kept(cast: Cast) -> None:
    Task.objects.all().delete()
    answer = client_of(cast.alice).get("/projects/helpful/rank/")
    assert "No tasks yet" in answer.text
    assert "X-Kept-For" not in answer


def test_the_offline_page_names_nobody() -> None:
    text = Client().get("/offline/").text
    assert "You are offline" in text
    assert "Account of" not in text
