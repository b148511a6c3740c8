"""Simulated annotators in a demo, for who wants to see the loop before anybody has ranked."""

from django import forms
from django.contrib.auth.models import User

from console.forms.action import Action
from rewardmodel.activation import active_version
from rewardmodel.simulating import PREFIX, made_by_kind, shortfall, simulate_by

RULES = [
    ("length", "Longer is better"),
    ("attributes", "What names more of the prompt's facts is better"),
    ("noise:0.2", "Longer is better, and one judgement in five is at random"),
]


class SimulateForm(Action):
    """Let simulated annotators judge."""

    button = "Judge by simulated annotators"
    explanation = (
        "For trials: they rank, rate and write as the queue asks, and all that holds their judgements says so. "
        "What they write is a completion that is there already, and trains no policy. "
        "Ten tasks of each kind are left for people."
    )
    preference = forms.ChoiceField(choices=RULES, label="What they like")
    judgements = forms.IntegerField(min_value=1, max_value=100, initial=50)

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
                "Simulated annotators judge in a demo alone: elsewhere their rankings would enter no snapshot."
            )

    def perform(self, user: User) -> None:
        answer = simulate_by(project=self.project, **self.cleaned_data)
        self.done = shortfall(answer) or f"{made_by_kind(answer)} by simulated annotators."
