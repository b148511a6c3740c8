"""Stage 2: judgements become a reward."""

from django.apps import AppConfig


class RewardModelConfig(AppConfig):
    name = "rewardmodel"
