"""Simulated annotators in a demo, for who wants to see the loop before anybody has ranked."""

from django import forms
from django.contrib.auth.models import User

from console.forms.action import Action
from rewardmodel.activation import active_version
from rewardmodel.simulating import PREFIX, shortfall, simulate_by

RULES = [
    ("length", "Longer is better"),
    ("attributes", "What names more of the prompt's facts is better"),
    ("noise:0.2", "Longer is better, and one ranking in five is at random"),
]


class SimulateForm(Action):
    """Let simulated annotators rank."""

    button = "Rank by simulated annotators"
    explanation = (
        "For trials: they take tasks from the queue as people do, and every figure that holds their rankings says so. "
        "Ten tasks are left for people."
    )
    preference = forms.ChoiceField(choices=RULES, label="What they like")
    rankings = forms.IntegerField(min_value=1, max_value=100, initial=50)

    def prepare(self) -> None:
        if active_version(self.project) is not None:
            field = self.fields["preference"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [
                *RULES,
                (f"{PREFIX}active", "What the active reward model scores higher is better"),
            ]

    def clean(self) -> None:
        if not self.project.is_demo:
            raise forms.ValidationError(
                "Simulated annotators rank in a demo alone: elsewhere their rankings would enter no snapshot."
            )

    def perform(self, user: User) -> None:
        answer = simulate_by(project=self.project, **self.cleaned_data)
        self.done = shortfall(answer) or f"{answer['rankings']} rankings by simulated annotators."
