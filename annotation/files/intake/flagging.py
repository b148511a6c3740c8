"""Completions that come in and name their model are flagged: whoever ranks them would know whose they are.

At intake, and not when somebody looks: then they can be counted and resolved like any other flag, and a page need
not read every text.
"""

from collections.abc import Iterable

from annotation.models import Flag, Project
from annotation.texts.naming import names_its_model

MOST_WORDS = 500


def flag_texts(*, project: Project, texts: Iterable[tuple[int, int, str]]) -> None:
    """Flag those of new completions (id, prompt's id, text) that name their model."""
    flags = [
        Flag(
            project=project,
            prompt_id=prompt_id,
            completion_id=pk,
            category=Flag.Category.NAMES_MODEL,
            words=words[:MOST_WORDS],
        )
        for pk, prompt_id, text in texts
        if (words := names_its_model(text))
    ]
    Flag.objects.bulk_create(flags, batch_size=500)
