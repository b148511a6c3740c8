"""How a project asks for judgements: the axes of its ratings, the strength of pairs, the review of demonstrations."""

from typing import Any, TypedDict

from annotation.errors import BadRequest
from annotation.models import Project
from annotation.preferences.axes import read_axes
from runs.writing import write

MOST_LEAST_CHARACTERS = 100_000


class AskingSettings(TypedDict):
    """How the kinds of judgement are asked for; the fields of Project say what each means."""

    rating_axes: list[dict[str, Any]]
    ask_strength: bool
    review_demonstrations: bool
    demonstration_least_characters: int


@write
def change(
    *,
    project: Project,
    rating_axes: list[dict[str, Any]],
    ask_strength: bool,
    review_demonstrations: bool,
    demonstration_least_characters: int,
) -> Project:
    """Set them all; what was judged before stays as it was said. Raises BadRequest.

    Demonstrations that wait when review is turned off go on waiting: whoever wrote them expects a reader.
    """
    try:
        axes = read_axes(rating_axes)
    except ValueError as error:
        raise BadRequest(f"The axes: {error}.") from error
    if not 1 <= demonstration_least_characters <= MOST_LEAST_CHARACTERS:
        raise BadRequest(f"The least length is 1 to {MOST_LEAST_CHARACTERS} characters.")
    locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    locked.rating_axes = [axis._asdict() for axis in axes]
    locked.ask_strength = ask_strength
    locked.review_demonstrations = review_demonstrations
    locked.demonstration_least_characters = demonstration_least_characters
    locked.save(
        update_fields=[
            "rating_axes",
            "ask_strength",
            "review_demonstrations",
            "demonstration_least_characters",
        ]
    )
    return locked
