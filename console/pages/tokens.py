"""A person's own tokens: made with a few scopes, shown once, revoked."""

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation import tokens
from annotation.models import ApiToken, Project
from console.forms.plain import PlainForm

DAYS = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("1825", "five years")]


class TokenForm(PlainForm):
    """A token to be made."""

    name = forms.CharField(max_length=100, label="Name", help_text="What will hold it: a script, a server.")
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices, widget=forms.CheckboxSelectMultiple, label="What it may do"
    )
    project = forms.ModelChoiceField(
        Project.objects.none(), required=False, label="Project", empty_label="all of yours"
    )
    days = forms.TypedChoiceField(
        choices=DAYS, coerce=int, initial=str(tokens.USUAL_DAYS), label="It lives for"
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        project = cast("forms.ModelChoiceField[Project]", self.fields["project"])
        project.queryset = Project.objects.annotated_by(user)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def own_tokens(request: HttpRequest) -> HttpResponse:
    """The tokens of whoever is logged in; a POST makes one, and its answer alone shows the secret."""
    user = cast("User", request.user)
    form = TokenForm(request.POST or None, user=user)
    secret = ""
    if form.is_valid():
        _, secret = tokens.create_token(user=user, **form.cleaned_data)
        form = TokenForm(user=user)
    context = {
        "form": form,
        "secret": secret,
        "tokens": ApiToken.objects.filter(user=user, revoked_at=None).select_related("project"),
    }
    return TemplateResponse(request, "account/tokens.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Let nobody in with it any more."""
    token = get_object_or_404(ApiToken, pk=pk, user=cast("User", request.user))
    tokens.revoke_token(token=token)
    messages.success(request, f"{token.name} is revoked.")
    return redirect("tokens")
