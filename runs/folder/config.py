"""From config.json to a frozen dataclass: every key known, every value of its field's type.

A field may be ``bool``, ``int``, ``float``, ``str``, ``Literal[...]``, ``tuple[T, ...]`` (a list in JSON), another
dataclass (an object in JSON), or one of them ``| None``. What a field means, its unit, where its default is from and
its range stand at the field, as ``Annotated[int, Meaning(...)]``: people read them there, ``check_ranges`` holds the
values to them, and forms are made of them. What a range cannot say is the dataclass's own business: its
``__post_init__`` raises ValueError, and the message reaches whoever wrote the config.
"""

import dataclasses
import math
import operator
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from runs.folder.errors import BadInput

T = TypeVar("T")

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What a field of a config is, for people and for ``check_ranges``."""

    says: str
    _: dataclasses.KW_ONLY
    name: str = ""  # where the field's own is no name in the field's terms
    unit: str = ""
    source: str = ""  # of the default: a paper, or what was tried
    none: str = ""  # what None means
    filled_in: bool = (
        False  # None waits for ``resolve``; elsewhere it is the absence of a limit, target or part
    )
    least: float | None = None  # ``least <= value <= most`` and ``above < value < below``
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def bounds(self) -> Iterator[tuple[str, float, Callable[[float, float], bool]]]:
        """Each in words, the bound, and what holds of a value and it."""
        for words, bound, holds in (
            ("at least", self.least, operator.ge),
            ("above", self.above, operator.gt),
            ("at most", self.most, operator.le),
            ("below", self.below, operator.lt),
        ):
            if bound is not None:
                yield words, bound, holds

    def out_of_range(self, value: float) -> str:
        """What ``value`` must be, if it is not; NaN and the infinities are in no range."""
        missed = (f"{words} {bound:g}" for words, bound, holds in self.bounds() if not holds(value, bound))
        return next(missed, "" if math.isfinite(value) else "finite")


@dataclasses.dataclass(frozen=True)
class Preset:
    """Fields that go together, to start from; ``says`` is what it is good for and what it costs."""

    name: str
    says: str
    fields: Mapping[str, Any]


def meanings(cls: type[Any]) -> dict[str, Meaning]:
    """The Meaning of each field of ``cls`` that has one; a subclass that only narrows a field's type keeps it."""
    by_field: dict[str, Meaning] = {}
    for parent in reversed(cls.__mro__):
        for name, kind in get_type_hints(parent, include_extras=True).items():
            for meaning in getattr(kind, "__metadata__", ()):
                by_field[name] = meaning
    return by_field


def check_ranges(config: object, prefix: str = "") -> None:
    """Raises BadInput naming the first field whose value is out of the range that its Meaning gives."""
    for name, meaning in meanings(type(config)).items():
        value = getattr(config, name)
        if type(value) not in (int, float):
            continue
        if allowed := meaning.out_of_range(value):
            raise BadInput(f"{prefix}{name} must be {allowed}, not {value}")


def parse_config(cls: type[T], mapping: Mapping[str, Any]) -> T:
    """An instance of the dataclass ``cls``; fields that ``mapping`` leaves out have their defaults.

    Raises BadInput naming the key for an unknown or missing key, a value of another type, and a value
    that ``cls`` itself refuses.
    """
    return _parse_fields(cls, mapping, "")


def resolve(config: Any, resolved: type[T], defaults: Mapping[str, Any]) -> T:
    """``config`` as the subclass ``resolved`` of its class: what waits to be filled in has its value, by ``defaults``.

    The fields of ``resolved`` that are so filled in are of types without None.
    """
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    chosen = {name: value for name, value in defaults.items() if values[name] is None}
    return resolved(**values | chosen)


def _parse_fields(cls: type[T], mapping: Mapping[str, Any], prefix: str) -> T:
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in mapping:
        if key not in fields:
            raise BadInput(
                f"{prefix}{key} is not a key of {cls.__name__}; it has {', '.join(sorted(fields))}"
            )
    for name, field in fields.items():
        if name not in mapping and _required(field):
            raise BadInput(f"{prefix}{name} is missing: {cls.__name__} needs it")
    values = {name: _parse_value(hints[name], value, prefix + name) for name, value in mapping.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise BadInput(f"{cls.__name__}: {error}") from error


def _required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _parse_value(kind: Any, value: Any, key: str) -> Any:
    """``value`` as ``kind``: whole numbers become floats and lists tuples where the field wants them."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _parse_optional(kind, value, key)
    if origin is Literal:
        return _parse_choice(kind, value, key)
    if origin is tuple:
        return _parse_tuple(kind, value, key)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise BadInput(f"{key} must be an object, not {value!r}")
        return _parse_fields(kind, value, f"{key}.")
    return _parse_plain(kind, value, key)


def _parse_optional(kind: Any, value: Any, key: str) -> Any:
    if value is None:
        return None
    (inner,) = (member for member in get_args(kind) if member is not types.NoneType)
    return _parse_value(inner, value, key)


def _parse_choice(kind: Any, value: Any, key: str) -> Any:
    choices = get_args(kind)
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise BadInput(f"{key} must be one of {', '.join(map(repr, choices))}, not {value!r}")
    return value


def _parse_tuple(kind: Any, value: Any, key: str) -> tuple[Any, ...]:
    inner, *rest = get_args(kind)
    if rest != [...]:
        raise TypeError(f"{key}: only tuple[T, ...] can be parsed, not {kind}")
    if not isinstance(value, list | tuple):
        raise BadInput(f"{key} must be a list, not {value!r}")
    return tuple(_parse_value(inner, item, f"{key}[{index}]") for index, item in enumerate(value))


def _parse_plain(kind: Any, value: Any, key: str) -> Any:
    if kind not in _NAMES:
        raise TypeError(f"{key}: a field of type {kind} cannot be parsed")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise BadInput(f"{key} must be {_NAMES[kind]}, not {value!r}")
    return value
