"""The client that awaits, and the one that is written by hand: synchronous.py is made from this file.

One method an operation, in parts named as the API's addresses are. What goes into a body or a query are keywords, of
the shapes of ``concord_client.types``; what comes back is the JSON as it came, of such a shape too. So a field that
a newer server adds is there at once, and nothing stands between the documentation of the API and a call.

Every POST has an Idempotency-Key of its own for all its attempts: it happens once, whatever is lost on the way.
"""

import asyncio
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from concord_client import progress, retrying, uploads
from concord_client.errors import ConcordError, NotFound, RunFailed, Unreachable, refusal, value_of
from concord_client.types import (
    AcceptRequest,
    Activation,
    Agreement,
    Annotator,
    AnnotatorsQuery,
    Answered,
    AnswersQuery,
    AskRequest,
    Assignment,
    AssignmentDetail,
    AssignmentsQuery,
    Completion,
    CompletionsQuery,
    Contest,
    ContestsQuery,
    DecisionRequest,
    DeliveriesQuery,
    Delivery,
    Demonstration,
    DemonstrationsQuery,
    Disagreements,
    DraftRequest,
    ExportQuery,
    Figures,
    Flag,
    FlaggedTasksRequest,
    FlagsQuery,
    History,
    HistoryQuery,
    Invitation,
    InvitationsQuery,
    JudgementRequest,
    Kind,
    Lineage,
    LogPiece,
    LogQuery,
    MadeFiles,
    MadeFlags,
    MadeGold,
    MadeTasks,
    Member,
    MembersQuery,
    Metrics,
    MetricsQuery,
    NewContestRequest,
    NewDatasetExportRequest,
    NewEvaluationRequest,
    NewExportRequest,
    NewFitRequest,
    NewFlagRequest,
    NewGoldRequest,
    NewInvitationRequest,
    NewProjectRequest,
    NewPromptRequest,
    NewRegistrationRequest,
    NewSamplingRequest,
    NewSimulationRequest,
    NewTaskRequest,
    NewTrainingRequest,
    NewVersionExportRequest,
    NewWebhookRequest,
    NewWithdrawalRequest,
    PatchedActivationRequest,
    PatchedNoteRequest,
    PatchedProjectChangesRequest,
    PatchedRetrainingRequest,
    PatchedRoleRequest,
    PatchedSuccessionRequest,
    PatchedTaskChangesRequest,
    PatchedWebhookChangesRequest,
    PoliciesQuery,
    Policy,
    Progress,
    Project,
    ProjectsQuery,
    Prompt,
    PromptsQuery,
    Quality,
    Ranking,
    RankingsQuery,
    Rating,
    RatingsQuery,
    ReasonRequest,
    ResolutionRequest,
    Retraining,
    Review,
    RevisedRequest,
    Reward,
    RewardModel,
    RewardModelsQuery,
    RewardsQuery,
    Run,
    RunDetail,
    RunsQuery,
    ScoreRequestRequest,
    Scores,
    ScoresRequest,
    SendBackRequest,
    Simulated,
    Skip,
    SkipsQuery,
    Snapshot,
    SnapshotsQuery,
    StandingChange,
    StandingQuery,
    Succession,
    Task,
    TasksQuery,
    Understood,
    WantedTasksRequest,
    WatchedAnswer,
    Webhook,
    WebhooksQuery,
    WhyRequest,
    Withdrawal,
    WithdrawalDetail,
    WithdrawalsQuery,
    WithLink,
    WithSecret,
    WrittenRequest,
)

Shape = TypeVar("Shape")
Row = dict[str, Any]
_ROOT = "/api/v1"
# Of a list, unless it is asked for otherwise: the most that the server gives.
_PAGE_SIZE = 200


class AsyncClient:
    """Concord, as one token may see it."""

    def __init__(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        attempts: int = 6,
        timeout: float = 120.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``address`` and ``token`` are those of CONCORD_URL and CONCORD_TOKEN where they are left out.

        Raises ValueError where the address is none.
        """
        self.address = (address or os.environ["CONCORD_URL"]).rstrip("/").removesuffix(_ROOT)
        if not self.address.startswith(("http://", "https://")):
            raise ValueError(f"{self.address!r} is no address: it begins with http:// or https://.")
        self._attempts = attempts
        self._http = httpx.AsyncClient(
            base_url=self.address + _ROOT,
            headers={"Authorization": f"Bearer {token or os.environ['CONCORD_TOKEN']}"},
            timeout=httpx.Timeout(timeout, connect=10.0),
            transport=transport,
        )

    def __repr__(self) -> str:
        """Without the token."""
        return f"{type(self).__name__}({self.address!r})"

    async def __aenter__(self) -> Self:
        """Itself; its connections are closed at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    def project(self, slug: str) -> "AsyncProjectClient":
        """What is below /projects/SLUG/. Asks nothing yet."""
        return AsyncProjectClient(self, slug)

    def projects(self, **query: Unpack[ProjectsQuery]) -> AsyncIterator[Project]:
        """The projects that the token may see."""
        return self.rows(Project, "projects/", query)

    async def create_project(self, **project: Unpack[NewProjectRequest]) -> Project:
        """Make a project."""
        return await self.ask(Project, "POST", "projects/", project)

    async def score(self, **request: Unpack[ScoreRequestRequest]) -> Scores:
        """Scores of texts by a project's active reward model, or by ``version``."""
        return await self.ask(Scores, "POST", "score/", request)

    async def generate(self, **request: Unpack[AskRequest]) -> Answered:
        """Answers of a project's current policy, or of ``policy``."""
        return await self.ask(Answered, "POST", "generate/", request)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Whatever has no method of its own: ``path`` is below /api/v1/. Raises ConcordError."""
        return await self._send(method, path, query=query, headers=headers, json=body)

    async def ask(
        self, shape: type[Shape], method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Shape:
        """An answer of this shape."""
        answer: Shape = value_of(await self._send(method, path, json=body))
        return answer

    async def rows(self, shape: type[Shape], path: str, query: Mapping[str, object]) -> AsyncIterator[Shape]:
        """The rows of a list, page after page as they are wanted."""
        parameters = {"page_size": _PAGE_SIZE, **query}
        while True:
            page = value_of(await self._send("GET", path, query=parameters))
            for row in page["results"]:
                yield row
            if page["next"] is None:
                return
            # Its cursor alone: the address that the server has for itself need not be the one that we reach it by.
            parameters["cursor"] = parse_qs(urlsplit(page["next"]).query)["cursor"][0]

    async def upload(
        self,
        shape: type[Shape],
        path: str,
        fields: Mapping[str, object],
        opened: AbstractContextManager[uploads.Upload],
    ) -> Shape:
        """An answer of this shape to a form with a file."""
        with opened as upload:
            answer: Shape = value_of(await self._send("POST", path, data=fields, upload=upload))
        return answer

    async def lines(self, path: str, query: Mapping[str, object]) -> AsyncIterator[bytes]:
        """The lines of a file as they come. Raises Unreachable where it breaks off."""
        rest = b""
        async with self.streamed(path, query) as chunks:
            async for chunk in chunks:
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
        if rest:
            yield rest

    async def save(self, path: str, query: Mapping[str, object], file: str | Path) -> Path:
        """A file, under its name once it is whole."""
        target, part = Path(file), Path(f"{file}.part")
        try:
            with part.open("wb") as opened:
                async with self.streamed(path, query) as chunks:
                    async for chunk in chunks:
                        opened.write(chunk)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    @asynccontextmanager
    async def streamed(self, path: str, query: Mapping[str, object]) -> AsyncIterator[AsyncIterator[bytes]]:
        """A file in pieces. Raises Unreachable where it breaks off: what came of it is not whole."""
        response = await self._send("GET", path, query=query, stream=True)
        try:
            yield response.aiter_bytes()
        except retrying.LOST as error:
            raise Unreachable(f"{path} broke off: {error!r}") from error
        finally:
            await response.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        upload: uploads.Upload | None = None,
        stream: bool = False,
        **content: Any,
    ) -> httpx.Response:
        """The answer of the first attempt that has one. Raises ConcordError."""
        named = httpx.Headers({"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {})
        named.update(headers)
        parameters: Any = {name: value for name, value in (query or {}).items() if value is not None}
        lost = False
        for tries in count(1):
            files = {"file": upload.from_the_start()} if upload else None
            request = self._http.build_request(
                method, path, params=parameters, headers=named, files=files, **content
            )
            answer: httpx.Response | None
            failure: ConcordError
            try:
                answer = await self._http.send(request, stream=stream)
                if answer.is_success:
                    return answer
                await answer.aread()
                failure = refusal(answer)
                lost = lost or answer.status_code in retrying.LOST_BETWEEN
            except retrying.LOST as error:
                answer, lost = None, True
                failure = Unreachable(f"{method} {path}: no answer from {self.address} ({error!r})")
                failure.__cause__ = error
            if lost and method == "DELETE" and isinstance(failure, NotFound):
                # The attempt whose answer was lost has done it.
                return httpx.Response(204, request=request)
            seconds = retrying.pause(tries, self._attempts, answer)
            if seconds is None:
                raise failure
            await asyncio.sleep(seconds)
        raise AssertionError


class AsyncResource:
    """Some of what is below /projects/SLUG/."""

    def __init__(self, client: AsyncClient, slug: str) -> None:
        self._client, self._slug = client, slug

    def _path(self, *steps: str | int) -> str:
        return "".join(f"{quote(str(step), safe='')}/" for step in ("projects", self._slug, *steps))

    async def _get(self, shape: type[Shape], *steps: str | int) -> Shape:
        return await self._client.ask(shape, "GET", self._path(*steps))

    async def _post(
        self, shape: type[Shape], *steps: str | int, body: Mapping[str, object] | None = None
    ) -> Shape:
        return await self._client.ask(shape, "POST", self._path(*steps), body)

    async def _post_for_one(self, shape: type[Shape], *steps: str | int) -> Shape | None:
        answer = await self._client.request("POST", self._path(*steps))
        one: Shape | None = value_of(answer) if answer.content else None
        return one

    async def _patch(self, shape: type[Shape], *steps: str | int, body: Mapping[str, object]) -> Shape:
        return await self._client.ask(shape, "PATCH", self._path(*steps), body)

    async def _delete(self, *steps: str | int) -> None:
        await self._client.request("DELETE", self._path(*steps))

    def _rows(
        self, shape: type[Shape], *steps: str | int, query: Mapping[str, object]
    ) -> AsyncIterator[Shape]:
        return self._client.rows(shape, self._path(*steps), query)


class AsyncPrompts(AsyncResource):
    """What policies are asked."""

    def all(self, **query: Unpack[PromptsQuery]) -> AsyncIterator[Prompt]:
        """The prompts."""
        return self._rows(Prompt, "prompts", query=query)

    async def get(self, id: str) -> Prompt:
        """One prompt."""
        return await self._get(Prompt, "prompts", id)

    async def lineage(self, id: str) -> Lineage:
        """Where a prompt comes from, and what came of it."""
        return await self._get(Lineage, "prompts", id, "lineage")

    async def add(self, /, **prompt: Unpack[NewPromptRequest]) -> Prompt:
        """Add a prompt, or find it where it is there already."""
        return await self._post(Prompt, "prompts", body=prompt)


class AsyncCompletions(AsyncResource):
    """Answers to prompts."""

    def all(self, **query: Unpack[CompletionsQuery]) -> AsyncIterator[Completion]:
        """The completions."""
        return self._rows(Completion, "completions", query=query)

    async def get(self, id: str) -> Completion:
        """One completion."""
        return await self._get(Completion, "completions", id)

    async def lineage(self, id: str) -> Lineage:
        """Where a completion comes from, and what came of it."""
        return await self._get(Lineage, "completions", id, "lineage")


class AsyncTasks(AsyncResource):
    """What annotators are given."""

    def all(self, **query: Unpack[TasksQuery]) -> AsyncIterator[Task]:
        """The tasks."""
        return self._rows(Task, "tasks", query=query)

    async def get(self, id: str) -> Task:
        """One task, with its slots."""
        return await self._get(Task, "tasks", id)

    async def lineage(self, id: str) -> Lineage:
        """Where a task comes from, and what came of it."""
        return await self._get(Lineage, "tasks", id, "lineage")

    async def add(self, **task: Unpack[NewTaskRequest]) -> Task:
        """Add a task to rank, or find it where it is there already."""
        return await self._post(Task, "tasks", body=task)

    async def change(self, id: str, /, **changes: Unpack[PatchedTaskChangesRequest]) -> Task:
        """Give it another priority."""
        return await self._patch(Task, "tasks", id, body=changes)

    async def make(self, **request: Unpack[WantedTasksRequest]) -> MadeTasks:
        """Make tasks to rate or to demonstrate, of prompts that have none of the kind yet."""
        return await self._post(MadeTasks, "tasks", "make", body=request)


class AsyncImports(AsyncResource):
    """Data in, in the background: each gives a run to wait for."""

    async def file(
        self,
        path: str | Path,
        *,
        kind: Kind | None = None,
        columns: str | None = None,
        skip_bad: bool = False,
    ) -> Run:
        """A file as it lies there. Without ``kind`` it says itself what it holds."""
        options = {"kind": kind, "columns": columns, "skip_bad": str(skip_bad).lower()}
        fields = {name: value for name, value in options.items() if value is not None}
        return await self._client.upload(Run, self._path("imports"), fields, uploads.of_file(path))

    async def rows(self, rows: Iterable[Mapping[str, object]], *, kind: Kind, skip_bad: bool = False) -> Run:
        """Rows, in the form of the lines of a file."""
        fields = {"kind": kind, "skip_bad": str(skip_bad).lower()}
        return await self._client.upload(Run, self._path("imports"), fields, uploads.of_rows(rows))

    async def look(self, path: str | Path, *, columns: str | None = None) -> Understood:
        """How ``file`` would understand it without ``kind``, by its first records. Nothing is stored."""
        fields = {} if columns is None else {"columns": columns}
        where = self._path("imports", "look")
        return await self._client.upload(Understood, where, fields, uploads.of_file(path))


class AsyncExports(AsyncResource):
    """Data out: at once as a stream, or as what a run makes (``runs.output``)."""

    async def rows(self, **query: Unpack[ExportQuery]) -> AsyncIterator[Row]:
        """Rows as they come. Raises Unreachable where they break off."""
        async for line in self._client.lines(self._path("export"), query):
            row: Row = json.loads(line)
            yield row

    async def save(self, path: str | Path, **query: Unpack[ExportQuery]) -> Path:
        """Into a file, which is there once it is whole."""
        return await self._client.save(self._path("export"), query, path)

    async def start(self, **export: Unpack[NewExportRequest]) -> Run:
        """Have a run make the file."""
        return await self._post(Run, "exports", body=export)

    async def data_set(self, **card: Unpack[NewDatasetExportRequest]) -> Run:
        """Have a run make a data set that ``datasets`` loads; ``runs.output`` is its folder as a zip archive."""
        return await self._post(Run, "dataset-exports", body=card)


class AsyncJudging(AsyncResource):
    """An annotator at work: the queue's rules are those of the page."""

    async def next(self) -> AssignmentDetail | None:
        """A task, in this annotator's own order and letters; None where nothing is left."""
        return await self._post_for_one(AssignmentDetail, "next")

    def assignments(self, **query: Unpack[AssignmentsQuery]) -> AsyncIterator[Assignment]:
        """This annotator's assignments."""
        return self._rows(Assignment, "assignments", query=query)

    async def assignment(self, id: str) -> AssignmentDetail:
        """One of them, as it was shown."""
        return await self._get(AssignmentDetail, "assignments", id)

    async def draft(self, id: str, /, **so_far: Unpack[DraftRequest]) -> AssignmentDetail:
        """Keep what is there so far, and the lease with it."""
        return await self._client.ask(AssignmentDetail, "PUT", self._path("assignments", id, "draft"), so_far)

    async def submit(self, id: str, /, **judgement: Unpack[JudgementRequest]) -> AssignmentDetail:
        """The order of a task to rank."""
        return await self._post(AssignmentDetail, "assignments", id, "submit", body=judgement)

    async def rate(self, id: str, /, **scores: Unpack[ScoresRequest]) -> AssignmentDetail:
        """The scores of a task to rate."""
        return await self._post(AssignmentDetail, "assignments", id, "rate", body=scores)

    async def write(self, id: str, /, **answer: Unpack[WrittenRequest]) -> AssignmentDetail:
        """The answer of a task to demonstrate."""
        return await self._post(AssignmentDetail, "assignments", id, "write", body=answer)

    async def revise(self, id: str, /, **judgement: Unpack[RevisedRequest]) -> AssignmentDetail:
        """Another judgement in the place of the one that was submitted, while the project allows it."""
        return await self._post(AssignmentDetail, "assignments", id, "revise", body=judgement)

    async def skip(self, id: str, /, **why: Unpack[ReasonRequest]) -> AssignmentDetail:
        """Pass it on to somebody else."""
        return await self._post(AssignmentDetail, "assignments", id, "skip", body=why)

    async def release(self, id: str) -> AssignmentDetail:
        """Give it back for now."""
        return await self._post(AssignmentDetail, "assignments", id, "release")

    async def flag(self, id: str, /, **flag: Unpack[NewFlagRequest]) -> AssignmentDetail:
        """Tell researchers that something is wrong with it."""
        return await self._post(AssignmentDetail, "assignments", id, "flag", body=flag)

    async def history(self, **query: Unpack[HistoryQuery]) -> History:
        """What this annotator judged, the newest first, or that whose prompts have the words."""
        answer: History = value_of(await self._client.request("GET", self._path("history"), query=query))
        return answer

    async def progress(self) -> Progress:
        """What is left for this annotator, what they did, and how long it took."""
        return await self._get(Progress, "progress")


class AsyncReviews(AsyncResource):
    """What somebody else wrote, before it counts."""

    async def next(self) -> Review | None:
        """An answer to be read; None where none waits."""
        return await self._post_for_one(Review, "reviews", "next")

    async def accept(self, id: str, /, **edits: Unpack[AcceptRequest]) -> Review:
        """Accept it, perhaps with edits."""
        return await self._post(Review, "reviews", id, "accept", body=edits)

    async def send_back(self, id: str, /, **comment: Unpack[SendBackRequest]) -> Review:
        """Ask its writer for a better one."""
        return await self._post(Review, "reviews", id, "send-back", body=comment)


class AsyncJudgements(AsyncResource):
    """What people said, and how far they agree."""

    def rankings(self, **query: Unpack[RankingsQuery]) -> AsyncIterator[Ranking]:
        """The rankings."""
        return self._rows(Ranking, "rankings", query=query)

    async def ranking(self, id: str) -> Ranking:
        """One ranking."""
        return await self._get(Ranking, "rankings", id)

    async def ranking_lineage(self, id: str) -> Lineage:
        """Where a ranking comes from, and what came of it."""
        return await self._get(Lineage, "rankings", id, "lineage")

    def ratings(self, **query: Unpack[RatingsQuery]) -> AsyncIterator[Rating]:
        """The ratings."""
        return self._rows(Rating, "ratings", query=query)

    async def rating(self, id: str) -> Rating:
        """One rating."""
        return await self._get(Rating, "ratings", id)

    async def rating_lineage(self, id: str) -> Lineage:
        """Where a rating comes from, and what came of it."""
        return await self._get(Lineage, "ratings", id, "lineage")

    def demonstrations(self, **query: Unpack[DemonstrationsQuery]) -> AsyncIterator[Demonstration]:
        """The demonstrations."""
        return self._rows(Demonstration, "demonstrations", query=query)

    async def demonstration(self, id: str) -> Demonstration:
        """One demonstration."""
        return await self._get(Demonstration, "demonstrations", id)

    async def demonstration_lineage(self, id: str) -> Lineage:
        """Where a demonstration comes from, and what came of it."""
        return await self._get(Lineage, "demonstrations", id, "lineage")

    def annotators(self, **query: Unpack[AnnotatorsQuery]) -> AsyncIterator[Annotator]:
        """Who judged, by pseudonym."""
        return self._rows(Annotator, "annotators", query=query)

    def snapshots(self, **query: Unpack[SnapshotsQuery]) -> AsyncIterator[Snapshot]:
        """What runs trained on, the newest first."""
        return self._rows(Snapshot, "snapshots", query=query)

    async def snapshot(self, digest: str) -> Snapshot:
        """One snapshot, by the digest that a version names."""
        return await self._get(Snapshot, "snapshots", digest)

    async def agreement(self) -> Agreement:
        """How far annotators agree."""
        return await self._get(Agreement, "agreement")

    async def simulate(self, **rule: Unpack[NewSimulationRequest]) -> Simulated:
        """Have simulated annotators judge, in a demo alone."""
        return await self._post(Simulated, "simulate", body=rule)

    async def quality(self) -> Quality:
        """Everything that the page of quality shows."""
        return await self._get(Quality, "quality")


class AsyncFlags(AsyncResource):
    """What somebody should look at."""

    def all(self, **query: Unpack[FlagsQuery]) -> AsyncIterator[Flag]:
        """The flags, the newest first."""
        return self._rows(Flag, "flags", query=query)

    async def get(self, id: int) -> Flag:
        """One flag."""
        return await self._get(Flag, "flags", id)

    async def add(self, **flag: Unpack[FlaggedTasksRequest]) -> MadeFlags:
        """Flag tasks."""
        return await self._post(MadeFlags, "flags", body=flag)

    async def resolve(self, id: int, /, **resolution: Unpack[ResolutionRequest]) -> Flag:
        """Say what became of it."""
        return await self._post(Flag, "flags", id, "resolve", body=resolution)


class AsyncSkips(AsyncResource):
    """What annotators passed over."""

    def all(self, **query: Unpack[SkipsQuery]) -> AsyncIterator[Skip]:
        """The skips, with their reasons."""
        return self._rows(Skip, "skips", query=query)


class AsyncChecking(AsyncResource):
    """Whether people judge with care: gold tasks, decisions, pauses."""

    async def mark_gold(self, **gold: Unpack[NewGoldRequest]) -> MadeGold:
        """Make tasks gold by what somebody ranked."""
        return await self._post(MadeGold, "gold", body=gold)

    async def unmark_gold(self, id: str) -> None:
        """Make a gold task an ordinary one again."""
        await self._delete("gold", id)

    async def disagreements(self) -> Disagreements:
        """Tasks on which annotators disagree and nobody decided, the worst first."""
        return await self._get(Disagreements, "disagreements")

    async def decide(self, id: str, /, **decision: Unpack[DecisionRequest]) -> Ranking:
        """Decide such a task, once."""
        return await self._post(Ranking, "tasks", id, "decide", body=decision)

    async def pause(self, id: str, /, **why: Unpack[WhyRequest]) -> Annotator:
        """Give an annotator no more tasks; they read why."""
        return await self._post(Annotator, "annotators", id, "pause", body=why)

    async def resume(self, id: str, /, **why: Unpack[WhyRequest]) -> Annotator:
        """Give them tasks again, or take a warning back."""
        return await self._post(Annotator, "annotators", id, "resume", body=why)

    async def figures(self, id: str) -> Figures:
        """How an annotator does on gold tasks and repeats, and whether the order shown sways them."""
        return await self._get(Figures, "annotators", id, "figures")

    def standing(self, id: str, /, **query: Unpack[StandingQuery]) -> AsyncIterator[StandingChange]:
        """Their warnings, pauses and what took them back, the newest first."""
        return self._rows(StandingChange, "annotators", id, "standing", query=query)


class AsyncWithdrawals(AsyncResource):
    """Data taken back, for good."""

    def all(self, **query: Unpack[WithdrawalsQuery]) -> AsyncIterator[Withdrawal]:
        """The withdrawals, the newest first."""
        return self._rows(Withdrawal, "withdrawals", query=query)

    async def get(self, id: str) -> WithdrawalDetail:
        """How far one is, and everything that had used the data."""
        return await self._get(WithdrawalDetail, "withdrawals", id)

    async def withdraw(self, **whose: Unpack[NewWithdrawalRequest]) -> Withdrawal:
        """Erase what an annotator wrote, or a prompt and all that was written under it. Nothing brings it back."""
        return await self._post(Withdrawal, "withdrawals", body=whose)


class AsyncMembers(AsyncResource):
    """Who may do what, and who is asked to join."""

    def all(self, **query: Unpack[MembersQuery]) -> AsyncIterator[Member]:
        """The members."""
        return self._rows(Member, "members", query=query)

    async def get(self, username: str) -> Member:
        """One member."""
        return await self._get(Member, "members", username)

    async def change(self, username: str, /, **role: Unpack[PatchedRoleRequest]) -> Member:
        """Give them another role."""
        return await self._patch(Member, "members", username, body=role)

    async def remove(self, username: str) -> None:
        """Take the role away; what they hold goes back to the queue, and what they judged stays."""
        await self._delete("members", username)

    def invitations(self, **query: Unpack[InvitationsQuery]) -> AsyncIterator[Invitation]:
        """The invitations that are open."""
        return self._rows(Invitation, "invitations", query=query)

    async def invitation(self, id: int) -> Invitation:
        """One invitation."""
        return await self._get(Invitation, "invitations", id)

    async def invite(self, **invitation: Unpack[NewInvitationRequest]) -> WithLink:
        """Invite somebody. The answer alone holds the link; no mail is sent."""
        return await self._post(WithLink, "invitations", body=invitation)

    async def invite_again(self, id: int) -> WithLink:
        """A new link instead of the old one."""
        return await self._post(WithLink, "invitations", id, "again")

    async def withdraw_invitation(self, id: int) -> None:
        """Its link works no more."""
        await self._delete("invitations", id)


class AsyncWebhooks(AsyncResource):
    """Servers that are told when something has happened."""

    def all(self, **query: Unpack[WebhooksQuery]) -> AsyncIterator[Webhook]:
        """The webhooks."""
        return self._rows(Webhook, "webhooks", query=query)

    async def get(self, id: str) -> Webhook:
        """One webhook."""
        return await self._get(Webhook, "webhooks", id)

    async def add(self, **webhook: Unpack[NewWebhookRequest]) -> WithSecret:
        """Add one. The answer alone holds the secret."""
        return await self._post(WithSecret, "webhooks", body=webhook)

    async def change(self, id: str, /, **changes: Unpack[PatchedWebhookChangesRequest]) -> Webhook:
        """Change its address or events, or switch it off."""
        return await self._patch(Webhook, "webhooks", id, body=changes)

    async def remove(self, id: str) -> None:
        """Tell it nothing any more."""
        await self._delete("webhooks", id)

    async def new_secret(self, id: str) -> WithSecret:
        """Another secret instead of the old one."""
        return await self._post(WithSecret, "webhooks", id, "secret")

    async def test(self, id: str) -> Webhook:
        """Send it a message now."""
        return await self._post(Webhook, "webhooks", id, "test")

    def deliveries(self, **query: Unpack[DeliveriesQuery]) -> AsyncIterator[Delivery]:
        """What was sent or is to be."""
        return self._rows(Delivery, "deliveries", query=query)

    async def send_again(self, id: str) -> Delivery:
        """A delivery that failed, once more."""
        return await self._post(Delivery, "deliveries", id, "again")


class AsyncRewardModels(AsyncResource):
    """Fits, their versions, and what follows from them by itself."""

    def all(self, **query: Unpack[RewardModelsQuery]) -> AsyncIterator[RewardModel]:
        """The versions, the newest first."""
        return self._rows(RewardModel, "reward-models", query=query)

    async def get(self, number: int) -> RewardModel:
        """One version with its report."""
        return await self._get(RewardModel, "reward-models", number)

    async def fit(self, **fit: Unpack[NewFitRequest]) -> Run:
        """Start a fit on the judgements of now."""
        return await self._post(Run, "fits", body=fit)

    async def activate(self, number: int) -> RewardModel:
        """Have everything follow this version."""
        return await self._post(RewardModel, "reward-models", number, "activate")

    async def export(self, number: int, /, **shape: Unpack[NewVersionExportRequest]) -> Run:
        """Have a run make a folder for transformers or peft; ``runs.output`` is it as a zip archive."""
        return await self._post(Run, "reward-models", number, "export", body=shape)

    def rewards(self, number: int, /, **query: Unpack[RewardsQuery]) -> AsyncIterator[Reward]:
        """What a version gave the completions that it has scored."""
        return self._rows(Reward, "reward-models", number, "rewards", query=query)

    async def score_completions(self, number: int) -> Run:
        """Have a version score every completion that it has not scored yet."""
        return await self._post(Run, "reward-models", number, "rewards")

    def contests(self, **query: Unpack[ContestsQuery]) -> AsyncIterator[Contest]:
        """Versions that were compared on the same judgements."""
        return self._rows(Contest, "contests", query=query)

    async def compare(self, **contest: Unpack[NewContestRequest]) -> Run:
        """Start such a contest."""
        return await self._post(Run, "contests", body=contest)

    async def choose(self) -> Run:
        """Ask people first what the active version is unsure of."""
        return await self._post(Run, "choice")

    async def undo_choice(self) -> None:
        """Ask in the usual order again."""
        await self._delete("choice")

    async def retraining(self) -> Retraining:
        """When a fit starts by itself."""
        return await self._get(Retraining, "retraining")

    async def change_retraining(self, **changes: Unpack[PatchedRetrainingRequest]) -> Retraining:
        """Change when it does."""
        return await self._patch(Retraining, "retraining", body=changes)

    async def activation(self) -> Activation:
        """Whether a better version is followed by itself."""
        return await self._get(Activation, "activation")

    async def change_activation(self, **changes: Unpack[PatchedActivationRequest]) -> Activation:
        """Change whether it is."""
        return await self._patch(Activation, "activation", body=changes)


class AsyncPolicies(AsyncResource):
    """Policies: trained, brought in, sampled, evaluated."""

    def all(self, **query: Unpack[PoliciesQuery]) -> AsyncIterator[Policy]:
        """The versions, the newest first."""
        return self._rows(Policy, "policies", query=query)

    async def get(self, number: int) -> Policy:
        """One version with its report."""
        return await self._get(Policy, "policies", number)

    async def make_current(self, number: int) -> Policy:
        """Have this version sampled and trained further from now on."""
        return await self._post(Policy, "policies", number, "make-current")

    async def export(self, number: int, /, **shape: Unpack[NewVersionExportRequest]) -> Run:
        """Have a run make a folder for transformers or peft; ``runs.output`` is it as a zip archive."""
        return await self._post(Run, "policies", number, "export", body=shape)

    async def train(self, **training: Unpack[NewTrainingRequest]) -> Run:
        """Start SFT, PPO or REINFORCE."""
        return await self._post(Run, "trainings", body=training)

    async def register(self, **base: Unpack[NewRegistrationRequest]) -> Run:
        """Try a policy that was trained elsewhere, and make it a version."""
        return await self._post(Run, "registrations", body=base)

    async def sample(self, **sampling: Unpack[NewSamplingRequest]) -> Run:
        """Sample completions, and make tasks of them."""
        return await self._post(Run, "samplings", body=sampling)

    async def evaluate(self, **evaluation: Unpack[NewEvaluationRequest]) -> Run:
        """Compare policies by the active reward model."""
        return await self._post(Run, "evaluations", body=evaluation)

    async def succession(self) -> Succession:
        """Whether a better version becomes current by itself."""
        return await self._get(Succession, "succession")

    async def change_succession(self, **changes: Unpack[PatchedSuccessionRequest]) -> Succession:
        """Change whether it does."""
        return await self._patch(Succession, "succession", body=changes)


class AsyncRuns(AsyncResource):
    """Everything that takes its time."""

    def all(self, **query: Unpack[RunsQuery]) -> AsyncIterator[Run]:
        """The runs, the newest first."""
        return self._rows(Run, "runs", query=query)

    async def get(self, id: int) -> RunDetail:
        """How far it is, and the end of its log."""
        return await self._get(RunDetail, "runs", id)

    async def note(self, id: int, /, **note: Unpack[PatchedNoteRequest]) -> RunDetail:
        """Write a note and tags beside it, or archive it."""
        return await self._patch(RunDetail, "runs", id, body=note)

    async def cancel(self, id: int) -> RunDetail:
        """End it before its time."""
        return await self._post(RunDetail, "runs", id, "cancel")

    async def again(self, id: int) -> RunDetail:
        """Start another that asks for the same, on the data of now."""
        return await self._post(RunDetail, "runs", id, "again")

    async def resume(self, id: int) -> RunDetail:
        """Let it go on from its newest checkpoint."""
        return await self._post(RunDetail, "runs", id, "resume")

    def metrics(self, id: int, /, **query: Unpack[MetricsQuery]) -> AsyncIterator[Metrics]:
        """What it measured, step by step."""
        return self._rows(Metrics, "runs", id, "metrics", query=query)

    def answers(self, id: int, /, **query: Unpack[AnswersQuery]) -> AsyncIterator[WatchedAnswer]:
        """What its policy answers to the same prompts as it learns."""
        return self._rows(WatchedAnswer, "runs", id, "answers", query=query)

    async def log(self, id: int, /, **query: Unpack[LogQuery]) -> LogPiece:
        """Some of its log, from a byte on."""
        path = self._path("runs", id, "log")
        piece: LogPiece = value_of(await self._client.request("GET", path, query=query))
        return piece

    async def follow_log(self, id: int, *, offset: int = 0) -> AsyncIterator[str]:
        """Its log from a byte on, piece by piece as it is written, until the run has ended."""
        polls = retrying.polls()
        while True:
            piece = await self.log(id, offset=offset)
            if piece["text"]:
                yield piece["text"]
                polls = retrying.polls()
            offset = piece["next"]
            if piece["over"]:
                return
            if not piece["text"]:
                await asyncio.sleep(next(polls))

    async def output(self, id: int, path: str | Path) -> Path:
        """What an export made, under ``path`` once it is whole: a file, or a folder as a zip archive."""
        return await self._client.save(self._path("runs", id, "output"), {}, path)

    async def files(self, id: int) -> MadeFiles:
        """The names of the files that it made and Concord keeps."""
        return await self._get(MadeFiles, "runs", id, "files")

    async def file(self, id: int, name: str, path: str | Path) -> Path:
        """One of them, under ``path`` once it is whole."""
        return await self._client.save(self._path("runs", id, "files", name), {}, path)

    async def wait(
        self, run: int | Run | RunDetail, *, progress_bar: bool = True, timeout: float | None = None
    ) -> RunDetail:
        """The run once it has succeeded, with a bar on standard error until then.

        Raises RunFailed where it failed or was cancelled, and TimeoutError after ``timeout`` seconds; the run goes on.
        """
        id = run if isinstance(run, int) else run["id"]
        over = None if timeout is None else time.monotonic() + timeout
        with progress.bar(progress_bar) as show:
            for seconds in retrying.polls():
                now = await self.get(id)
                show(now)
                if now["status"] not in ("queued", "running"):
                    break
                if over is not None and time.monotonic() + seconds > over:
                    raise TimeoutError(f"run {id} is still {now['status']} after {timeout} seconds")
                await asyncio.sleep(seconds)
        if now["status"] != "succeeded":
            raise RunFailed(now)
        return now


class AsyncProjectClient(AsyncResource):
    """What is below /projects/SLUG/."""

    def __init__(self, client: AsyncClient, slug: str) -> None:
        super().__init__(client, slug)
        self.slug = slug
        self.prompts = AsyncPrompts(client, slug)
        self.completions = AsyncCompletions(client, slug)
        self.tasks = AsyncTasks(client, slug)
        self.imports = AsyncImports(client, slug)
        self.exports = AsyncExports(client, slug)
        self.judging = AsyncJudging(client, slug)
        self.reviews = AsyncReviews(client, slug)
        self.judgements = AsyncJudgements(client, slug)
        self.flags = AsyncFlags(client, slug)
        self.skips = AsyncSkips(client, slug)
        self.checking = AsyncChecking(client, slug)
        self.withdrawals = AsyncWithdrawals(client, slug)
        self.members = AsyncMembers(client, slug)
        self.webhooks = AsyncWebhooks(client, slug)
        self.reward_models = AsyncRewardModels(client, slug)
        self.policies = AsyncPolicies(client, slug)
        self.runs = AsyncRuns(client, slug)

    async def get(self) -> Project:
        """The project, with its guidelines and settings."""
        return await self._get(Project)

    async def change(self, **changes: Unpack[PatchedProjectChangesRequest]) -> Project:
        """Change its name, guidelines or settings; what is left out stays."""
        return await self._patch(Project, body=changes)
