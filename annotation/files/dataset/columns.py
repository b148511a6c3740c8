"""The columns of a data set: what types the values of each kind have, and rows that have all of them.

A line of JSONL leaves out what says nothing; loaders that infer types from the first of many lines then refuse the
later ones. Parquet says its types once. What may be anything (``metadata``) stands as JSON text.
"""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow

TEXT, NUMBER, WHOLE, FLAG = pyarrow.string(), pyarrow.float64(), pyarrow.int32(), pyarrow.bool_()
MESSAGES = pyarrow.list_(pyarrow.struct({"role": TEXT, "content": TEXT}))
_TEXTS, _WHOLES = pyarrow.list_(TEXT), pyarrow.list_(WHOLE)
_ORIGIN = {"id": TEXT, "split": TEXT, "sources": _TEXTS, "simulated": FLAG, "created_at": TEXT}
_MADE_HERE = {"active_seconds": NUMBER, "guideline_version": WHOLE}
_ANNOTATOR_AND_ID = {"annotator": TEXT, "id": TEXT}
# Of each kind but for its prompt, whose type is its form's.
_COLUMNS: dict[str, dict[str, pyarrow.DataType]] = {
    "pairs": {
        "strength": NUMBER,
        **_ANNOTATOR_AND_ID,
        "concord": pyarrow.struct(
            {**_ORIGIN, "task": TEXT, "order_shown": _WHOLES, "metadata": TEXT, **_MADE_HERE}
        ),
    },
    "rankings": {
        "completions": pyarrow.list_(pyarrow.struct({"text": TEXT, "source": TEXT, "rank": WHOLE})),
        "task": TEXT,
        **_ANNOTATOR_AND_ID,
        "verdict": TEXT,
        "confidence": TEXT,
        "rationale": TEXT,
        "metadata": TEXT,
        "concord": pyarrow.struct(
            {
                **_ORIGIN,
                "prompt": TEXT,
                "task": TEXT,
                "completions": _TEXTS,
                "tiers": _WHOLES,
                "order_shown": _WHOLES,
                "strength": NUMBER,
                **_MADE_HERE,
            }
        ),
    },
    "ratings": {
        "completion": TEXT,
        "score": NUMBER,
        "axis": TEXT,
        **_ANNOTATOR_AND_ID,
        "metadata": TEXT,
        "concord": pyarrow.struct({**_ORIGIN, "prompt": TEXT, "completions": _TEXTS, **_MADE_HERE}),
    },
    "demonstrations": {
        "completion": TEXT,
        **_ANNOTATOR_AND_ID,
        "metadata": TEXT,
        "concord": pyarrow.struct(
            {
                **_ORIGIN,
                "prompt": TEXT,
                **_MADE_HERE,
                "reviewer": TEXT,
                "reviewed_at": TEXT,
                "comment": TEXT,
                "edited": FLAG,
            }
        ),
    },
}
KINDS = tuple(_COLUMNS)


def schema(kind: str, form: str) -> pyarrow.Schema:
    """The columns of ``kind`` (one of KINDS) where the prompts are of ``form``, "text" or "chat"."""
    prompt = TEXT if form == "text" else MESSAGES
    answers = {"chosen": prompt, "rejected": prompt} if kind == "pairs" else {}
    return pyarrow.schema({"prompt": prompt, **answers, **_COLUMNS[kind]})


def row(value: Mapping[str, Any]) -> dict[str, Any]:
    """A line's object as a row: metadata as text, since it may be anything. Columns that it lacks are null."""
    metadata = value.get("metadata")
    metadata_as_text = {} if metadata is None else {"metadata": json.dumps(metadata, ensure_ascii=False)}
    return {**value, **metadata_as_text}
