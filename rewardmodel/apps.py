"""Stage 2: judgements become a reward."""

from django.apps import AppConfig


class RewardModelConfig(AppConfig):
    name = "rewardmodel"

    def ready(self) -> None:
        from annotation.withdrawal.lineage import offer
        from rewardmodel import choosing, contests, fits, lineage
        from runs import kinds

        kinds.register(fits.KIND)
        kinds.register(choosing.KIND)
        kinds.register(contests.KIND)
        offer(lineage.versions)
