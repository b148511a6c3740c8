"""The typed values of lines. Digests are sha256 in hex."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from annotation.files.jsonl.provenance import Provenance

# Who wrote a text that names no source.
NAMELESS_SOURCE = "import"
Form = str  # "text" or "chat"
# What a task is for unless its lines say otherwise.
COLLECT = "collect"


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
    """Kinds "completions" and "gold": a task to be ranked. ``key`` is its name, or the key of its set.

    ``expert[i]`` is the tier of ``completions[i]`` in the expert's order of a gold task; None of any other.
    """

    prompt: PromptValue
    completions: list[CompletionValue]
    key: str
    priority: int
    external_id: str
    metadata: dict[str, Any]
    provenance: Provenance
    expert: list[int] | None = None


class RankingLine(NamedTuple):
    """Kinds "rankings", "pairs", "gold_rankings", "repeats" and "adjudications".

    ``tiers[i]`` belongs to ``completions[i]``: dense, 1 is best; [] unless ranked. ``import_key`` names the judgement:
    two lines with the same one are one judgement. ``key`` is the first task's where ``purpose`` asks it again.
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
    purpose: str = COLLECT


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


class FlagLine(NamedTuple):
    """Kind "flags": of a task by an annotator, or, where neither ``key`` nor ``annotator`` is there, of one text."""

    prompt: PromptValue
    completions: list[CompletionValue]
    key: str
    annotator: str | None
    category: str
    words: str
    resolution: str
    resolved_by: str | None
    provenance: Provenance
    purpose: str = COLLECT


class SkipLine(NamedTuple):
    """Kind "skips": a task that an annotator passed over, and why."""

    prompt: PromptValue
    completions: list[CompletionValue]
    key: str
    annotator: str | None
    reason: str
    provenance: Provenance
    purpose: str = COLLECT


class ScorableLine(NamedTuple):
    """A prompt with a completion to be scored."""

    prompt: PromptValue
    text: str


Judgement = RankingLine | DemonstrationLine | RatingLine
Remark = FlagLine | SkipLine
Line = PromptLine | TaskLine | Judgement | Remark


def extras_of(metadata: Mapping[str, Any], completions: int) -> list[dict[str, Any]] | None:
    """The unknown fields of a line's completions, which its metadata keeps in a list beside the others."""
    extras = metadata.get("completions")
    if isinstance(extras, list) and len(extras) == completions:
        return extras
    return None
