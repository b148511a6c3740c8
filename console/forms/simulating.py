"""Simulated annotators in a demo, for who wants to see the loop before anybody has ranked."""

from django import forms
from django.contrib.auth.models import User

from console.forms.action import Action
from rewardmodel.activation import active_version
from rewardmodel.simulating import (
    BY_ACTIVE,
    MOST_IN_DEMO,
    RULES,
    made_by_kind,
    shortfall,
    simulate_in_demo,
)


class SimulateForm(Action):
    """Let simulated annotators judge."""

    button = "Judge by simulated annotators"
    explanation = (
        "For trials: they rank, rate and write as the queue asks, and all that holds their judgements says so. "
        "What they write is a completion that is there already, and trains no policy. "
        "Ten tasks of each kind are left for people."
    )
    preference = forms.ChoiceField(choices=[*RULES.items()], label="What they like")
    judgements = forms.IntegerField(min_value=1, max_value=MOST_IN_DEMO, initial=50)

    def prepare(self) -> None:
        if active_version(self.project) is not None:
            field = self.fields["preference"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [*RULES.items(), *BY_ACTIVE.items()]

    def perform(self, user: User) -> None:
        answer = simulate_in_demo(project=self.project, **self.cleaned_data)
        self.done = shortfall(answer) or f"{made_by_kind(answer)} by simulated annotators."
