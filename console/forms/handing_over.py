"""A version for other programs: which, in what shape, and under which license."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet

from console.forms.action import Action, choices, license_field
from runs.models import Run

WHOLE, ADAPTER = "whole", "adapter"


class VersionExportForm(Action):
    """Hand a version over to transformers or peft; ``adapter`` is offered where some version has one."""

    button = "Export"
    explanation = (
        "A folder with weights, tokenizer and a model card, which transformers and TRL load. It is loaded as they do "
        "and compared with the version before it is offered as a download."
    )
    # Of every project.
    versions: "ClassVar[QuerySet[Any]]"
    version: "forms.ModelChoiceField[Any]" = forms.ModelChoiceField(None, label="Version", empty_label=None)
    shape = forms.ChoiceField(label="As")
    license = license_field("apache-2.0, mit")

    def prepare(self) -> None:
        rows = self.versions.filter(project=self.project)
        choices(self, "version").queryset = rows
        adapters = [f"v{one.number}" for one in rows if self.has_adapter(one)]
        shape = self.fields["shape"]
        assert isinstance(shape, forms.ChoiceField)
        shape.choices = [(WHOLE, "whole, for transformers")]
        if adapters:
            shape.choices = [*shape.choices, (ADAPTER, "adapter alone, for peft")]
            shape.help_text = (
                f"What LoRA learnt was kept of {', '.join(adapters)}: small, but of use only beside its base."
            )
        else:
            del self.fields["shape"]

    def has_adapter(self, version: Any) -> bool:
        """Whether it can go out as an adapter."""
        raise NotImplementedError

    def start(self, user: User, **export: Any) -> Run:
        """Queue the export."""
        raise NotImplementedError

    def perform(self, user: User) -> Run:
        fields = self.cleaned_data
        adapter = fields.get("shape") == ADAPTER
        return self.start(user, version=fields["version"], adapter=adapter, license=fields["license"])
