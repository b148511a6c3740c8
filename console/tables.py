"""The tables that no page of Concord's own shows: every row to look at, filtered by membership, none to change by hand.

Changes go through the functions of the apps (docs/architecture.md, "One write path"); only accounts
are edited here, by administrators.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from annotation import models as annotation
from annotation.people import account_named
from console import guessing
from rewardmodel import models as rewardmodel
from rltrainer import models as rltrainer
from runs import models as runs


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    """A table of one project's rows; ``project_lookup`` leads from a row to its project."""

    project_lookup = "project"
    # COUNT over a large table is what makes a change list slow.
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """The rows of projects that this person researches."""
        rows = super().get_queryset(request)
        if getattr(request.user, "is_superuser", False):
            return rows
        mine = annotation.Project.objects.researched_by(request.user)
        return rows.filter(**{f"{self.project_lookup}__in": mine})

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may open the admin site."""
        return admin.site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The rows of ``get_queryset``."""
        return admin.site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False


# model -> (lookup of its project, columns, filters, searched columns)
TABLES: dict[type[Model], tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    annotation.Project: (
        "pk",
        ("slug", "name", "completions_per_task", "annotators_per_task"),
        (),
        ("slug", "name"),
    ),
    annotation.Membership: ("project", ("project", "user", "role"), ("role",), ()),
    annotation.Annotator: (
        "project",
        ("pseudonym", "project", "simulated", "anonymous"),
        ("simulated",),
        ("pseudonym",),
    ),
    annotation.Snapshot: (
        "project",
        ("digest", "project", "rankings", "simulated", "comparisons", "created_at"),
        (),
        ("digest",),
    ),
    rewardmodel.RewardModelVersion: (
        "project",
        ("number", "project", "is_active", "created_at"),
        ("is_active",),
        (),
    ),
    rltrainer.PolicyVersion: (
        "project",
        ("number", "project", "is_current", "created_at"),
        ("is_current",),
        (),
    ),
}


def register() -> None:
    """Put every table on the admin site. Called when all apps are ready."""
    for model, (lookup, columns, filters, searched) in TABLES.items():
        options: dict[str, Any] = {
            "project_lookup": lookup,
            "list_display": columns,
            "list_filter": filters,
            "search_fields": searched,
        }
        admin.site.register(model, type(f"{model.__name__}Admin", (ReadOnlyAdmin,), options))
    admin.site.register(
        runs.Run, type("RunAdmin", (AdministratorsAdmin,), {"list_display": ("pk", "kind", "status")})
    )
    admin.site.unregister(
        [User, Group]
    )  # registered by django.contrib.auth; roles are memberships, not groups
    admin.site.register(User, AccountAdmin)


class AdministratorsAdmin(ReadOnlyAdmin):
    """Rows without a project of their own: for administrators; researchers have the runs' pages."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """All rows for an administrator, none for others."""
        rows = admin.ModelAdmin.get_queryset(self, request)
        return rows if getattr(request.user, "is_superuser", False) else rows.none()


class AccountChangeForm(UserChangeForm[User]):
    """An account whose name differs from all others in more than capitals."""

    def clean_username(self) -> str:
        """The name, unless it is another account's."""
        name = str(self.cleaned_data["username"])
        other = account_named(name)
        if other is not None and other.pk != self.instance.pk:
            raise ValidationError("A user with that username already exists.")
        return name


class AccountAdmin(UserAdmin[User]):
    """Accounts, for administrators alone. Without groups and permissions: roles are memberships of projects."""

    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_superuser")}),
    )
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    form = AccountChangeForm
    change_form_template = "admin/account.html"

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set a password by hand; an account that too many attempts had closed is free again."""
        answer = super().user_change_password(request, id, form_url)
        if answer.status_code == 302 and (user := self.get_object(request, id)) is not None:
            guessing.free(user=user)
        return answer

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return bool(getattr(request.user, "is_superuser", False))
