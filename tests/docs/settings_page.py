"""The tables of docs/settings.md, read off the configs: ``python -m tests.docs.settings_page`` writes them anew."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from benchmarks.writing import CHECKOUT, put, table
from rewardmodel.bradley_terry.config import BY_BASE, FitConfig
from rltrainer.policy.config import SFT_BY_BASE, EvaluateConfig, SampleConfig, SftConfig
from rltrainer.ppo.config import PpoConfig
from runs.folder.config import Meaning, meanings

PAGE = CHECKOUT / "docs" / "settings.md"
# Each config, and what it fills in by the kind of base.
CONFIGS: Mapping[type[Any], Mapping[str, Mapping[str, Any]]] = {
    FitConfig: BY_BASE,
    SftConfig: SFT_BY_BASE,
    PpoConfig: {},
    SampleConfig: {},
    EvaluateConfig: {},
}


def rows(
    config: type[Any], by_base: Mapping[str, Mapping[str, Any]], prefix: str = ""
) -> Iterator[dict[str, str]]:
    """A row for each field, and for each of a field that is an object."""
    hints, meant = get_type_hints(config), meanings(config)
    for field in dataclasses.fields(config):
        meaning, kind = meant[field.name], _without_none(hints[field.name])
        filled = [
            f"{_as_json(kept[field.name])} {base}" for base, kept in by_base.items() if field.name in kept
        ]
        yield {
            "field": f"`{prefix}{field.name}`",
            "default": _default(field, f"({', '.join(filled) or meaning.none or 'none'})"),
            "may be": _may_be(kind, meaning),
            "meaning": _cell(f"{meaning.says} ({meaning.source})" if meaning.source else meaning.says),
        }
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            yield from rows(kind, {}, f"{prefix}{field.name}.")


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
    return kind


def _default(field: "dataclasses.Field[Any]", none: str) -> str:
    if field.default is dataclasses.MISSING:
        return "given by the project"
    return _cell(none if field.default is None else f"`{_as_json(field.default)}`")


def _as_json(value: Any) -> str:
    """As JSON has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[]" if not value else str(list(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _may_be(kind: Any, meaning: Meaning) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "a list"
    if dataclasses.is_dataclass(kind):
        return "an object"
    words = {bool: "`true`, `false`", int: "a whole number", float: "a number", str: "a text"}[kind]
    unit = f" ({meaning.unit})" if meaning.unit else ""
    return ", ".join((words + unit, *(f"{bound} {value:g}" for bound, value, _ in meaning.bounds())))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(page: Path = PAGE) -> None:
    """Every table of the page, between its marks."""
    for config, by_base in CONFIGS.items():
        put(config.__name__, table(list(rows(config, by_base))), page)


if __name__ == "__main__":
    write()
