"""The six kinds: a line's bytes -> its typed value. DESIGN's table of JSONL is the reference."""

import re
from collections.abc import Callable

from annotation.jsonl.decoding import decode
from annotation.jsonl.errors import BadField
from annotation.jsonl.fields import Fields, Limits
from annotation.jsonl.parts import (
    check_completions,
    completion,
    completion_items,
    key_of,
    read_completion,
    read_external_id,
    read_messages,
    read_metadata,
    read_prompt,
    source_at,
    with_split,
)
from annotation.jsonl.provenance import Provenance, read_provenance
from annotation.jsonl.records import (
    CompletionValue,
    DemonstrationLine,
    Form,
    Line,
    PromptLine,
    PromptValue,
    RankingLine,
    RatingLine,
    ScorableLine,
    TaskLine,
)
from annotation.preferences.task_key import set_key
from annotation.preferences.tiers import dense

RANKED = "ranked"
VERDICTS = (RANKED, "all_bad", "cannot_tell")
CONFIDENCES = ("low", "middle", "high")
_NOBODY = re.compile(r"anonymous(-[0-9]+)?")


def parse(kind: str, data: bytes, limits: Limits) -> Line:
    """The value of one line of ``kind``. Raises BadField."""
    return _PARSERS[kind](Fields(decode(data), limits))


def parse_scorable(data: bytes, limits: Limits) -> ScorableLine:
    """A line of ``{"prompt", "completion"}`` to be scored; other fields are ignored. Raises BadField."""
    fields = Fields(decode(data), limits)
    return ScorableLine(read_prompt(fields), fields.text("completion"))


def _prompts(fields: Fields) -> PromptLine:
    prompt = read_prompt(fields)
    external_id = fields.label("id") or ""
    provenance = read_provenance(fields, 0)
    return PromptLine(
        with_split(prompt, provenance), external_id, read_metadata(fields, provenance), provenance
    )


def _completions(fields: Fields) -> TaskLine:
    prompt = read_prompt(fields)
    items = completion_items(fields)
    provenance = read_provenance(fields, len(items))
    completions = [read_completion(item, provenance, index) for index, item in enumerate(items)]
    check_completions(fields, completions)
    return TaskLine(
        prompt=with_split(prompt, provenance),
        completions=completions,
        key=fields.label("task") or _set_key(prompt, completions),
        priority=fields.whole("priority") or 0,
        external_id=read_external_id(fields),
        metadata=read_metadata(fields, provenance, [item.rest() for item in items]),
        provenance=provenance,
    )


def _rankings(fields: Fields) -> RankingLine:
    prompt = read_prompt(fields)
    items = completion_items(fields)
    provenance = read_provenance(fields, len(items))
    completions = [_ranked_completion(item, provenance, index) for index, item in enumerate(items)]
    check_completions(fields, completions)
    verdict = fields.choice("verdict", VERDICTS) or RANKED
    return _judgement(
        fields,
        prompt,
        completions,
        provenance,
        key=fields.label("task"),
        tiers=_tiers(items, verdict, provenance),
        verdict=verdict,
        confidence=fields.choice("confidence", CONFIDENCES) or "",
        rationale=fields.optional_text("rationale"),
        strength=provenance.strength,
        extras=[item.rest() for item in items],
    )


def _ranked_completion(item: Fields, provenance: Provenance, index: int) -> CompletionValue:
    text = item.text("text")
    return completion(text, source_at(item.label("source"), provenance, index, f"{item.path}source"))


def _tiers(items: list[Fields], verdict: str, provenance: Provenance) -> list[int]:
    """Dense tiers of the ranks. A verdict without an order has none; ranks beside it stay in the metadata."""
    ranks = []
    for item in items:
        rank = item.peek("rank")
        if rank is None and verdict == RANKED:
            raise item.bad("rank", "is missing")
        if rank is not None:
            ranks.append(_rank(item))
    if verdict != RANKED:
        return []
    for item in items:
        item.take("rank")
    tiers = dense(ranks)
    if provenance.tiers is not None and provenance.tiers != tiers:
        raise BadField("concord.tiers", f"is {provenance.tiers}, but the ranks say {tiers}")
    return tiers


def _rank(item: Fields) -> int:
    value = item.peek("rank")
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise item.bad("rank", "must be a positive whole number")
    return value


def _pairs(fields: Fields) -> RankingLine:
    prompt = read_prompt(fields)
    provenance = read_provenance(fields, 2)
    completions = [
        completion(_answer(fields, name, prompt.form), source_at(None, provenance, index, name))
        for index, name in enumerate(("chosen", "rejected"))
    ]
    if completions[0].member == completions[1].member:
        raise fields.bad("rejected", "is the same as chosen")
    return _judgement(
        fields,
        prompt,
        completions,
        provenance,
        key=provenance.task,
        tiers=[1, 2],
        verdict=RANKED,
        confidence="",
        rationale="",
        strength=fields.number("strength", least=0.0),
        extras=None,
    )


def _answer(fields: Fields, name: str, form: Form) -> str:
    """The text of ``chosen`` or ``rejected``, in the prompt's form: a text, or a list of one assistant message."""
    if form == "text":
        return fields.text(name)
    messages = read_messages(fields, name)
    if len(messages) != 1 or messages[0]["role"] != "assistant":
        raise fields.bad(
            name, "must be a list of one assistant message where the prompt is a list of messages"
        )
    return messages[0]["content"]


def _judgement(
    fields: Fields,
    prompt: PromptValue,
    completions: list[CompletionValue],
    provenance: Provenance,
    *,
    key: str | None,
    tiers: list[int],
    verdict: str,
    confidence: str,
    rationale: str,
    strength: float | None,
    extras: "list[dict[str, object]] | None",
) -> RankingLine:
    annotator = _annotator(fields)
    external_id = read_external_id(fields)
    metadata = read_metadata(fields, provenance, extras)
    key = key or _set_key(prompt, completions)
    members = [value.member for value in completions]
    opinion = (tiers, verdict, confidence, rationale, strength)
    return RankingLine(
        prompt=with_split(prompt, provenance),
        completions=completions,
        key=key,
        tiers=tiers,
        verdict=verdict,
        confidence=confidence,
        rationale=rationale,
        strength=strength,
        annotator=annotator,
        import_key=provenance.id
        or key_of("ranking", prompt.digest, members, opinion, key, annotator, external_id, metadata),
        external_id=external_id,
        metadata=metadata,
        provenance=provenance,
    )


def _demonstrations(fields: Fields) -> DemonstrationLine:
    prompt = read_prompt(fields)
    text = fields.text("completion", may_be_empty=False)
    provenance = read_provenance(fields, 1)
    annotator = _annotator(fields)
    external_id = read_external_id(fields)
    metadata = read_metadata(fields, provenance)
    return DemonstrationLine(
        prompt=with_split(prompt, provenance),
        text=text,
        source=provenance.sources[0] if provenance.sources else None,
        annotator=annotator,
        import_key=provenance.id
        or key_of("demonstration", prompt.digest, text, annotator, external_id, metadata),
        external_id=external_id,
        metadata=metadata,
        provenance=provenance,
    )


def _ratings(fields: Fields) -> RatingLine:
    prompt = read_prompt(fields)
    provenance = read_provenance(fields, 1)
    rated = completion(fields.text("completion"), source_at(None, provenance, 0, "completion"))
    says_nothing = fields.has("score")  # null is "cannot say", and not the same as nothing
    score = fields.number("score")
    if score is None and not says_nothing:
        raise fields.bad("score", "is missing")
    axis = fields.label("axis", most=60) or "quality"
    annotator = _annotator(fields)
    external_id = read_external_id(fields)
    metadata = read_metadata(fields, provenance)
    return RatingLine(
        prompt=with_split(prompt, provenance),
        completion=rated,
        score=score,
        axis=axis,
        annotator=annotator,
        import_key=provenance.id
        or key_of("rating", prompt.digest, rated.member, score, axis, annotator, external_id, metadata),
        external_id=external_id,
        metadata=metadata,
        provenance=provenance,
    )


def _annotator(fields: Fields) -> str | None:
    """The pseudonym, or None for whoever it was. Concord's own names for nobody are not pseudonyms."""
    name = fields.label("annotator")
    if name is not None and _NOBODY.fullmatch(name):
        raise fields.bad("annotator", "cannot be 'anonymous': leave it out where nobody is named")
    return name


def _set_key(prompt: PromptValue, completions: list[CompletionValue]) -> str:
    return set_key(prompt.digest, [value.member for value in completions])


_PARSERS: dict[str, Callable[[Fields], Line]] = {
    "prompts": _prompts,
    "completions": _completions,
    "demonstrations": _demonstrations,
    "rankings": _rankings,
    "pairs": _pairs,
    "ratings": _ratings,
}
KINDS = tuple(_PARSERS)
