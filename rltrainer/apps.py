"""Stage 3: the reward improves a policy."""

from django.apps import AppConfig


class RlTrainerConfig(AppConfig):
    name = "rltrainer"

    def ready(self) -> None:
        from annotation.withdrawal.lineage import offer
        from rewardmodel import bases
        from rltrainer import (
            answering,
            evaluation,
            handing_over,
            lineage,
            policies,
            registering,
            sampling,
            training,
        )
        from runs import kinds
        from runs.resident import serving

        for module in (training, sampling, evaluation, registering, handing_over):
            kinds.register(module.KIND)
        serving.register(answering.KIND, "rltrainer.answerer.answer")
        bases.offer(policies.offered_base)
        offer(lineage.versions, lineage.reports)
