"""The kinds: a line's bytes -> its typed value. DESIGN's table of JSONL is the reference."""

from collections.abc import Callable
from functools import partial

from annotation.files.jsonl import remarks
from annotation.files.jsonl.decoding import decode
from annotation.files.jsonl.dialogues import part_prompt_from_answers
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.fields import Fields, Limits, whole_of
from annotation.files.jsonl.parts import (
    check_completions,
    completion,
    completion_items,
    key_of,
    read_annotator,
    read_completion,
    read_external_id,
    read_messages,
    read_metadata,
    read_prompt,
    set_key_of,
    source_at,
    with_split,
)
from annotation.files.jsonl.provenance import KEY, Provenance, read_provenance
from annotation.files.jsonl.records import (
    COLLECT,
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
from annotation.preferences.tiers import dense

RANKED = "ranked"
VERDICTS = (RANKED, "all_bad", "cannot_tell")
CONFIDENCES = ("low", "middle", "high")


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


def _completions(fields: Fields, *, gold: bool = False) -> TaskLine:
    prompt = read_prompt(fields)
    items = completion_items(fields)
    provenance = read_provenance(fields, len(items))
    _check_purpose(provenance, "gold" if gold else COLLECT)
    expert = _expert(items) if gold else None
    completions = [read_completion(item, provenance, index) for index, item in enumerate(items)]
    check_completions(fields, completions)
    return TaskLine(
        prompt=with_split(prompt, provenance),
        completions=completions,
        key=fields.label("task") or set_key_of(prompt, completions),
        priority=fields.whole("priority") or 0,
        external_id=read_external_id(fields),
        metadata=read_metadata(fields, provenance, [item.rest() for item in items]),
        provenance=provenance,
        expert=expert,
    )


def _expert(items: list[Fields]) -> list[int]:
    """The expert's order. One that is tied throughout measures nobody."""
    tiers = _tiers(items, RANKED, None)
    if len(set(tiers)) == 1:
        raise items[-1].bad("rank", "is the same throughout, so nobody could be measured by it")
    return tiers


def _check_purpose(provenance: Provenance, purpose: str) -> None:
    """Each purpose has a kind of its own, so that what measures people is never taken for what they prefer."""
    named = provenance.purpose
    if named is not None and named != purpose:
        raise BadField(f"{KEY}.purpose", f"is {named}, which is imported as another kind")


def _rankings(fields: Fields, *, purpose: str = COLLECT) -> RankingLine:
    prompt = read_prompt(fields)
    items = completion_items(fields)
    provenance = read_provenance(fields, len(items))
    _check_purpose(provenance, purpose)
    completions = [_ranked_completion(item, provenance, index) for index, item in enumerate(items)]
    check_completions(fields, completions)
    verdict = fields.choice("verdict", VERDICTS) or RANKED
    return _judgement(
        fields,
        prompt,
        completions,
        provenance,
        key=fields.label("task"),
        tiers=_tiers(items, verdict, provenance.tiers),
        verdict=verdict,
        confidence=fields.choice("confidence", CONFIDENCES) or "",
        rationale=fields.optional_text("rationale"),
        strength=provenance.strength,
        extras=[item.rest() for item in items],
        purpose=purpose,
    )


def _ranked_completion(item: Fields, provenance: Provenance, index: int) -> CompletionValue:
    text = item.text("text")
    return completion(text, source_at(item.label("source"), provenance, index, f"{item.path}source"))


def _tiers(items: list[Fields], verdict: str, recorded: list[int] | None) -> list[int]:
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
    if recorded is not None and recorded != tiers:
        raise BadField("concord.tiers", f"is {recorded}, but the ranks say {tiers}")
    return tiers


def _rank(item: Fields) -> int:
    value = whole_of(item.peek("rank"))
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise item.bad("rank", "must be a positive whole number")
    return value


def _pairs(fields: Fields) -> RankingLine:
    part_prompt_from_answers(fields)
    prompt = read_prompt(fields)
    provenance = read_provenance(fields, 2)
    _check_purpose(provenance, COLLECT)
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
        purpose=COLLECT,
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
    purpose: str,
) -> RankingLine:
    annotator = read_annotator(fields)
    external_id = read_external_id(fields)
    metadata = read_metadata(fields, provenance, extras)
    key = key or set_key_of(prompt, completions)
    members = [value.member for value in completions]
    opinion = (tiers, verdict, confidence, rationale, strength)
    # The same order of the same task, asked again, is another judgement.
    what = "ranking" if purpose == COLLECT else purpose
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
        or key_of(what, prompt.digest, members, opinion, key, annotator, external_id, metadata),
        external_id=external_id,
        metadata=metadata,
        provenance=provenance,
        purpose=purpose,
    )


def _demonstrations(fields: Fields) -> DemonstrationLine:
    prompt = read_prompt(fields)
    text = fields.text("completion", may_be_empty=False)
    if not text.strip():
        raise fields.bad("completion", "is blank, so it demonstrates nothing")
    provenance = read_provenance(fields, 1)
    annotator = read_annotator(fields)
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
    annotator = read_annotator(fields)
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


_PARSERS: dict[str, Callable[[Fields], Line]] = {
    "prompts": _prompts,
    "completions": _completions,
    "demonstrations": _demonstrations,
    "rankings": _rankings,
    "pairs": _pairs,
    "ratings": _ratings,
    "gold": partial(_completions, gold=True),
    "gold_rankings": partial(_rankings, purpose="gold"),
    "repeats": partial(_rankings, purpose="repeat"),
    "adjudications": partial(_rankings, purpose="adjudication"),
    "flags": remarks.flag,
    "skips": remarks.skip,
}
KINDS = tuple(_PARSERS)
