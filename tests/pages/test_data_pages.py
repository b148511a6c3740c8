"""The data as they read: a list holds what its address says and nothing else, page after page, and a row is whole.

What a list should hold is said by a predicate of Python over every row of the project.
"""

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import patience, people
from annotation.api import sorting
from annotation.api.prompts import Prompts
from annotation.collecting import flags, queue, ranking
from annotation.models import (
    Annotator,
    Assignment,
    Completion,
    Demonstration,
    Flag,
    Project,
    Prompt,
    Ranking,
    Rating,
    Slot,
    Snapshot,
    Task,
)
from annotation.withdrawal import erasure
from console.data import paging, search
from console.data.kinds import KINDS
from rewardmodel import activation
from rewardmodel.models import Reward, RewardModelVersion
from tests.annotation.factories import make_annotator, make_tasks, out_values, put
from tests.annotation.judging import taken
from tests.pages.cast import Cast, make_cast
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.worlds import once_a_module

pytestmark = [pytest.mark.django_db, pytest.mark.long]

MODELS: dict[str, Any] = {
    "prompts": Prompt,
    "completions": Completion,
    "tasks": Task,
    "rankings": Ranking,
    "ratings": Rating,
    "demonstrations": Demonstration,
}
# What a look at every row of a kind reads with it.
BESIDE = {
    "prompts": ["project"],
    "completions": ["prompt__project", "source__annotator"],
    "tasks": ["project", "prompt"],
    "rankings": ["project", "annotator", "task__prompt"],
    "ratings": ["project", "annotator", "completion__prompt"],
    "demonstrations": ["project", "prompt", "source__annotator"],
}
LONG_AGO = datetime(2020, 2, 3, 23, 30, tzinfo=UTC)
SECRET = "Tangerine"


def client_of(cast: Cast, name: str = "carol") -> Client:
    client = Client()
    client.force_login(getattr(cast, name))
    return client


def answers(*texts: str, source: str = "m", **more: Any) -> list[dict[str, Any]]:
    return [
        {"text": text, "source": source, "rank": rank, **more} for rank, text in enumerate(texts, start=1)
    ]


def everything() -> Cast:
    """All that the filters tell apart, of people and of a rule, new and old, flagged, superseded, withdrawn."""
    cast = make_cast()
    project = cast.project
    chat = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "A red pear?"}]
    put(project, "prompts", {"prompt": "Only a prompt", "split": "test", "id": "mine-1"}, {"prompt": chat})
    for number, (who, verdict) in enumerate([("ann", "ranked"), ("ben", "all_bad"), ("ann", "cannot_tell")]):
        line: dict[str, Any] = {
            "prompt": f"Which fruit, {number}?",
            "completions": answers("A ripe pear", "I am ChatGPT.", source=f"model {number}"),
            "annotator": who,
            "verdict": verdict,
            "split": ("train", "validation", "test")[number],
            "rationale": ("The pear is ripe", "Neither is a pear.", "")[number],
        }
        if verdict != "ranked":
            line["completions"] = [
                {k: v for k, v in one.items() if k != "rank"} for one in line["completions"]
            ]
        put(project, "rankings", line)
    rule = {
        "prompt": "Which fruit, 0?",
        "completions": answers("A ripe pear", "I am ChatGPT.", source="model 0"),
    }
    put(project, "rankings", {**rule, "annotator": "rule", "concord": {"simulated": True}})
    put(project, "rankings", {"prompt": chat, "completions": answers("No.", "Yes."), "annotator": "dora"})
    put(project, "rankings", {"prompt": chat, "completions": answers("Yes.", "No."), "annotator": "ann"})
    of_two = [*answers("No."), {"text": "Who knows?", "source": "mixed", "rank": 2}]
    put(project, "rankings", {"prompt": chat, "completions": of_two, "annotator": "ben"})
    for axis, who in (("quality", "ann"), ("truth", "ben")):
        put(
            project,
            "ratings",
            {"prompt": "Rate", "completion": "So", "score": 2, "axis": axis, "annotator": who},
        )
    put(project, "demonstrations", {"prompt": "Which fruit, 1?", "completion": "A fig.", "annotator": "ann"})
    put(project, "demonstrations", {"prompt": "Rate", "completion": "A ripe pear", "annotator": "ben"})
    Demonstration.objects.filter(text="A fig.").update(comment="Nor is it a pear.")
    for text, prompt in (("A ripe pear", "Rate"), ("I am ChatGPT.", chat)):
        put(project, "ratings", {"prompt": prompt, "completion": text, "score": 3, "annotator": "ben"})
    project.annotators_per_task = 2
    project.save()
    make_tasks(project, 4)
    alice = people.annotator_for(project=project, user=cast.alice)
    _ranked(alice, [1, 2, 3])
    ranking.revise(ranking=_ranked(alice, [3, 2, 1]), verdict="ranked", ranks=[1, 1, 2])
    dan = named(project, "dan")
    flags.raise_flag(assignment=taken(dan), annotator=dan, category="harmful")
    _ranked(dan, [1, 2, 3])
    in_hand = taken(alice)
    flags.raise_flag(assignment=in_hand, annotator=alice, category="broken", words="No question in it")
    skipped = taken(named(project, "eve"))
    queue.skip(assignment=skipped, annotator=skipped.annotator, reason="Too long")
    gold = Task.objects.collected().filter(assignments=None, rankings=None, kind="rank").latest("pk")
    Slot.objects.filter(task=gold).delete()
    Task.objects.filter(pk=gold.pk).update(purpose="gold", gold_tiers=[1, 2, 3])
    for model in (Prompt, Completion, Task, Ranking, Rating, Demonstration):
        model.objects.filter(pk=model.objects.earliest("pk").pk).update(created_at=LONG_AGO)
    put(cast.other, "rankings", {"prompt": SECRET, "completions": answers(SECRET, "b"), "annotator": "x"})
    _withdrawn(cast)
    return cast


_everything, cast = once_a_module(everything)


def named(project: Project, name: str) -> Annotator:
    """An annotator whose pseudonym is known."""
    annotator = make_annotator(project)
    Annotator.objects.filter(pk=annotator.pk).update(pseudonym=name)
    annotator.refresh_from_db()
    return annotator


def _ranked(annotator: Annotator, ranks: list[int]) -> Ranking:
    return ranking.submit(assignment=taken(annotator), annotator=annotator, verdict="ranked", ranks=ranks)


def _withdrawn(cast: Cast) -> None:
    """A prompt with all kinds of rows, and a person who judged and wrote."""
    project = cast.project
    put(
        project,
        "rankings",
        {"prompt": f"{SECRET}?", "completions": answers(SECRET, "b"), "annotator": "gone"},
    )
    put(project, "demonstrations", {"prompt": "Which fruit, 1?", "completion": SECRET, "annotator": "gone"})
    put(project, "ratings", {"prompt": f"{SECRET}?", "completion": SECRET, "score": 1, "annotator": "ann"})
    put(project, "ratings", {"prompt": "Rate", "completion": "So", "score": 1, "annotator": "gone"})
    prompt = Prompt.objects.get(project=project, messages__0__content=f"{SECRET}?")
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    erasure.withdraw_annotator(project=project, pseudonym="gone")


def of_project(row: Any) -> Any:
    return row.prompt.project if isinstance(row, Completion) else row.project


def prompt_of(row: Any) -> Prompt:
    path = {Prompt: "", Rating: "completion.prompt", Ranking: "task.prompt"}.get(type(row), "prompt")
    for name in filter(None, path.split(".")):
        row = getattr(row, name)
    return row  # type: ignore[no-any-return]  # it is one by now


def is_withdrawn(row: Any) -> bool:
    who = [getattr(row, "annotator", None), getattr(getattr(row, "source", None), "annotator", None)]
    return prompt_of(row).withdrawn_at is not None or any(one and one.withdrawn_at for one in who)


def ids(page: str, kind: str) -> list[str]:
    """Of the rows that a page lists, in its order."""
    return re.findall(
        rf'class="lines__text"[^>]*><a href="/admin/projects/[a-z]+/data/{kind}/([0-9a-f-]{{36}})/', page
    )


def walked(client: Client, address: str) -> list[list[str]]:
    """The ids of every page of a list, from its first to its last."""
    kind, pages = address.split("/data/")[1].split("/")[0], []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200
        page = answer.content.decode()
        pages.append(ids(page, kind))
        older = re.search(r'href="([^"]*)" rel="next"', page)
        address = f"{address.split('?')[0]}{html.unescape(older[1])}" if older else ""
    return pages


def walked_by_program(client: Client, address: str | None, way: str) -> list[dict[str, Any]]:
    """Every page of a list of the API in one direction, with its address and the ids of its rows."""
    pages = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        pages.append({**page, "address": address, "ids": [row["id"] for row in page["results"]]})
        address = page[way]
    return pages


def listed(client: Client, kind: str, query: str = "") -> list[str]:
    return [one for page in walked(client, f"/admin/projects/helpful/data/{kind}/{query}") for one in page]


def expected(cast: Cast, kind: str, keep: Callable[[Any], bool]) -> list[str]:
    """By a look at every row, newest first."""
    all_rows = MODELS[kind].objects.select_related(*BESIDE[kind])
    rows = [row for row in all_rows if of_project(row) == cast.project and not is_withdrawn(row)]
    return [str(row.public_id) for row in sorted(rows, key=lambda row: -row.pk) if keep(row)]


def free(task: Task) -> bool:
    return any(slot.annotator is None for slot in task.slots.all())


def is_held(task: Task) -> bool:
    return any(one.status == "open" for one in task.assignments.all())


def finished(task: Task) -> bool:
    judged = {one.annotator_id for one in task.assignments.all() if one.status == "submitted"}
    slots = list(task.slots.all())
    return bool(slots) and all(slot.annotator_id in judged for slot in slots)


def orders_of(task: Task) -> set[tuple[int, ...]]:
    """In which orders people put it, where two or more did."""
    current = [one for one in task.rankings.all() if one.is_current and one.verdict == "ranked"]
    return {tuple(one.tiers) for one in current} if len({one.annotator_id for one in current}) > 1 else set()


def sources_of(row: Ranking) -> set[str]:
    return {entry.completion.source.name for entry in row.task.entries.all()}


def open_flags(**at: Any) -> bool:
    return any(flag.resolved_at is None for flag in Flag.objects.filter(**at))


def says(*texts: Callable[[Any], str]) -> Callable[[str], Callable[[Any], bool]]:
    """Whether any one of a row's texts has the words of a search."""
    return lambda query: lambda row: any(_says(text(row), query) for text in texts)


def asks(row: Any) -> str:
    """What the row's prompt says."""
    return " ".join(one["content"] for one in prompt_of(row).messages)


def _says(text: str, query: str) -> bool:
    """What the search should find, said without Postgres: whole words in any case, quoted ones beside each other."""
    words = re.findall(r"\w+", text.lower())
    query = query.replace("+", " ").replace("%22", '"')
    if query.startswith('"'):
        quoted = re.findall(r"\w+", query.lower())
        return any(words[i : i + len(quoted)] == quoted for i in range(len(words)))
    query_words = query.lower().split()
    required = [one for one in query_words if not one.startswith("-") and re.search(r"\w", one)]
    return (
        bool(required)
        and all(one in words for one in required)
        and not any(one[1:] in words for one in query_words if one.startswith("-"))
    )


# Of the kinds that are searched.
SAYS = {
    "prompts": says(asks),
    "completions": says(lambda row: row.text),
    "tasks": says(asks),
    "rankings": says(asks, lambda row: row.rationale),
    "ratings": says(asks, lambda row: row.completion.text),
    "demonstrations": says(asks, lambda row: row.text, lambda row: row.comment),
}

FILTERS: list[tuple[str, str, Callable[[Any], bool]]] = [
    *((kind, "", lambda _row: True) for kind in MODELS),
    *((kind, "?split=test", lambda row: prompt_of(row).split == "test") for kind in MODELS),
    *((kind, "?until=2020-02-03", lambda row: row.created_at == LONG_AGO) for kind in MODELS),
    *((kind, "?since=2020-02-04", lambda row: row.created_at != LONG_AGO) for kind in MODELS),
    *(
        (kind, "?within=week", lambda row: row.created_at > timezone.now() - timedelta(days=7))
        for kind in MODELS
    ),
    *((kind, "?q=pear", of_kind("pear")) for kind, of_kind in SAYS.items()),
    ("prompts", "?form=chat", lambda row: row.form == "chat"),
    ("prompts", "?external_id=mine-1", lambda row: row.external_id == "mine-1"),
    ("prompts", "?flagged=true", lambda row: open_flags(prompt=row)),
    ("prompts", "?flagged=false", lambda row: not open_flags(prompt=row)),
    ("completions", "?source=model+1", lambda row: row.source.name == "model 1"),
    ("completions", "?source_kind=import", lambda row: row.source.kind == "import"),
    ("completions", "?flagged=true", lambda row: open_flags(completion=row)),
    (
        "completions",
        "?flagged=false&split=train",
        lambda row: not open_flags(completion=row) and row.prompt.split == "train",
    ),
    ("tasks", "?kind=rank", lambda row: row.kind == "rank"),
    ("tasks", "?purpose=gold", lambda row: row.purpose == "gold"),
    ("tasks", "?state=free", free),
    ("tasks", "?state=open", is_held),
    ("tasks", "?state=complete", finished),
    ("tasks", "?state=incomplete", lambda row: not finished(row)),
    ("tasks", "?flagged=true", lambda row: open_flags(task=row)),
    ("rankings", "?verdict=all_bad", lambda row: row.verdict == "all_bad"),
    ("rankings", "?annotator=ann", lambda row: row.annotator.pseudonym == "ann"),
    ("rankings", "?simulated=true", lambda row: row.annotator.simulated),
    ("rankings", "?simulated=false", lambda row: not row.annotator.simulated),
    ("rankings", "?current=false", lambda row: not row.is_current),
    (
        "rankings",
        "?current=true&purpose=collect",
        lambda row: row.is_current and row.task.purpose == "collect",
    ),
    ("rankings", "?flagged=true", lambda row: open_flags(task=row.task)),
    ("rankings", "?fresh=true", lambda row: row.is_current and not row.annotator.simulated),
    ("rankings", "?form=chat", lambda row: row.task.prompt.form == "chat"),
    ("rankings", "?source=model+0", lambda row: "model 0" in sources_of(row)),
    ("rankings", "?source=mixed&verdict=ranked", lambda row: {"m", "mixed"} == sources_of(row)),
    ("rankings", "?disputed=true", lambda row: len(orders_of(row.task)) > 1),
    ("rankings", "?disputed=false", lambda row: len(orders_of(row.task)) == 1),
    ("tasks", "?disputed=true", lambda row: len(orders_of(row)) > 1),
    ("tasks", "?disputed=false", lambda row: len(orders_of(row)) == 1),
    ("ratings", "?least=2.5", lambda row: row.score is not None and row.score >= 2.5),
    ("ratings", "?most=2&least=2", lambda row: row.score == 2),
    ("ratings", "?axis=truth", lambda row: row.axis == "truth"),
    ("ratings", "?annotator=ann", lambda row: row.annotator.pseudonym == "ann"),
    ("ratings", "?current=true&simulated=false", lambda row: row.is_current and not row.annotator.simulated),
    ("demonstrations", "?review=accepted", lambda row: row.review == "accepted"),
    ("demonstrations", "?source=nobody&current=true", lambda row: row.is_current),
]


by_each_filter = pytest.mark.parametrize(
    ("kind", "query", "keep"), FILTERS, ids=lambda value: value if isinstance(value, str) else ""
)


@by_each_filter
def test_a_list_holds_what_its_address_says(
    cast: Cast, kind: str, query: str, keep: Callable[[Any], bool]
) -> None:
    assert listed(client_of(cast), kind, query) == expected(cast, kind, keep)


@by_each_filter
def test_a_program_lists_by_the_same_words(
    cast: Cast, kind: str, query: str, keep: Callable[[Any], bool]
) -> None:
    answer = asked_of_api(cast, kind, query)
    if "nobody" in query:  # what a page says beside its field is an error to a program
        assert answer.json()["errors"] == [{"parameter": "source", "detail": "No source has this name."}]
        return
    assert [row["id"] for row in answer.json()["results"]] == expected(cast, kind, keep)
    oldest_first = asked_of_api(cast, kind, query, order="oldest").json()["results"]
    assert [row["id"] for row in oldest_first] == expected(cast, kind, keep)[::-1]


def asked_of_api(cast: Cast, kind: str, query: str, order: str = "newest") -> Any:
    """The same address of the API, all on one page."""
    return client_of(cast).get(f"/api/v1/projects/helpful/{kind}/{query or '?'}&order={order}&page_size=200")


@pytest.mark.parametrize(
    ("kind", "query", "detail"),
    [
        ("tasks", "?state=soon", "It must be one of free, open, complete, incomplete."),
        ("rankings", "?current=maybe", "It must be one of true, false."),
        ("rankings", "?annotator=nobody", "Nobody here has this name."),
        ("ratings", "?least=much", "Enter a number."),
        ("prompts", "?since=yesterday", "Enter a valid date."),
        ("prompts", "?order=slowest", "It must be one of oldest, newest, most, fewest, words."),
    ],
)
def test_a_program_is_told_what_a_filter_may_be(cast: Cast, kind: str, query: str, detail: str) -> None:
    address = f"/api/v1/projects/helpful/{kind}/{query}"
    answer = client_of(cast).get(address)
    parameter = query[1:].partition("=")[0]
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [{"parameter": parameter, "detail": detail}],
    )


def test_what_takes_a_program_too_long_is_given_up_in_words(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_MS", 100)
    monkeypatch.setattr(
        Prompts, "get_queryset", lambda _view: Prompt.objects.extra(where=["pg_sleep(1) IS NOT NULL"])
    )
    answer = asked_of_api(cast, "prompts", "")
    assert (answer.status_code, answer.json()["code"]) == (400, "took_too_long")


def test_the_filters_tell_rows_apart(cast: Cast) -> None:
    """Or the test above would show nothing: each keeps some rows of its kind, and all but the first some of them."""
    for kind, query, keep in FILTERS:
        all_rows, kept = expected(cast, kind, lambda _row: True), expected(cast, kind, keep)
        assert all_rows, kind
        narrows = query and (kind, query) not in {("demonstrations", "?review=accepted")}
        if kind not in {"ratings", "demonstrations"} and narrows:
            assert 0 < len(kept) < len(all_rows) or query.startswith(("?source_kind", "?kind")), (kind, query)


def sent(client: Client, kind: str, exported: str, query: str) -> list[dict[str, Any]]:
    """The lines of a list's file."""
    answer = client.get(f"/admin/projects/helpful/data/{kind}/file/{query or '?'}&as={exported}")
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("kind", "exported"), [(one.name, name) for one in KINDS.values() for name in one.exported]
)
def test_what_is_listed_goes_out_as_an_export_has_it(cast: Cast, kind: str, exported: str) -> None:
    client = client_of(cast)
    forms = ["text", "chat"] if exported == "pairs" else [None]
    whole = [line for form in forms for line in out_values(cast.project, exported, form=form)]
    some = 0
    for of_kind, query, keep in FILTERS:
        if of_kind != kind or (exported == "pairs" and "form" not in query):
            continue
        kept = set(expected(cast, kind, keep))
        lines = sent(client, kind, exported, query)
        assert lines == [line for line in whole if id_of(line, exported) in kept], query
        some += 0 < len(lines) < len(whole)
    assert some or exported == "demonstrations"


def id_of(line: dict[str, Any], exported: str) -> str:
    """Of the row that it was made of: of pairs the ranking, whose task the pair names."""
    if exported != "pairs":
        return str(line["concord"]["id"])
    return next(
        str(row.public_id)
        for row in Ranking.objects.filter(is_current=True, annotator__pseudonym=line["annotator"])
        if str(row.public_id)[:-2] == line["concord"]["id"][:-2]
    )


def test_pairs_of_two_forms_are_not_one_file(cast: Cast) -> None:
    client = client_of(cast)
    back = client.get("/admin/projects/helpful/data/rankings/file/?current=true&as=pairs", follow=True)
    assert back.redirect_chain == [("/admin/projects/helpful/data/rankings/?current=true", 302)]
    assert "choose the form of the prompt first" in back.content.decode()
    wrong = client.get("/admin/projects/helpful/data/rankings/file/?as=pairs&form=verse", follow=True)
    assert "There is no form &#x27;verse&#x27;" in wrong.content.decode()
    assert "choose the form of the prompt first" not in wrong.content.decode()
    # One form alone is meant, though the project has both.
    assert [line["prompt"] for line in sent(client, "rankings", "pairs", "?simulated=true")] == [
        "Which fruit, 0?"
    ]
    lines = sent(client, "rankings", "pairs", "?form=chat&annotator=ann")
    assert [[one["role"] for one in line["prompt"]] for line in lines] == [["system", "user"]]
    assert client.get("/admin/projects/helpful/data/rankings/file/?as=gold").status_code == 404


def test_the_tasks_of_what_is_listed_are_flagged_once(cast: Cast) -> None:
    client, project = client_of(cast), cast.project
    shown = client.get("/admin/projects/helpful/data/rankings/?annotator=ann").content.decode()
    assert 'action="/admin/projects/helpful/data/rankings/flag/?annotator=ann"' in shown
    expected = {
        row.task_id for row in Ranking.objects.kept().filter(project=project, annotator__pseudonym="ann")
    }
    before = Flag.objects.count()
    form = {"category": "other", "words": "Ann was new then"}
    back = client.post("/admin/projects/helpful/data/rankings/flag/?annotator=ann", form, follow=True)
    assert f"{len(expected)} tasks are flagged." in back.content.decode()
    assert back.redirect_chain[-1][0] == "/admin/projects/helpful/data/rankings/?annotator=ann"
    raised = Flag.objects.filter(words="Ann was new then")
    assert {flag.task_id for flag in raised} == expected
    assert {flag.annotator.user for flag in raised if flag.annotator} == {cast.carol}
    client.post("/admin/projects/helpful/data/rankings/flag/?annotator=ann", form)
    assert Flag.objects.count() == before + len(expected)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"category": "other", "words": " "}, "Say in a few words what is wrong."),
        ({"category": "ugly"}, "Choose one that is listed: ugly is not."),
        ({"category": "broken"}, "These are more than 3 tasks: narrow the list down."),
    ],
)
def test_a_list_that_cannot_be_flagged_says_why_and_flags_nothing(
    cast: Cast, form: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "MOST_AT_ONCE", 3)
    before = Flag.objects.count()
    back = client_of(cast).post("/admin/projects/helpful/data/tasks/flag/", form, follow=True)
    assert sentence in html.unescape(back.content.decode())
    assert Flag.objects.count() == before
    assert client_of(cast).post("/admin/projects/helpful/data/prompts/flag/", form).status_code == 404


def test_rows_of_one_row_are_listed_by_its_id(cast: Cast) -> None:
    client = client_of(cast)
    task = Task.objects.filter(project=cast.project, rankings__annotator__pseudonym="ben").earliest("pk")
    assert listed(client, "rankings", f"?task={task.public_id}") == expected(
        cast, "rankings", lambda row: row.task == task
    )
    for kind in ("completions", "tasks", "demonstrations"):
        assert listed(client, kind, f"?prompt={task.prompt.public_id}") == expected(
            cast, kind, lambda row: row.prompt == task.prompt
        )
    completion = Completion.objects.get(prompt__project=cast.project, text="So")
    assert len(listed(client, "ratings", f"?completion={completion.public_id}")) == 2


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("pear", {"Which fruit, chat"}),
        ("PEAR red", {"chat"}),
        ("kind", {"chat"}),
        ("pear+-red", set()),
        ("system", set()),
        ("%22only+a%22", {"Only"}),
        ("%22a+only%22", set()),
        ("fruit", {"Which fruit, 0?", "Which fruit, 1?", "Which fruit, 2?"}),
        ("...", set()),
    ],
)
def test_prompts_are_searched_by_the_words_of_their_messages(cast: Cast, query: str, texts: set[str]) -> None:
    expected = {
        str(row.public_id)
        for row in Prompt.objects.kept().filter(project=cast.project)
        if _says(asks(row), query)
    }
    assert set(listed(client_of(cast), "prompts", f"?q={query}")) == expected
    assert bool(expected) == bool(texts)


SEARCHES = (
    "pear",
    "ripe+pear",
    "chatgpt",
    "%22pear+ripe%22",
    "-pear+i",
    "tangerine",
    "fruit",
    "a+-fruit",
    "...",
)


@pytest.mark.parametrize("few", [0, search.FEW], ids=["many", "few"])
@pytest.mark.parametrize("kind", SAYS)
def test_rows_are_searched_by_their_words(
    cast: Cast, kind: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the index and sorted, or met one by one: the same. What is withdrawn is not found."""
    monkeypatch.setattr(search, "FEW", few)
    client, sizes = client_of(cast), set()
    for query in SEARCHES:
        rows = expected(cast, kind, SAYS[kind](query))
        assert listed(client, kind, f"?q={query}") == rows, query
        sizes.add(len(rows))
    assert len(sizes) > 1


def test_the_search_goes_through_an_index(cast: Cast) -> None:
    searches: list[tuple[Any, list[str]]] = [
        (Prompt, ["prompt_words"]),
        (Completion, ["completion_words"]),
        (Task, ["prompt_words"]),
        (Ranking, ["ranking_words", "prompt_words"]),
        (Rating, ["completion_words", "prompt_words"]),
        (Demonstration, ["demonstration_words", "comment_words", "prompt_words"]),
    ]
    for model, indexes in searches:
        with connection.cursor() as cursor:
            # A few rows are read faster one by one, or by their ids.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        queries = model.objects.saying_by_index("pear").values()
        plan = "\n".join(query.explain() for query in queries)
        assert all(f"Scan on {index}" in plan for index in indexes), plan


def test_long_texts_are_stored_and_their_beginnings_are_found(cast: Cast) -> None:
    """Postgres refuses to index more than a megabyte of different words; nothing that may come in is that much here."""
    words = " ".join(f"{number:x}" for number in range(150_000))
    put(
        cast.project,
        "completions",
        {"prompt": f"first {words}", "completions": answers(f"begins {words}", "b")},
    )
    client = client_of(cast)
    assert len(listed(client, "prompts", "?q=first")) == len(listed(client, "completions", "?q=begins")) == 1


def test_every_page_follows_the_one_before_while_rows_are_added(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "A_PAGE", 3)
    client, before = client_of(cast), expected(cast, "prompts", lambda _row: True)
    assert len(before) > 6
    address, pages = "/admin/projects/helpful/data/prompts/?split=", list[list[str]]()
    number = 0
    while address:
        page = client.get(address).content.decode()
        pages.append(ids(page, "prompts"))
        put(cast.project, "prompts", {"prompt": f"Added meanwhile {number}"})
        number += 1
        older = re.search(r'href="([^"]*)" rel="next"', page)
        address = f"/admin/projects/helpful/data/prompts/{html.unescape(older[1])}" if older else ""
    assert [one for page in pages for one in page] == before
    assert {len(page) for page in pages[:-1]} == {3}


def test_the_way_back_is_the_way_there(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "A_PAGE", 3)
    client = client_of(cast)
    pages = walked(client, "/admin/projects/helpful/data/prompts/")
    last = Prompt.objects.get(public_id=pages[-1][-1])
    address, walked_back = f"?before={last.pk + 1}", list[str]()
    while address:
        page = client.get(f"/admin/projects/helpful/data/prompts/{html.unescape(address)}").content.decode()
        walked_back = ids(page, "prompts") + walked_back
        newer = re.search(r'href="([^"]*)" rel="prev"', page)
        address = newer[1] if newer else ""
    assert walked_back == [one for page in pages for one in page]
    beyond = client.get(f"/admin/projects/helpful/data/prompts/?before={last.pk}").content.decode()
    assert "Nothing is older" in beyond
    assert 'href="?" rel="prev"' in beyond


def test_the_oldest_come_first_where_that_is_asked_for(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "A_PAGE", 3)
    client, newest_first = client_of(cast), expected(cast, "prompts", lambda _row: True)
    pages = walked(client, "/admin/projects/helpful/data/prompts/?order=oldest")
    assert [one for page in pages for one in page] == newest_first[::-1]
    first, last = (Prompt.objects.get(public_id=one) for one in (pages[0][0], pages[-1][-1]))
    address, walked_back = (
        f"?order=oldest&after={Prompt.objects.get(public_id=pages[-2][-1]).pk}",
        list[str](),
    )
    while address:
        page = client.get(f"/admin/projects/helpful/data/prompts/{html.unescape(address)}").content.decode()
        walked_back = ids(page, "prompts") + walked_back
        older = re.search(r'href="([^"]*)" rel="prev"', page)
        address = older[1] if older else ""
    assert walked_back == newest_first[::-1]
    for address, words in ((f"?order=oldest&after={last.pk}", "newer"), (f"?before={first.pk}", "older")):
        assert (
            f"Nothing is {words}"
            in client.get(f"/admin/projects/helpful/data/prompts/{address}").content.decode()
        )


def last(messages: list[dict[str, str]]) -> str:
    return messages[-1]["content"][:200].lower()


def unknown_last(value: float | None, sign: int) -> tuple[bool, float]:
    return (value is None, sign * (value or 0))


def kept(rows: Any) -> int:
    return sum(not is_withdrawn(row) for row in rows.all())


ORDERS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("prompts", "most", lambda row: -kept(row.completions)),
    ("prompts", "fewest", lambda row: kept(row.completions)),
    ("prompts", "words", lambda row: last(row.messages)),
    ("completions", "rewarded", lambda row: -row.rewards.get().value),
    ("completions", "unrewarded", lambda row: row.rewards.get().value),
    ("completions", "longest", lambda row: -len(row.text)),
    ("completions", "shortest", lambda row: len(row.text)),
    ("tasks", "priority", lambda row: -row.priority),
    ("tasks", "most", lambda row: -kept(row.rankings.filter(is_current=True))),
    ("tasks", "fewest", lambda row: kept(row.rankings.filter(is_current=True))),
    *(
        (kind, order, lambda row, sign=sign: unknown_last(row.active_seconds, sign))
        for kind in ("rankings", "ratings", "demonstrations")
        for order, sign in (("slowest", -1), ("quickest", 1))
    ),
    ("ratings", "highest", lambda row: unknown_last(row.score, -1)),
    ("ratings", "lowest", lambda row: unknown_last(row.score, 1)),
    ("demonstrations", "longest", lambda row: -len(row.text)),
    ("demonstrations", "shortest", lambda row: len(row.text)),
]


def test_every_order_has_its_test() -> None:
    offered = {(kind, order) for kind in MODELS for order in KINDS[kind].filters.orders}
    assert {(kind, order) for kind, order, _ in ORDERS} == offered


def rewarded(project: Project, values: list[float], only: int | None = None) -> RewardModelVersion:
    """An active version with these rewards, over and over, of the project's first completions or of all."""
    version = make_reward_model(project, 4, make_snapshot(project, f"rewards of {project.slug}"))
    activation.activate(version=version, why="For the test.")
    rows = Completion.objects.filter(prompt__project=project).order_by("pk")[:only]
    Reward.objects.bulk_create(
        Reward(version=version, completion=row, value=values[number % len(values)])
        for number, row in enumerate(rows)
    )
    return version


@pytest.fixture
def uneven(cast: Cast) -> Cast:
    """Rows of which many differ, some are alike and some say nothing in what lists are sorted by."""
    project = cast.project
    for number, (score, who) in enumerate([(5, "ann"), (-1.5, "ben"), (5, "ben"), (None, "ann")]):
        line = {"prompt": f"Rate {number}", "completion": "So " * number + "so", "annotator": who}
        put(project, "ratings", {**line, "score": score})
        put(project, "demonstrations", {**line, "completion": "Well. " * (3 - number % 3)})
    for model in (Ranking, Rating, Demonstration):
        for number, row in enumerate(model.objects.filter(project=project)):
            model.objects.filter(pk=row.pk).update(active_seconds=[12.5, None, 3, 12.5, 40][number * 3 % 5])
    for number, task in enumerate(Task.objects.filter(project=project)):
        Task.objects.filter(pk=task.pk).update(priority=[0, 7, -2, 7][number % 4])
    rewarded(project, [1.5, -0.25, 1.5, 3e-9, -0.25])
    return cast


@pytest.mark.parametrize(("kind", "order", "key"), ORDERS)
def test_a_list_sorted_holds_the_same_rows_in_the_order_asked_for(
    uneven: Cast, kind: str, order: str, key: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "A_PAGE", 3)
    newest_first = expected(uneven, kind, lambda _row: True)
    by_id = {str(row.public_id): row for row in MODELS[kind].objects.all()}
    in_order = sorted(newest_first, key=lambda one: key(by_id[one]))
    assert in_order != newest_first
    client, address = client_of(uneven), f"/admin/projects/helpful/data/{kind}/?order={order}"
    pages = walked(client, address)
    assert [one for page in pages for one in page] == in_order
    assert {len(page) for page in pages[:-1]} == {3}
    # And back again, page for page.
    where, walked_back = f"{address}&from={by_id[pages[-1][0]].pk}", list[list[str]]()
    while where:
        page = client.get(where).content.decode()
        walked_back.insert(0, ids(page, kind))
        back = re.search(r'href="([^"]*)" rel="prev"', page)
        where = f"/admin/projects/helpful/data/{kind}/{html.unescape(back[1])}" if back else ""
    assert walked_back == pages
    # A program asks in the page's own word.
    address = f"/api/v1/projects/helpful/{kind}/?order={order}&page_size=3"
    of_api = walked_by_program(client, address, "next")
    assert [one for page in of_api for one in page["ids"]] == in_order
    assert {len(page["ids"]) for page in of_api[:-1]} == {3}
    assert of_api[0]["previous"] is None
    back_again = walked_by_program(client, of_api[-1]["address"], "previous")
    assert [page["ids"] for page in back_again[::-1]] == [page["ids"] for page in of_api]


def test_a_sorted_list_follows_its_filters_and_begins_anew_where_its_row_is_gone(uneven: Cast) -> None:
    rows = {str(row.public_id): row for row in Ranking.objects.all()}
    in_order = sorted(
        expected(uneven, "rankings", lambda row: row.annotator.pseudonym == "ann"),
        key=lambda one: unknown_last(rows[one].active_seconds, -1),
    )
    assert len(in_order) > 1
    client = client_of(uneven)
    assert listed(client, "rankings", "?annotator=ann&order=slowest") == in_order
    assert listed(client, "rankings", "?annotator=ann&order=slowest&from=999999999") == in_order
    page = client.get("/admin/projects/helpful/data/rankings/?order=slowest").content.decode()
    assert re.search(r'<option value="slowest" selected[^>]*>longest time first</option>', page)
    assert "/data/rankings/file/?order=slowest&amp;as=rankings" in page


def test_more_rows_than_are_sorted_come_by_time_and_the_list_says_so(
    uneven: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, newest_first = client_of(uneven), expected(uneven, "rankings", lambda _row: True)
    address = "/admin/projects/helpful/data/rankings/?order=slowest"
    monkeypatch.setattr(paging, "SORTED", len(newest_first))
    assert listed(client, "rankings", "?order=slowest") != newest_first
    assert "can be sorted so" not in client.get(address).content.decode()
    monkeypatch.setattr(paging, "SORTED", len(newest_first) - 1)
    assert listed(client, "rankings", "?order=slowest") == newest_first
    assert (
        "can be sorted so, and here are more: they come newest first" in client.get(address).content.decode()
    )


def test_a_program_is_told_that_there_are_too_many_rows_to_sort(
    uneven: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, address = client_of(uneven), "/api/v1/projects/helpful/rankings/?order=slowest&page_size=200"
    count = len(expected(uneven, "rankings", lambda _row: True))
    monkeypatch.setattr(sorting, "SORTED", count)
    assert len(client.get(address).json()["results"]) == count
    monkeypatch.setattr(sorting, "SORTED", count - 1)
    refused = client.get(address)
    detail = f"At most {count - 1} rows are sorted so: narrow the list down."
    assert (refused.status_code, refused.json()["errors"]) == (
        400,
        [{"parameter": "order", "detail": detail}],
    )
    # By time and by rewards as many as there are.
    for many in ("rankings/?order=newest", "completions/?order=rewarded", "completions/?order=unrewarded"):
        monkeypatch.setattr(sorting, "SORTED", 1)
        assert len(client.get(f"/api/v1/projects/helpful/{many}").json()["results"]) > 2


def test_a_sorted_list_goes_on_behind_a_row_that_its_filter_has_lost(uneven: Cast) -> None:
    client = client_of(uneven)
    address = "/api/v1/projects/helpful/tasks/?state=incomplete&order=priority&page_size=2"
    every = [
        row["id"] for row in client.get(address.replace("page_size=2", "page_size=200")).json()["results"]
    ]
    first = client.get(address).json()
    ends_with = Task.objects.get(public_id=first["results"][-1]["id"])
    Slot.objects.filter(task=ends_with).delete()
    put(uneven.project, "prompts", {"prompt": "Added meanwhile"})
    rest = [one for page in walked_by_program(client, first["next"], "next") for one in page["ids"]]
    assert rest == every[2:]
    Task.objects.filter(pk=ends_with.pk).delete()
    gone = client.get(first["next"])
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_a_cursor_is_that_of_its_list_and_order_alone(uneven: Cast) -> None:
    client, address = client_of(uneven), "/api/v1/projects/helpful/rankings/"
    cursor = (
        client.get(f"{address}?order=slowest&page_size=2").json()["next"].split("cursor=")[1].split("&")[0]
    )
    assert client.get(f"{address}?order=slowest&cursor={cursor}").status_code == 200
    for other in (
        f"{address}?order=quickest&cursor={cursor}",
        f"{address}?order=newest&cursor={cursor}",
        f"{address.replace('rankings', 'ratings')}?order=slowest&cursor={cursor}",
        f"{address}?order=slowest&cursor={cursor[:-3]}abc",
        f"{address}?order=slowest&cursor=cD0x",
        f"{address}?order=slowest&cursor=%00",
        f"{address}?order=slowest&cursor=",
    ):
        assert client.get(other).status_code == 404, other


def test_rewards_are_those_of_the_active_version_and_bound_what_is_listed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, client = cast.project, client_of(cast)
    version = rewarded(project, [2.0, -1.0, 0.5, 0.25], only=6)
    other = make_reward_model(project, 5, version.fit.snapshot)  # type: ignore[arg-type]
    first = Completion.objects.filter(prompt__project=project).earliest("pk")
    Reward.objects.create(version=other, completion=first, value=99.0)
    values = dict(Reward.objects.filter(version=version).values_list("completion__public_id", "value"))

    def within(least: float, most: float) -> list[str]:
        return expected(cast, "completions", lambda row: least <= values.get(row.public_id, 99) <= most)

    # More than are sorted anew: an index has the order.
    monkeypatch.setattr(paging, "SORTED", 1)
    by_reward = sorted(within(-9, 9), key=lambda one: -values[UUID(one)])
    assert 2 < len(by_reward) < len(expected(cast, "completions", lambda row: True))
    assert listed(client, "completions", "?order=rewarded") == by_reward
    assert listed(client, "completions", "?least=0.5") == within(0.5, 9) != by_reward
    assert listed(client, "completions", "?most=0.5&least=-1") == within(-1, 0.5)
    lowest = sorted(within(-9, 0.25), key=lambda one: values[UUID(one)])
    assert listed(client, "completions", "?most=0.25&order=unrewarded") == lowest
    assert listed(client, "completions", "?order=rewarded&from=999999999") == by_reward
    page = client.get("/admin/projects/helpful/data/completions/?order=rewarded").content.decode()
    assert "Reward by v4" in page
    assert "they come newest first" not in page
    shown = [float(one) for one in re.findall(r"reward </span>(-?[0-9.]+)", page)]
    assert shown == sorted((values[UUID(one)] for one in by_reward), reverse=True)
    assert "the active reward model, v4. Completions that it has not scored are not here" in page
    text = words_of(client, "completions", first)
    assert "Reward by v5 99.000 Reward by v4 2.000 active" in text


def test_where_nothing_has_a_reward_the_list_leads_to_the_button(cast: Cast) -> None:
    client, address = client_of(cast), "/admin/projects/helpful/data/completions/"
    assert "eward" not in client.get(address).content.decode().split("<table")[1]
    empty = client.get(f"{address}?order=rewarded").content.decode()
    assert "Nothing has a reward yet. That takes an active" in empty
    rewarded(cast.project, [0.0], only=0)
    page = client.get(address).content.decode()
    assert "Reward model v4 has not scored any completion yet" in page
    assert "/admin/projects/helpful/reward-models/#action-score" in page
    assert "Reward by" not in page
    empty = client.get(f"{address}?least=1").content.decode()
    assert "Let reward model v4 score the completions" in empty


def test_rewards_are_sorted_through_their_index(cast: Cast) -> None:
    rewarded(cast.project, [1.0])
    query = QueryDict("order=rewarded&least=0.5")
    filters = KINDS["completions"].filters(query, project=cast.project)
    rows = filters.narrow(KINDS["completions"].rows(cast.project))
    order = filters.sorted_by()
    assert order is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
        )
    plan = rows.order_by(order.by, "-pk").values_list("pk")[:51].explain()
    assert "Index Scan Backward using reward_by_value" in plan
    # So are those of a program, whose second page begins at its place in the index.
    client = client_of(cast)
    with CaptureQueriesContext(connection) as caught:
        first = client.get(
            "/api/v1/projects/helpful/completions/?order=rewarded&least=0.5&page_size=2"
        ).json()
        assert len(client.get(first["next"]).json()["results"]) == 2
    pages = [one["sql"] for one in caught if sorting.VALUE in one["sql"] and "LIMIT 3" in one["sql"]]
    assert len(pages) == 2
    for page, condition in zip(pages, (0, 1), strict=True):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {page}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Scan Backward using reward_by_value" in plan
        assert plan.count("value <= '1'") == condition


@pytest.mark.parametrize(
    "query",
    [
        "?split=nowhere&before=x&after=-1",
        "?before=99999999999999999999999&q=%22",
        "?before=9223372036854775807",
        "?annotator=nobody&since=yesterday&until=0000-00-00",
        "?source=%00&q=%00",
        "?task=no-id&prompt=1&completion=%27",
        "?current=perhaps&simulated=1&fresh=0&flagged=%F0%9F%8D%90",
        "?state=&kind=&purpose=x&within=year&unknown=1",
        f"?q={'pear+' * 100}",
        "?since=9999-12-31&until=9999-12-31",
        "?order=sideways&from=x",
        "?order=slowest&from=99999999999999999999999&before=3",
        "?order=rewarded&from=3&least=nan&most=inf",
    ],
)
@pytest.mark.parametrize("kind", MODELS)
def test_no_address_breaks_a_list(cast: Cast, kind: str, query: str) -> None:
    assert client_of(cast).get(f"/admin/projects/helpful/data/{kind}/{query}").status_code == 200


def test_a_wrong_value_is_answered_in_words_and_narrows_nothing(cast: Cast) -> None:
    page = client_of(cast).get("/admin/projects/helpful/data/rankings/?annotator=nobody&verdict=all_bad")
    assert "Nobody here has this name." in page.content.decode()
    assert ids(page.content.decode(), "rankings") == expected(
        cast, "rankings", lambda row: row.verdict == "all_bad"
    )


def test_what_takes_too_long_is_given_up_in_words(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_MS", 100)
    slowly = KINDS["prompts"]._replace(
        rows=lambda _project: Prompt.objects.extra(where=["pg_sleep(1) IS NOT NULL"])
    )
    monkeypatch.setitem(KINDS, "prompts", slowly)
    answer = client_of(cast).get("/admin/projects/helpful/data/prompts/")
    assert answer.status_code == 200
    assert "takes too long" in answer.content.decode()


def test_what_takes_too_long_to_find_is_not_flagged(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_MS", 100)
    slowly = KINDS["tasks"]._replace(
        rows=lambda _project: Task.objects.extra(where=["pg_sleep(1) IS NOT NULL"])
    )
    monkeypatch.setitem(KINDS, "tasks", slowly)
    before = Flag.objects.count()
    client = client_of(cast)
    client.post("/admin/projects/helpful/data/tasks/flag/", {"category": "broken"})
    monkeypatch.undo()
    assert "take too long to find" in client.get("/admin/projects/helpful/data/tasks/").content.decode()
    assert Flag.objects.count() == before


def numbers(page: str) -> list[tuple[str, str]]:
    """Every link from the loop to data, with what it says."""
    stations = page[page.index('class="stations"') : page.index("</ol>")]
    links = re.findall(
        r'<a [^>]*href="(/admin/projects/helpful/(?:data|flags)/[^"]*)"[^>]*>(.*?)</a>', stations, re.S
    )
    return [(html.unescape(address), re.sub("<[^>]*>", "", words).strip()) for address, words in links]


def test_every_number_of_the_loop_leads_to_the_rows_that_it_counts(cast: Cast) -> None:
    make_tasks(cast.project, 1)  # with more than one place free
    client = client_of(cast)
    links = numbers(client.get("/admin/projects/helpful/").content.decode())
    assert len(links) == 11
    counted = {}
    for address, words in links:
        number = int(re.findall(r"\d+", words)[0])
        page = client.get(address).content.decode()
        if "/flags/" in address:
            rows = len(re.findall(r"<td>eve</td>", page))
        elif "state=free" in address and "task" not in words:  # places, of which a task has several
            rows = sum(int(one) for one in re.findall(r"(\d+) of \d+ free", page))
        else:
            rows = sum(len(one) for one in walked(client, address))
        assert rows == number, (address, words)
        counted[address, "task" in words] = number
    # Nothing would be shown by noughts.
    assert all(counted.values()), counted
    assert (
        Slot.objects.filter(project=cast.project, annotator=None).count()
        == counted["/admin/projects/helpful/data/tasks/?state=free", False]
        > counted["/admin/projects/helpful/data/tasks/?state=free", True]
    )


def test_rankings_that_a_version_learnt_from_are_not_fresh(cast: Cast) -> None:
    client, everything = client_of(cast), expected(cast, "rankings", lambda row: True)
    last = Ranking.objects.get(public_id=everything[1])
    snapshot = make_snapshot(cast.project, "s")
    type(snapshot).objects.filter(pk=snapshot.pk).update(last_ranking_id=last.pk)
    make_reward_model(cast.project, 1, snapshot)
    assert RewardModelVersion.objects.count() == 1
    assert set(listed(client, "rankings", "?fresh=true")) <= {everything[0]}


def test_a_row_of_another_project_is_not_there(cast: Cast) -> None:
    carol, erin = client_of(cast), client_of(cast, "erin")
    for kind, model in MODELS.items():
        for row in model.objects.all():
            shown_here = of_project(row) == cast.project and not is_withdrawn(row)
            path = f"/data/{kind}/{row.public_id}/"
            assert carol.get(f"/admin/projects/helpful{path}").status_code == (200 if shown_here else 404), (
                kind,
                row,
            )
            assert carol.get(f"/admin/projects/haiku{path}").status_code == 404
            assert erin.get(f"/admin/projects/helpful{path}").status_code == 404
    assert carol.get(f"/admin/projects/helpful/data/prompts/{uuid4()}/").status_code == 404
    for kind in ("flags", "assignments", "sources"):
        assert carol.get(f"/admin/projects/helpful/data/{kind}/").status_code == 404


def test_nothing_that_was_withdrawn_is_shown(cast: Cast) -> None:
    client = client_of(cast)
    for kind in MODELS:
        for page in (client.get(f"/admin/projects/helpful/data/{kind}/"), *_rows(client, cast, kind)):
            text = page.content.decode()
            assert SECRET not in text
            assert not re.search(r"\bgone\b", text)


def _rows(client: Client, cast: Cast, kind: str) -> list[Any]:
    rows = expected(cast, kind, lambda _row: True)
    return [client.get(f"/admin/projects/helpful/data/{kind}/{one}/") for one in rows]


def words_of(client: Client, kind: str, row: Any) -> str:
    page = client.get(f"/admin/projects/helpful/data/{kind}/{row.public_id}/").content.decode()
    main = page[page.index('id="content-main"') :]
    return " ".join(re.sub("<[^>]*>", " ", html.unescape(main)).split())


def test_a_ranking_reads_in_the_order_that_its_annotator_saw(cast: Cast) -> None:
    client, project = client_of(cast), cast.project
    put(project, "completions", {"prompt": "P", "completions": answers("one", "two", "three"), "priority": 9})
    frank = named(project, "frank")
    in_hand = taken(frank)
    Assignment.objects.filter(pk=in_hand.pk).update(order_shown=[2, 0, 1])
    in_hand.refresh_from_db()
    # By place in the task: "one" and "three" tie below "two". Frank saw C=two, A=three, B=one.
    stored = ranking.submit(
        assignment=in_hand,
        annotator=frank,
        verdict="ranked",
        ranks=[2, 1, 2],
        rationale="Two is short.",
        confidence="high",
        active_seconds=12.34,
    )
    text = words_of(client, "rankings", stored)
    assert "C > , then A = B" in text
    places = [
        text.index(words)
        for words in (
            "A , a completion place 2, tied",
            "three",
            "B , a completion place 2, tied",
            "one",
            "C , a completion place 1",
            "two",
        )
    ]
    assert places == sorted(places)
    for words in (
        "Two is short.",
        "Confidence high",
        "By frank",
        "Active time 12.3 s",
        "Guidelines version 1",
    ):
        assert words in text
    assert "simulated" not in text


def test_superseded_rankings_and_simulated_annotators_are_named(cast: Cast) -> None:
    client = client_of(cast)
    old = Ranking.objects.get(project=cast.project, is_current=False, superseded_by__isnull=False)
    new = old.superseded_by
    page = client.get(f"/admin/projects/helpful/data/rankings/{old.public_id}/").content.decode()
    assert "superseded" in page
    assert f"/data/rankings/{new.public_id}/" in page
    page = client.get(f"/admin/projects/helpful/data/rankings/{new.public_id}/").content.decode()
    assert f"/data/rankings/{old.public_id}/" in page
    rule = Ranking.objects.get(project=cast.project, annotator__simulated=True)
    assert "rule simulated" in words_of(client, "rankings", rule)


def test_a_task_shows_everybody_side_by_side(cast: Cast) -> None:
    client = client_of(cast)
    task = Task.objects.get(project=cast.project, rankings__annotator__pseudonym="dan")
    text = words_of(client, "tasks", task)
    tiers_by_name = {
        one.annotator.pseudonym: one.tiers for one in Ranking.objects.current().filter(task=task)
    }
    assert len(tiers_by_name) == 2
    for who, tiers in tiers_by_name.items():
        assert f"{who} {' '.join(map(str, tiers))} ranked" in text
    gold = Task.objects.get(project=cast.project, purpose="gold")
    assert "Purpose gold" in words_of(client, "tasks", gold)
    held_one = Assignment.objects.open().get(project=cast.project).task
    assert "open until" in words_of(client, "tasks", held_one)
    assert "No question in it" in words_of(client, "tasks", held_one)
    skipped = Assignment.objects.get(project=cast.project, status="skipped").task
    assert "Too long" in words_of(client, "tasks", skipped)


def test_a_completion_leads_back_to_its_policy_and_forward_to_its_rankings(cast: Cast) -> None:
    client, project = client_of(cast), cast.project
    snapshot = make_snapshot(project, "snapshot of this", 0)
    reward_model = make_reward_model(project, 7, snapshot)
    base = make_policy(project, 1)
    policy = make_policy(project, 2, algorithm="ppo", start=base, reward_model=reward_model)
    completion = Completion.objects.get(prompt__project=project, source__name="model 0", text="A ripe pear")
    Completion.objects.filter(pk=completion.pk).update(source=policy.source, sampling={"temperature": 0.7})
    text = words_of(client, "completions", completion)
    assert policy.training is not None
    assert f"Policy v2 PPO in run {policy.training.run_id} Reward model v7 of run" in text
    assert snapshot.digest[:12] in text
    for last, learns in ((0, False), (Ranking.objects.latest("pk").pk, True)):
        Snapshot.objects.filter(pk=snapshot.pk).update(last_ranking_id=last)
        learnt = words_of(client, "completions", completion)
        assert ("What learnt from it Reward model v7 Policy v2" in learnt) == learns
    assert "temperature 0.7" in text
    page = client.get(f"/admin/projects/helpful/data/completions/{completion.public_id}/").content.decode()
    judged = Ranking.objects.filter(task__entries__completion=completion)
    assert judged.count() == 2
    for one in judged:
        assert f"/data/rankings/{one.public_id}/" in page
    assert "1 of 2" in text
    client.get(f"/admin/annotation/snapshot/{snapshot.pk}/change/")


def test_a_demonstration_shows_its_review(cast: Cast) -> None:
    client, project = client_of(cast), cast.project
    project.review_demonstrations = True
    project.save()
    written = Demonstration.objects.get(project=project, text="A fig.")
    reviewer = named(project, "grace")
    Demonstration.objects.filter(pk=written.pk).update(
        review="sent_back", reviewer=reviewer, comment="Say why."
    )
    text = words_of(client, "demonstrations", written)
    for words in ("A fig.", "sent back", "by grace", "Say why."):
        assert words in text


MOST_QUERIES = 30


def cost(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_pages_cost_as_many_queries_with_many_rows_as_with_few(cast: Cast) -> None:
    client, project = client_of(cast), cast.project
    tasks = Task.objects.filter(
        project=project, rankings__annotator__pseudonym="ann", rankings__verdict="ranked", prompt__form="text"
    )
    task = tasks.get()
    put(project, "demonstrations", {"prompt": task.prompt.last_text, "completion": "So", "annotator": "ann"})
    rows: dict[str, Any] = {
        "prompts": task.prompt,
        "completions": task.entries.get(position=0).completion,
        "tasks": task,
        "rankings": task.rankings.first(),
        "ratings": Rating.objects.kept().filter(project=project).first(),
        "demonstrations": Demonstration.objects.kept().filter(project=project).first(),
    }
    addresses = [f"/admin/projects/helpful/data/{kind}/{row.public_id}/" for kind, row in rows.items()]
    addresses += [f"/admin/projects/helpful/data/{kind}/?split=train&within=week" for kind in MODELS]
    rewarded(project, [1.0, 2.0])
    addresses.append("/admin/projects/helpful/data/completions/?order=rewarded&least=1")
    few = {address: cost(client, address) for address in addresses}
    for number in range(12):
        same = {
            "prompt": task.prompt.last_text,
            "completions": answers("A ripe pear", "I am ChatGPT.", source="model 0"),
        }
        put(project, "rankings", {**same, "annotator": f"more {number}"})
        put(
            project,
            "demonstrations",
            {"prompt": task.prompt.last_text, "completion": f"{number}", "annotator": "ann"},
        )
        put(
            project,
            "ratings",
            {"prompt": "Rate", "completion": "So", "score": 1, "annotator": f"more {number}"},
        )
        put(
            project,
            "rankings",
            {"prompt": f"More {number}", "completions": answers("x", "y"), "annotator": "ann"},
        )
    many = {address: cost(client, address) for address in addresses}
    assert many == few
    assert max(many.values()) <= MOST_QUERIES
