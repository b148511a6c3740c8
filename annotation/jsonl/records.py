"""The typed values of lines. Digests are sha256 in hex."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from annotation.jsonl.provenance import Provenance

# Who wrote a text that names no source.
NAMELESS_SOURCE = "import"
Form = str  # "text" or "chat"


class PromptValue(NamedTuple):
    """A prompt as a list of messages. ``split`` is what the line says itself, or None."""

    form: Form
    messages: list[dict[str, str]]
    digest: str
    opening: str
    split: str | None


class CompletionValue(NamedTuple):
    """One answer; ``source`` is a name."""

    text: str
    digest: str
    source: str
    sampling: dict[str, Any]

    @property
    def member(self) -> tuple[str, str]:
        """What tells it from the others of a task."""
        return self.source, self.digest


class PromptLine(NamedTuple):
    """Kind "prompts"."""

    prompt: PromptValue
    external_id: str
    metadata: dict[str, Any]
    provenance: Provenance


class TaskLine(NamedTuple):
    """Kind "completions": a task to be ranked. ``key`` is its name, or the key of its set."""

    prompt: PromptValue
    completions: list[CompletionValue]
    key: str
    priority: int
    external_id: str
    metadata: dict[str, Any]
    provenance: Provenance


class RankingLine(NamedTuple):
    """Kinds "rankings" and "pairs". ``tiers[i]`` belongs to ``completions[i]``: dense, 1 is best; [] unless ranked.

    ``import_key`` names the judgement: two lines with the same one are one judgement.
    """

    prompt: PromptValue
    completions: list[CompletionValue]
    key: str
    tiers: list[int]
    verdict: str
    confidence: str
    rationale: str
    strength: float | None
    annotator: str | None
    import_key: str
    external_id: str
    metadata: dict[str, Any]
    provenance: Provenance


class DemonstrationLine(NamedTuple):
    """Kind "demonstrations"."""

    prompt: PromptValue
    text: str
    source: str | None
    annotator: str | None
    import_key: str
    external_id: str
    metadata: dict[str, Any]
    provenance: Provenance


class RatingLine(NamedTuple):
    """Kind "ratings". A score of None is "cannot say"."""

    prompt: PromptValue
    completion: CompletionValue
    score: float | None
    axis: str
    annotator: str | None
    import_key: str
    external_id: str
    metadata: dict[str, Any]
    provenance: Provenance


class ScorableLine(NamedTuple):
    """A prompt with a completion to be scored."""

    prompt: PromptValue
    text: str


Judgement = RankingLine | DemonstrationLine | RatingLine
Line = PromptLine | TaskLine | Judgement


def extras_of(metadata: Mapping[str, Any], completions: int) -> list[dict[str, Any]] | None:
    """The unknown fields of a line's completions, which its metadata keeps in a list beside the others."""
    extras = metadata.get("completions")
    if isinstance(extras, list) and len(extras) == completions:
        return extras
    return None
