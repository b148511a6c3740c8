"""Completions of a batch: found by prompt, source and digest of the text, or made."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from annotation.files.intake.copying import copy_rows, jsonb, restored_ids, take_ids
from annotation.files.intake.desk import Desk
from annotation.files.intake.flagging import flag_texts
from annotation.files.intake.prompts import Stored
from annotation.files.jsonl.records import CompletionValue
from annotation.models import Completion


class Key(NamedTuple):
    """What a completion is known by."""

    prompt_id: int
    source_id: int
    digest: str


class CompletionOfLine(NamedTuple):
    """A completion that a line speaks of."""

    key: Key
    prompt: Stored
    value: CompletionValue
    public_id: str | None = None

    @classmethod
    def of(
        cls, prompt: Stored, source_id: int, value: CompletionValue, public_id: str | None = None
    ) -> "CompletionOfLine":
        """What a line says of a prompt's completion."""
        return cls(Key(prompt.id, source_id, value.digest), prompt, value, public_id)


def ensure(desk: Desk, items: Iterable[CompletionOfLine]) -> dict[Key, int]:
    """The id of each wanted completion. One that is stored without its sampling takes the line's."""
    firsts: dict[Key, CompletionOfLine] = {}
    for item in items:
        firsts.setdefault(item.key, item)
    ids = _stored(firsts)
    missing = [item for key, item in firsts.items() if key not in ids]
    new_ids = take_ids(Completion, len(missing))
    _copy(desk, missing, new_ids)
    ids.update((item.key, pk) for item, pk in zip(missing, new_ids, strict=True))
    return ids


def _stored(firsts: dict[Key, CompletionOfLine]) -> dict[Key, int]:
    """Those that exist. A prompt of this batch has none yet, so only older prompts are looked at."""
    old = [item for item in firsts.values() if not item.prompt.is_new]
    if not old:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.prompt_id, c.source_id, c.digest, c.id, c.sampling = '{}'
            FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS wanted (prompt_id, source_id, digest)
            JOIN annotation_completion c USING (prompt_id, source_id, digest)
            """,
            [
                [item.prompt.id for item in old],
                [item.key.source_id for item in old],
                [item.value.digest for item in old],
            ],
        )
        rows = cursor.fetchall()
    ids = {Key(*row[:3]): row[3] for row in rows}
    bare = {Key(*row[:3]): row[3] for row in rows if row[4]}
    _add_sampling({pk: firsts[key].value for key, pk in bare.items() if firsts[key].value.sampling})
    return ids


def _add_sampling(values: dict[int, CompletionValue]) -> None:
    rows = [Completion(pk=pk, sampling=value.sampling) for pk, value in values.items()]
    Completion.objects.bulk_update(rows, ["sampling"], batch_size=500)


def _copy(desk: Desk, missing: Sequence[CompletionOfLine], ids: Sequence[int]) -> None:
    public_ids = restored_ids(Completion, [item.public_id for item in missing])
    copy_rows(
        Completion,
        ("id", "public_id", "prompt", "source", "text", "digest", "sampling", "created_at"),
        (
            (
                pk,
                public_id,
                *item.key[:2],
                item.value.text,
                item.value.digest,
                jsonb(item.value.sampling),
                desk.now,
            )
            for item, pk, public_id in zip(missing, ids, public_ids, strict=True)
        ),
    )
    named = ((pk, item.prompt.id, item.value.text) for item, pk in zip(missing, ids, strict=True))
    flag_texts(project=desk.project, texts=named)
