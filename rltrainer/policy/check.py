"""A policy from elsewhere: loaded, and tried for everything that a policy is asked for."""

from dataclasses import replace
from typing import Any

import torch

from lm.devices import device_of_run
from lm.loading import context_length
from lm.origin import parent_of
from rltrainer.policy.bases import try_policy
from rltrainer.policy.config import CheckConfig
from rltrainer.policy.loading import Policy, load_policy
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``check`` on a prepared folder: output/report.json, or BadInput where it cannot be sampled and measured.

    A stop is never looked for, and so heard at once: nothing is kept before the end.
    """
    del stop
    config = parse_config(CheckConfig, folder.read_config())
    config = replace(config, base=folder.located(config.base))
    torch.set_num_threads(config.threads)
    progress = Progress(folder.progress_file)
    progress.report(0, 3, "loading the policy")
    device = device_of_run(folder, config.device)
    policy = load_policy(config.base, lora=None, device=device, reference=False, date=config.date)
    progress.report(1, 3, "trying to sample")
    try_policy(policy, trained=False)
    progress.report(2, 3, "trying to train and save")
    refused = _why_not_trained(policy)
    progress.report(3, 3, "done")
    write_json(
        folder.output / "report.json", {**_described(config.base, policy), "cannot_be_trained": refused}
    )


def _why_not_trained(policy: Policy) -> str:
    """Empty where it can be. One that cannot is still sampled, compared and measured."""
    try:
        try_policy(policy, trained=True)
    except BadInput as refused:
        return str(refused)
    return ""


def _described(base: str, policy: Policy) -> dict[str, Any]:
    return {
        "base": base,
        "digest": parent_of(base, policy.model),
        "architecture": type(policy.model).__name__,
        "parameters": sum(value.numel() for value in policy.model.parameters()),
        "vocabulary": len(policy.tokenizer),
        "context": context_length(policy.model.base_model),
        "chat_template": policy.tokenizer.chat_template is not None,
    }
