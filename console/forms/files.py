"""Data in and out, and taken back."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from annotation.errors import BadRequest, TwoForms
from annotation.files import export, looking, transfers
from annotation.models import Prompt, Transfer
from annotation.withdrawal import erasure
from console.forms.action import Action, license_field
from runs.models import Run

SPLITS = [("", "all splits"), ("train", "train"), ("validation", "validation"), ("test", "test")]
FORMS = [("", "text and chat"), *Prompt.Form.choices]


class ImportForm(Action):
    """Import a file: lines of a kind at once, any other after a look at how it is understood."""

    button = "Import"
    file = forms.FileField(
        label="File",
        help_text="JSON Lines, a JSON list, CSV or Parquet; exports of Label Studio and Argilla.",
    )
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "what the file itself says (shown first)"), *Transfer.Kind.choices],
        label="It holds",
    )
    columns = forms.CharField(
        required=False,
        max_length=1000,
        label="Which column is which",
        help_text="Only where the file does not say it, as prompt=question, completion=answer.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    skip_bad = forms.BooleanField(required=False, label="Skip bad lines instead of refusing the file")

    def prepare(self) -> None:
        self.fields["file"].help_text += f" {filesizeformat(settings.MAX_UPLOAD_BYTES)} at most."

    def clean_columns(self) -> dict[str, str]:
        try:
            return looking.columns_of(self.cleaned_data["columns"])
        except BadRequest as error:
            raise forms.ValidationError(str(error)) from error

    def perform(self, user: User) -> Run | None:
        fields, file = self.cleaned_data, self.cleaned_data["file"]
        if fields["kind"]:
            return transfers.request_import(
                project=self.project,
                kind=fields["kind"],
                file=file,
                file_name=file.name,
                skip_bad=fields["skip_bad"],
                created_by=user,
            )
        word = looking.send(
            project=self.project, file=file, file_name=file.name, columns=fields["columns"], user=user
        )
        self.go_to = reverse("admin:look", args=[self.project.slug], query={"file": word})
        return None


class ConvertForm(Action):
    """Import a file as it was understood."""

    page = "look"
    button = "Import it so"
    word = forms.CharField(widget=forms.HiddenInput)
    skip_bad = forms.BooleanField(required=False, label="Skip bad records instead of refusing the file")

    def perform(self, user: User) -> Run:
        return transfers.request_looked_at(
            project=self.project,
            word=self.cleaned_data["word"],
            skip_bad=self.cleaned_data["skip_bad"],
            created_by=user,
        )


class LinesExportForm(Action):
    """Export as JSONL."""

    button = "Export"
    kind = forms.ChoiceField(choices=Transfer.Kind.choices, initial=Transfer.Kind.PAIRS)
    split = forms.ChoiceField(choices=SPLITS, required=False)
    form = forms.ChoiceField(
        choices=FORMS,
        required=False,
        label="Form of the prompt",
        help_text="A file of pairs holds one; of the other kinds both may stand in one file.",
    )

    def clean(self) -> dict[str, Any]:
        """What the worker would refuse is said at the field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if {"kind", "split", "form"} <= cleaned.keys():
            try:
                export.check(project=self.project, **self._scope())
            except TwoForms as error:
                self.add_error("form", str(error))
        return cleaned

    def _scope(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] or None for name in ("kind", "split", "form")}

    def perform(self, user: User) -> Run:
        return transfers.request_export(
            project=self.project,
            **self._scope(),
            created_by=user,
        )


class DatasetForm(Action):
    """Export as a data set."""

    button = "Export as a data set"
    explanation = (
        "All pairs, rankings, ratings and demonstrations that count now, as one folder of Parquet files with a card, "
        "which the Python package datasets loads and model hubs show."
    )
    license = license_field("cc-by-4.0, mit")

    def perform(self, user: User) -> Run:
        return transfers.request_dataset(
            project=self.project, license=self.cleaned_data["license"], created_by=user
        )


class WithdrawForm(Action):
    """Take a person's or a prompt's data back."""

    page = "withdrawals"
    button = "Erase for good"
    destroys = True
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
