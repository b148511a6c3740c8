"""Stage 1: people judge completions."""

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        from annotation.files import transfers
        from annotation.webhooks import telling
        from runs import ends, kinds

        for kind in (transfers.IMPORT, transfers.EXPORT, transfers.DATASET):
            kinds.register(kind)
        ends.listen(telling.run_ended)
