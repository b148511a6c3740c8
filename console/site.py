"""The admin site: researchers' pages and run pages are views of it, filtered by membership."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from annotation.models import Membership

# On a request: whether the account that sent it may open the site.
_KNOWN = "_may_open_the_admin"


class ConcordAdminSite(AdminSite):
    """Open to administrators and to researchers; each model's admin shows a researcher their projects only."""

    site_header = "Concord"
    site_title = "Concord"
    index_title = "What needs a decision"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Active, and an administrator or a researcher of some project. Asked once a request: Django asks for every
        table that there is."""
        user = request.user
        if not user.is_active:
            return False
        if getattr(user, "is_superuser", False):
            return True
        known: tuple[object, bool] | None = getattr(request, _KNOWN, None)
        if known is None or known[0] != user.pk:
            researches = Membership.objects.filter(user_id=user.pk, role=Membership.Role.RESEARCHER)
            known = (user.pk, researches.exists())
            setattr(request, _KNOWN, known)
        return known[1]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Concord's own log-in page; whoever is logged in already may not open the admin at all."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def password_change(  # type: ignore[override]  # a redirect is no TemplateResponse
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one page for it."""
        return redirect("account_password")

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Concord's own pages before Django's."""
        from console.pages import (
            acting,
            annotators,
            data,
            datum,
            disagreements,
            flags,
            look,
            new_project,
            people,
            policies,
            preview,
            project,
            quality,
            reward_models,
            run,
            runs,
            settings,
            try_it,
            webhooks,
            withdrawals,
        )

        view = self.admin_view
        return [
            path("projects/", view(new_project.new_project), name="new_project"),
            path("preview/", view(preview.preview), name="preview"),
            path("projects/<slug:slug>/", view(project.project_page), name="project"),
            path(
                "projects/<slug:slug>/reward-models/",
                view(reward_models.reward_models_page),
                name="reward_models",
            ),
            path("projects/<slug:slug>/data/<slug:kind>/", view(data.data_page), name="data"),
            path("projects/<slug:slug>/data/<slug:kind>/file/", view(data.data_file), name="data_file"),
            path("projects/<slug:slug>/data/<slug:kind>/flag/", view(data.data_flag), name="data_flag"),
            path(
                "projects/<slug:slug>/data/<slug:kind>/<uuid:public_id>/",
                view(datum.datum_page),
                name="datum",
            ),
            path("projects/<slug:slug>/policies/", view(policies.policies_page), name="policies"),
            path("projects/<slug:slug>/try/", view(try_it.try_page), name="try"),
            path("projects/<slug:slug>/runs/", view(runs.runs_page), name="runs"),
            path("projects/<slug:slug>/settings/", view(settings.settings_page), name="settings"),
            path("projects/<slug:slug>/quality/", view(quality.quality_page), name="quality"),
            path("projects/<slug:slug>/people/", view(people.people_page), name="people"),
            path("projects/<slug:slug>/annotators/", view(annotators.annotators_page), name="annotators"),
            path("projects/<slug:slug>/flags/", view(flags.flags_page), name="flags"),
            path(
                "projects/<slug:slug>/disagreements/",
                view(disagreements.disagreements_page),
                name="disagreements",
            ),
            path("projects/<slug:slug>/withdrawals/", view(withdrawals.withdrawals_page), name="withdrawals"),
            path("projects/<slug:slug>/look/", view(look.look_page), name="look"),
            path("projects/<slug:slug>/webhooks/", view(webhooks.webhooks_page), name="webhooks"),
            path("projects/<slug:slug>/<slug:action>/", view(acting.act), name="act"),
            path("runs/<int:pk>/", view(run.run_page), name="run"),
            path("runs/<int:pk>/live/", view(run.run_live), name="run_live"),
            path("runs/<int:pk>/answers/", view(run.run_answers), name="run_answers"),
            path("runs/<int:pk>/metrics/", view(run.run_metrics), name="run_metrics"),
            path("runs/<int:pk>/log/", view(run.run_log), name="run_log"),
            path("runs/<int:pk>/cancel/", view(run.run_cancel), name="run_cancel"),
            path("runs/<int:pk>/again/", view(run.run_again), name="run_again"),
            path("runs/<int:pk>/resume/", view(run.run_resume), name="run_resume"),
            path("runs/<int:pk>/note/", view(run.run_note), name="run_note"),
            path("runs/<int:pk>/files/<path:name>", view(run.run_file), name="run_file"),
            path("runs/<int:pk>/rest/", view(run.run_rest), name="run_rest"),
            path("runs/<int:pk>/output/", view(run.run_output), name="run_output"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What needs a decision first, the tables after it."""
        from console.pages.index import decisions

        return super().index(request, {"decisions": decisions(request), **(extra_context or {})})
