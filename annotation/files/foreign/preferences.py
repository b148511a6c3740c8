"""Preference data as it is published, each shape by its columns."""

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.files.foreign.columns import (
    BOTH_BAD,
    WINNERS,
    SaysNothing,
    Values,
    by_score,
    column_and_prompt,
    completion_of,
    kept,
    line_of,
    number_of,
    of_two,
    two_answers,
    winner_of,
)
from annotation.files.jsonl.errors import BadField

# HelpSteer's axes (Wang et al. 2023).
HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")


def is_scored(record: Mapping[str, Any]) -> bool:
    """UltraFeedback (Cui et al. 2023): several models' answers with an overall score each."""
    items = record.get("completions")
    return (
        isinstance(items, list)
        and bool(items)
        and all(isinstance(item, dict) and "response" in item and "overall_score" in item for item in items)
    )


def scored(record: Mapping[str, Any]) -> Iterator[Values]:
    """Ranked by the score."""
    items = record["completions"]
    ranked = by_score(
        [item["response"] for item in items],
        [number_of("overall_score", item["overall_score"]) for item in items],
        [item.get("model") for item in items],
    )
    column, prompt = column_and_prompt(record)
    yield line_of(prompt, ranked, record, column)


def is_arena(record: Mapping[str, Any]) -> bool:
    """Chatbot Arena (Zheng et al. 2023): two conversations with the same questions, and who won."""
    return all(name in record for name in ("conversation_a", "conversation_b", "winner"))


def arena(record: Mapping[str, Any]) -> Iterator[Values]:
    """The last answers are compared; what went before is the prompt, which differs in the answers given."""
    first, second = record["conversation_a"], record["conversation_b"]
    for name in ("conversation_a", "conversation_b"):
        if not isinstance(record[name], list) or len(record[name]) < 2:
            raise BadField(name, "must be a list of messages that ends with an answer")
    if first[:-1] != second[:-1]:
        raise SaysNothing("conversations of more than one turn have different prompts")
    taken = ("conversation_a", "conversation_b", "winner", "model_a", "model_b", "judge")
    sources = (record.get("model_a"), record.get("model_b"))
    line = {"prompt": first[:-1], **kept(record, *taken)}
    if "judge" in record:
        line["annotator"] = str(record["judge"])
    yield _decided(line, (first[-1].get("content"), second[-1].get("content")), record["winner"], sources)


def _decided(
    line: Values,
    texts: tuple[Any, Any],
    winner: Any,
    sources: tuple[Any, Any],
    columns: "list[str] | None" = None,
) -> Values:
    """The line with its two texts ranked, or with the verdict that both are bad."""
    if str(winner).strip().lower() in BOTH_BAD:
        items = [completion_of(text, source=source) for text, source in zip(texts, sources, strict=True)]
        return {**line, "completions": items, "verdict": "all_bad", "rationale": "Both are bad."}
    place = winner_of(winner, columns or ["answer_a", "answer_b"], "winner")
    return {**line, "completions": of_two(*texts, place, sources=sources)}


def is_summaries(record: Mapping[str, Any]) -> bool:
    """OpenAI's comparisons of summaries (Stiennon et al. 2020)."""
    return (
        isinstance(record.get("summaries"), list)
        and "choice" in record
        and isinstance(record.get("info"), dict)
    )


def summaries(record: Mapping[str, Any]) -> Iterator[Values]:
    """By the worker who chose."""
    texts, info = record["summaries"], record["info"]
    prompt = info.get("post") or info.get("article")
    if len(texts) != 2 or record["choice"] not in (0, 1) or not prompt:
        raise BadField("choice", "must be 0 or 1, of two summaries of a post or an article")
    taken = ("summaries", "choice", "info", "worker")
    line = {"prompt": prompt, **kept(record, *taken)}
    if "worker" in record:
        line["annotator"] = str(record["worker"])
    sources = (texts[0].get("policy"), texts[1].get("policy"))
    yield {
        **line,
        "completions": of_two(texts[0]["text"], texts[1]["text"], record["choice"], sources=sources),
    }


def is_webgpt(record: Mapping[str, Any]) -> bool:
    """WebGPT's comparisons (Nakano et al. 2021), and others with a score beside each of two answers."""
    return all(name in record for name in ("answer_0", "answer_1", "score_0", "score_1"))


def webgpt(record: Mapping[str, Any]) -> Iterator[Values]:
    """Ranked by the scores."""
    column, prompt = column_and_prompt(record)
    if isinstance(prompt, dict):
        prompt = prompt.get("full_text")
    scores = [number_of(name, record[name]) for name in ("score_0", "score_1")]
    ranked = by_score([record["answer_0"], record["answer_1"]], scores)
    yield line_of(prompt, ranked, record, column, "answer_0", "answer_1", "score_0", "score_1")


def is_shp(record: Mapping[str, Any]) -> bool:
    """Stanford Human Preferences (Ethayarajh et al. 2022): labels is 1 where A is preferred."""
    return all(name in record for name in ("history", "human_ref_A", "human_ref_B", "labels"))


def shp(record: Mapping[str, Any]) -> Iterator[Values]:
    """A pair, as it were."""
    if record["labels"] not in (0, 1, "0", "1"):
        raise BadField("labels", "must be 1 where A is preferred, else 0")
    winner = 0 if int(record["labels"]) == 1 else 1
    ranked = of_two(record["human_ref_A"], record["human_ref_B"], winner)
    yield line_of(record["history"], ranked, record, "history", "human_ref_A", "human_ref_B", "labels")


def is_stack(record: Mapping[str, Any]) -> bool:
    """Pairs of answers of Stack Exchange: j is the better one, by votes."""
    return all(name in record for name in ("question", "response_j", "response_k"))


def stack(record: Mapping[str, Any]) -> Iterator[Values]:
    """A pair."""
    ranked = of_two(record["response_j"], record["response_k"], 0)
    yield line_of(record["question"], ranked, record, "question", "response_j", "response_k")


def is_helpsteer(record: Mapping[str, Any]) -> bool:
    """HelpSteer: an answer and a whole number on each of five axes."""
    return "prompt" in record and "response" in record and any(axis in record for axis in HELPSTEER)


def helpsteer(record: Mapping[str, Any]) -> Iterator[Values]:
    """A rating an axis."""
    rest = kept(record, "prompt", "response", *HELPSTEER)
    for axis in HELPSTEER:
        if axis in record:
            score = number_of(axis, record[axis])
            yield {
                "prompt": record["prompt"],
                "completion": record["response"],
                "axis": axis,
                "score": score,
                **rest,
            }


def is_decided(record: Mapping[str, Any]) -> bool:
    """Two answers in columns of their own, and a column that says which is better: most tables of preferences."""
    return bool(two_answers(record)) and _winner_column(record) is not None


def decided(record: Mapping[str, Any]) -> Iterator[Values]:
    """A ranking of two."""
    columns = two_answers(record)
    winner = str(_winner_column(record))
    column, prompt = column_and_prompt(record, columns)
    line = {"prompt": prompt, **kept(record, *columns, winner, column)}
    texts = (record[columns[0]], record[columns[1]])
    yield _decided(line, texts, record[winner], (None, None), columns)


def _winner_column(record: Mapping[str, Any]) -> str | None:
    return next((name for name in WINNERS if name in record), None)
