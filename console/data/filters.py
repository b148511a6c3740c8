"""What of a kind of data a list holds, as its address says it: of a page and of the API (console.api.filters)."""

from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django import forms
from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Q
from django.db.models.functions import Length, Lower
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property

from annotation.api.paging import NEWEST, OLDEST
from annotation.api.sorting import ORDER, Order
from annotation.files import snapshots
from annotation.models import (
    Annotator,
    Demonstration,
    Flag,
    Project,
    Prompt,
    Ranking,
    Source,
    Task,
    TaskCompletion,
)
from annotation.models.prompt import Split
from annotation.withdrawal import lineage
from console import loop
from console.data import facts, search
from console.data.paging import address
from rewardmodel import activation
from rewardmodel.models import Reward, RewardModelVersion

ANY = ("", "any")
YES = {"true": True, "false": False}


def choice(label: str, *choices: tuple[str, str]) -> forms.ChoiceField:
    """One of a few."""
    return forms.ChoiceField(label=label, required=False, choices=[ANY, *choices])


def either(label: str, yes: str, no: str) -> forms.TypedChoiceField:
    """True or false, in words."""
    return forms.TypedChoiceField(
        label=label,
        required=False,
        choices=[ANY, ("true", yes), ("false", no)],
        coerce=YES.__getitem__,
        empty_value=None,
    )


def date(label: str) -> forms.DateField:
    """A day (UTC)."""
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def name(label: str) -> forms.CharField:
    """Of somebody or something in the project."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, max_length=200, widget=widget)


def number(label: str) -> forms.FloatField:
    """A bound, itself included."""
    return forms.FloatField(label=label, required=False, widget=forms.NumberInput(attrs={"step": "any"}))


def words(label: str = "Words") -> forms.CharField:
    """What to search for."""
    widget = forms.TextInput(attrs={"type": "search", "placeholder": "all of these, “side by side”, -not"})
    return forms.CharField(label=label, required=False, max_length=200, widget=widget)


def of(label: str) -> forms.UUIDField:
    """The row that these belong to: a link leads here, nobody types it."""
    return forms.UUIDField(label=label, required=False, widget=forms.HiddenInput)


class Chosen(NamedTuple):
    """A filter that is set: what it says, and the address without it."""

    label: str
    value: str
    without: str


class Filters(forms.Form):
    """Filters of one kind. A wrong value narrows nothing, and its field says what is wrong."""

    # parameter -> the lookup of a value; the others are methods: ``narrow_split(rows, value)``.
    lookups: ClassVar[dict[str, str]] = {}
    # Shown at once; the others are unfolded.
    first: ClassVar[tuple[str, ...]] = ()
    # When a row came about.
    when: ClassVar[str] = "created_at"
    # By what else than time its rows can be sorted; and by time, where that is not the order of their ids.
    orders: ClassVar[dict[str, Order]] = {}
    by_time: ClassVar[dict[str, Order]] = {}

    within = choice("When", ("week", "the last seven days"))
    since = date("Since")
    until = date("Until")
    order = forms.ChoiceField(label="Order", required=False)

    def __init__(self, query: QueryDict, *, project: Project) -> None:
        super().__init__(query, auto_id="filter-%s")
        self.query, self.project = query, project
        self.fields[ORDER].choices = [  # type: ignore[attr-defined]  # it is one of choices
            ("", "newest first"),
            (OLDEST, "oldest first"),
            *((value, one.words) for value, one in self.orders.items()),
        ]
        self.order_fields([one for one in self.fields if one not in Filters.base_fields])
        self.is_valid()
        for bound in self:
            if bound.errors:
                bound.field.widget.attrs["aria-describedby"] = f"{bound.id_for_label}-wrong"

    def narrow(self, rows: Any) -> Any:
        """The rows that every filter keeps."""
        for parameter, value in self._set():
            narrow = getattr(self, f"narrow_{parameter}", None)
            rows = narrow(rows, value) if narrow else rows.filter(**{self.lookups[parameter]: value})
        return rows

    def sorted_by(self) -> Order | None:
        """By what the rows are to be sorted; None where by time."""
        return self.orders.get(self.cleaned_data.get(ORDER, ""))

    def at_once(self) -> list[forms.BoundField]:
        """Fields that are always there."""
        return [self[name] for name in (*self.first, ORDER)]

    def more(self) -> list[forms.BoundField]:
        """Fields that are folded away."""
        return [field for field in self.visible_fields() if field not in self.at_once()]

    def opened(self) -> bool:
        """Whether one of those says something."""
        return any(field.value() or field.errors for field in self.more())

    def chosen(self) -> list[Chosen]:
        """What is set, to be read and taken away."""
        return [
            Chosen(str(self.fields[parameter].label), self._chosen_text(parameter), self._without(parameter))
            for parameter, _ in self._set()
            if parameter != ORDER
        ]

    def clean_annotator(self) -> Annotator | None:
        """By pseudonym, or by id as in the API."""
        name = self.cleaned_data["annotator"]
        if not name:
            return None
        annotators = Annotator.objects.filter(project=self.project, withdrawn_at=None)
        annotator = annotators.filter(Q(pseudonym=name) | Q(public_id=_uuid(name))).first()
        if annotator is None:
            raise forms.ValidationError("Nobody here has this name.")
        return annotator

    def clean_source(self) -> Source | None:
        """By name."""
        name = self.cleaned_data["source"]
        if not name:
            return None
        source = Source.objects.filter(project=self.project, name=name, annotator__withdrawn_at=None).first()
        if source is None:
            raise forms.ValidationError("No source has this name.")
        return source

    def narrow_order(self, rows: Any, _value: str) -> Any:
        return rows  # as they are: their pages come in another order (console.data.paging)

    def narrow_within(self, rows: Any, _value: str) -> Any:
        return rows.filter(**{f"{self.when}__gte": timezone.now() - loop.WEEK})

    def narrow_since(self, rows: Any, day: Any) -> Any:
        return rows.filter(**{f"{self.when}__date__gte": day})

    def narrow_until(self, rows: Any, day: Any) -> Any:
        return rows.filter(**{f"{self.when}__date__lte": day})

    def narrow_q(self, rows: Any, sought: str) -> Any:
        return search.narrowed(rows, sought)

    def _set(self) -> list[tuple[str, Any]]:
        return [
            (parameter, self.cleaned_data[parameter])
            for parameter in self.fields
            if self.cleaned_data.get(parameter) not in (None, "")
        ]

    def _chosen_text(self, parameter: str) -> str:
        field, value = self.fields[parameter], str(self.query[parameter])
        if isinstance(field.widget, forms.HiddenInput):
            return f"{value[:8]}…"
        return str(dict(getattr(field, "choices", ())).get(value, value))

    def _without(self, parameter: str) -> str:
        return address(self.query, **{parameter: None})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def flagged(**at: OuterRef) -> Exists:
    """There is an open flag at this row."""
    return Exists(Flag.objects.open().filter(**at))


def _judged_alike(task: OuterRef, alike: bool) -> Q:
    """Two or more people ranked the task, and all in one order, or in several."""
    rankings = (
        Ranking.objects.current().filter(verdict=Ranking.Verdict.RANKED).filter(task=task).values("task")
    )
    orders = rankings.annotate(people=Count("annotator", distinct=True), orders=Count("tiers", distinct=True))
    return Q(Exists(orders.filter(people__gt=1, **({"orders": 1} if alike else {"orders__gt": 1}))))


TIME = {
    "slowest": Order("longest time first", F("active_seconds").desc(nulls_last=True)),
    "quickest": Order("shortest time first", F("active_seconds").asc(nulls_last=True)),
}
LENGTH = {
    "longest": Order("longest text first", Length("text").desc()),
    "shortest": Order("shortest text first", Length("text").asc()),
}

REWARD = {
    "rewarded": Order("highest reward first", F("given").desc(), "given"),
    "unrewarded": Order("lowest reward first", F("given").asc(), "given"),
}


class OfPrompts(Filters):
    """Prompts."""

    first = ("q", "split", "flagged")
    lookups: ClassVar = {"split": "split", "form": "form", "external_id": "external_id"}
    orders: ClassVar = {
        "most": Order("most completions first", facts.completions().desc()),
        "fewest": Order("fewest completions first", facts.completions().asc()),
        "words": Order("by what is asked, A to Z", Lower(facts.prompt_opening()).asc()),
    }

    q = words()
    split = choice("Split", *Split.choices)
    form = choice("Form", *Prompt.Form.choices)
    flagged = either("Flagged", "flagged", "not flagged")
    external_id = name("Your name of it")

    def narrow_flagged(self, rows: Any, value: bool) -> Any:
        return rows.filter(flagged(prompt=OuterRef("pk")) if value else ~flagged(prompt=OuterRef("pk")))


class OfCompletions(Filters):
    """Completions."""

    first = ("q", "source", "split")
    lookups: ClassVar = {
        "prompt": "prompt__public_id",
        "source": "source",
        "split": "prompt__split",
        "least": "given__gte",
        "most": "given__lte",
    }
    orders: ClassVar = {**REWARD, **LENGTH}

    prompt = of("Of the prompt")
    q = words()
    source = name("Source")
    source_kind = choice("Kind of source", *Source.Kind.choices)
    split = choice("Split", *Split.choices)
    flagged = either("Flagged", "flagged", "not flagged")
    least = number("Reward at least")
    most = number("Reward at most")

    @cached_property
    def reward_model(self) -> RewardModelVersion | None:
        """Whose rewards are shown: the active version."""
        return activation.active_version(self.project)

    @cached_property
    def rewarded(self) -> bool:
        """Whether that version has scored anything."""
        return Reward.objects.filter(version=self.reward_model).exists()

    @cached_property
    def simulated_behind(self) -> int:
        """How many simulated rankings are behind that version's rewards."""
        version = self.reward_model
        return lineage.simulated(self.project).of("reward_models", version.number) if version else 0

    def by_reward(self) -> bool:
        """Whether the list holds what has a reward alone."""
        return self.sorted_by() in REWARD.values() or bool(
            {"least", "most"} & {name for name, _ in self._set()}
        )

    def narrow(self, rows: Any) -> Any:
        if self.by_reward():
            of_version = FilteredRelation("rewards", condition=Q(rewards__version=self.reward_model))
            # Under a name of its own: each filter by a column of the relation would join it once more.
            rows = rows.alias(of_version=of_version, given=F("of_version__value")).filter(given__isnull=False)
        return super().narrow(rows)

    def narrow_source_kind(self, rows: Any, kind: str) -> Any:
        """By the sources themselves, of which there are few: an index finds the rows of each."""
        sources = Source.objects.filter(project=self.project, kind=kind)
        return rows.filter(source__in=list(sources.values_list("pk", flat=True)))

    def narrow_flagged(self, rows: Any, value: bool) -> Any:
        at = flagged(completion=OuterRef("pk"))
        return rows.filter(at if value else ~at)


class OfTasks(Filters):
    """Tasks."""

    first = ("q", "kind", "purpose", "state", "within")
    lookups: ClassVar = {
        "prompt": "prompt__public_id",
        "kind": "kind",
        "purpose": "purpose",
        "split": "prompt__split",
        "key": "key",
    }
    orders: ClassVar = {
        "priority": Order("highest priority first", F("priority").desc()),
        "most": Order("most rankings first", facts.rankings().desc()),
        "fewest": Order("fewest rankings first", facts.rankings().asc()),
    }

    prompt = of("Of the prompt")
    q = words("Words of the prompt")
    kind = choice("Kind", *Task.Kind.choices)
    purpose = choice("Purpose", *Task.Purpose.choices)
    state = choice(
        "State",
        ("free", "places free"),
        ("open", "in hand"),
        ("complete", "finished"),
        ("incomplete", "not finished"),
    )
    split = choice("Split", *Split.choices)
    disputed = either("Annotators", "disagree", "agree")
    flagged = either("Flagged", "flagged", "not flagged")
    key = name("Key")

    def narrow_disputed(self, rows: Any, value: bool) -> Any:
        return rows.filter(_judged_alike(OuterRef("pk"), not value))

    def narrow_state(self, rows: Any, value: str) -> Any:
        """Of the API's states of slots: a task can have places free and be in hand at once."""
        if value == "free":
            return rows.with_free_place()
        return (
            rows.in_hand() if value == "open" else rows.with_complete().filter(complete=value == "complete")
        )

    def narrow_flagged(self, rows: Any, value: bool) -> Any:
        at = flagged(task=OuterRef("pk"))
        return rows.filter(at if value else ~at)


class OfRankings(Filters):
    """Rankings."""

    first = ("q", "annotator", "verdict", "simulated", "within")
    lookups: ClassVar = {
        "task": "task__public_id",
        "annotator": "annotator",
        "verdict": "verdict",
        "current": "is_current",
        "simulated": "annotator__simulated",
        "purpose": "task__purpose",
        "split": "task__prompt__split",
        "form": "task__prompt__form",
    }
    orders: ClassVar = TIME

    task = of("Of the task")
    q = words("Words of the rationale or the prompt")
    verdict = choice("Verdict", *Ranking.Verdict.choices)
    annotator = name("Annotator")
    source = name("Source of a completion")
    purpose = choice("Purpose of the task", *Task.Purpose.choices)
    current = either("Version", "current", "superseded")
    simulated = either("By", "simulated annotators", "people")
    fresh = choice("Fitted on", ("true", "not yet"))
    disputed = either("Annotators of the task", "disagree", "agree")
    flagged = either("Flagged", "flagged", "not flagged")
    split = choice("Split", *Split.choices)
    form = choice("Form of the prompt", *Prompt.Form.choices)

    def narrow_disputed(self, rows: Any, value: bool) -> Any:
        return rows.filter(_judged_alike(OuterRef("task"), not value))

    def narrow_source(self, rows: Any, source: Source) -> Any:
        """At least one of the completions that were ordered is by this source."""
        entries = TaskCompletion.objects.filter(completion__source=source)
        return rows.filter(Exists(entries.filter(task=OuterRef("task"))))

    def narrow_fresh(self, rows: Any, _value: str) -> Any:
        """A fit would learn from them, and no version has."""
        newer = snapshots.trainable(self.project).filter(pk__gt=loop.last_fitted(self.project))
        return rows.filter(pk__in=newer.values("pk"))

    def narrow_flagged(self, rows: Any, value: bool) -> Any:
        at = flagged(task=OuterRef("task"))
        return rows.filter(at if value else ~at)


class OfRatings(Filters):
    """Ratings."""

    first = ("q", "annotator", "axis", "simulated", "within")
    lookups: ClassVar = {
        "completion": "completion__public_id",
        "annotator": "annotator",
        "axis": "axis",
        "least": "score__gte",
        "most": "score__lte",
        "current": "is_current",
        "simulated": "annotator__simulated",
        "split": "completion__prompt__split",
    }
    orders: ClassVar = {
        "highest": Order("highest score first", F("score").desc(nulls_last=True)),
        "lowest": Order("lowest score first", F("score").asc(nulls_last=True)),
        **TIME,
    }

    completion = of("Of the completion")
    q = words("Words of the text or the prompt")
    annotator = name("Annotator")
    axis = name("Axis")
    least = number("Score from")
    most = number("Score to")
    current = either("Version", "current", "superseded")
    simulated = either("By", "simulated annotators", "people")
    split = choice("Split", *Split.choices)


class OfDemonstrations(Filters):
    """Demonstrations."""

    first = ("q", "annotator", "review", "split", "within")
    lookups: ClassVar = {
        "prompt": "prompt__public_id",
        "source": "source",
        "annotator": "author",
        "review": "review",
        "current": "is_current",
        "split": "prompt__split",
    }
    orders: ClassVar = {**LENGTH, **TIME}

    prompt = of("Of the prompt")
    q = words("Words of the text, the prompt or the review")
    annotator = name("Written by")
    source = name("Source")
    review = choice("Review", *Demonstration.Review.choices)
    current = either("Version", "current", "superseded")
    split = choice("Split", *Split.choices)


class OfSkips(Filters):
    """Skips: they have no page of their own to be narrowed (console.pages.flags), but a list of the API."""

    when = "closed_at"
    # The last of a few, by when they were skipped and not by when the task was taken. They are rare among what was
    # taken, and whoever looks through them for too long is told so (annotation.patience).
    by_time: ClassVar = {
        OLDEST: Order("oldest first", F("closed_at").asc(), "closed_at"),
        NEWEST: Order("newest first", F("closed_at").desc(), "closed_at"),
    }
    lookups: ClassVar = {
        "task": "task__public_id",
        "annotator": "annotator",
        "kind": "task__kind",
        "purpose": "task__purpose",
        "simulated": "annotator__simulated",
        "split": "task__prompt__split",
    }

    task = of("Of the task")
    annotator = name("Annotator")
    kind = choice("Kind of task", *Task.Kind.choices)
    purpose = choice("Purpose of the task", *Task.Purpose.choices)
    simulated = either("By", "simulated annotators", "people")
    flagged = either("Flagged", "flagged", "not flagged")
    split = choice("Split", *Split.choices)

    def narrow_flagged(self, rows: Any, value: bool) -> Any:
        at = flagged(task=OuterRef("task"))
        return rows.filter(at if value else ~at)
