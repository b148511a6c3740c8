"""The web server as ``make serve`` runs it, with one more address whose view does nothing.

gunicorn benchmarks.web      what the benchmark starts instead of config.wsgi
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from config.wsgi import application

__all__ = ["NULL", "application", "urlpatterns"]

NULL = "/benchmark/null/"


def null(request: HttpRequest) -> HttpResponse:
    """A view that does nothing: what Django, its middleware and gunicorn cost by themselves."""
    return HttpResponse("nothing")


settings.ROOT_URLCONF = "benchmarks.web"
urlpatterns: list[Any] = [path(NULL.strip("/") + "/", null), path("", include("config.urls"))]
