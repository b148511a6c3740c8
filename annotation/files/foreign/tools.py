"""Exports of other annotation tools: Label Studio's JSON, Argilla's records as JSON and as a data set.

Label Studio's Pairwise tag keeps the side, its Ranker tag the ids of items in order (labelstud.io/tags/ranker).
Argilla keeps of a ranking question the names of fields, in order or each with a rank.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.files.foreign.columns import (
    ANSWER,
    SaysNothing,
    Values,
    answer_columns,
    column_and_prompt,
    kept,
    of_two,
    two_answers,
    winner_of,
)
from annotation.files.jsonl.errors import BadField

_TEXTS = ("body", "text", "html", "title", "content")


def is_label_studio(record: Mapping[str, Any]) -> bool:
    """A task of Label Studio's JSON export."""
    return isinstance(record.get("data"), dict) and isinstance(record.get("annotations"), list)


def label_studio(record: Mapping[str, Any]) -> Iterator[Values]:
    """A ranking for each annotation that was not skipped."""
    data, lines = record["data"], []
    for annotation in record["annotations"]:
        results = annotation.get("result") or []
        if annotation.get("was_cancelled") or not results:
            continue
        line = _ranked(data, results)
        words = [text for result in results if result.get("type") == "textarea" for text in _words(result)]
        line |= {"annotator": _who(annotation.get("completed_by"))} if annotation.get("completed_by") else {}
        line |= {"rationale": "\n".join(words)} if words else {}
        line |= {"id": str(record["id"])} if "id" in record else {}
        lines.append(line)
    if not lines:
        raise SaysNothing("nobody has annotated these tasks, or all passed them over")
    yield from lines


def _words(result: Mapping[str, Any]) -> list[str]:
    words = result.get("value", {}).get("text") or []
    return [words] if isinstance(words, str) else list(words)


def _who(person: Any) -> str:
    return str(person.get("email") or person.get("id")) if isinstance(person, dict) else str(person)


def _ranked(data: Mapping[str, Any], results: list[Mapping[str, Any]]) -> Values:
    for result in results:
        value = result.get("value") or {}
        if result.get("type") == "pairwise":
            columns = two_answers(data)
            if not columns:
                raise BadField("data", "which two fields were compared? Say it, as left=NAME, right=NAME")
            place = winner_of(value.get("selected"), columns, "annotations.result.value.selected")
            column, prompt = column_and_prompt(data, columns)
            items = of_two(data[columns[0]], data[columns[1]], place)
            return {"prompt": prompt, "completions": items, **_beside(data, *columns, column)}
        if result.get("type") == "ranker":
            return _in_order(data, value.get("ranker") or {})
    raise BadField(
        "annotations.result", "has neither a Pairwise nor a Ranker in it: other tags are not preferences"
    )


def _in_order(data: Mapping[str, Any], ranker: Mapping[str, Any]) -> Values:
    """Items by their ids, the best first."""
    orders = {name: ids for name, ids in ranker.items() if name != "_" and isinstance(ids, list)}
    if len(orders) != 1:
        raise BadField(
            "annotations.result.value.ranker",
            f"has the buckets {', '.join(orders)[:100]}, and the file does not tell which is the better one",
        )
    (ids,) = orders.values()
    name, items = next(
        ((name, items) for name, items in data.items() if isinstance(items, list) and _have_ids(items)),
        ("", []),
    )
    if not name:
        raise BadField("data", "has no list of items with an id each")
    if sorted(map(str, ids)) != sorted(str(item["id"]) for item in items):
        raise SaysNothing("not all items were put in order")
    places = {str(pk): place for place, pk in enumerate(ids, start=1)}
    completions = [{"text": _text(item), "rank": places[str(item["id"])]} for item in items]
    column, prompt = column_and_prompt(data)
    return {"prompt": prompt, "completions": completions, **_beside(data, name, column)}


def _have_ids(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "id" in item for item in items)


def _text(item: Mapping[str, Any]) -> Any:
    name = next((name for name in _TEXTS if item.get(name)), None)
    if name is None:
        raise BadField("data", f"an item has none of {', '.join(_TEXTS)}")
    return item[name]


def _beside(data: Mapping[str, Any], *taken: str) -> Values:
    return {name: value for name, value in kept(data, *taken).items() if name in {"metadata", "split"}}


def is_argilla(record: Mapping[str, Any]) -> bool:
    """A record with its fields and responses, or a row of a data set that Argilla made of one."""
    return (isinstance(record.get("fields"), dict) and "responses" in record) or any(
        _is_flat(name, value) for name, value in record.items()
    )


def argilla(record: Mapping[str, Any]) -> Iterator[Values]:
    """A ranking for each response that was submitted."""
    fields, lines = _fields(record), []
    for who, value in _submitted(record):
        ranks = _ranks(value, fields)
        if ranks is None:
            continue
        column, prompt = column_and_prompt(fields, ranks)
        line = {
            "prompt": prompt,
            "completions": [{"text": fields[name], "rank": rank} for name, rank in ranks.items()],
            **_beside(fields, *ranks, column),
        }
        name = record.get("external_id") or record.get("id")
        lines.append(line | ({"annotator": who} if who else {}) | ({"id": str(name)} if name else {}))
    if not lines:
        raise SaysNothing("nobody has submitted a ranking of these records")
    yield from lines


def _fields(record: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(record.get("fields"), dict):
        return dict(record["fields"])
    questions = {name.partition(".")[0] for name, value in record.items() if _is_flat(name, value)}
    return {
        name: value
        for name, value in record.items()
        if name not in {"id", "external_id", "status", "_server_id", "metadata"}
        and name.partition(".")[0].removesuffix("-suggestion-metadata").removesuffix("-suggestion")
        not in questions
    }


def _submitted(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Who said what, of all questions."""
    questions = record["responses"] if isinstance(record.get("fields"), dict) else record
    for name, answers in (questions or {}).items():
        if questions is record and not _is_flat(name, answers):
            continue
        if name.endswith(".responses"):
            users, states = (
                record.get(f"{name}.{what}") or [None] * len(answers) for what in ("users", "status")
            )
            rows = [
                {"value": value, "user_id": user, "status": state or "submitted"}
                for value, user, state in zip(answers, users, states, strict=True)
            ]
        else:
            rows = answers or []
        for row in rows:
            if (row.get("status") or "submitted") == "submitted":
                yield str(row.get("user_id") or ""), row.get("value")


def _is_flat(name: str, value: Any) -> bool:
    """Responses in a row of a data set: "name.responses", or "name" with a list of who said what."""
    if not isinstance(value, list) or not value:
        return False
    first = value[0]
    return name.endswith(".responses") or (isinstance(first, dict) and {"value", "status"} <= first.keys())


def _ranks(value: Any, fields: Mapping[str, Any]) -> dict[str, int] | None:
    """Of each field of an answer its rank; None where ``value`` is no preference between fields."""
    if isinstance(value, dict) and {"rank", "value"} <= value.keys():
        value = [
            {"rank": rank, "value": name} for rank, name in zip(value["rank"], value["value"], strict=True)
        ]
    if isinstance(value, list) and len(value) > 1:
        if all(isinstance(item, str) and item in fields for item in value):
            return {name: place for place, name in enumerate(value, start=1)}
        if all(isinstance(item, dict) and item.get("value") in fields and item.get("rank") for item in value):
            return {item["value"]: int(item["rank"]) for item in value}
    if (
        isinstance(value, str)
        and value in fields
        and ANSWER.match(value)
        and len(answer_columns(fields)) == 2
    ):
        return {name: 1 if name == value else 2 for name in answer_columns(fields)}
    return None
