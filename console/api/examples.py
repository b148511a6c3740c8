"""What programs send and what they get, once for the schema, its page and the tests, which send each of them.

All of it is of one project, ``helpful``, so that what one answer names another request may hold: TASK_ID is a task of
it, and ANNOTATOR_ID an annotator.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from drf_spectacular.utils import OpenApiExample

from console.api.errors import Wrong, problem

Json = Mapping[str, Any]
_PROJECT = "projects/{slug}/"
_ASSIGNMENT = _PROJECT + "assignments/{id}/"
_WHEN, _LATER = "2026-01-31T12:00:00Z", "2026-01-31T12:30:00Z"
_PROMPT_ID = "81c47061-9a8a-4da6-ae30-9c6e209d4a9a"
_COMPLETION_IDS = ["59909822-388a-4839-ba53-c39ea275db97", "8daad760-6090-4717-88f9-b7423c5dd1dd"]
_RANKING_IDS = ["0e2b8a1c-6d0c-4a8f-8a35-1c8e6b1f5a77", "f0c2a9de-3f61-4d5c-9a3e-52f3a1b7c9d4"]
_TASK_KEY = "set:24fdd669acdb5998d32ad095c3d739dd328308d1819d09d85c4a9eb8baeba797"
TASK_ID = "4f25449e-a157-4eb0-b618-625752de2e9a"
ANNOTATOR_ID = "c2cb5a76-98c3-4b8e-9d5b-6f6f3f1a8f10"
_QUESTION = "Why is the sky blue?"
_CONVERSATION = [{"role": "user", "content": _QUESTION}]
_GOOD = "Air scatters blue light more than red."
_POOR = "The sky mirrors the sea."
_TASK = {"prompt": _QUESTION, "completions": [{"text": _GOOD, "source": "base"}, {"text": _POOR}]}


class Exchange(NamedTuple):
    """One request and its answer; None where there is no body, or where another exchange shows it.

    ``media_type`` is that of what is sent, or of the answer where nothing is.
    """

    name: str
    sends: Any = None
    gives: Any = None
    status: int = 200
    media_type: str = "application/json"


def _project(**settings: Any) -> Json:
    return {
        "slug": "helpful",
        "name": "Helpful answers",
        "guidelines": "Put the answer first that helps most.",
        "guideline_version": 1,
        "role": "researcher",
        "settings": {
            "completions_per_task": 4,
            "annotators_per_task": 1,
            "lease_seconds": 1800,
            "revise_hours": 24,
            "random_share": 0.0,
            "hour_cost": "0.00",
            "currency": "USD",
            "rating_axes": [_axis("quality", 7)],
            "ask_strength": False,
            "review_demonstrations": False,
            "demonstration_least_characters": 1,
            "gold_every": 0,
            "repeat_every": 0,
            "least_checks": 5,
            "least_gold_score": None,
            "least_consistency": None,
            "most_position_bias": None,
            "pauses": False,
            "adjudicate_below": None,
            "adjudicated_wins": False,
            **settings,
        },
        "created_at": _WHEN,
    }


def _axis(name: str, most: int) -> Json:
    return {
        "name": name,
        "label": name.capitalize(),
        "least": 1,
        "most": most,
        "least_words": "poor",
        "most_words": "excellent",
        "required": True,
    }


def _assignment(kind: str, judgement: Json, *, submitted: bool = True) -> Json:
    texts = [] if kind == "demonstrate" else [_POOR, _GOOD]
    return {
        "id": "938c65fe-d97c-48e3-8f06-40f01596ff71",
        "kind": kind,
        "status": "submitted" if submitted else "open",
        "opened_at": _WHEN,
        "expires_at": _LATER,
        "closed_at": "2026-01-31T12:00:40Z" if submitted else None,
        "reason": "",
        "prompt": _CONVERSATION,
        "completions": [
            {"letter": letter, "text": text} for letter, text in zip("AB", texts, strict=False) if text
        ],
        "guideline_version": 1,
        "axes": [_axis("helpful", 5), _axis("honest", 5)] if kind == "rate" else [],
        "judgement": judgement,
        "sent_back": "",
    }


def _run(kind: str, queue: str = "gpu", **now: Any) -> Json:
    """Queued, but for what ``now`` says."""
    return {
        "id": 17,
        "kind": kind,
        "status": "queued",
        "queue": queue,
        "created_at": _WHEN,
        "started_at": None,
        "finished_at": None,
        "attempt": 0,
        "done": 0,
        "total": 0,
        "doing": "",
        "seconds_left": None,
        "reason": "",
        "result": {},
        "note": "",
        "tags": [],
        "archived": False,
        **now,
    }


def _run_at_work(**now: Any) -> Json:
    return _run(
        "fit_reward_model",
        **{
            "status": "running",
            "started_at": _WHEN,
            "attempt": 1,
            "done": 40,
            "total": 120,
            "doing": "fitting",
            "seconds_left": 96.0,
            "expected_start": None,
            "computed_on": {"device": "cpu", "processes": 1, "torch": "2.10.0"},
            "log_tail": "",
            **now,
        },
    )


def _webhook(**changes: Any) -> Json:
    return {
        "id": "825e9d66-2cf9-4885-98f6-4a2301f7c4b4",
        "url": "https://example.org/concord",
        "events": ["task.completed", "run.ended"],
        "active": True,
        "created_at": _WHEN,
        **changes,
    }


def _annotator(standing: str) -> Json:
    return {
        "id": ANNOTATOR_ID,
        "pseudonym": "annotator-d473b66e",
        "simulated": False,
        "anonymous": False,
        "standing": standing,
        "created_at": _WHEN,
    }


def _review(decision: str, **changes: Any) -> Json:
    return {
        "id": "a3b55e04-63df-4602-947e-90dbc30344fe",
        "prompt": _CONVERSATION,
        "text": _GOOD,
        "review": decision,
        "earlier_comment": "",
        "comment": "",
        "edited": False,
        "created_at": _WHEN,
        **changes,
    }


_RANKS = {"ranks": {"A": 2, "B": 1}}
_SCORES = {"scores": {"A": {"helpful": 2, "honest": 1}, "B": {"helpful": 5, "honest": 5}}}
_WRITTEN = {"text": _GOOD}
_RANKED = {
    "ranks": {"A": 2, "B": 1},
    "verdict": "ranked",
    "reason": "",
    "confidence": "high",
    "rationale": "",
    "strength": 3,
    "active_seconds": None,
}
_PAIR = (
    f'{{"prompt":"{_QUESTION}","chosen":"{_GOOD}","rejected":"{_POOR}","strength":3.0,'
    '"annotator":"annotator-d473b66e"}\n'
)

# By method and address below /api/v1/.
EXCHANGES: dict[tuple[str, str], Sequence[Exchange]] = {
    ("POST", "projects/"): [
        Exchange(
            "A project with guidelines",
            {
                "slug": "helpful",
                "name": "Helpful answers",
                "guidelines": "Put the answer first that helps most.",
            },
            {**_project(), "role": "administrator"},
            201,
        )
    ],
    ("GET", _PROJECT): [Exchange("For a researcher", gives=_project())],
    ("PATCH", _PROJECT): [
        Exchange(
            "Every task is judged by three, every tenth is a check",
            {"settings": {"annotators_per_task": 3, "gold_every": 10}},
            _project(annotators_per_task=3, gold_every=10),
        )
    ],
    ("PATCH", _PROJECT + "members/{username}/"): [
        Exchange(
            "Bob researches from now on",
            {"role": "researcher"},
            {
                "username": "bob",
                "email": "bob@example.org",
                "role": "researcher",
                "active": True,
                "created_at": _WHEN,
            },
        )
    ],
    ("POST", _PROJECT + "invitations/"): [
        Exchange(
            "An annotator",
            {"email": "bob@example.org", "role": "annotator"},
            {
                "id": 2,
                "email": "bob@example.org",
                "role": "annotator",
                "created_at": _WHEN,
                "expires_at": "2026-02-14T12:00:00Z",
                "link": "https://concord.example.org/invitations/nLNz3Flm/",
            },
            201,
        )
    ],
    ("POST", _PROJECT + "prompts/"): [
        Exchange(
            "A text",
            {"prompt": _QUESTION, "id": "sky-1"},
            {
                "id": _PROMPT_ID,
                "form": "text",
                "messages": _CONVERSATION,
                "split": "train",
                "external_id": "sky-1",
                "metadata": {},
                "created_at": _WHEN,
            },
            201,
        ),
        Exchange(
            "A chat",
            {
                "prompt": [{"role": "system", "content": "Answer in one sentence."}, *_CONVERSATION],
                "metadata": {"topic": "physics"},
            },
            status=201,
        ),
    ],
    ("POST", _PROJECT + "tasks/"): [
        Exchange(
            "Two answers to rank",
            {**_TASK, "priority": 1},
            {
                "id": TASK_ID,
                "key": _TASK_KEY,
                "kind": "rank",
                "purpose": "collect",
                "prompt": _PROMPT_ID,
                "completions": _COMPLETION_IDS,
                "priority": 1,
                "slots": [{"number": 0, "annotator": None, "state": "free"}],
                "complete": False,
                "external_id": "",
                "metadata": {},
                "created_at": _WHEN,
            },
            201,
        )
    ],
    ("POST", _PROJECT + "tasks/make/"): [
        Exchange(
            "Pages of two answers to rate",
            {"kind": "rate", "prompts": 1, "completions": 2},
            {"tasks": 1},
            201,
        ),
        Exchange("Answers to be written", {"kind": "demonstrate", "prompts": 1}, {"tasks": 1}, 201),
    ],
    ("GET", _PROJECT + "completions/{id}/lineage/"): [
        Exchange(
            "Of a policy that PPO trained",
            gives={
                "prompt": _PROMPT_ID,
                "completions": [],
                "tasks": [TASK_ID],
                "rankings": _RANKING_IDS,
                "ratings": [],
                "demonstrations": [],
                "repeats": None,
                "asked_again": [],
                "earlier": None,
                "later": None,
                "written_by": {
                    "policy": 2,
                    "training": 17,
                    "algorithm": "ppo",
                    "reward_model": 1,
                    "fit": 12,
                    "snapshot": "5d41402abc4b2a76b9719d911017c592ae2f1b1f2f7c0a2d3e4c5b6a79880f1e",
                    "rankings": 420,
                    "simulated": 0,
                },
                "learnt": {"reward_models": [2], "policies": [3]},
            },
        )
    ],
    ("PATCH", _PROJECT + "tasks/{id}/"): [Exchange("Asked before the others", {"priority": 10})],
    ("POST", _PROJECT + "next/"): [
        Exchange("A task to rank", gives=_assignment("rank", {}, submitted=False)),
        Exchange("A task to rate", gives=_assignment("rate", {"scores": {}}, submitted=False)),
        Exchange("A task to demonstrate", gives=_assignment("demonstrate", {}, submitted=False)),
    ],
    ("PUT", _ASSIGNMENT + "draft/"): [
        Exchange(
            "Of a ranking", {"ranks": {"B": 1}}, _assignment("rank", {"ranks": {"B": 1}}, submitted=False)
        ),
        Exchange("Of a rating", {"scores": {"B": {"helpful": 5}}}),
        Exchange("Of a demonstration", {"text": "Air scatters"}),
    ],
    ("POST", _ASSIGNMENT + "submit/"): [
        Exchange(
            "One of two is much better",
            {**_RANKS, "strength": 3, "confidence": "high"},
            _assignment("rank", _RANKED),
        ),
        Exchange("Three, of which two are equally good", {"ranks": {"A": 1, "B": 2, "C": 2}}),
        Exchange("None can be ranked", {"verdict": "cannot_tell", "reason": "I do not know the subject."}),
    ],
    ("POST", _ASSIGNMENT + "rate/"): [
        Exchange("Two answers on two axes", _SCORES, _assignment("rate", _SCORES))
    ],
    ("POST", _ASSIGNMENT + "write/"): [
        Exchange("The answer", _WRITTEN, _assignment("demonstrate", _WRITTEN))
    ],
    ("POST", _ASSIGNMENT + "revise/"): [
        Exchange(
            "Another order", {**_RANKS, "strength": 3, "confidence": "high"}, _assignment("rank", _RANKED)
        ),
        Exchange("Other scores", _SCORES, _assignment("rate", _SCORES)),
        Exchange("Another answer", _WRITTEN, _assignment("demonstrate", _WRITTEN)),
    ],
    ("POST", _ASSIGNMENT + "skip/"): [Exchange("Why", {"reason": "I do not know the subject."})],
    ("POST", _ASSIGNMENT + "flag/"): [
        Exchange(
            "Passed on as well",
            {"category": "harmful", "words": "It names a person.", "passing": True},
        )
    ],
    ("POST", _PROJECT + "reviews/next/"): [Exchange("An answer that waits", gives=_review("waiting"))],
    ("POST", _PROJECT + "reviews/{id}/accept/"): [
        Exchange("As it is", {"comment": "Clear."}, _review("accepted", comment="Clear.")),
        Exchange("With edits", {"text": "Air scatters blue light far more than red."}),
    ],
    ("POST", _PROJECT + "reviews/{id}/send-back/"): [
        Exchange("Why", {"comment": "Say why."}, _review("sent_back", comment="Say why."))
    ],
    ("POST", _PROJECT + "flags/"): [
        Exchange("One task", {"tasks": [TASK_ID], "category": "private"}, {"flags": 1}, 201)
    ],
    ("POST", _PROJECT + "flags/{id}/resolve/"): [
        Exchange(
            "The prompt was rewritten",
            {"resolution": "Rewritten without the name."},
            {
                "id": 3,
                "category": "broken",
                "words": "It names a person.",
                "prompt": _PROMPT_ID,
                "task": TASK_ID,
                "completion": None,
                "annotator": ANNOTATOR_ID,
                "created_at": _WHEN,
                "resolved_at": _LATER,
                "resolved_by": "carol",
                "resolution": "Rewritten without the name.",
            },
        )
    ],
    ("POST", _PROJECT + "gold/"): [
        Exchange(
            "What an expert ranked",
            {"annotator": ANNOTATOR_ID, "tasks": [TASK_ID]},
            {"tasks": [TASK_ID]},
            201,
        )
    ],
    ("GET", _PROJECT + "disagreements/"): [
        Exchange(
            "One",
            gives={
                "adjudicate_below": 0.5,
                "undecided": [{"task": TASK_ID, "agreement": 0.25, "rankings": _RANKING_IDS}],
            },
        )
    ],
    ("POST", _PROJECT + "tasks/{id}/decide/"): [
        Exchange("The second is better", {"tiers": [2, 1], "rationale": "It is right."}, status=201)
    ],
    ("POST", _PROJECT + "annotators/{id}/pause/"): [
        Exchange("Why", {"why": "Please read the guidelines again."}, _annotator("paused"))
    ],
    ("POST", _PROJECT + "annotators/{id}/resume/"): [
        Exchange("Why", {"why": "Thank you for reading them."}, _annotator("fine"))
    ],
    ("GET", _PROJECT + "annotators/{id}/figures/"): [
        Exchange(
            "Of somebody who ranked 420 tasks",
            gives={
                "annotator": _annotator("warned"),
                "judged": {
                    "rankings": {"number": 420, "more": False},
                    "ratings": {"number": 0, "more": False},
                    "demonstrations": {"number": 0, "more": False},
                    "reviews": {"number": 0, "more": False},
                    "seconds": 17820.5,
                },
                "gold": {"value": 0.575, "number": 20, "interval": [0.427, 0.723]},
                "consistency": None,
                "position": {"value": 0.512, "number": 200, "interval": [0.461, 0.563]},
            },
        )
    ],
    ("GET", _PROJECT + "history/"): [
        Exchange(
            "One comparison",
            gives={
                "judged": [
                    {
                        "id": "938c65fe-d97c-48e3-8f06-40f01596ff71",
                        "kind": "rank",
                        "submitted_at": _WHEN,
                        "prompt": _QUESTION,
                        "answer": "Compared",
                        "detail": "B > A",
                        "may_change": True,
                        "comment": "",
                        "sent_back": False,
                    }
                ]
            },
        )
    ],
    ("GET", _PROJECT + "progress/"): [
        Exchange(
            "In a project with gold tasks",
            gives={
                "left": {"number": 40, "bound": "at_most"},
                "today": 12,
                "in_all": 420,
                "seconds_today": 540.0,
                "seconds_in_all": 17820.5,
                "pace_today": 41.5,
                "pace_in_all": 38.0,
                "to_review": 0,
                "sent_back": 0,
            },
        )
    ],
    ("POST", _PROJECT + "withdrawals/"): [
        Exchange(
            "An annotator's",
            {"annotator": ANNOTATOR_ID},
            {
                "id": "5f4e2c1e-0d5b-4a55-9f59-8f0b6e0c4b52",
                "annotator": ANNOTATOR_ID,
                "prompt": None,
                "requested_by": "carol",
                "created_at": _WHEN,
                "files_done_at": None,
            },
            201,
        )
    ],
    ("GET", _PROJECT + "snapshots/{digest}/"): [
        Exchange(
            "Of 420 rankings",
            gives={
                "digest": "5d41402abc4b2a76b9719d911017c592ae2f1b1f2f7c0a2d3e4c5b6a79880f1e",
                "rankings": 420,
                "comparisons": 2520,
                "simulated": 0,
                "reproducible": True,
                "created_at": _WHEN,
            },
        )
    ],
    ("POST", _PROJECT + "webhooks/"): [
        Exchange(
            "Both events",
            {"url": "https://example.org/concord", "events": ["task.completed", "run.ended"]},
            {**_webhook(), "secret": "whsec_YOL2V5jOSa+bEYPPs84uMXZI0bamPg6KbdRcmPaAVFo="},
            201,
        )
    ],
    ("PATCH", _PROJECT + "webhooks/{id}/"): [Exchange("Pause it", {"active": False}, _webhook(active=False))],
    ("POST", _PROJECT + "imports/"): [
        Exchange(
            "Completions in lines of our own form",
            {"kind": "completions", "file": "completions.jsonl"},
            _run("import", "cpu"),
            202,
            "multipart/form-data",
        ),
        Exchange(
            "A table of another tool",
            {"file": "answers.csv", "columns": "prompt=question, completion=answer"},
            None,
            202,
            "multipart/form-data",
        ),
    ],
    ("POST", _PROJECT + "imports/look/"): [
        Exchange(
            "A table of another tool, before it is imported",
            {"file": "answers.csv", "columns": "prompt=question, completion=answer"},
            {
                "file": "CSV",
                "understood_as": "an instruction and an answer",
                "kind": "demonstrations",
                "columns": ["question", "answer"],
                "records": 1,
                "whole": True,
                "lines": 1,
                "left_out": {},
                "bad": 0,
                "bad_records": [],
                "examples": [{"prompt": "Why?", "completion": "Because."}],
            },
            200,
            "multipart/form-data",
        )
    ],
    ("GET", _PROJECT + "export/"): [
        Exchange("A pair", gives=_PAIR, media_type="application/jsonl"),
    ],
    ("POST", _PROJECT + "exports/"): [
        Exchange("Pairs to train on", {"kind": "pairs", "split": "train"}, _run("export", "cpu"), 202)
    ],
    ("POST", _PROJECT + "dataset-exports/"): [
        Exchange("With a licence", {"license": "cc-by-4.0"}, _run("export_dataset", "cpu"), 202)
    ],
    ("GET", _PROJECT + "runs/{id}/"): [Exchange("A fit at work", gives=_run_at_work())],
    ("PATCH", _PROJECT + "runs/{id}/"): [
        Exchange(
            "A note and a tag",
            {"note": "With the new guidelines.", "tags": ["baseline"]},
            _run_at_work(note="With the new guidelines.", tags=["baseline"]),
        )
    ],
    ("GET", _PROJECT + "runs/{id}/log/"): [
        Exchange(
            "The beginning of one that is at work",
            gives={"text": "fitting on 420 rankings\n", "next": 24, "over": False, "kept": True},
        )
    ],
    ("GET", _PROJECT + "runs/{id}/files/"): [
        Exchange(
            "A reward model's",
            gives={
                "artifact": "5d41402abc4b2a76b9719d911017c592ae2f1b1f2f7c0a2d3e4c5b6a79880f1e",
                "files": [
                    {"name": "meta.json", "bytes": 512},
                    {"name": "trunk/model.safetensors", "bytes": 268435456},
                ],
            },
        )
    ],
    ("POST", _PROJECT + "fits/"): [
        Exchange(
            "On from the active version",
            {"warm": True, "config": {"epochs": 1}},
            _run("fit_reward_model"),
            202,
        )
    ],
    ("POST", _PROJECT + "simulate/"): [
        Exchange(
            "Twenty judgements, with ten tasks left for people",
            {"preference": "length", "judgements": 20},
            {
                "judgements": 20,
                "rankings": 20,
                "ratings": 0,
                "demonstrations": 0,
                "kept": 10,
                "shortfall": "",
            },
            201,
        )
    ],
    ("POST", _PROJECT + "contests/"): [
        Exchange("Two versions", {"versions": [1, 2]}, _run("compare_reward_models"), 202)
    ],
    ("POST", _PROJECT + "reward-models/{number}/export/"): [
        Exchange("For transformers", {"license": "apache-2.0"}, _run("export_reward_model", "cpu"), 202)
    ],
    ("PATCH", _PROJECT + "activation/"): [
        Exchange(
            "Not without a person", {"activates": False}, {"activates": False, "activation_prompts": 100}
        )
    ],
    ("PATCH", _PROJECT + "retraining/"): [
        Exchange(
            "After every 500 rankings",
            {"retrain_rankings": 500},
            {"retrain_rankings": 500, "retrain_hours": 0, "retrain_warm": False, "choose_next": False},
        )
    ],
    ("PATCH", _PROJECT + "succession/"): [
        Exchange(
            "On 50 prompts at least", {"succession_prompts": 50}, {"succeeds": True, "succession_prompts": 50}
        )
    ],
    ("POST", "score/"): [
        Exchange(
            "Two texts",
            {
                "project": "helpful",
                "items": [
                    {"prompt": _QUESTION, "completion": _GOOD},
                    {"prompt": _CONVERSATION, "completion": _POOR},
                ],
            },
            {
                "version": 1,
                "scores": [
                    {"score": 1.25, "truncated": False, "prompt_cut": False, "completion_cut": False},
                    {"score": -0.5, "truncated": True, "prompt_cut": True, "completion_cut": False},
                ],
            },
        )
    ],
    ("POST", "generate/"): [
        Exchange(
            "An answer with its score",
            {
                "project": "helpful",
                "prompts": [_QUESTION],
                "temperature": 0.7,
                "max_new_tokens": 64,
                "scored": True,
            },
            {
                "policy": 2,
                "reward_model": 1,
                "answers": [[{"text": _GOOD, "finished": True, "score": 1.25}]],
            },
        )
    ],
    ("POST", _PROJECT + "policies/{number}/export/"): [
        Exchange("For transformers", {"license": "apache-2.0"}, _run("export_policy"), 202)
    ],
    ("POST", _PROJECT + "trainings/"): [
        Exchange(
            "PPO against the active reward model",
            {"algorithm": "ppo", "config": {"steps": 200}},
            _run("train_policy"),
            202,
        ),
        Exchange("SFT on what people wrote", {"algorithm": "sft", "start": 1}, _run("train_policy"), 202),
    ],
    ("POST", _PROJECT + "registrations/"): [
        Exchange("A model of a hub", {"base": "name/model"}, _run("register_policy"), 202)
    ],
    ("POST", _PROJECT + "samplings/"): [
        Exchange(
            "Two hundred prompts by the current policy", {"prompts": 200}, _run("sample_completions"), 202
        )
    ],
    ("POST", _PROJECT + "evaluations/"): [
        Exchange("Two policies", {"policies": [1, 2]}, _run("evaluate_policy"), 202)
    ],
}


def of(method: str, address: str) -> list[OpenApiExample]:
    """The examples of one operation, by its address below /api/v1/, as drf-spectacular takes them."""
    examples = []
    for one in EXCHANGES.get((method, address), ()):
        if one.sends is not None:
            examples.append(OpenApiExample(one.name, one.sends, request_only=True, media_type=one.media_type))
        if one.gives is not None:
            media_type = "application/json" if one.sends is not None else one.media_type
            examples.append(
                OpenApiExample(
                    one.name, one.gives, response_only=True, media_type=media_type, status_codes=[one.status]
                )
            )
    return examples


_ERRORS: Sequence[tuple[int, str, str, Sequence[Wrong]]] = (
    (
        400,
        "invalid",
        "completions/1/text: This field is required.",
        [{"pointer": "#/completions/1/text", "detail": "This field is required."}],
    ),
    (
        401,
        "authentication_failed",
        "This token is unknown, expired or revoked: make one at /account/tokens/.",
        (),
    ),
    (403, "missing_scope", "This token needs the scope write.", ()),
    (404, "not_found", "There is nothing here, or it is not yours to see.", ()),
    (406, "not_acceptable", "Could not satisfy the request Accept header.", ()),
    (409, "lease_over", "This task is not in your hands any more. Take the next one.", ()),
    (412, "changed", "It is not as you saw it any more: read it again, and change that.", ()),
    (
        413,
        "too_large",
        "A request may hold a file of 2.0 GB at most. Divide it, or import it with a command.",
        (),
    ),
    (415, "unsupported_media_type", 'Unsupported media type "text/plain" in request.', ()),
    (
        422,
        "idempotency_key_reused",
        "This key came with another request before: use a new key for a new request.",
        (),
    ),
    (429, "throttled", "Request was throttled. Expected available in 42 seconds.", ()),
    (
        503,
        "no_scorer",
        "No scorer is running. Whoever runs Concord starts one: “make serve” does, and “manage.py scorer” adds one.",
        (),
    ),
)


@cache
def problems() -> dict[str, Json]:
    """What each status that an operation may fail with looks like."""
    return {str(status): problem(status, code, detail, wrong) for status, code, detail, wrong in _ERRORS}
