"""The project's own app: the commands that start it."""

from django.apps import AppConfig, apps
from django.db.models.signals import pre_migrate


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Make Concord's Celery app the one that ``shared_task`` finds, and look at a database before it is changed."""
        from config import celery  # noqa: F401
        from config.running.database import refuse_of_another_version

        # It is sent for each app that has tables; once is enough.
        pre_migrate.connect(refuse_of_another_version, sender=apps.get_app_config("runs"))
