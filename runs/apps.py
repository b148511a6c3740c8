"""What a run is: lifecycle, lease, child process, metrics, artifacts."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs"
