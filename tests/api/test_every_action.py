"""Everything a person can do a program can do: each form has an operation of the API, and each address that takes a
POST has one too, or a reason why it needs none."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from console.api.schema import document
from console.forms.actions import ACTIONS
from tests.api.world import World

pytestmark = pytest.mark.django_db
P = "projects/{slug}/"
# By the name under which console.forms.actions has the form.
OF_FORMS = {
    "fit": ["POST fits/"],
    "retrain": ["PATCH retraining/"],
    "contest": ["POST contests/"],
    "activation": ["PATCH activation/"],
    "simulate": ["POST simulate/"],
    "score": ["POST reward-models/{number}/rewards/"],
    "choose": ["POST choice/"],
    "forget": ["DELETE choice/"],
    "train-sft": ["POST trainings/"],
    "train-ppo": ["POST trainings/"],
    "train-reinforce": ["POST trainings/"],
    "succession": ["PATCH succession/"],
    "register": ["POST registrations/"],
    "sample": ["POST samplings/"],
    "compare": ["POST evaluations/"],
    "configure": ["PATCH "],
    "ask": ["PATCH "],
    "control": ["PATCH "],
    "tasks": ["POST tasks/make/"],
    "import": ["POST imports/look/", "POST imports/"],
    "convert": ["POST imports/"],
    "export": ["POST exports/", "GET export/"],
    "dataset": ["POST dataset-exports/"],
    "export-reward-model": ["POST reward-models/{number}/export/"],
    "export-policy": ["POST policies/{number}/export/"],
    "invite": ["POST invitations/"],
    "invite-again": ["POST invitations/{id}/again/"],
    "revoke": ["DELETE invitations/{id}/"],
    "role": ["PATCH members/{username}/"],
    "remove": ["DELETE members/{username}/"],
    "activate": ["POST reward-models/{number}/activate/"],
    "current": ["POST policies/{number}/make-current/"],
    "gold": ["POST gold/"],
    "unmark": ["DELETE gold/{id}/"],
    "pause": ["POST annotators/{id}/pause/"],
    "resume": ["POST annotators/{id}/resume/"],
    "resolve": ["POST flags/{id}/resolve/"],
    "withdraw": ["POST withdrawals/"],
    "decide": ["POST tasks/{id}/decide/"],
}
# By the name of the address: annotators' pages, and researchers' beside the forms.
OF_ADDRESSES = {
    "rank_submit": ["POST assignments/{id}/submit/"],
    "rank_draft": ["PUT assignments/{id}/draft/"],
    "rank_skip": ["POST assignments/{id}/skip/"],
    "rank_flag": ["POST assignments/{id}/flag/"],
    "rank_release": ["POST assignments/{id}/release/"],
    "rate_submit": ["POST assignments/{id}/rate/"],
    "rate_draft": ["PUT assignments/{id}/draft/"],
    "demonstrate_submit": ["POST assignments/{id}/write/"],
    "demonstrate_draft": ["PUT assignments/{id}/draft/"],
    "review": ["POST reviews/next/", "POST reviews/{id}/accept/", "POST reviews/{id}/send-back/"],
    "history_change": ["POST assignments/{id}/revise/"],
    "data_flag": ["POST flags/"],
    "webhooks": [
        "POST webhooks/",
        "PATCH webhooks/{id}/",
        "DELETE webhooks/{id}/",
        "POST webhooks/{id}/secret/",
    ],
    "run_cancel": ["POST runs/{id}/cancel/"],
    "run_again": ["POST runs/{id}/again/"],
    "run_resume": ["POST runs/{id}/resume/"],
    "run_note": ["PATCH runs/{id}/"],
}
# Of no project, or of one that the body names.
ELSEWHERE = {"new_project": ["POST projects/"], "try": ["POST score/", "POST generate/"]}
ADDRESSES_WITHOUT = {
    "act": "Takes the forms above.",
    "run_rest": "imports/ with skip_bad does it: a program has the file still.",
    "demonstrate_preview": "Shows a person how the page will look.",
    "preview": "Shows a person how the page will look.",
    "guidelines_read": "Says that a person has read them; the API's queue does not hold tasks back for it.",
    "invitation": "A person accepts with the link, and chooses a password.",
    "login": "Accounts are people's; a program has a token.",
    "logout": "Accounts are people's; a program has a token.",
    "account_password": "Accounts are people's; a program has a token.",
    "account_reset": "Accounts are people's; a program has a token.",
    "reset_link": "Accounts are people's; a program has a token.",
    "tokens": "No token makes or revokes tokens: one that was stolen would outlive itself.",
    "token_revoke": "No token makes or revokes tokens: one that was stolen would outlive itself.",
}


def operations() -> set[str]:
    """ "POST projects/{slug}/fits/" and so on."""
    return {
        f"{method.upper()} {path.removeprefix('/api/v1/')}"
        for path, methods in document()["paths"].items()
        for method in methods
    }


def patterns(of: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address with its pattern."""
    for one in of.url_patterns:
        address = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, address)
        else:
            yield address, one


def pages() -> dict[str, tuple[URLPattern, str]]:
    """Our own pages by name, each with an address that has something for what stands in it."""
    anything = {"slug": "helpful", "int": "1", "uuid": "0e2b8a1c-6d0c-4a8f-8a35-1c8e6b1f5a77"}
    by_name = {}
    for address, pattern in patterns(get_resolver()):
        home = inspect.unwrap(pattern.callback).__module__
        if (
            home.startswith(("annotation.views", "console.pages", "django.contrib.auth.views"))
            and pattern.name
        ):
            filled_in = re.sub(r"<(?:(\w+):)?\w+>", lambda part: anything.get(part[1], "a"), address)
            by_name[pattern.name] = (pattern, f"/{filled_in}")
    return by_name


def takes_post(browser: Client, pattern: URLPattern, address: str) -> bool:
    """A class says so itself; a function refuses what it does not take before anything else."""
    of_class = getattr(pattern.callback, "view_class", None)
    if of_class is not None:
        return hasattr(of_class, "post")
    refused = browser.delete(address)
    assert refused.status_code == 405, address
    return "POST" in refused.headers["Allow"]


def test_every_form_has_its_operation() -> None:
    assert set(OF_FORMS) == set(ACTIONS)


def test_every_address_that_takes_a_post_has_its_operation_or_a_reason(world: World) -> None:
    browser = Client()
    browser.force_login(world.cast.olivia)
    taking = [name for name, page in pages().items() if takes_post(browser, *page)]
    named = [*OF_ADDRESSES, *ELSEWHERE, *ADDRESSES_WITHOUT]
    assert sorted(named) == sorted(taking)


def test_the_operations_are_there() -> None:
    below = [one for several in (*OF_FORMS.values(), *OF_ADDRESSES.values()) for one in several]
    promised = {f"{method} {P}{path}" for method, _, path in (one.partition(" ") for one in below)}
    promised |= {one for several in ELSEWHERE.values() for one in several}
    assert promised - operations() == set()


def test_the_reasons_are_sentences() -> None:
    reasons = ADDRESSES_WITHOUT.values()
    assert [one for one in reasons if not one.endswith(".")] == []
