"""The project's own app: the commands that start it."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Make Concord's Celery app the one that ``shared_task`` finds."""
        from config import celery  # noqa: F401
