"""One row of a project's data whole, with everything that it is made of and that was made of it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from annotation.collecting import shown
from annotation.models import (
    Assignment,
    Completion,
    Demonstration,
    Flag,
    GuidelineVersion,
    Project,
    Prompt,
    Ranking,
    Rating,
    Slot,
    Task,
    TaskCompletion,
)
from annotation.preferences.estimates import pairwise_agreement
from annotation.texts.markdown import render, render_document
from annotation.withdrawal import lineage
from console.data import related
from console.data.kinds import KINDS, kind_named
from console.data.related import MOST
from console.pages.access import for_project
from rewardmodel.models import Reward


@require_safe
@for_project
def datum_page(request: HttpRequest, project: Project, kind: str, public_id: UUID) -> HttpResponse:
    """Http404 of what is withdrawn, and of another project's."""
    of_kind = kind_named(kind)
    row = get_object_or_404(of_kind.rows(project), public_id=public_id)
    context = {
        **admin.site.each_context(request),
        "project": project,
        "kind": of_kind,
        "kinds": KINDS.values(),
        "row": row,
        "most": MOST,
        **_CONTEXTS[kind](row),
    }
    return TemplateResponse(request, f"admin/datum/{kind}.html", context)


class Text(NamedTuple):
    """A completion as annotators see it, with its place among others: ``tier`` is what a ranking says of it."""

    completion: Completion
    html: SafeString
    letter: str = ""
    tier: int | None = None
    tied: bool = False


class Tiers(NamedTuple):
    """Which letters share a place."""

    tier: int
    letters: list[str]


def _text(completion: Completion, **place: Any) -> Text:
    return Text(completion, render(completion.text), **place)


def _texts(
    completions: list[Completion], order: Sequence[int] | None = None, tiers: Sequence[int] | None = None
) -> list[Text]:
    """In the order shown, or else in the task's own, under the letters of that order."""
    places = range(len(completions)) if order is None else order
    return [
        _text(
            completions[place],
            letter=letter,
            tier=tiers[place] if tiers else None,
            tied=tiers.count(tiers[place]) > 1 if tiers else False,
        )
        for letter, place in zip(shown.LETTERS, places, strict=False)
    ]


def _order(texts: list[Text]) -> list[Tiers]:
    """The letters from best to worst."""
    tiers = sorted({text.tier for text in texts if text.tier is not None})
    return [Tiers(tier, [text.letter for text in texts if text.tier == tier]) for tier in tiers]


def _guidelines(project_id: int, number: int | None) -> SafeString | None:
    version = GuidelineVersion.objects.filter(project=project_id, number=number or 0).first()
    return render_document(version.text) if version and version.text.strip() else None


def _of_prompt(prompt: Prompt) -> dict[str, Any]:
    known = related.of("prompts", prompt)
    return {
        "title": "What was asked, and what came of it?",
        "turns": shown.turns(prompt),
        "texts": [_text(one) for one in known.completions],
        "tasks": known.tasks,
        "demonstrations": [(one, render(one.text)) for one in known.demonstrations],
        "flags": Flag.objects.filter(prompt=prompt).select_related("annotator", "completion", "task")[:MOST],
    }


def _of_completion(completion: Completion) -> dict[str, Any]:
    known = related.of("completions", completion)
    # Of each task that it is in, its place there.
    places = dict(TaskCompletion.objects.filter(completion=completion).values_list("task", "position"))
    return {
        "title": "Where does this answer come from, and what was said of it?",
        "turns": shown.turns(completion.prompt),
        "text": _text(completion),
        "lineage": known.lineage,
        "learnt": known.learnt,
        "judged": [
            (one, one.tiers[places[one.task_id]] if one.tiers else None, len(set(one.tiers)))
            for one in known.rankings
        ],
        "ratings": known.ratings,
        "tasks": known.tasks,
        "flags": Flag.objects.filter(completion=completion)[:MOST],
        "rewards": _rewards(completion),
    }


def _rewards(completion: Completion) -> list[tuple[Reward, int]]:
    """Of each version that scored it, with how many simulated rankings are behind that one."""
    rewards = list(completion.rewards.select_related("version__project").order_by("-version__number")[:MOST])
    behind = lineage.simulated(rewards[0].version.project) if rewards else None
    return [(one, behind.of("reward_models", one.version.number) if behind else 0) for one in rewards]


def _of_task(task: Task) -> dict[str, Any]:
    known = related.of("tasks", task)
    rankings = list(known.rankings)
    tiers = [one.tiers for one in rankings if one.is_current and one.tiers]
    leases = Assignment.objects.filter(task=task, annotator__withdrawn_at=None).select_related("annotator")
    return {
        "title": "What is asked here, and what does everybody say?",
        "turns": shown.turns(task.prompt),
        "texts": _texts(list(known.completions), tiers=task.gold_tiers),
        "rankings": rankings,
        "agreement": pairwise_agreement(tiers) if len(tiers) > 1 else None,
        "ratings": known.ratings,
        "demonstrations": known.demonstrations,
        "slots": Slot.objects.filter(task=task).select_related("annotator").order_by("number"),
        "leases": leases.order_by("-pk")[:MOST],
        "asked_again": known.asked_again,
        "flags": Flag.objects.filter(task=task).select_related("annotator")[:MOST],
    }


def _of_ranking(ranking: Ranking) -> dict[str, Any]:
    known = related.of("rankings", ranking)
    texts = _texts(list(known.completions), ranking.order_shown, ranking.tiers)
    return {
        "title": "What did this annotator see and say?",
        "turns": shown.turns(ranking.task.prompt),
        "texts": texts,
        "order": _order(texts),
        "reason": ranking.metadata.get("reason", ""),
        "guidelines": _guidelines(ranking.project_id, ranking.guideline_version),
        "earlier": known.earlier,
        "later": known.later,
    }


def _of_rating(rating: Rating) -> dict[str, Any]:
    known = related.of("ratings", rating)
    axes = {axis["name"]: axis for axis in rating.project.rating_axes}
    return {
        "title": "What did this annotator make of the answer?",
        "turns": shown.turns(rating.completion.prompt),
        "text": _text(rating.completion),
        "axis": axes.get(rating.axis),
        "ratings": known.ratings,
        "guidelines": _guidelines(rating.project_id, rating.guideline_version),
        "earlier": known.earlier,
        "later": known.later,
    }


def _of_demonstration(demonstration: Demonstration) -> dict[str, Any]:
    known = related.of("demonstrations", demonstration)
    return {
        "title": "What did this person write, and what was said of it?",
        "turns": shown.turns(demonstration.prompt),
        "html": render(demonstration.text),
        "guidelines": _guidelines(demonstration.project_id, demonstration.guideline_version),
        "earlier": known.earlier,
        "later": known.later,
    }


_CONTEXTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "prompts": _of_prompt,
    "completions": _of_completion,
    "tasks": _of_task,
    "rankings": _of_ranking,
    "ratings": _of_rating,
    "demonstrations": _of_demonstration,
}
