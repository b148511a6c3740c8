"""Every form by the name under which its page sends it."""

from annotation.models import Project
from console.forms.action import Action
from console.forms.asking import AskForm, SettingsForm, TasksForm
from console.forms.checking import (
    ControlForm,
    DecideForm,
    GoldForm,
    PauseForm,
    ResolveForm,
    ResumeForm,
    UnmarkForm,
)
from console.forms.files import ConvertForm, DatasetForm, ImportForm, LinesExportForm, WithdrawForm
from console.forms.people import InviteAgainForm, InviteForm, RemoveForm, RevokeForm, RoleForm
from console.forms.policies import (
    CompareForm,
    CurrentForm,
    ExportPolicyForm,
    PpoForm,
    RegisterForm,
    ReinforceForm,
    SampleForm,
    SftForm,
    SuccessionForm,
)
from console.forms.reward_models import (
    ActivateForm,
    ActivationForm,
    ChooseForm,
    ContestForm,
    ExportRewardModelForm,
    FitForm,
    ForgetChoiceForm,
    RetrainForm,
    ScoreForm,
)
from console.forms.simulating import SimulateForm

ACTIONS: dict[str, type[Action]] = {
    "fit": FitForm,
    "retrain": RetrainForm,
    "contest": ContestForm,
    "activation": ActivationForm,
    "simulate": SimulateForm,
    "score": ScoreForm,
    "choose": ChooseForm,
    "forget": ForgetChoiceForm,
    "train-sft": SftForm,
    "train-ppo": PpoForm,
    "train-reinforce": ReinforceForm,
    "succession": SuccessionForm,
    "register": RegisterForm,
    "sample": SampleForm,
    "compare": CompareForm,
    "configure": SettingsForm,
    "ask": AskForm,
    "tasks": TasksForm,
    "import": ImportForm,
    "convert": ConvertForm,
    "export": LinesExportForm,
    "dataset": DatasetForm,
    "export-reward-model": ExportRewardModelForm,
    "export-policy": ExportPolicyForm,
    "invite": InviteForm,
    "invite-again": InviteAgainForm,
    "revoke": RevokeForm,
    "role": RoleForm,
    "remove": RemoveForm,
    "activate": ActivateForm,
    "current": CurrentForm,
    "control": ControlForm,
    "gold": GoldForm,
    "unmark": UnmarkForm,
    "pause": PauseForm,
    "resume": ResumeForm,
    "resolve": ResolveForm,
    "withdraw": WithdrawForm,
    "decide": DecideForm,
}


def forms_of(page: str, project: Project, bad: tuple[str, Action] | None = None) -> dict[str, Action]:
    """The forms of a page by name, with the one that was sent and is wrong in its place."""
    forms = {name: kind(project=project, prefix=name) for name, kind in ACTIONS.items() if kind.page == page}
    return forms | dict([bad] if bad else [])
