"""Stage 3: the reward improves a policy."""

from django.apps import AppConfig


class RlTrainerConfig(AppConfig):
    name = "rltrainer"
