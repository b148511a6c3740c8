"""The project's own app (its commands), and the admin site that every app's pages hang from."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Make Concord's Celery app the one that ``shared_task`` finds."""
        from config import celery  # noqa: F401


class ConcordAdminConfig(AdminConfig):
    default_site = "config.admin.ConcordAdminSite"

    def ready(self) -> None:
        """Register the tables once every app's models are there."""
        super().ready()
        from config import tables

        tables.register()
