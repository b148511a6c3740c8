"""The admin site that every page of researchers hangs from."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    default_site = "console.site.ConcordAdminSite"

    def ready(self) -> None:
        """Register the tables once every app's models are there."""
        super().ready()
        from console import tables

        tables.register()
