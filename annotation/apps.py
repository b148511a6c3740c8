"""Stage 1: people judge completions."""

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        from annotation import transfers
        from runs import kinds

        for kind in (transfers.IMPORT, transfers.EXPORT):
            kinds.register(kind)
