"""Stage 1: people judge completions."""

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"
