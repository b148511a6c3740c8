"""Data in and out, and taken back."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.template.defaultfilters import filesizeformat

from annotation.files import transfers
from annotation.models import Transfer
from annotation.withdrawal import erasure
from console.forms.action import Action
from runs.models import Run

SPLITS = [("", "all splits"), ("train", "train"), ("validation", "validation"), ("test", "test")]


class ImportForm(Action):
    """Import a JSONL file."""

    button = "Import"
    kind = forms.ChoiceField(choices=Transfer.Kind.choices)
    file = forms.FileField(label="File (.jsonl or .jsonl.gz)")
    skip_bad = forms.BooleanField(required=False, label="Skip bad lines instead of refusing the file")

    def prepare(self) -> None:
        self.fields["file"].help_text = f"{filesizeformat(settings.MAX_UPLOAD_BYTES)} at most."

    def perform(self, user: User) -> Run:
        return transfers.request_import(
            project=self.project,
            kind=self.cleaned_data["kind"],
            file=self.cleaned_data["file"],
            file_name=self.cleaned_data["file"].name,
            skip_bad=self.cleaned_data["skip_bad"],
            created_by=user,
        )


class ExportForm(Action):
    """Export as JSONL."""

    button = "Export"
    kind = forms.ChoiceField(choices=Transfer.Kind.choices, initial=Transfer.Kind.PAIRS)
    split = forms.ChoiceField(choices=SPLITS, required=False)

    def perform(self, user: User) -> Run:
        return transfers.request_export(
            project=self.project,
            kind=self.cleaned_data["kind"],
            split=self.cleaned_data["split"] or None,
            created_by=user,
        )


class WithdrawForm(Action):
    """Take a person's or a prompt's data back."""

    page = "withdrawals"
    button = "Erase for good"
    done = "Erased from the tables; the files follow within a minute, and the list below says which."
    what = forms.ChoiceField(
        choices=[("annotator", "an annotator, by name"), ("prompt", "a prompt, by its public id")],
        label="Whose data",
    )
    name = forms.CharField(max_length=200, label="Name or public id")
    confirmation = forms.CharField(
        max_length=200,
        label="Type it again",
        help_text="Nothing brings the texts back.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("confirmation") and cleaned["confirmation"] != cleaned.get("name"):
            self.add_error("confirmation", "This is not the same. Nothing was erased.")
        return cleaned

    def perform(self, user: User) -> None:
        name = self.cleaned_data["name"]
        if self.cleaned_data["what"] == "annotator":
            erasure.withdraw_annotator(project=self.project, pseudonym=name, by=user)
        else:
            erasure.withdraw_prompt(project=self.project, public_id=name, by=user)
