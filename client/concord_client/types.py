"""The shapes of the API, made from its schema: `python -m tests.client.making` makes them anew."""

from typing import Any, Literal, NotRequired, TypedDict


class AcceptRequest(TypedDict):
    """Accepted, perhaps with edits."""

    text: NotRequired[str]
    comment: NotRequired[str]


class Activation(TypedDict):
    """When a new version goes live by itself."""

    activates: NotRequired[bool]
    activation_prompts: NotRequired[int]


class Kappa(TypedDict):
    """Cohen's kappa of two annotators."""

    annotators: list[str]
    kappa: float | None
    pairs: int


class Interval(TypedDict):
    """A statistic with its 95% interval."""

    value: float
    interval: list[float] | None


class Agreement(TypedDict):
    """How far annotators agree (docs/algorithms.md); null where there is nothing to measure."""

    project: str
    pairwise_agreement: float | None
    krippendorff_alpha: float | None
    kendall_tau_b: float | None
    cohen_kappa: list[Kappa]
    statistics: dict[str, Interval | None]
    ratings: list[dict[str, Any]]
    counts: dict[str, int]


Algorithm = Literal["sft", "ppo", "reinforce"]

Standing = Literal["fine", "warned", "paused"]


class Annotator(TypedDict):
    """Who judges, by pseudonym."""

    id: str
    pseudonym: str
    simulated: bool
    anonymous: bool
    standing: Standing
    created_at: str


class AnnotatorsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/annotators/ may be asked with."""

    page_size: NotRequired[int]
    simulated: NotRequired[bool]


class Answer(TypedDict):
    """One answer."""

    text: str
    finished: bool
    score: float | None


class Answered(TypedDict):
    """The answers to each prompt, in the order of the prompts."""

    policy: int
    reward_model: int | None
    answers: list[list[Answer]]


class AnswersQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/runs/{id}/answers/ may be asked with."""

    page_size: NotRequired[int]
    since: NotRequired[int]


class AskRequest(TypedDict):
    """Prompts to be answered by one policy."""

    project: str
    policy: NotRequired[int]
    prompts: list[Any]
    completions: NotRequired[int]
    temperature: NotRequired[float]
    top_k: NotRequired[int]
    top_p: NotRequired[float]
    max_new_tokens: NotRequired[int]
    seed: NotRequired[int]
    scored: NotRequired[bool]


TaskKind = Literal["rank", "rate", "demonstrate"]

AssignmentStatus = Literal["open", "submitted", "skipped", "released", "expired"]


class Assignment(TypedDict):
    """One task that this annotator has or had."""

    id: str
    kind: TaskKind
    status: AssignmentStatus
    opened_at: str
    expires_at: str
    closed_at: str | None
    reason: str


MessageRole = Literal["system", "user", "assistant"]


class Message(TypedDict):
    """One message of a prompt."""

    role: MessageRole
    content: str


class Lettered(TypedDict):
    """One completion as shown to this annotator."""

    letter: str
    text: str


class AssignmentDetail(TypedDict):
    """The same, with what is to be judged and what was said of it."""

    id: str
    kind: TaskKind
    status: AssignmentStatus
    opened_at: str
    expires_at: str
    closed_at: str | None
    reason: str
    prompt: list[Message]
    completions: list[Lettered]
    guideline_version: int
    axes: list[dict[str, Any]]
    judgement: dict[str, Any]
    sent_back: str


class AssignmentsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/assignments/ may be asked with."""

    page_size: NotRequired[int]
    sent_back: NotRequired[bool]
    status: NotRequired[Literal["open", "submitted", "skipped", "released", "expired"]]


class BadRecord(TypedDict):
    """A record that is not what it must be."""

    number: int
    field: str
    reason: str


BlankEnum = Literal[""]

BoundEnum = Literal["exact", "at_most", "more_than"]


class Completion(TypedDict):
    """One answer to one prompt by one source."""

    id: str
    prompt: str
    source: str
    text: str
    sampling: dict[str, Any]
    created_at: str


class CompletionsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/completions/ may be asked with."""

    flagged: NotRequired[bool]
    least: NotRequired[float]
    most: NotRequired[float]
    order: NotRequired[Literal["oldest", "newest", "rewarded", "unrewarded", "longest", "shortest"]]
    page_size: NotRequired[int]
    prompt: NotRequired[str]
    q: NotRequired[str]
    since: NotRequired[str]
    source: NotRequired[str]
    source_kind: NotRequired[Literal["policy", "person", "import"]]
    split: NotRequired[Literal["train", "validation", "test"]]
    until: NotRequired[str]
    within: NotRequired[Literal["week"]]


Confidence = Literal["low", "middle", "high"]


class Contest(TypedDict):
    """Versions side by side on one held-out set."""

    run: int
    reference: int
    snapshot: str | None
    report: dict[str, Any]


class ContestsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/contests/ may be asked with."""

    page_size: NotRequired[int]


class Count(TypedDict):
    """How much of one kind somebody judged."""

    number: int
    more: bool


class DecisionRequest(TypedDict):
    """A researcher's order of a task's completions."""

    tiers: list[int]
    rationale: NotRequired[str]


class DeliveriesQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/deliveries/ may be asked with."""

    page_size: NotRequired[int]
    status: NotRequired[Literal["waiting", "delivered", "failed"]]
    webhook: NotRequired[str]


DeliveryStatus = Literal["waiting", "delivered", "failed"]


class Delivery(TypedDict):
    """One message; its id is the header webhook-id of every attempt."""

    id: str
    webhook: str
    event: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: str
    answer_status: int | None
    reason: str
    created_at: str
    delivered_at: str | None


ReviewState = Literal["waiting", "accepted", "sent_back"]


class Demonstration(TypedDict):
    """An answer that a person wrote."""

    id: str
    prompt: str
    source: str
    text: str
    review: ReviewState
    comment: str
    edited: bool
    current: bool
    metadata: dict[str, Any]
    created_at: str


class DemonstrationsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/demonstrations/ may be asked with."""

    annotator: NotRequired[str]
    current: NotRequired[bool]
    order: NotRequired[Literal["oldest", "newest", "longest", "shortest", "slowest", "quickest"]]
    page_size: NotRequired[int]
    prompt: NotRequired[str]
    q: NotRequired[str]
    review: NotRequired[Literal["waiting", "accepted", "sent_back"]]
    since: NotRequired[str]
    source: NotRequired[str]
    split: NotRequired[Literal["train", "validation", "test"]]
    until: NotRequired[str]
    within: NotRequired[Literal["week"]]


class Device(TypedDict):
    """What a run computes on."""

    device: str
    processes: int
    torch: str


class Disagreement(TypedDict):
    """A task whose annotators agree on too few pairs."""

    task: str
    agreement: float
    rankings: list[str]


class Disagreements(TypedDict):
    """Those that nobody decided yet, the worst first: as many as the page shows."""

    adjudicate_below: float | None
    undecided: list[Disagreement]


Verdict = Literal["ranked", "all_bad", "cannot_tell"]


class DraftRequest(TypedDict):
    """A judgement as far as it has come, of whatever kind the task is: what belongs to it may all be left
    out."""

    ranks: NotRequired[dict[str, int]]
    verdict: NotRequired[Verdict]
    reason: NotRequired[str]
    confidence: NotRequired[Confidence | BlankEnum]
    rationale: NotRequired[str]
    strength: NotRequired[int | None]
    scores: NotRequired[dict[str, dict[str, int | None]]]
    text: NotRequired[str]
    active_seconds: NotRequired[float | None]


class ExportQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/export/ may be asked with."""

    form: NotRequired[Literal["text", "chat"]]
    kind: Literal[
        "prompts",
        "completions",
        "demonstrations",
        "rankings",
        "pairs",
        "ratings",
        "gold",
        "gold_rankings",
        "repeats",
        "adjudications",
        "flags",
        "skips",
    ]
    split: NotRequired[Literal["train", "validation", "test"]]


class Work(TypedDict):
    """How much somebody judged."""

    rankings: Count
    ratings: Count
    demonstrations: Count
    reviews: Count
    seconds: float


class Mean(TypedDict):
    """A mean of an annotator's newest judgements, from 0 to 1, with its 95% interval."""

    value: float
    number: int
    interval: list[float] | None


class Figures(TypedDict):
    """How one annotator judges: what the page of annotators shows of them."""

    annotator: Annotator
    judged: Work
    gold: Mean | None
    consistency: Mean | None
    position: Mean | None


FlagCategory = Literal["harmful", "private", "broken", "names_model", "other"]


class Flag(TypedDict):
    """One concern: of an annotator at a task, or of the import at a completion whose text names its model."""

    id: int
    category: FlagCategory
    words: str
    prompt: str
    task: str | None
    completion: str | None
    annotator: str | None
    created_at: str
    resolved_at: str | None
    resolved_by: str | None
    resolution: str


class FlaggedTasksRequest(TypedDict):
    """Tasks that somebody should look at, and why."""

    tasks: list[str]
    category: FlagCategory
    words: NotRequired[str]


class FlagsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/flags/ may be asked with."""

    annotator: NotRequired[str]
    category: NotRequired[Literal["harmful", "private", "broken", "names_model", "other"]]
    open: NotRequired[bool]
    page_size: NotRequired[int]
    task: NotRequired[str]


Form = Literal["text", "chat"]


class Judged(TypedDict):
    """One submitted task, in few words."""

    id: str
    kind: TaskKind
    submitted_at: str
    prompt: str
    answer: str
    detail: str
    may_change: bool
    comment: str
    sent_back: bool


class History(TypedDict):
    """What was judged."""

    judged: list[Judged]


class HistoryQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/history/ may be asked with."""

    q: NotRequired[str]


MemberRole = Literal["annotator", "researcher"]


class Invitation(TypedDict):
    """An invitation that nobody has used or revoked. Its link is in the answer that makes it, and nowhere
    else."""

    id: int
    email: str
    role: MemberRole
    created_at: str
    expires_at: str


class InvitationsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/invitations/ may be asked with."""

    page_size: NotRequired[int]
    role: NotRequired[Literal["annotator", "researcher"]]


class JudgementRequest(TypedDict):
    """A whole judgement: a rank for every letter, or a verdict without an order and its reason."""

    active_seconds: NotRequired[float | None]
    ranks: NotRequired[dict[str, int]]
    verdict: NotRequired[Verdict]
    reason: NotRequired[str]
    confidence: NotRequired[Confidence | BlankEnum]
    rationale: NotRequired[str]
    strength: NotRequired[int | None]


Kind = Literal[
    "prompts",
    "completions",
    "demonstrations",
    "rankings",
    "pairs",
    "ratings",
    "gold",
    "gold_rankings",
    "repeats",
    "adjudications",
    "flags",
    "skips",
]


class Learnt(TypedDict):
    """Versions that learnt from it, themselves or through what they were made from."""

    reward_models: list[int]
    policies: list[int]


class Left(TypedDict):
    """How many tasks wait for the annotator."""

    number: int
    bound: BoundEnum


class WrittenBy(TypedDict):
    """How a policy came to write it, step by step back; null where the line ends."""

    policy: int
    training: int | None
    algorithm: str | None
    reward_model: int | None
    fit: int | None
    snapshot: str | None
    rankings: int | None
    simulated: int | None


class Lineage(TypedDict):
    """What one row was made of, and what was made of it; empty or null where its kind has no such thing."""

    prompt: str
    completions: list[str]
    tasks: list[str]
    rankings: list[str]
    ratings: list[str]
    demonstrations: list[str]
    repeats: str | None
    asked_again: list[str]
    earlier: str | None
    later: str | None
    written_by: WrittenBy | None
    learnt: Learnt | None


class LogPiece(TypedDict):
    """Some of a run's log, in whole characters."""

    text: str
    next: int
    over: bool
    kept: bool


class LogQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/runs/{id}/log/ may be asked with."""

    offset: NotRequired[int]


class MadeFile(TypedDict):
    """One file of what a run made."""

    name: str
    bytes: int


class MadeFiles(TypedDict):
    """What a run made and Concord keeps."""

    artifact: str | None
    files: list[MadeFile]


class MadeFlags(TypedDict):
    """How many there are now more: what you have flagged so before is not flagged twice."""

    flags: int


class MadeGold(TypedDict):
    """Those that are gold now."""

    tasks: list[str]


class MadeTasks(TypedDict):
    """How many there are now more."""

    tasks: int


class Member(TypedDict):
    """A person and what they may do in the project."""

    username: str
    email: str
    role: MemberRole
    active: bool
    created_at: str


class MembersQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/members/ may be asked with."""

    page_size: NotRequired[int]
    role: NotRequired[Literal["annotator", "researcher"]]


class MessageRequest(TypedDict):
    """One message of a prompt."""

    role: MessageRole
    content: str


class Metrics(TypedDict):
    """One line of what a run measured."""

    step: int
    figures: dict[str, Any]


class MetricsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/runs/{id}/metrics/ may be asked with."""

    page_size: NotRequired[int]
    since: NotRequired[int]


class NewCompletionRequest(TypedDict):
    """An answer that comes in with its task."""

    text: str
    source: NotRequired[str]
    sampling: NotRequired[dict[str, Any]]


class NewContestRequest(TypedDict):
    """Which versions are compared."""

    versions: NotRequired[list[int]]


class NewDatasetExportRequest(TypedDict):
    """How a data set goes out."""

    license: NotRequired[str]


class NewEvaluationRequest(TypedDict):
    """A comparison to be started."""

    policies: list[int]
    config: NotRequired[dict[str, Any]]


NewExportKindEnum = Literal[
    "prompts",
    "completions",
    "demonstrations",
    "rankings",
    "pairs",
    "ratings",
    "gold",
    "gold_rankings",
    "repeats",
    "adjudications",
    "flags",
    "skips",
]

Split = Literal["train", "validation", "test"]


class NewExportRequest(TypedDict):
    """What to export."""

    kind: NewExportKindEnum
    split: NotRequired[Split]
    form: NotRequired[Form]


class NewFitRequest(TypedDict):
    """What of a fit differs from the project's settings and the defaults."""

    config: NotRequired[dict[str, Any]]
    warm: NotRequired[bool]


class NewFlagRequest(TypedDict):
    """What is wrong with a task."""

    category: FlagCategory
    words: NotRequired[str]
    passing: NotRequired[bool]


class NewGoldRequest(TypedDict):
    """Which tasks, and whose order of each is the expert's."""

    tasks: NotRequired[list[str]]
    annotator: NotRequired[str]


class NewImportRequest(TypedDict):
    """A file to be imported."""

    kind: NotRequired[Kind]
    file: bytes
    columns: NotRequired[str]
    skip_bad: NotRequired[bool]


class NewInvitationRequest(TypedDict):
    """Who is invited."""

    email: str
    role: MemberRole


class NewLookRequest(TypedDict):
    """A file to be looked at."""

    file: bytes
    columns: NotRequired[str]


class NewProjectRequest(TypedDict):
    """A project to be made."""

    slug: str
    name: NotRequired[str]
    guidelines: NotRequired[str]
    completions_per_task: NotRequired[int]
    annotators_per_task: NotRequired[int]


class NewPromptRequest(TypedDict):
    """A prompt to be added: a line of kind prompts."""

    prompt: str | list[MessageRequest]
    id: NotRequired[str]
    split: NotRequired[Split]
    metadata: NotRequired[dict[str, Any]]


class NewRegistrationRequest(TypedDict):
    """A policy that was trained elsewhere."""

    base: str
    current: NotRequired[bool]


class NewSamplingRequest(TypedDict):
    """A sampling to be started."""

    policy: NotRequired[int]
    prompts: NotRequired[int]
    config: NotRequired[dict[str, Any]]


PreferenceEnum = Literal["length", "attributes", "noise:0.2", "reward:active"]


class NewSimulationRequest(TypedDict):
    """Who judges, and how much."""

    preference: PreferenceEnum
    judgements: NotRequired[int]


class NewTaskRequest(TypedDict):
    """A task: a prompt with completions as a line of kind completions has them, or the ids of stored
    completions."""

    prompt: NotRequired[str | list[MessageRequest]]
    completions: NotRequired[list[NewCompletionRequest]]
    completion_ids: NotRequired[list[str]]
    task: NotRequired[str]
    priority: NotRequired[int]
    metadata: NotRequired[dict[str, Any]]


class NewTrainingRequest(TypedDict):
    """A training to be started."""

    algorithm: Algorithm
    start: NotRequired[int]
    config: NotRequired[dict[str, Any]]


class NewVersionExportRequest(TypedDict):
    """How a version goes out: as a folder that transformers loads, or only what LoRA learnt, for peft."""

    adapter: NotRequired[bool]
    license: NotRequired[str]


WebhookEvent = Literal["task.completed", "project.completed", "run.ended", "version.proposed"]


class NewWebhookRequest(TypedDict):
    """A webhook to be made."""

    url: str
    events: list[WebhookEvent]


class NewWithdrawalRequest(TypedDict):
    """Whose data goes: that of an annotator, or that of a prompt. Nothing brings the texts back."""

    annotator: NotRequired[str]
    prompt: NotRequired[str]


class OfAnnotator(TypedDict):
    """One annotator's."""

    counts: dict[str, float]
    figures: dict[str, Interval | None]
    annotator: str
    pseudonym: str


class OfPair(TypedDict):
    """Two annotators who judged the same tasks."""

    annotators: list[str]
    tasks: int
    kappa: Interval | None


class OfWeek(TypedDict):
    """One week's, by its ISO name."""

    counts: dict[str, float]
    figures: dict[str, Interval | None]
    week: str
    hours: float


class OneScore(TypedDict):
    """The score of one text."""

    score: float
    truncated: bool
    prompt_cut: bool
    completion_cut: bool


class PatchedActivationRequest(TypedDict):
    """When a new version goes live by itself."""

    activates: NotRequired[bool]
    activation_prompts: NotRequired[int]


class PatchedNoteRequest(TypedDict):
    """What is written beside a run."""

    note: NotRequired[str]
    tags: NotRequired[list[str]]
    archived: NotRequired[bool]


class PatchedProjectSettingsRequest(TypedDict):
    """What a researcher sets; docs/operations.md and the admin say what each means."""

    completions_per_task: NotRequired[int]
    annotators_per_task: NotRequired[int]
    lease_seconds: NotRequired[int]
    revise_hours: NotRequired[int]
    random_share: NotRequired[float]
    hour_cost: NotRequired[str]
    currency: NotRequired[str]
    rating_axes: NotRequired[list[dict[str, Any]]]
    ask_strength: NotRequired[bool]
    review_demonstrations: NotRequired[bool]
    demonstration_least_characters: NotRequired[int]
    gold_every: NotRequired[int]
    repeat_every: NotRequired[int]
    least_checks: NotRequired[int]
    least_gold_score: NotRequired[float | None]
    least_consistency: NotRequired[float | None]
    most_position_bias: NotRequired[float | None]
    pauses: NotRequired[bool]
    adjudicate_below: NotRequired[float | None]
    adjudicated_wins: NotRequired[bool]


class PatchedProjectChangesRequest(TypedDict):
    """What is to change; the rest stays."""

    name: NotRequired[str]
    guidelines: NotRequired[str]
    settings: NotRequired[PatchedProjectSettingsRequest]


class PatchedRetrainingRequest(TypedDict):
    """When fits of the project begin by themselves."""

    retrain_rankings: NotRequired[int]
    retrain_hours: NotRequired[int]
    retrain_warm: NotRequired[bool]
    choose_next: NotRequired[bool]


class PatchedRoleRequest(TypedDict):
    """What a member is to be."""

    role: NotRequired[MemberRole]


class PatchedSuccessionRequest(TypedDict):
    """When a new policy becomes the current one by itself."""

    succeeds: NotRequired[bool]
    succession_prompts: NotRequired[int]


class PatchedTaskChangesRequest(TypedDict):
    """What of a task may change."""

    priority: NotRequired[int]


class PatchedWebhookChangesRequest(TypedDict):
    """What is to change; the rest stays."""

    url: NotRequired[str]
    events: NotRequired[list[WebhookEvent]]
    active: NotRequired[bool]


class PoliciesQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/policies/ may be asked with."""

    page_size: NotRequired[int]


ProposalEnum = Literal["first", "better", "worse", "open", "too_few", "not_compared"]


class Policy(TypedDict):
    """A policy that can be sampled: a base by name, or what a training made."""

    number: int
    current: bool
    run: int | None
    algorithm: str | None
    base: str
    artifact: str | None
    source: str
    simulated: int
    proposal: ProposalEnum | BlankEnum
    why: str
    report: dict[str, Any]
    created_at: str


class Wrong(TypedDict):
    """What is wrong with one part of a request."""

    pointer: NotRequired[str]
    parameter: NotRequired[str]
    detail: str


class Problem(TypedDict):
    """Every answer from 400 up (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: NotRequired[list[Wrong]]


class Progress(TypedDict):
    """How far an annotator is: their own figures alone. Days begin at midnight UTC."""

    left: Left | None
    today: int
    in_all: int
    seconds_today: float
    seconds_in_all: float
    pace_today: float | None
    pace_in_all: float | None
    to_review: int
    sent_back: int


ProjectRole = Literal["annotator", "researcher", "administrator"]


class ProjectSettings(TypedDict):
    """What a researcher sets; docs/operations.md and the admin say what each means."""

    completions_per_task: NotRequired[int]
    annotators_per_task: NotRequired[int]
    lease_seconds: NotRequired[int]
    revise_hours: NotRequired[int]
    random_share: NotRequired[float]
    hour_cost: NotRequired[str]
    currency: NotRequired[str]
    rating_axes: list[dict[str, Any]]
    ask_strength: NotRequired[bool]
    review_demonstrations: NotRequired[bool]
    demonstration_least_characters: NotRequired[int]
    gold_every: NotRequired[int]
    repeat_every: NotRequired[int]
    least_checks: NotRequired[int]
    least_gold_score: NotRequired[float | None]
    least_consistency: NotRequired[float | None]
    most_position_bias: NotRequired[float | None]
    pauses: NotRequired[bool]
    adjudicate_below: NotRequired[float | None]
    adjudicated_wins: NotRequired[bool]


class Project(TypedDict):
    """A project. Its settings are for its researchers: an annotator must not know how they are checked."""

    slug: str
    name: str
    guidelines: str
    guideline_version: int
    role: ProjectRole
    settings: ProjectSettings | None
    created_at: str


class ProjectsQuery(TypedDict):
    """What GET /api/v1/projects/ may be asked with."""

    page_size: NotRequired[int]


class Prompt(TypedDict):
    """What a policy is asked. A text prompt is one user message."""

    id: str
    form: Form
    messages: list[Message]
    split: Split
    external_id: str
    metadata: dict[str, Any]
    created_at: str


class PromptsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/prompts/ may be asked with."""

    external_id: NotRequired[str]
    flagged: NotRequired[bool]
    form: NotRequired[Literal["text", "chat"]]
    order: NotRequired[Literal["oldest", "newest", "most", "fewest", "words"]]
    page_size: NotRequired[int]
    q: NotRequired[str]
    since: NotRequired[str]
    split: NotRequired[Literal["train", "validation", "test"]]
    until: NotRequired[str]
    within: NotRequired[Literal["week"]]


Purpose = Literal["collect", "gold", "repeat", "adjudication"]


class Quality(TypedDict):
    """Everything that is known of a project's judgements. The busiest annotators and pairs, and the newest
    weeks."""

    counts: dict[str, float]
    figures: dict[str, Interval | None]
    tasks: int
    annotators: list[OfAnnotator]
    more_annotators: int
    pairs: list[OfPair]
    weeks: list[OfWeek]
    uncounted: int
    simulated: int


class Ranking(TypedDict):
    """One annotator's order of a task's completions. Never changed, only superseded."""

    id: str
    task: str
    annotator: str
    verdict: Verdict
    completions: list[str]
    tiers: list[int]
    order_shown: list[int] | None
    confidence: Confidence | BlankEnum
    rationale: str
    strength: float | None
    active_seconds: float | None
    guideline_version: int
    current: bool
    supersedes: str | None
    metadata: dict[str, Any]
    created_at: str


class RankingsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/rankings/ may be asked with."""

    annotator: NotRequired[str]
    current: NotRequired[bool]
    disputed: NotRequired[bool]
    flagged: NotRequired[bool]
    form: NotRequired[Literal["text", "chat"]]
    fresh: NotRequired[Literal["true"]]
    order: NotRequired[Literal["oldest", "newest", "slowest", "quickest"]]
    page_size: NotRequired[int]
    purpose: NotRequired[Literal["collect", "gold", "repeat", "adjudication"]]
    q: NotRequired[str]
    simulated: NotRequired[bool]
    since: NotRequired[str]
    source: NotRequired[str]
    split: NotRequired[Literal["train", "validation", "test"]]
    task: NotRequired[str]
    until: NotRequired[str]
    verdict: NotRequired[Literal["ranked", "all_bad", "cannot_tell"]]
    within: NotRequired[Literal["week"]]


class Rating(TypedDict):
    """One annotator's score of one completion on a named axis."""

    id: str
    completion: str
    annotator: str
    axis: str
    score: float | None
    active_seconds: float | None
    guideline_version: int | None
    current: bool
    metadata: dict[str, Any]
    created_at: str


class RatingsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/ratings/ may be asked with."""

    annotator: NotRequired[str]
    axis: NotRequired[str]
    completion: NotRequired[str]
    current: NotRequired[bool]
    least: NotRequired[float]
    most: NotRequired[float]
    order: NotRequired[Literal["oldest", "newest", "highest", "lowest", "slowest", "quickest"]]
    page_size: NotRequired[int]
    q: NotRequired[str]
    simulated: NotRequired[bool]
    since: NotRequired[str]
    split: NotRequired[Literal["train", "validation", "test"]]
    until: NotRequired[str]
    within: NotRequired[Literal["week"]]


class ReasonRequest(TypedDict):
    """Why a task is passed on."""

    reason: str


class ResolutionRequest(TypedDict):
    """What became of it."""

    resolution: str


class Retraining(TypedDict):
    """When fits of the project begin by themselves."""

    retrain_rankings: NotRequired[int]
    retrain_hours: NotRequired[int]
    retrain_warm: NotRequired[bool]
    choose_next: NotRequired[bool]


class Review(TypedDict):
    """What is to be reviewed, without who wrote it."""

    id: str
    prompt: list[Message]
    text: str
    review: ReviewState
    earlier_comment: str
    comment: str
    edited: bool
    created_at: str


class RevisedRequest(TypedDict):
    """A whole judgement in the place of the one that stands, of whatever kind the task is."""

    ranks: NotRequired[dict[str, int]]
    verdict: NotRequired[Verdict]
    reason: NotRequired[str]
    confidence: NotRequired[Confidence | BlankEnum]
    rationale: NotRequired[str]
    strength: NotRequired[int | None]
    scores: NotRequired[dict[str, dict[str, int | None]]]
    text: NotRequired[str]
    active_seconds: NotRequired[float | None]


class Reward(TypedDict):
    """What a version gives a completion."""

    completion: str
    prompt: str
    value: float


class RewardModel(TypedDict):
    """A fitted reward model."""

    number: int
    active: bool
    proposal: ProposalEnum | BlankEnum
    activation: str
    run: int
    snapshot: str | None
    artifact: str
    simulated: int
    report: dict[str, Any]
    created_at: str


class RewardModelsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/reward-models/ may be asked with."""

    page_size: NotRequired[int]


class RewardsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/reward-models/{number}/rewards/ may be asked with."""

    least: NotRequired[float]
    most: NotRequired[float]
    page_size: NotRequired[int]
    prompt: NotRequired[str]


RunStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]

RunQueue = Literal["cpu", "gpu"]


class Run(TypedDict):
    """One attempt: its status, how far it is, and what it said at its end."""

    id: int
    kind: str
    status: RunStatus
    queue: RunQueue
    created_at: str
    started_at: str | None
    finished_at: str | None
    attempt: int
    done: int
    total: int
    doing: str
    seconds_left: float | None
    reason: str
    result: dict[str, Any]
    note: str
    tags: list[str]
    archived: bool


class RunDetail(TypedDict):
    """The same, with when it is likely to begin, what it computes on and the end of its log."""

    id: int
    kind: str
    status: RunStatus
    queue: RunQueue
    created_at: str
    started_at: str | None
    finished_at: str | None
    attempt: int
    done: int
    total: int
    doing: str
    seconds_left: float | None
    reason: str
    result: dict[str, Any]
    note: str
    tags: list[str]
    archived: bool
    expected_start: str | None
    computed_on: Device | None
    log_tail: str


class RunsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/runs/ may be asked with."""

    archived: NotRequired[bool]
    kind: NotRequired[str]
    page_size: NotRequired[int]
    status: NotRequired[Literal["queued", "running", "succeeded", "failed", "cancelled"]]
    tag: NotRequired[str]


class ScoreRequestRequest(TypedDict):
    """Texts to be scored by one reward model."""

    project: str
    version: NotRequired[int]
    items: list[dict[str, Any]]


class Scores(TypedDict):
    """The scores, in the order of the texts."""

    version: int
    scores: list[OneScore]


class ScoresRequest(TypedDict):
    """Scores of every completion on every axis."""

    active_seconds: NotRequired[float | None]
    scores: dict[str, dict[str, int | None]]


class SendBackRequest(TypedDict):
    """What should be different."""

    comment: str


class Simulated(TypedDict):
    """What simulated annotators made."""

    judgements: int
    rankings: int
    ratings: int
    demonstrations: int
    kept: int
    shortfall: str


class Skip(TypedDict):
    """One annotator who passed one task over. Nobody is asked for it again; others are."""

    id: str
    task: str
    prompt: str
    annotator: str
    pseudonym: str
    reason: str
    opened_at: str
    skipped_at: str


class SkipsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/skips/ may be asked with."""

    annotator: NotRequired[str]
    flagged: NotRequired[bool]
    kind: NotRequired[Literal["rank", "rate", "demonstrate"]]
    order: NotRequired[Literal["oldest", "newest"]]
    page_size: NotRequired[int]
    purpose: NotRequired[Literal["collect", "gold", "repeat", "adjudication"]]
    simulated: NotRequired[bool]
    since: NotRequired[str]
    split: NotRequired[Literal["train", "validation", "test"]]
    task: NotRequired[str]
    until: NotRequired[str]
    within: NotRequired[Literal["week"]]


SlotState = Literal["free", "open", "submitted"]


class Slot(TypedDict):
    """One of a task's places for an annotator."""

    number: int
    annotator: str | None
    state: SlotState


class Snapshot(TypedDict):
    """Its digest is that of the file, and what fits and contests name it by."""

    digest: str
    rankings: int
    comparisons: int
    simulated: int
    reproducible: bool
    created_at: str


class SnapshotsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/snapshots/ may be asked with."""

    page_size: NotRequired[int]
    reproducible: NotRequired[bool]


class StandingChange(TypedDict):
    """A step of an annotator's standing."""

    standing: Standing
    changed_by: str | None
    why: str
    created_at: str


class StandingQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/annotators/{id}/standing/ may be asked with."""

    page_size: NotRequired[int]


class Succession(TypedDict):
    """When a new policy becomes the current one by itself."""

    succeeds: NotRequired[bool]
    succession_prompts: NotRequired[int]


class Task(TypedDict):
    """Completions of one prompt to be ranked, and how far that is. Gold tasks and repeats have no slots."""

    id: str
    key: str
    kind: TaskKind
    purpose: Purpose
    prompt: str
    completions: list[str]
    priority: int
    slots: list[Slot]
    complete: bool
    external_id: str
    metadata: dict[str, Any]
    created_at: str


class TasksQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/tasks/ may be asked with."""

    disputed: NotRequired[bool]
    flagged: NotRequired[bool]
    key: NotRequired[str]
    kind: NotRequired[Literal["rank", "rate", "demonstrate"]]
    order: NotRequired[Literal["oldest", "newest", "priority", "most", "fewest"]]
    page_size: NotRequired[int]
    prompt: NotRequired[str]
    purpose: NotRequired[Literal["collect", "gold", "repeat", "adjudication"]]
    q: NotRequired[str]
    since: NotRequired[str]
    split: NotRequired[Literal["train", "validation", "test"]]
    state: NotRequired[Literal["free", "open", "complete", "incomplete"]]
    until: NotRequired[str]
    within: NotRequired[Literal["week"]]


class Understood(TypedDict):
    """What a file is, and what an import would store of it."""

    file: str
    understood_as: str
    kind: Kind
    columns: list[str]
    records: int
    whole: bool
    lines: int
    left_out: dict[str, int]
    bad: int
    bad_records: list[BadRecord]
    examples: list[dict[str, Any]]


WantedTasksKindEnum = Literal["rate", "demonstrate"]


class WantedTasksRequest(TypedDict):
    """Tasks to be made of prompts."""

    kind: WantedTasksKindEnum
    prompts: int
    completions: NotRequired[int]
    priority: NotRequired[int]


class WatchedAnswer(TypedDict):
    """What a run's policy answers to a watched prompt after so many steps."""

    step: int
    prompt_id: str
    answer: str
    reward: float | None


class Webhook(TypedDict):
    """An address that hears of events. Its secret is in the answer that makes it, and nowhere else."""

    id: str
    url: str
    events: list[WebhookEvent]
    active: bool
    created_at: str


class WebhooksQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/webhooks/ may be asked with."""

    page_size: NotRequired[int]


class WhyRequest(TypedDict):
    """The reason, which the annotator reads."""

    why: str


class WithLink(TypedDict):
    """The same with the link, which works once and which nothing shows again."""

    id: int
    email: str
    role: MemberRole
    created_at: str
    expires_at: str
    link: str


class WithSecret(TypedDict):
    """The same with the secret that signs messages, which nothing shows again."""

    id: str
    url: str
    events: list[WebhookEvent]
    active: bool
    created_at: str
    secret: str


class Withdrawal(TypedDict):
    """One withdrawal: of an annotator, or of a prompt."""

    id: str
    annotator: str | None
    prompt: str | None
    requested_by: str | None
    created_at: str
    files_done_at: str | None


class WithdrawalDetail(TypedDict):
    """The same, with everything that had used the data."""

    id: str
    annotator: str | None
    prompt: str | None
    requested_by: str | None
    created_at: str
    files_done_at: str | None
    used: dict[str, Any]


class WithdrawalsQuery(TypedDict):
    """What GET /api/v1/projects/{slug}/withdrawals/ may be asked with."""

    page_size: NotRequired[int]


class WrittenRequest(TypedDict):
    """An answer to the prompt."""

    active_seconds: NotRequired[float | None]
    text: str
