"""Which servers hear of a project, what they were sent, and with what answer."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.errors import BadRequest
from annotation.models import Delivery, Project, Webhook
from annotation.webhooks import subscribing
from console.counting import BoundedPaginator
from console.forms.plain import PlainForm
from console.pages.access import for_project

A_PAGE = 20


class WebhookForm(PlainForm):
    """A webhook to be made."""

    # Whether a message could be sent there is annotation.webhooks' to say.
    url = forms.CharField(
        max_length=500, label="Address", widget=forms.URLInput(attrs={"placeholder": "https://"})
    )
    events = forms.MultipleChoiceField(
        choices=Webhook.Event.choices, widget=forms.CheckboxSelectMultiple, label="It hears when"
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_project
def webhooks_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The webhooks with their last messages. A POST names what to ``do``; the answer alone shows a new secret."""
    if request.method != "POST":
        return _page(request, project, WebhookForm())
    if request.POST.get("do") == "create":
        return _create(request, project)
    if request.POST.get("do") == "rotate":
        secret = subscribing.rotate_secret(webhook=_posted(request, project))
        return _page(request, project, WebhookForm(), secret=secret)
    try:
        done_in_words = _do(request, project)
    except BadRequest as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, done_in_words)
    return redirect("admin:webhooks", project.slug)


def _create(request: HttpRequest, project: Project) -> HttpResponse:
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            _, secret = subscribing.create(project=project, **form.cleaned_data)
            return _page(request, project, WebhookForm(), secret=secret)
        except BadRequest as error:
            form.add_error("url", str(error))
    return _page(request, project, form, status=400)


def _do(request: HttpRequest, project: Project) -> str:
    """Carry out what changes a webhook or a delivery; what the page says of it. Raises BadRequest."""
    if request.POST.get("do") == "again":
        rows = Delivery.objects.filter(webhook__project=project)
        subscribing.send_again(delivery=get_object_or_404(rows, pk=_number(request, "delivery")))
        return "It is sent again."
    hook = _posted(request, project)
    done: Mapping[str, tuple[Callable[[], None], str]] = {
        "test": (lambda: subscribing.send_test(webhook=hook), "A test message is on its way."),
        "pause": (lambda: subscribing.change(webhook=hook, active=False), "It is paused."),
        "resume": (lambda: subscribing.change(webhook=hook, active=True), "It hears again."),
        "delete": (lambda: subscribing.delete(webhook=hook), "It is deleted."),
    }
    if request.POST.get("do") not in done:
        raise BadRequest("The page sent something that it does not offer. Load it again.")
    act, done_in_words = done[request.POST["do"]]
    act()
    return done_in_words


def _posted(request: HttpRequest, project: Project) -> Webhook:
    return get_object_or_404(Webhook, project=project, pk=_number(request, "webhook"))


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _page(
    request: HttpRequest, project: Project, form: WebhookForm, *, secret: str = "", status: int = 200
) -> HttpResponse:
    deliveries = Delivery.objects.filter(webhook__project=project).select_related("webhook")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Who hears of this project?",
        "project": project,
        "form": form,
        "secret": secret,
        "hooks": [
            (hook, ", ".join(Webhook.Event(event).label for event in hook.events))
            for hook in Webhook.objects.filter(project=project)
        ],
        "pages": BoundedPaginator(deliveries, A_PAGE).get_page(request.GET.get("page")),
    }
    return TemplateResponse(request, "admin/webhooks.html", context, status=status)
