"""Celery's side of reward models."""

from celery import shared_task

from rewardmodel import retraining


@shared_task(name="rewardmodel.retrain")
def retrain() -> None:
    """Begin the fits that projects' settings want now."""
    retraining.consider_everywhere()
