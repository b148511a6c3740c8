"""Errors of reward models.

RewardModelError
├── BadFitConfig        a field of the config is unknown or has a wrong value
├── NothingToCompare    fewer than two versions
├── NothingToChoose     the project has no open task that could be asked first
├── NothingToScore      the version has scored all completions
├── AlreadyScoring      a run of the version is at it
├── NoRewardModel       the project has no active reward model version
├── HandingOverFailed   the version cannot go out in the shape that was asked for; the message is the reason
└── ScoringFailed       the texts could not be scored; the message is the reason
"""


class RewardModelError(Exception):
    """A request about reward models that cannot be met."""


class BadFitConfig(RewardModelError):
    """A field of the fit's config is unknown or has a wrong value."""


class NoRewardModel(RewardModelError):
    """The project has no active reward model version: fit one, or activate one of its versions."""


class NothingToCompare(RewardModelError):
    """Fewer than two versions: fit another one."""


class NothingToChoose(RewardModelError):
    """The project has no open task to rank: sample or import completions."""


class NothingToScore(RewardModelError):
    """The version has scored all completions there are."""


class AlreadyScoring(RewardModelError):
    """A run of the version is scoring already: wait for its end, or cancel it."""


class HandingOverFailed(RewardModelError):
    """The version cannot go out in the shape that was asked for; the message is the reason."""


class ScoringFailed(RewardModelError):
    """The texts could not be scored; the message is the reason."""
