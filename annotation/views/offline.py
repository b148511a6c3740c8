"""What lets a task be loaded again without a connection: the browser's worker, and the page that it shows last.

The worker (static/js/worker.js) keeps a page only where its answer says whose it is and which assignment it shows.
"""

import json
from functools import cache

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from annotation.models import Assignment

# What a page of a task loads, by the beginning of its name.
_LOADED = (
    "css/base",
    "css/kinds",
    "css/task",
    "css/tokens",
    "icons/",
    "js/account",
    "js/boot",
    "js/task/",
    "sortablejs/sortable.core.esm.js",
)


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """The worker's script. It stands at the root, because a worker answers for what is below its own address.

    Its text changes with every static file, so that browsers take the new one.
    """
    shell = {
        "root": reverse("home"),
        "login": reverse(settings.LOGIN_URL),
        "offline": reverse("offline"),
        "static": settings.STATIC_URL,
        "files": [static(name) for name in _files()],
    }
    text = f"self.shell = {json.dumps(shell)};\nimportScripts({json.dumps(static('js/worker.js'))});\n"
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Says that there is no connection. The worker fetches it without a cookie: it is nobody's."""
    return TemplateResponse(request, "annotation/offline.html")


def kept(answer: HttpResponse, assignment: Assignment) -> HttpResponse:
    """``answer`` for the worker to keep: a page that shows ``assignment`` to its annotator."""
    answer["X-Kept-For"] = f"{assignment.annotator.user_id} {assignment.public_id}"
    return answer


@cache
def _files() -> list[str]:
    listed = (file for finder in finders.get_finders() for file in finder.list(None))
    names = {
        f"{prefix}/{name}" if (prefix := getattr(place, "prefix", "")) else name for name, place in listed
    }
    # Maps to the sources are for whoever looks for a fault.
    return sorted(name for name in names if name.startswith(_LOADED) and not name.endswith(".map"))
