"""Stage 2: judgements become a reward."""

from django.apps import AppConfig


class RewardModelConfig(AppConfig):
    name = "rewardmodel"

    def ready(self) -> None:
        from rewardmodel import fits
        from runs import kinds

        kinds.register(fits.KIND)
