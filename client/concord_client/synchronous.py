"""The client that blocks, made from the one that awaits (asynchronous.py): `python -m tests.client.making`."""

import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
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


class Client:
    """Concord, as one token may see it."""

    def __init__(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        attempts: int = 6,
        timeout: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``address`` and ``token`` are those of CONCORD_URL and CONCORD_TOKEN where they are left out.

        Raises ValueError where the address is none.
        """
        self.address = (address or os.environ["CONCORD_URL"]).rstrip("/").removesuffix(_ROOT)
        if not self.address.startswith(("http://", "https://")):
            raise ValueError(f"{self.address!r} is no address: it begins with http:// or https://.")
        self._attempts = attempts
        self._http = httpx.Client(
            base_url=self.address + _ROOT,
            headers={"Authorization": f"Bearer {token or os.environ['CONCORD_TOKEN']}"},
            timeout=httpx.Timeout(timeout, connect=10.0),
            transport=transport,
        )

    def __repr__(self) -> str:
        """Without the token."""
        return f"{type(self).__name__}({self.address!r})"

    def __enter__(self) -> Self:
        """Itself; its connections are closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def project(self, slug: str) -> "ProjectClient":
        """What is below /projects/SLUG/. Asks nothing yet."""
        return ProjectClient(self, slug)

    def projects(self, **query: Unpack[ProjectsQuery]) -> Iterator[Project]:
        """The projects that the token may see."""
        return self.rows(Project, "projects/", query)

    def create_project(self, **project: Unpack[NewProjectRequest]) -> Project:
        """Make a project."""
        return self.ask(Project, "POST", "projects/", project)

    def score(self, **request: Unpack[ScoreRequestRequest]) -> Scores:
        """Scores of texts by a project's active reward model, or by ``version``."""
        return self.ask(Scores, "POST", "score/", request)

    def generate(self, **request: Unpack[AskRequest]) -> Answered:
        """Answers of a project's current policy, or of ``policy``."""
        return self.ask(Answered, "POST", "generate/", request)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Whatever has no method of its own: ``path`` is below /api/v1/. Raises ConcordError."""
        return self._send(method, path, query=query, headers=headers, json=body)

    def ask(
        self, shape: type[Shape], method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Shape:
        """An answer of this shape."""
        answer: Shape = value_of(self._send(method, path, json=body))
        return answer

    def rows(self, shape: type[Shape], path: str, query: Mapping[str, object]) -> Iterator[Shape]:
        """The rows of a list, page after page as they are wanted."""
        parameters = {"page_size": _PAGE_SIZE, **query}
        while True:
            page = value_of(self._send("GET", path, query=parameters))
            for row in page["results"]:
                yield row
            if page["next"] is None:
                return
            # Its cursor alone: the address that the server has for itself need not be the one that we reach it by.
            parameters["cursor"] = parse_qs(urlsplit(page["next"]).query)["cursor"][0]

    def upload(
        self,
        shape: type[Shape],
        path: str,
        fields: Mapping[str, object],
        opened: AbstractContextManager[uploads.Upload],
    ) -> Shape:
        """An answer of this shape to a form with a file."""
        with opened as upload:
            answer: Shape = value_of(self._send("POST", path, data=fields, upload=upload))
        return answer

    def lines(self, path: str, query: Mapping[str, object]) -> Iterator[bytes]:
        """The lines of a file as they come. Raises Unreachable where it breaks off."""
        rest = b""
        with self.streamed(path, query) as chunks:
            for chunk in chunks:
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
        if rest:
            yield rest

    def save(self, path: str, query: Mapping[str, object], file: str | Path) -> Path:
        """A file, under its name once it is whole."""
        target, part = Path(file), Path(f"{file}.part")
        try:
            with part.open("wb") as opened:
                with self.streamed(path, query) as chunks:
                    for chunk in chunks:
                        opened.write(chunk)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    @contextmanager
    def streamed(self, path: str, query: Mapping[str, object]) -> Iterator[Iterator[bytes]]:
        """A file in pieces. Raises Unreachable where it breaks off: what came of it is not whole."""
        response = self._send("GET", path, query=query, stream=True)
        try:
            yield response.iter_bytes()
        except retrying.LOST as error:
            raise Unreachable(f"{path} broke off: {error!r}") from error
        finally:
            response.close()

    def _send(
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
                answer = self._http.send(request, stream=stream)
                if answer.is_success:
                    return answer
                answer.read()
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
            time.sleep(seconds)
        raise AssertionError


class Resource:
    """Some of what is below /projects/SLUG/."""

    def __init__(self, client: Client, slug: str) -> None:
        self._client, self._slug = client, slug

    def _path(self, *steps: str | int) -> str:
        return "".join(f"{quote(str(step), safe='')}/" for step in ("projects", self._slug, *steps))

    def _get(self, shape: type[Shape], *steps: str | int) -> Shape:
        return self._client.ask(shape, "GET", self._path(*steps))

    def _post(self, shape: type[Shape], *steps: str | int, body: Mapping[str, object] | None = None) -> Shape:
        return self._client.ask(shape, "POST", self._path(*steps), body)

    def _post_for_one(self, shape: type[Shape], *steps: str | int) -> Shape | None:
        answer = self._client.request("POST", self._path(*steps))
        one: Shape | None = value_of(answer) if answer.content else None
        return one

    def _patch(self, shape: type[Shape], *steps: str | int, body: Mapping[str, object]) -> Shape:
        return self._client.ask(shape, "PATCH", self._path(*steps), body)

    def _delete(self, *steps: str | int) -> None:
        self._client.request("DELETE", self._path(*steps))

    def _rows(self, shape: type[Shape], *steps: str | int, query: Mapping[str, object]) -> Iterator[Shape]:
        return self._client.rows(shape, self._path(*steps), query)


class Prompts(Resource):
    """What policies are asked."""

    def all(self, **query: Unpack[PromptsQuery]) -> Iterator[Prompt]:
        """The prompts."""
        return self._rows(Prompt, "prompts", query=query)

    def get(self, id: str) -> Prompt:
        """One prompt."""
        return self._get(Prompt, "prompts", id)

    def lineage(self, id: str) -> Lineage:
        """Where a prompt comes from, and what came of it."""
        return self._get(Lineage, "prompts", id, "lineage")

    def add(self, /, **prompt: Unpack[NewPromptRequest]) -> Prompt:
        """Add a prompt, or find it where it is there already."""
        return self._post(Prompt, "prompts", body=prompt)


class Completions(Resource):
    """Answers to prompts."""

    def all(self, **query: Unpack[CompletionsQuery]) -> Iterator[Completion]:
        """The completions."""
        return self._rows(Completion, "completions", query=query)

    def get(self, id: str) -> Completion:
        """One completion."""
        return self._get(Completion, "completions", id)

    def lineage(self, id: str) -> Lineage:
        """Where a completion comes from, and what came of it."""
        return self._get(Lineage, "completions", id, "lineage")


class Tasks(Resource):
    """What annotators are given."""

    def all(self, **query: Unpack[TasksQuery]) -> Iterator[Task]:
        """The tasks."""
        return self._rows(Task, "tasks", query=query)

    def get(self, id: str) -> Task:
        """One task, with its slots."""
        return self._get(Task, "tasks", id)

    def lineage(self, id: str) -> Lineage:
        """Where a task comes from, and what came of it."""
        return self._get(Lineage, "tasks", id, "lineage")

    def add(self, **task: Unpack[NewTaskRequest]) -> Task:
        """Add a task to rank, or find it where it is there already."""
        return self._post(Task, "tasks", body=task)

    def change(self, id: str, /, **changes: Unpack[PatchedTaskChangesRequest]) -> Task:
        """Give it another priority."""
        return self._patch(Task, "tasks", id, body=changes)

    def make(self, **request: Unpack[WantedTasksRequest]) -> MadeTasks:
        """Make tasks to rate or to demonstrate, of prompts that have none of the kind yet."""
        return self._post(MadeTasks, "tasks", "make", body=request)


class Imports(Resource):
    """Data in, in the background: each gives a run to wait for."""

    def file(
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
        return self._client.upload(Run, self._path("imports"), fields, uploads.of_file(path))

    def rows(self, rows: Iterable[Mapping[str, object]], *, kind: Kind, skip_bad: bool = False) -> Run:
        """Rows, in the form of the lines of a file."""
        fields = {"kind": kind, "skip_bad": str(skip_bad).lower()}
        return self._client.upload(Run, self._path("imports"), fields, uploads.of_rows(rows))

    def look(self, path: str | Path, *, columns: str | None = None) -> Understood:
        """How ``file`` would understand it without ``kind``, by its first records. Nothing is stored."""
        fields = {} if columns is None else {"columns": columns}
        where = self._path("imports", "look")
        return self._client.upload(Understood, where, fields, uploads.of_file(path))


class Exports(Resource):
    """Data out: at once as a stream, or as what a run makes (``runs.output``)."""

    def rows(self, **query: Unpack[ExportQuery]) -> Iterator[Row]:
        """Rows as they come. Raises Unreachable where they break off."""
        for line in self._client.lines(self._path("export"), query):
            row: Row = json.loads(line)
            yield row

    def save(self, path: str | Path, **query: Unpack[ExportQuery]) -> Path:
        """Into a file, which is there once it is whole."""
        return self._client.save(self._path("export"), query, path)

    def start(self, **export: Unpack[NewExportRequest]) -> Run:
        """Have a run make the file."""
        return self._post(Run, "exports", body=export)

    def data_set(self, **card: Unpack[NewDatasetExportRequest]) -> Run:
        """Have a run make a data set that ``datasets`` loads; ``runs.output`` is its folder as a zip archive."""
        return self._post(Run, "dataset-exports", body=card)


class Judging(Resource):
    """An annotator at work: the queue's rules are those of the page."""

    def next(self) -> AssignmentDetail | None:
        """A task, in this annotator's own order and letters; None where nothing is left."""
        return self._post_for_one(AssignmentDetail, "next")

    def assignments(self, **query: Unpack[AssignmentsQuery]) -> Iterator[Assignment]:
        """This annotator's assignments."""
        return self._rows(Assignment, "assignments", query=query)

    def assignment(self, id: str) -> AssignmentDetail:
        """One of them, as it was shown."""
        return self._get(AssignmentDetail, "assignments", id)

    def draft(self, id: str, /, **so_far: Unpack[DraftRequest]) -> AssignmentDetail:
        """Keep what is there so far, and the lease with it."""
        return self._client.ask(AssignmentDetail, "PUT", self._path("assignments", id, "draft"), so_far)

    def submit(self, id: str, /, **judgement: Unpack[JudgementRequest]) -> AssignmentDetail:
        """The order of a task to rank."""
        return self._post(AssignmentDetail, "assignments", id, "submit", body=judgement)

    def rate(self, id: str, /, **scores: Unpack[ScoresRequest]) -> AssignmentDetail:
        """The scores of a task to rate."""
        return self._post(AssignmentDetail, "assignments", id, "rate", body=scores)

    def write(self, id: str, /, **answer: Unpack[WrittenRequest]) -> AssignmentDetail:
        """The answer of a task to demonstrate."""
        return self._post(AssignmentDetail, "assignments", id, "write", body=answer)

    def revise(self, id: str, /, **judgement: Unpack[RevisedRequest]) -> AssignmentDetail:
        """Another judgement in the place of the one that was submitted, while the project allows it."""
        return self._post(AssignmentDetail, "assignments", id, "revise", body=judgement)

    def skip(self, id: str, /, **why: Unpack[ReasonRequest]) -> AssignmentDetail:
        """Pass it on to somebody else."""
        return self._post(AssignmentDetail, "assignments", id, "skip", body=why)

    def release(self, id: str) -> AssignmentDetail:
        """Give it back for now."""
        return self._post(AssignmentDetail, "assignments", id, "release")

    def flag(self, id: str, /, **flag: Unpack[NewFlagRequest]) -> AssignmentDetail:
        """Tell researchers that something is wrong with it."""
        return self._post(AssignmentDetail, "assignments", id, "flag", body=flag)

    def history(self, **query: Unpack[HistoryQuery]) -> History:
        """What this annotator judged, the newest first, or that whose prompts have the words."""
        answer: History = value_of(self._client.request("GET", self._path("history"), query=query))
        return answer

    def progress(self) -> Progress:
        """What is left for this annotator, what they did, and how long it took."""
        return self._get(Progress, "progress")


class Reviews(Resource):
    """What somebody else wrote, before it counts."""

    def next(self) -> Review | None:
        """An answer to be read; None where none waits."""
        return self._post_for_one(Review, "reviews", "next")

    def accept(self, id: str, /, **edits: Unpack[AcceptRequest]) -> Review:
        """Accept it, perhaps with edits."""
        return self._post(Review, "reviews", id, "accept", body=edits)

    def send_back(self, id: str, /, **comment: Unpack[SendBackRequest]) -> Review:
        """Ask its writer for a better one."""
        return self._post(Review, "reviews", id, "send-back", body=comment)


class Judgements(Resource):
    """What people said, and how far they agree."""

    def rankings(self, **query: Unpack[RankingsQuery]) -> Iterator[Ranking]:
        """The rankings."""
        return self._rows(Ranking, "rankings", query=query)

    def ranking(self, id: str) -> Ranking:
        """One ranking."""
        return self._get(Ranking, "rankings", id)

    def ranking_lineage(self, id: str) -> Lineage:
        """Where a ranking comes from, and what came of it."""
        return self._get(Lineage, "rankings", id, "lineage")

    def ratings(self, **query: Unpack[RatingsQuery]) -> Iterator[Rating]:
        """The ratings."""
        return self._rows(Rating, "ratings", query=query)

    def rating(self, id: str) -> Rating:
        """One rating."""
        return self._get(Rating, "ratings", id)

    def rating_lineage(self, id: str) -> Lineage:
        """Where a rating comes from, and what came of it."""
        return self._get(Lineage, "ratings", id, "lineage")

    def demonstrations(self, **query: Unpack[DemonstrationsQuery]) -> Iterator[Demonstration]:
        """The demonstrations."""
        return self._rows(Demonstration, "demonstrations", query=query)

    def demonstration(self, id: str) -> Demonstration:
        """One demonstration."""
        return self._get(Demonstration, "demonstrations", id)

    def demonstration_lineage(self, id: str) -> Lineage:
        """Where a demonstration comes from, and what came of it."""
        return self._get(Lineage, "demonstrations", id, "lineage")

    def annotators(self, **query: Unpack[AnnotatorsQuery]) -> Iterator[Annotator]:
        """Who judged, by pseudonym."""
        return self._rows(Annotator, "annotators", query=query)

    def snapshots(self, **query: Unpack[SnapshotsQuery]) -> Iterator[Snapshot]:
        """What runs trained on, the newest first."""
        return self._rows(Snapshot, "snapshots", query=query)

    def snapshot(self, digest: str) -> Snapshot:
        """One snapshot, by the digest that a version names."""
        return self._get(Snapshot, "snapshots", digest)

    def agreement(self) -> Agreement:
        """How far annotators agree."""
        return self._get(Agreement, "agreement")

    def simulate(self, **rule: Unpack[NewSimulationRequest]) -> Simulated:
        """Have simulated annotators judge, in a demo alone."""
        return self._post(Simulated, "simulate", body=rule)

    def quality(self) -> Quality:
        """Everything that the page of quality shows."""
        return self._get(Quality, "quality")


class Flags(Resource):
    """What somebody should look at."""

    def all(self, **query: Unpack[FlagsQuery]) -> Iterator[Flag]:
        """The flags, the newest first."""
        return self._rows(Flag, "flags", query=query)

    def get(self, id: int) -> Flag:
        """One flag."""
        return self._get(Flag, "flags", id)

    def add(self, **flag: Unpack[FlaggedTasksRequest]) -> MadeFlags:
        """Flag tasks."""
        return self._post(MadeFlags, "flags", body=flag)

    def resolve(self, id: int, /, **resolution: Unpack[ResolutionRequest]) -> Flag:
        """Say what became of it."""
        return self._post(Flag, "flags", id, "resolve", body=resolution)


class Skips(Resource):
    """What annotators passed over."""

    def all(self, **query: Unpack[SkipsQuery]) -> Iterator[Skip]:
        """The skips, with their reasons."""
        return self._rows(Skip, "skips", query=query)


class Checking(Resource):
    """Whether people judge with care: gold tasks, decisions, pauses."""

    def mark_gold(self, **gold: Unpack[NewGoldRequest]) -> MadeGold:
        """Make tasks gold by what somebody ranked."""
        return self._post(MadeGold, "gold", body=gold)

    def unmark_gold(self, id: str) -> None:
        """Make a gold task an ordinary one again."""
        self._delete("gold", id)

    def disagreements(self) -> Disagreements:
        """Tasks on which annotators disagree and nobody decided, the worst first."""
        return self._get(Disagreements, "disagreements")

    def decide(self, id: str, /, **decision: Unpack[DecisionRequest]) -> Ranking:
        """Decide such a task, once."""
        return self._post(Ranking, "tasks", id, "decide", body=decision)

    def pause(self, id: str, /, **why: Unpack[WhyRequest]) -> Annotator:
        """Give an annotator no more tasks; they read why."""
        return self._post(Annotator, "annotators", id, "pause", body=why)

    def resume(self, id: str, /, **why: Unpack[WhyRequest]) -> Annotator:
        """Give them tasks again, or take a warning back."""
        return self._post(Annotator, "annotators", id, "resume", body=why)

    def figures(self, id: str) -> Figures:
        """How an annotator does on gold tasks and repeats, and whether the order shown sways them."""
        return self._get(Figures, "annotators", id, "figures")

    def standing(self, id: str, /, **query: Unpack[StandingQuery]) -> Iterator[StandingChange]:
        """Their warnings, pauses and what took them back, the newest first."""
        return self._rows(StandingChange, "annotators", id, "standing", query=query)


class Withdrawals(Resource):
    """Data taken back, for good."""

    def all(self, **query: Unpack[WithdrawalsQuery]) -> Iterator[Withdrawal]:
        """The withdrawals, the newest first."""
        return self._rows(Withdrawal, "withdrawals", query=query)

    def get(self, id: str) -> WithdrawalDetail:
        """How far one is, and everything that had used the data."""
        return self._get(WithdrawalDetail, "withdrawals", id)

    def withdraw(self, **whose: Unpack[NewWithdrawalRequest]) -> Withdrawal:
        """Erase what an annotator wrote, or a prompt and all that was written under it. Nothing brings it back."""
        return self._post(Withdrawal, "withdrawals", body=whose)


class Members(Resource):
    """Who may do what, and who is asked to join."""

    def all(self, **query: Unpack[MembersQuery]) -> Iterator[Member]:
        """The members."""
        return self._rows(Member, "members", query=query)

    def get(self, username: str) -> Member:
        """One member."""
        return self._get(Member, "members", username)

    def change(self, username: str, /, **role: Unpack[PatchedRoleRequest]) -> Member:
        """Give them another role."""
        return self._patch(Member, "members", username, body=role)

    def remove(self, username: str) -> None:
        """Take the role away; what they hold goes back to the queue, and what they judged stays."""
        self._delete("members", username)

    def invitations(self, **query: Unpack[InvitationsQuery]) -> Iterator[Invitation]:
        """The invitations that are open."""
        return self._rows(Invitation, "invitations", query=query)

    def invitation(self, id: int) -> Invitation:
        """One invitation."""
        return self._get(Invitation, "invitations", id)

    def invite(self, **invitation: Unpack[NewInvitationRequest]) -> WithLink:
        """Invite somebody. The answer alone holds the link; no mail is sent."""
        return self._post(WithLink, "invitations", body=invitation)

    def invite_again(self, id: int) -> WithLink:
        """A new link instead of the old one."""
        return self._post(WithLink, "invitations", id, "again")

    def withdraw_invitation(self, id: int) -> None:
        """Its link works no more."""
        self._delete("invitations", id)


class Webhooks(Resource):
    """Servers that are told when something has happened."""

    def all(self, **query: Unpack[WebhooksQuery]) -> Iterator[Webhook]:
        """The webhooks."""
        return self._rows(Webhook, "webhooks", query=query)

    def get(self, id: str) -> Webhook:
        """One webhook."""
        return self._get(Webhook, "webhooks", id)

    def add(self, **webhook: Unpack[NewWebhookRequest]) -> WithSecret:
        """Add one. The answer alone holds the secret."""
        return self._post(WithSecret, "webhooks", body=webhook)

    def change(self, id: str, /, **changes: Unpack[PatchedWebhookChangesRequest]) -> Webhook:
        """Change its address or events, or switch it off."""
        return self._patch(Webhook, "webhooks", id, body=changes)

    def remove(self, id: str) -> None:
        """Tell it nothing any more."""
        self._delete("webhooks", id)

    def new_secret(self, id: str) -> WithSecret:
        """Another secret instead of the old one."""
        return self._post(WithSecret, "webhooks", id, "secret")

    def test(self, id: str) -> Webhook:
        """Send it a message now."""
        return self._post(Webhook, "webhooks", id, "test")

    def deliveries(self, **query: Unpack[DeliveriesQuery]) -> Iterator[Delivery]:
        """What was sent or is to be."""
        return self._rows(Delivery, "deliveries", query=query)

    def send_again(self, id: str) -> Delivery:
        """A delivery that failed, once more."""
        return self._post(Delivery, "deliveries", id, "again")


class RewardModels(Resource):
    """Fits, their versions, and what follows from them by itself."""

    def all(self, **query: Unpack[RewardModelsQuery]) -> Iterator[RewardModel]:
        """The versions, the newest first."""
        return self._rows(RewardModel, "reward-models", query=query)

    def get(self, number: int) -> RewardModel:
        """One version with its report."""
        return self._get(RewardModel, "reward-models", number)

    def fit(self, **fit: Unpack[NewFitRequest]) -> Run:
        """Start a fit on the judgements of now."""
        return self._post(Run, "fits", body=fit)

    def activate(self, number: int) -> RewardModel:
        """Have everything follow this version."""
        return self._post(RewardModel, "reward-models", number, "activate")

    def export(self, number: int, /, **shape: Unpack[NewVersionExportRequest]) -> Run:
        """Have a run make a folder for transformers or peft; ``runs.output`` is it as a zip archive."""
        return self._post(Run, "reward-models", number, "export", body=shape)

    def rewards(self, number: int, /, **query: Unpack[RewardsQuery]) -> Iterator[Reward]:
        """What a version gave the completions that it has scored."""
        return self._rows(Reward, "reward-models", number, "rewards", query=query)

    def score_completions(self, number: int) -> Run:
        """Have a version score every completion that it has not scored yet."""
        return self._post(Run, "reward-models", number, "rewards")

    def contests(self, **query: Unpack[ContestsQuery]) -> Iterator[Contest]:
        """Versions that were compared on the same judgements."""
        return self._rows(Contest, "contests", query=query)

    def compare(self, **contest: Unpack[NewContestRequest]) -> Run:
        """Start such a contest."""
        return self._post(Run, "contests", body=contest)

    def choose(self) -> Run:
        """Ask people first what the active version is unsure of."""
        return self._post(Run, "choice")

    def undo_choice(self) -> None:
        """Ask in the usual order again."""
        self._delete("choice")

    def retraining(self) -> Retraining:
        """When a fit starts by itself."""
        return self._get(Retraining, "retraining")

    def change_retraining(self, **changes: Unpack[PatchedRetrainingRequest]) -> Retraining:
        """Change when it does."""
        return self._patch(Retraining, "retraining", body=changes)

    def activation(self) -> Activation:
        """Whether a better version is followed by itself."""
        return self._get(Activation, "activation")

    def change_activation(self, **changes: Unpack[PatchedActivationRequest]) -> Activation:
        """Change whether it is."""
        return self._patch(Activation, "activation", body=changes)


class Policies(Resource):
    """Policies: trained, brought in, sampled, evaluated."""

    def all(self, **query: Unpack[PoliciesQuery]) -> Iterator[Policy]:
        """The versions, the newest first."""
        return self._rows(Policy, "policies", query=query)

    def get(self, number: int) -> Policy:
        """One version with its report."""
        return self._get(Policy, "policies", number)

    def make_current(self, number: int) -> Policy:
        """Have this version sampled and trained further from now on."""
        return self._post(Policy, "policies", number, "make-current")

    def export(self, number: int, /, **shape: Unpack[NewVersionExportRequest]) -> Run:
        """Have a run make a folder for transformers or peft; ``runs.output`` is it as a zip archive."""
        return self._post(Run, "policies", number, "export", body=shape)

    def train(self, **training: Unpack[NewTrainingRequest]) -> Run:
        """Start SFT, PPO or REINFORCE."""
        return self._post(Run, "trainings", body=training)

    def register(self, **base: Unpack[NewRegistrationRequest]) -> Run:
        """Try a policy that was trained elsewhere, and make it a version."""
        return self._post(Run, "registrations", body=base)

    def sample(self, **sampling: Unpack[NewSamplingRequest]) -> Run:
        """Sample completions, and make tasks of them."""
        return self._post(Run, "samplings", body=sampling)

    def evaluate(self, **evaluation: Unpack[NewEvaluationRequest]) -> Run:
        """Compare policies by the active reward model."""
        return self._post(Run, "evaluations", body=evaluation)

    def succession(self) -> Succession:
        """Whether a better version becomes current by itself."""
        return self._get(Succession, "succession")

    def change_succession(self, **changes: Unpack[PatchedSuccessionRequest]) -> Succession:
        """Change whether it does."""
        return self._patch(Succession, "succession", body=changes)


class Runs(Resource):
    """Everything that takes its time."""

    def all(self, **query: Unpack[RunsQuery]) -> Iterator[Run]:
        """The runs, the newest first."""
        return self._rows(Run, "runs", query=query)

    def get(self, id: int) -> RunDetail:
        """How far it is, and the end of its log."""
        return self._get(RunDetail, "runs", id)

    def note(self, id: int, /, **note: Unpack[PatchedNoteRequest]) -> RunDetail:
        """Write a note and tags beside it, or archive it."""
        return self._patch(RunDetail, "runs", id, body=note)

    def cancel(self, id: int) -> RunDetail:
        """End it before its time."""
        return self._post(RunDetail, "runs", id, "cancel")

    def again(self, id: int) -> RunDetail:
        """Start another that asks for the same, on the data of now."""
        return self._post(RunDetail, "runs", id, "again")

    def resume(self, id: int) -> RunDetail:
        """Let it go on from its newest checkpoint."""
        return self._post(RunDetail, "runs", id, "resume")

    def metrics(self, id: int, /, **query: Unpack[MetricsQuery]) -> Iterator[Metrics]:
        """What it measured, step by step."""
        return self._rows(Metrics, "runs", id, "metrics", query=query)

    def answers(self, id: int, /, **query: Unpack[AnswersQuery]) -> Iterator[WatchedAnswer]:
        """What its policy answers to the same prompts as it learns."""
        return self._rows(WatchedAnswer, "runs", id, "answers", query=query)

    def log(self, id: int, /, **query: Unpack[LogQuery]) -> LogPiece:
        """Some of its log, from a byte on."""
        path = self._path("runs", id, "log")
        piece: LogPiece = value_of(self._client.request("GET", path, query=query))
        return piece

    def follow_log(self, id: int, *, offset: int = 0) -> Iterator[str]:
        """Its log from a byte on, piece by piece as it is written, until the run has ended."""
        polls = retrying.polls()
        while True:
            piece = self.log(id, offset=offset)
            if piece["text"]:
                yield piece["text"]
                polls = retrying.polls()
            offset = piece["next"]
            if piece["over"]:
                return
            if not piece["text"]:
                time.sleep(next(polls))

    def output(self, id: int, path: str | Path) -> Path:
        """What an export made, under ``path`` once it is whole: a file, or a folder as a zip archive."""
        return self._client.save(self._path("runs", id, "output"), {}, path)

    def files(self, id: int) -> MadeFiles:
        """The names of the files that it made and Concord keeps."""
        return self._get(MadeFiles, "runs", id, "files")

    def file(self, id: int, name: str, path: str | Path) -> Path:
        """One of them, under ``path`` once it is whole."""
        return self._client.save(self._path("runs", id, "files", name), {}, path)

    def wait(
        self, run: int | Run | RunDetail, *, progress_bar: bool = True, timeout: float | None = None
    ) -> RunDetail:
        """The run once it has succeeded, with a bar on standard error until then.

        Raises RunFailed where it failed or was cancelled, and TimeoutError after ``timeout`` seconds; the run goes on.
        """
        id = run if isinstance(run, int) else run["id"]
        over = None if timeout is None else time.monotonic() + timeout
        with progress.bar(progress_bar) as show:
            for seconds in retrying.polls():
                now = self.get(id)
                show(now)
                if now["status"] not in ("queued", "running"):
                    break
                if over is not None and time.monotonic() + seconds > over:
                    raise TimeoutError(f"run {id} is still {now['status']} after {timeout} seconds")
                time.sleep(seconds)
        if now["status"] != "succeeded":
            raise RunFailed(now)
        return now


class ProjectClient(Resource):
    """What is below /projects/SLUG/."""

    def __init__(self, client: Client, slug: str) -> None:
        super().__init__(client, slug)
        self.slug = slug
        self.prompts = Prompts(client, slug)
        self.completions = Completions(client, slug)
        self.tasks = Tasks(client, slug)
        self.imports = Imports(client, slug)
        self.exports = Exports(client, slug)
        self.judging = Judging(client, slug)
        self.reviews = Reviews(client, slug)
        self.judgements = Judgements(client, slug)
        self.flags = Flags(client, slug)
        self.skips = Skips(client, slug)
        self.checking = Checking(client, slug)
        self.withdrawals = Withdrawals(client, slug)
        self.members = Members(client, slug)
        self.webhooks = Webhooks(client, slug)
        self.reward_models = RewardModels(client, slug)
        self.policies = Policies(client, slug)
        self.runs = Runs(client, slug)

    def get(self) -> Project:
        """The project, with its guidelines and settings."""
        return self._get(Project)

    def change(self, **changes: Unpack[PatchedProjectChangesRequest]) -> Project:
        """Change its name, guidelines or settings; what is left out stays."""
        return self._patch(Project, body=changes)
