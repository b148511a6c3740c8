"""Forms made of a config: a field for each of its fields, presets to start from, and the same as JSON beside them.

What a field is called, means and may be is read off the config (runs.folder.config.Meaning) and said nowhere else.
What is sent is only what differs from the project's own settings.
"""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from django import forms
from django.contrib.auth.models import User
from django.forms.boundfield import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.forms.action import Action
from runs.folder.config import Meaning, Preset, meanings, parse_config
from runs.folder.errors import BadInput
from runs.models import Run

NO_PRESET = "none"


class Setting(NamedTuple):
    """One field of a config: of the type ``kind``, or None where it is ``optional``."""

    name: str
    kind: Any
    optional: bool
    meaning: Meaning
    default: Any


class Section(NamedTuple):
    """Fields under one title, folded unless something in them is wrong."""

    title: str
    fields: list[BoundField]
    wrong: bool


class SettingsJSON(forms.JSONField):
    """An object, or nothing, which is an empty text and not null."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class ConfigForm(Action):
    """An action whose run takes settings."""

    config: ClassVar[type[Any]]
    presets: ClassVar[Mapping[str, Preset]]
    # Fields of the config that the form has apart, or that are found when the run begins.
    elsewhere: ClassVar[frozenset[str]]
    # What matters first, and titles for others; the rest comes under a title of its own.
    first: ClassVar[tuple[str, ...]]
    groups: ClassVar[Mapping[str, tuple[str, ...]]]
    # What a field that is left empty comes to when the run is made, if that is no default of the config.
    later: ClassVar[Mapping[str, str]] = {}
    # What the config itself fills in where a field is left empty, by kind of base.
    by_base: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    # Whether the project has settings of its own to keep these as.
    keeps: ClassVar[bool] = True
    done = "Saved: what starts from now on uses these settings."

    preset = forms.ChoiceField(label="Preset", widget=forms.Select(attrs={"data-presets": ""}))
    json = SettingsJSON(
        required=False,
        label="Settings as JSON",
        help_text="Wins over the fields above, name by name.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
        error_messages={"invalid": "This is not JSON."},
    )
    # Which button was pressed; and whether the browser has filled the preset in already (static/js/presets.js).
    keep = forms.BooleanField(required=False, widget=forms.HiddenInput)
    filled = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def stored(self) -> Mapping[str, Any]:
        """The project's own settings, as far as they differ from the config's defaults."""
        return {}

    def implied(self) -> Mapping[str, Any]:
        """Defaults that the project has beside its settings."""
        return {}

    def fixed(self) -> dict[str, Any]:
        """The fields that the form has apart, as far as they are known; a stand-in for the others."""
        raise NotImplementedError

    def keep_settings(self) -> None:
        """Keep ``to_keep`` as the project's settings."""
        raise NotImplementedError

    def start(self, user: User, config: dict[str, Any]) -> Run:
        """Ask for the run; ``config`` wins over the project's settings."""
        raise NotImplementedError

    def perform(self, user: User) -> Run | None:
        if self.keeps and self.cleaned_data["keep"]:
            self.keep_settings()
            return None
        return self.start(user, dict(self.cleaned_data["chosen"]))

    def prepare(self) -> None:
        self.saved = self.stored()
        self.settings = {one.name: one for one in _settings(self.config) if one.name not in self.elsewhere}
        defaults = {name: _plain(one.default) for name, one in self.settings.items()}
        self.defaults = defaults | dict.fromkeys(self.later) | dict(self.implied())
        saved = {name: value for name, value in self.saved.items() if name in self.settings}
        self.current = self.defaults | {name: self._complete(name, value) for name, value in saved.items()}
        for name, one in self.settings.items():
            empty = self.later.get(name, one.meaning.none)
            help_text = _help(one, self.defaults[name], self._by_base(name) or empty)
            self.fields |= _fields(one, help_text, empty=empty)
            for field, initial in self._shown(name, self.current[name]).items():
                self.fields[field].initial = initial
        self._offer_presets(saved)

    def _by_base(self, name: str) -> str:
        """What is filled in for it, with each kind of base."""
        kinds = [(base, filled[name]) for base, filled in self.by_base.items() if name in filled]
        return ", ".join(f"{_shown_value(value, '')} {base}" for base, value in kinds)

    def _offer_presets(self, saved: Mapping[str, Any]) -> None:
        preset = self.fields["preset"]
        assert isinstance(preset, forms.ChoiceField)
        start = "the project's settings" if saved else "the defaults"
        preset.choices = [(NO_PRESET, start), *((key, one.name) for key, one in self.presets.items())]
        preset.help_text = format_html_join(
            SafeString("<br>"),
            "<b>{}</b>: {}",
            ((one.name[0].upper() + one.name[1:], one.says) for one in self.presets.values()),
        )

    def _complete(self, name: str, value: Any) -> Any:
        defaults = _parts(self.settings[name].kind)
        return defaults | value if defaults and isinstance(value, dict) else value

    def _shown(self, name: str, value: Any) -> dict[str, Any]:
        """What the fields of a setting hold, for its value."""
        defaults = _parts(self.settings[name].kind)
        if not defaults:
            return {name: _lines(value) if get_origin(self.settings[name].kind) is tuple else _short(value)}
        inner = value or defaults
        return {name: value is not None} | {
            f"{name}_{part}": _short(field_value) for part, field_value in inner.items()
        }

    @property
    def filling(self) -> dict[str, dict[str, Any]]:
        """For the browser: what each preset puts into which input."""
        return {
            key: {
                self.add_prefix(field): shown
                for name, value in one.fields.items()
                for field, shown in self._shown(name, value).items()
            }
            for key, one in self.presets.items()
        }

    @property
    def filling_id(self) -> str:
        """Where the page has it."""
        return f"{self.prefix}-filling"

    # How it is drawn.

    def own_fields(self) -> list[BoundField]:
        """What the form has apart from the config."""
        of_config = {"preset", "json", *self._inputs(self.settings)}
        return [field for field in self.visible_fields() if field.name not in of_config]

    def first_fields(self) -> list[BoundField]:
        """What matters first."""
        return [self[name] for name in self._inputs(self.first)]

    def sections(self) -> Iterator[Section]:
        """The others."""
        named = {name for names in self.groups.values() for name in names}
        rest = tuple(name for name in self.settings if name not in named | set(self.first))
        for title, names in {**self.groups, "The run": rest}.items():
            fields = [self[name] for name in self._inputs(names)]
            yield Section(title, fields, any(field.errors for field in fields))

    def _inputs(self, names: Any) -> list[str]:
        return [field for name in names for field in self._shown(name, self.current[name])]

    # What was sent.

    def clean_json(self) -> dict[str, Any]:
        sent = self.cleaned_data["json"]
        if sent is not None and not isinstance(sent, dict):
            raise forms.ValidationError('This is to be an object: {"epochs": 2}.')
        return sent or {}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        sent = {name: self._value(name) for name in self.settings}
        chosen = {name: value for name, value in sent.items() if value != self.current[name]}
        preset = self.presets.get(cleaned["preset"])
        if preset is not None and not cleaned["filled"]:
            chosen = {**preset.fields, **chosen}
        cleaned["chosen"] = {**chosen, **cleaned["json"]}
        try:
            parse_config(self.config, {**self.saved, **self.fixed(), **cleaned["chosen"]})
        except BadInput as error:
            self.add_error(self._place(str(error)), str(error).removeprefix(f"{self.config.__name__}: "))
        return cleaned

    def _value(self, name: str) -> Any:
        """What the fields of a setting say; one that cannot be None stays as it is where it was emptied."""
        setting, sent = self.settings[name], self.cleaned_data[name]
        if _parts(setting.kind):
            inner = self._shown(name, self.current[name])
            parts = {key: self.cleaned_data[key] for key in inner if key != name}
            parts = {key: inner[key] if value is None else value for key, value in parts.items()}
            return {key.removeprefix(f"{name}_"): value for key, value in parts.items()} if sent else None
        if sent in (None, "") and not (setting.optional or name in self.later):
            return self.current[name]
        return sent

    def _place(self, message: str) -> str | None:
        """The field that a message of the config is about: the JSON, if it was filled in."""
        if self.cleaned_data["json"]:
            return "json"
        about = message.removeprefix(f"{self.config.__name__}: ")
        return next((name for name in self.settings if about.startswith((f"{name} ", f"{name}."))), None)

    def to_keep(self) -> dict[str, Any]:
        """The project's settings as they are to be: what is not in the form stays."""
        values = {**self.current, **self.cleaned_data["chosen"]}
        changed = {
            n: value for n, value in values.items() if n not in self.defaults or value != self.defaults[n]
        }
        return {**{n: value for n, value in self.saved.items() if n not in self.settings}, **changed}


class Lines(forms.CharField):
    """A list of ``kind``, a dataclass: one a line, its fields in their order, the last ones without blanks."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "mono"})

    def __init__(self, *, kind: type[Any], **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.kind = kind

    def clean(self, value: Any) -> list[dict[str, Any]]:
        lines = super().clean(value).replace("\r\n", "\n").split("\n")
        return [self._read(number, line) for number, line in enumerate(lines, 1) if line.strip()]

    def _read(self, number: int, line: str) -> dict[str, Any]:
        hints = get_type_hints(self.kind)
        parts = line.strip().rsplit(maxsplit=len(hints) - 1)
        try:
            read = {name: kind(part) for (name, kind), part in zip(hints.items(), parts, strict=True)}
            parse_config(self.kind, read)
        except ValueError as error:
            raise forms.ValidationError(f"Line {number} is to be: {', then '.join(hints)}.") from error
        except BadInput as error:
            raise forms.ValidationError(f"Line {number}: {error}.") from error
        return read


def _lines(value: Any) -> str:
    return "\n".join(" ".join(str(part) for part in one.values()) for one in value)


def _short(value: Any) -> Any:
    """32 for 32.0, and whatever else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _settings(config: type[Any]) -> Iterator[Setting]:
    hints, meant = get_type_hints(config), meanings(config)
    for field in dataclasses.fields(config):
        kind, optional = hints[field.name], False
        if get_origin(kind) in (Union, types.UnionType):
            (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
            optional = True
        yield Setting(field.name, kind, optional, meant[field.name], field.default)


def _parts(kind: Any) -> dict[str, Any]:
    """The defaults of its parts, where a setting's type is a config of its own."""
    return _plain(kind()) if dataclasses.is_dataclass(kind) and isinstance(kind, type) else {}


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value


def _fields(setting: Setting, help_text: str, empty: str = "") -> dict[str, forms.Field]:
    """The form fields of a setting."""
    kind, label = setting.kind, _label(setting)
    common: dict[str, Any] = {"required": False, "label": label, "help_text": help_text}
    if kind is bool:
        return {setting.name: forms.BooleanField(**common)}
    if kind in (int, float):
        return {setting.name: _number(kind, setting.meaning, empty, common)}
    if get_origin(kind) is Literal:
        words = [(choice, str(choice).replace("_", " ")) for choice in get_args(kind)]
        return {setting.name: forms.ChoiceField(choices=words, **common)}
    if get_origin(kind) is tuple:
        return {setting.name: Lines(kind=get_args(kind)[0], **common)}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        inner: dict[str, forms.Field] = {setting.name: forms.BooleanField(**common)}
        for part in _settings(kind):
            named = part._replace(name=f"{setting.name}_{part.name}", meaning=_within(setting.meaning, part))
            inner |= _fields(named, _help(part, part.default, ""))
        return inner
    return {setting.name: forms.CharField(max_length=300, **common)}


def _within(outer: Meaning, part: Setting) -> Meaning:
    return dataclasses.replace(part.meaning, name=f"{outer.name} {part.meaning.name or part.name}")


def _number(kind: type[Any], meaning: Meaning, empty: str, common: dict[str, Any]) -> forms.Field:
    """A number in its range; the browser is told of it too, but for a bound that is itself left out."""
    attrs: dict[str, Any] = {"inputmode": "decimal" if kind is float else "numeric"}
    attrs |= {"placeholder": empty} if empty else {}
    for words, bound, _ in meaning.bounds():
        attrs["min" if words in ("at least", "above") else "max"] = f"{bound:g}"
    number = (forms.FloatField if kind is float else forms.IntegerField)(
        widget=forms.NumberInput(attrs=attrs),
        error_messages={"invalid": "Enter a number." if kind is float else "Enter a whole number."},
        **common,
    )

    def in_range(value: float) -> None:
        if allowed := meaning.out_of_range(value):
            raise forms.ValidationError(f"Value must be {allowed}.")

    number.validators.append(in_range)
    return number


def _label(setting: Setting) -> str:
    """Its name, and its unit where the name does not say it."""
    name = setting.meaning.name or setting.name.replace("_", " ")
    name = name[0].upper() + name[1:]
    return (
        format_html('{} <span class="unit">{}</span>', name, setting.meaning.unit)
        if setting.meaning.unit
        else name
    )


def _help(setting: Setting, default: Any, none: str) -> SafeString:
    """What it means; then its default, its range and where the default is from."""
    ranges = [f"{words} {bound:g}" for words, bound, _ in setting.meaning.bounds()]
    facts = [f"Default: {_shown_value(default, none)}", *ranges, setting.meaning.source]
    says = setting.meaning.says[0].upper() + setting.meaning.says[1:]
    if get_origin(setting.kind) is tuple:
        says += f". One a line: {', then '.join(get_type_hints(get_args(setting.kind)[0]))}"
    return format_html('{}. <span class="facts">{}</span>', says, " · ".join(fact for fact in facts if fact))


def _shown_value(value: Any, none: str) -> str:
    if value is None:
        return none
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return _lines(value) or "nobody"
    return f"{value:g}" if isinstance(value, float) else str(value)
