"""Logging in, one's own password, and the link by which an administrator gives a person a new one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.forms.account import NewPasswordForm, OwnPasswordForm
from annotation.people import account_named
from annotation.views.invitation import BACKEND
from console import accounts, guessing


class LogInForm(AuthenticationForm):
    """A name in any capitals. It goes on as the account writes it, so that tries are counted together too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.error_messages = {
            **self.error_messages,
            "invalid_login": "This name and this password do not belong together. Capitals count in the password.",
        }
        if self.is_bound:  # the name is there already: what has to be written again is the password
            self.fields["username"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True

    def clean_username(self) -> str:
        """The account's own name, or what was typed, in small letters, where there is none."""
        typed = str(self.cleaned_data["username"])
        account = account_named(typed)
        return typed.casefold() if account is None else account.get_username()


class LogIn(auth.LoginView):
    """The log-in page."""

    authentication_form = LogInForm
    redirect_authenticated_user = True


class OwnPassword(auth.PasswordChangeView):
    """Change one's own password: this browser stays logged in, all others are logged out."""

    form_class = OwnPasswordForm
    template_name = "account/password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: Any) -> HttpResponse:
        """Change it, and say so on the next page."""
        answer = super().form_valid(form)
        messages.success(self.request, "Your password is changed. Other browsers are logged out.")
        return answer

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """The form again, with what is wrong."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


class Reset(auth.PasswordResetConfirmView):
    """Where a link leads: a new password, the account free again, and its holder logged in."""

    form_class = NewPasswordForm
    template_name = "account/reset.html"
    success_url = reverse_lazy("home")
    post_reset_login = True
    post_reset_login_backend = BACKEND

    def get_user(self, uidb64: str) -> User | None:
        """The account of the link, unless it is closed: a new password opens none."""
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        """Set it; who holds the link need not wait for what others tried."""
        answer = super().form_valid(form)
        guessing.free(user=form.user)
        messages.success(self.request, "Your new password is set, and you are logged in.")
        return answer

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """The form again, with what is wrong."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def reset_link(request: HttpRequest, pk: int) -> HttpResponse:
    """For administrators: a POST makes a link for an account, and its answer alone shows it."""
    if not getattr(request.user, "is_superuser", False):
        raise Http404
    person = get_object_or_404(User, pk=pk, is_active=True)
    context: dict[str, Any] = {"person": person, "hours": accounts.hours(), "title": "A new password"}
    if request.method == "POST":
        context["link"] = request.build_absolute_uri(accounts.reset_path(user=person))
        try:
            context["mailed"] = accounts.mail_reset(user=person, link=context["link"])
        except accounts.NotSent as error:
            context["failure"] = str(error)
    return TemplateResponse(request, "account/reset_link.html", context)
