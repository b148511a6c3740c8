"""The link that makes its holder a member: with the account they have, or with a new one."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation import members
from annotation.errors import NotAllowed
from annotation.forms.account import TAKEN, AccountForm
from annotation.models import Invitation

# Two backends are set; only this one makes sessions (axes counts failures).
BACKEND = "annotation.sessions.AccountBackend"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to join, and join. A used, unknown or old link says so, and 404."""
    try:
        invite = members.invitation_for(token=token)
        if request.method != "POST":
            return _page(request, invite, AccountForm(initial={"username": invite.email}))
        return _join(request, invite, token)
    except NotAllowed as error:
        return TemplateResponse(request, "invitations/refused.html", {"why": str(error)}, status=404)


def _join(request: HttpRequest, invite: Invitation, token: str) -> HttpResponse:
    if request.user.is_authenticated:
        members.accept(token=token, user=request.user)
    else:
        form = AccountForm(
            request.POST, instance=User(email=invite.email)
        )  # a password has to be unlike that too
        if not form.is_valid():
            return _page(request, invite, form, status=422)
        # Of two who hold the link at once, the second gets neither membership nor account.
        try:
            user = form.save(commit=False)
            members.accept_as_newcomer(token=token, user=user)
        except IntegrityError:  # the name was taken after the form had looked
            form.add_error("username", TAKEN)
            return _page(request, invite, form, status=422)
        login(request, user, backend=BACKEND)
    messages.success(request, f"You are a member of {invite.project.name} now.")
    return redirect("home")


def _page(request: HttpRequest, invite: Invitation, form: AccountForm, status: int = 200) -> HttpResponse:
    return TemplateResponse(
        request, "invitations/accept.html", {"invitation": invite, "form": form}, status=status
    )
