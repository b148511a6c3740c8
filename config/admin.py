"""The admin site: researchers' pages and run pages are views of it, filtered by membership."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from annotation.models import Membership


class ConcordAdminSite(AdminSite):
    """Open to administrators and to researchers; each model's admin shows a researcher their projects only."""

    site_header = "Concord"
    site_title = "Concord"
    index_title = "What needs a decision"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Active, and an administrator or a researcher of some project."""
        user = request.user
        if not user.is_active:
            return False
        if getattr(user, "is_superuser", False):
            return True
        return Membership.objects.filter(user_id=user.pk, role=Membership.Role.RESEARCHER).exists()
