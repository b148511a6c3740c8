"""Who works on a project: members, and invitations that are still open."""

from django.conf import settings
from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation import members
from annotation.models import Membership, Project
from annotation.quality import work
from console.forms.action import Action
from console.forms.actions import forms_of
from console.pages.access import for_project

A_PAGE, INVITATIONS_SHOWN = 50, 50
# In the session: the link of the invitation that was just made, until the page has shown it.
NEW_LINK = "new_invitation_link"


@require_safe
@for_project
def people_page(request: HttpRequest, project: Project) -> HttpResponse:
    """Members and invitations."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong.

    Names and pseudonyms stand side by side for administrators alone: who reads judgements should not know whose.
    """
    pages = Paginator(members.memberships(project), A_PAGE).get_page(request.GET.get("page"))
    invitations = members.invitations(project)
    described = members.described(project, list(pages))
    context = {
        **admin.site.each_context(request),
        "title": "People",
        "project": project,
        "pages": pages,
        "members": described,
        "kinds": work.columns([member.work for member in described]),
        "knows_pseudonyms": getattr(request.user, "is_superuser", False),
        "invitations": invitations[:INVITATIONS_SHOWN],
        "invitation_count": invitations.count(),
        "roles": Membership.Role.choices,
        "mails": bool(settings.MAIL),
        "new_link": request.session.pop(NEW_LINK, ""),
        "forms": forms_of("people", project, bad),
        "opened": bad[0] if bad else "",
    }
    return TemplateResponse(request, "admin/people.html", context, status=400 if bad else 200)
