"""A reward model as the taste of simulated annotators: trials of the loop against a judge whose mind is known."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.errors import BadRequest
from annotation.models import Project, Prompt, Task
from annotation.simulated import NAMES_OF_JUDGEMENTS, Judge, simulate
from rewardmodel.activation import require_active
from rewardmodel.errors import NoRewardModel
from rewardmodel.models import RewardModelVersion
from rewardmodel.scoring import score_lines

PREFIX = "reward:"


def find_version(*, project: Project, name: str) -> RewardModelVersion:
    """The version that ``name`` says: its number, or ``active``. Raises NoRewardModel."""
    if name == "active":
        return require_active(project)
    number = int(name) if name.isdecimal() and len(name) < 10 else 0
    version = (
        RewardModelVersion.objects.filter(project=project, number=number).select_related("artifact").first()
    )
    if version is None:
        raise NoRewardModel(
            f"{project.slug} has no reward model version {name!r}: name one by its number, or say reward:active."
        )
    return version


# Tasks of a demo that are left for people, and how many judgements are made there at once.
KEPT_IN_DEMO, MOST_IN_DEMO = 10, 100
# What is offered there, by name.
RULES = {
    "length": "Longer is better",
    "attributes": "What names more of the prompt's facts is better",
    "noise:0.2": "Longer is better, and one judgement in five is at random",
}
BY_ACTIVE = {f"{PREFIX}active": "What the active reward model scores higher is better"}
NO_DEMO = "Simulated annotators judge in a demo alone: elsewhere their rankings would enter no snapshot."


def simulate_in_demo(*, project: Project, preference: str, judgements: int) -> dict[str, Any]:
    """Judge in a demo, for who wants to see the loop. Raises BadRequest in any other project, and what simulate_by
    raises."""
    if not project.is_demo:
        raise BadRequest(NO_DEMO)
    return simulate_by(project=project, preference=preference, judgements=judgements)


def simulate_by(
    *,
    project: Project,
    preference: str,
    judgements: int,
    annotators: int = 3,
    keep: int | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Judge by any preference that there is, a reward model's among them (annotation.simulated.simulate).

    Without ``keep`` ten tasks of each kind are left for people in a demo, and none in another project. Raises
    BadRequest, NoRewardModel, ScoringFailed.
    """
    judge = None
    if preference.startswith(PREFIX):
        version = find_version(project=project, name=preference.removeprefix(PREFIX))
        preference = f"{PREFIX}{version.number}"
        judge = judge_by(version=version, tasks=max(judgements, 0))
    return simulate(
        project=project,
        judgements=judgements,
        preference=preference,
        judge=judge,
        annotators=annotators,
        keep=(KEPT_IN_DEMO if project.is_demo else 0) if keep is None else keep,
        seed=seed,
    )


def shortfall(answer: Mapping[str, Any]) -> str:
    """Why fewer judgements were made than asked for, in a sentence; empty where they were made."""
    judgements = sum(answer[name] for name in NAMES_OF_JUDGEMENTS.values())
    if judgements >= answer["asked"]:
        return ""
    reasons = [
        f"{answer['kept']} tasks of each kind are kept for people"
        if answer["kept"]
        else "no task is left for these annotators"
    ]
    if answer["wordless"]:
        reasons.append(f"{answer['wordless']} to write have no completion that could be an answer")
    return f"{judgements} of {answer['asked']} judgements made: {', and '.join(reasons)}."


def made_by_kind(answer: Mapping[str, Any]) -> str:
    """How many of which kind, in words: "5 rankings and 2 ratings"; kinds without any are left out."""
    return " and ".join(f"{answer[name]} {name}" for name in NAMES_OF_JUDGEMENTS.values() if answer[name])


def judge_by(*, version: RewardModelVersion, tasks: int) -> Judge:
    """A judge that scores with ``version``; the texts of the next ``tasks`` tasks are scored now, in one child.

    A task that was not among them costs a child of its own. Raises ScoringFailed.
    """
    known: dict[tuple[int, str], float] = {}

    def learn(prompt_texts: Sequence[tuple[Prompt, str]]) -> None:
        lines = [
            {"form": prompt.form, "prompt": prompt.messages, "completion": text}
            for prompt, text in prompt_texts
        ]
        if lines:
            keys = [(prompt.pk, text) for prompt, text in prompt_texts]
            scores = score_lines(version=version, lines=lines)
            known.update(zip(keys, (scored.value for scored in scores), strict=True))

    def judge(prompt: Prompt, texts: Sequence[str]) -> list[float]:
        learn([(prompt, text) for text in texts if (prompt.pk, text) not in known])
        return [known[prompt.pk, text] for text in texts]

    waiting = Task.objects.collected().with_free_place().filter(project=version.project_id)
    next_tasks = waiting.order_by("-priority", "pk").select_related("prompt")[:tasks]
    learn(
        [
            (task.prompt, entry.completion.text)
            for task in next_tasks.prefetch_related("entries__completion")
            for entry in task.entries.all()
        ]
    )
    return judge
