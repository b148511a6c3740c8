"""Stage 3: the reward improves a policy."""

from django.apps import AppConfig


class RlTrainerConfig(AppConfig):
    name = "rltrainer"

    def ready(self) -> None:
        from rltrainer import evaluation, sampling, training
        from runs import kinds

        for kind in (training.KIND, sampling.KIND, evaluation.KIND):
            kinds.register(kind)
