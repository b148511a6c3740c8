"""Try it: a prompt answered by several policies side by side, with rewards; and texts of one's own, scored.

Nothing of it is stored, until somebody makes a task of the answers.
"""

from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from annotation.errors import AnnotationError
from annotation.files import intake
from annotation.models import Project, Prompt
from annotation.withdrawal import lineage
from console.forms.plain import PlainForm
from console.pages.access import for_project
from rewardmodel import activation, scoring
from rewardmodel.errors import RewardModelError
from rewardmodel.models import RewardModelVersion
from rewardmodel.scoring import Score
from rltrainer import answering, policies
from rltrainer.answering import Answer
from rltrainer.errors import PolicyError
from rltrainer.models import PolicyVersion
from runs.errors import RunsError
from runs.resident import asking

MOST_POLICIES = 6
MOST_TEXTS = 50
PARTED = "---"
# A task of answers that were tried comes before what waits already.
FIRST = 1_000_000


class AskForm(PlainForm):
    """What is asked, of whom, and how their answers are drawn."""

    prompt = forms.CharField(max_length=100_000, widget=forms.Textarea(attrs={"rows": 4}))
    versions = forms.ModelMultipleChoiceField(
        PolicyVersion.objects.none(), label="Policies", widget=forms.CheckboxSelectMultiple
    )
    samples = forms.IntegerField(min_value=1, max_value=8, initial=1, label="Answers of each")
    temperature = forms.FloatField(
        min_value=0, max_value=5, initial=1.0, help_text="0 takes the likeliest token each time."
    )
    max_new_tokens = forms.IntegerField(min_value=1, max_value=4096, initial=128, label="Tokens, at most")
    seed = forms.IntegerField(
        min_value=0, max_value=1_000_000, initial=0, help_text="Another number, other answers."
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = PolicyVersion.objects.filter(project=project)
        versions = self.fields["versions"]
        assert isinstance(versions, forms.ModelMultipleChoiceField)
        versions.queryset = rows
        versions.initial = _likely(project)

    def clean_versions(self) -> list[PolicyVersion]:
        """In the order of their making."""
        chosen = sorted(self.cleaned_data["versions"], key=lambda version: version.number)
        if len(chosen) > MOST_POLICIES:
            raise forms.ValidationError(f"Choose {MOST_POLICIES} at most.")
        return chosen


class ScoreForm(PlainForm):
    """Texts that somebody wrote, to be scored."""

    prompt = forms.CharField(max_length=100_000, widget=forms.Textarea(attrs={"rows": 3}))
    texts = forms.CharField(
        max_length=1_000_000,
        label="Answers",
        help_text=f"Several: with a line of {PARTED} between them.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    version = forms.ModelChoiceField(
        RewardModelVersion.objects.none(), label="Reward model", empty_label=None
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = self.fields["version"]
        assert isinstance(version, forms.ModelChoiceField)
        version.queryset = RewardModelVersion.objects.filter(project=project)
        version.initial = activation.active_version(project)

    def clean_texts(self) -> list[str]:
        """One after another."""
        texts = [
            text.strip("\n")
            for text in f"\n{self.cleaned_data['texts']}\n".replace("\r\n", "\n").split(f"\n{PARTED}\n")
        ]
        if len(texts) > MOST_TEXTS:
            raise forms.ValidationError(f"Score {MOST_TEXTS} at most at once.")
        return texts


class Column(NamedTuple):
    """One policy's answers."""

    version: PolicyVersion
    answers: list[Answer]


class Scored(NamedTuple):
    """One text and what the reward model gives it."""

    text: str
    score: Score


@require_http_methods(["GET", "HEAD", "POST"])
@for_project
def try_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The forms; a POST answers below the one that was sent."""
    data = request.POST if request.method == "POST" else None
    doing = data.get("do", "") if data is not None else ""
    ask = AskForm(data if doing in ("ask", "task") else None, project=project)
    score = ScoreForm(data if doing == "score" else None, project=project, prefix="score")
    columns: list[Column] = []
    scored: list[Scored] = []
    sent = {"ask": ask, "task": ask, "score": score}.get(doing)
    if sent is not None and sent.is_valid():
        try:
            if doing == "score":
                scored = _scored(project, score)
            else:
                columns = _answers_of(project, ask)
            if doing == "task":
                return _made_a_task(request, project, ask, columns)
        except (AnnotationError, RewardModelError, PolicyError, RunsError) as error:
            sent.add_error(None, str(error))
    judge = activation.active_version(project)
    context = {
        **admin.site.each_context(request),
        "title": "Try it",
        "project": project,
        "ask": ask,
        "score": score,
        "columns": columns,
        "scored": sorted(scored, key=lambda one: -one.score.value),
        "judge": judge,
        "simulated": lineage.simulated(project).of("reward_models", judge.number) if judge else 0,
        "policies": PolicyVersion.objects.filter(project=project).exists(),
        "is_running": asking.is_running(),
    }
    failed = sent is not None and not sent.is_valid()
    return TemplateResponse(request, "admin/try.html", context, status=400 if failed else 200)


def _likely(project: Project) -> list[PolicyVersion]:
    """Whom to ask where nobody has said it yet: the first, the current and the newest."""
    rows = list(PolicyVersion.objects.filter(project=project).order_by("number"))
    current = policies.current_policy(project)
    return [one for one in rows if one in (rows[0], rows[-1], current)]


def _form(project: Project) -> str:
    """Of a prompt that is typed here: that of the project's newest one, as its policies and reward models know it."""
    newest = Prompt.objects.kept().filter(project=project).order_by("-pk").first()
    return newest.form if newest else "text"


def _as_imported(project: Project, prompt: str) -> str | list[dict[str, str]]:
    """A prompt as a line of a file has it."""
    return [{"role": "user", "content": prompt}] if _form(project) == "chat" else prompt


def _answers_of(project: Project, form: AskForm) -> list[Column]:
    fields = form.cleaned_data
    answered = answering.answers(
        policies=fields["versions"],
        prompts=[{"form": _form(project), "messages": [{"role": "user", "content": fields["prompt"]}]}],
        sampling={name: fields[name] for name in ("samples", "temperature", "max_new_tokens")},
        seed=fields["seed"],
        reward_model=activation.active_version(project),
    )
    return [
        Column(version, of_policy[0]) for version, of_policy in zip(fields["versions"], answered, strict=True)
    ]


def _scored(project: Project, form: ScoreForm) -> list[Scored]:
    fields = form.cleaned_data
    prompt = _as_imported(project, fields["prompt"])
    lines = intake.scorable_values([{"prompt": prompt, "completion": text} for text in fields["texts"]])
    scores = scoring.ask(version=fields["version"], lines=lines)
    return [Scored(text, score) for text, score in zip(fields["texts"], scores, strict=True)]


def _made_a_task(
    request: HttpRequest, project: Project, form: AskForm, columns: list[Column]
) -> HttpResponse:
    """The same answers again (the seed says which) become a task to be ranked, before what waits already."""
    different = {answer.text: column.version.source.name for column in columns for answer in column.answers}
    texts = [{"text": text, "source": source} for text, source in different.items() if text.strip()]
    prompt = _as_imported(project, form.cleaned_data["prompt"])
    line = {"prompt": prompt, "completions": texts, "priority": FIRST}
    added = intake.add_task(project=project, line=line)
    words = (
        "The answers are a task now, the next to be judged."
        if added.is_new
        else "There is such a task already."
    )
    messages.success(request, words)
    return redirect("rank", slug=project.slug)
