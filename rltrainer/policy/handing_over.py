"""A policy as a folder for transformers, or as peft's adapter beside its base, with a card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from lm.adapter import load_adapter, load_peft_folder, write_peft_folder
from lm.card import (
    Figure,
    Measured,
    beside,
    digests,
    front_matter,
    prompt_snippet,
    python,
    simulated_rankings,
    table,
)
from lm.encoding import encode_completion, encode_prompt, give_template
from lm.handing_over import ExportConfig
from lm.lora import LoraSettings
from rltrainer.policy.loading import Policy, load_policy
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import write_atomically, write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

# Of the largest logit: rounding in float32, and in narrower numbers of a base.
SAME, SAME_NARROW = 1e-5, 5e-2


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``export`` on a prepared folder; see ExportConfig.

    A stop is never looked for, and so heard at once: the next attempt writes everything again.
    """
    del stop
    config = parse_config(ExportConfig, folder.read_config())
    torch.set_num_threads(config.threads)
    progress, output = Progress(folder.progress_file), folder.path / config.output
    output.mkdir(exist_ok=True)  # an attempt before this one wrote the same files
    progress.report(0, 2, "loading the policy")
    place = folder.located(config.model)
    policy = load_policy(
        place,
        lora=None,
        device=torch.device("cpu"),
        dtype=_stored_type(place),
        reference=False,
        date=config.date,
    )
    give_template(policy.tokenizer)
    expected = _logits(policy, policy.model)
    progress.report(1, 2, "writing the folder")
    if config.adapter:
        _write_adapter(policy, Path(place), output, config)
    else:
        policy.model.save_pretrained(output)
    policy.tokenizer.save_pretrained(output)
    write_json(output / "concord.json", described(policy.meta, config))
    write_atomically(output / "README.md", card(policy, config).encode())
    _check(policy, expected, output, config)
    write_json(folder.output / "report.json", {})
    progress.report(2, 2, "done")


def _stored_type(base: str) -> torch.dtype:
    """The numbers that its weights are kept in: others would be twice the size and say nothing more."""
    try:
        kept = AutoConfig.from_pretrained(base, trust_remote_code=False).dtype
    except (OSError, ValueError, KeyError):  # load_policy says what is wrong with it
        kept = None
    return kept if isinstance(kept, torch.dtype) else torch.float32


def _write_adapter(policy: Policy, folder: Path, output: Path, config: ExportConfig) -> None:
    write_peft_folder(
        output,
        load_adapter(folder),
        LoraSettings(**policy.meta["config"]["lora"]),
        model=policy.model,
        prefix="",
        base=config.base,
        task="CAUSAL_LM",
    )
    policy.model.generation_config.save_pretrained(output)


@torch.no_grad()
def _logits(policy: Policy, model: Any) -> Tensor:
    """After each token of a made-up prompt and answer, without the pad token's: nothing learns its row, and the base of
    an adapter may have none. (T, V - 1)."""
    tokenizer = policy.tokenizer
    messages = [{"role": "user", "content": "Name a fruit."}]
    ids = encode_prompt(tokenizer, "chat", messages) + encode_completion(tokenizer, "An apple.")
    logits: Tensor = model(input_ids=torch.tensor([ids])).logits[0].float()
    return logits[:, [token for token in range(len(tokenizer)) if token != tokenizer.pad_token_id]]


def _check(policy: Policy, expected: Tensor, output: Path, config: ExportConfig) -> None:
    """Raises BadInput where the folder, loaded as others load it, says something else."""
    if config.adapter:
        again = load_peft_folder(output, "CAUSAL_LM", dtype=policy.model.dtype)
    else:
        again = AutoModelForCausalLM.from_pretrained(output)
    limit = SAME if policy.model.dtype in (torch.float32, torch.float64) else SAME_NARROW
    difference = (_logits(policy, again.eval()) - expected).abs().max()
    if not float(difference) <= limit * max(1.0, float(expected.abs().max())):  # a NaN is no smaller
        raise BadInput(
            f"{type(again).__name__} says something else than this policy ({float(difference):.3g} apart): it is not "
            "handed over"
        )


def described(meta: Mapping[str, Any], config: ExportConfig) -> dict[str, Any]:
    """concord.json: what the card says, for programs."""
    return {
        "title": config.title,
        "made_by": meta.get("made_by"),
        "inputs": meta.get("inputs", {}),
        "parents": meta.get("parents", {}),
        "simulated": config.simulated,
        "figures": [figure._asdict() for figure in figures(meta)],
    }


def figures(meta: Mapping[str, Any]) -> list[Figure]:
    """What the training's report measured: of SFT the perplexity, of a policy gradient the reward and the KL."""
    report = meta.get("metrics") or {}
    if report.get("perplexity") is not None:
        of = f"{report['held_out_demonstrations']} held-out demonstrations"
        return [Figure("perplexity", "perplexity", report["perplexity"], of=of)]
    if "after" not in report:
        return []
    of = f"{report['prompts']} prompts, {report['samples']} samples of each"
    return [
        Figure("reward before", "reward", report["before"]["reward"], of=of, of_this_version=False),
        Figure("reward after", "reward", report["after"]["reward"], of=of),
        Figure("KL to where it started", "kl", report["after"]["kl"], of=of),
        Figure("share of answers that end", "ended", report["after"]["ended"], of=of),
    ]


def card(policy: Policy, config: ExportConfig) -> str:
    """README.md."""
    meta = policy.meta
    unseen = (meta.get("metrics") or {}).get("held_out", True)
    measured = Measured(
        "text-generation",
        "prompts of the project",
        "validation" if unseen else "train",
        next(iter(meta.get("inputs", {}).values()), None),
        figures(meta),
    )
    front = front_matter(
        license=config.license,
        library="peft" if config.adapter else "transformers",
        pipeline="text-generation",
        tags=["concord", *filter(None, [meta.get("made_by")]), *(["lora"] if config.adapter else [])],
        base_model=config.base_model or None,
        name=config.title,
        measured=measured,
    )
    where = (
        "on prompts that no step asked" if unseen else "on prompts of the train split: nothing was held out"
    )
    return "\n".join(
        [
            front,
            f"# {config.title}\n",
            _what_it_is(policy, config),
            "## Use\n",
            python(snippet(policy, adapter=config.adapter)),
            _HOW_IT_READS,
            "## Data\n",
            f"{simulated_rankings(config.simulated)}\n\n"
            f"{digests({**meta.get('inputs', {}), **meta.get('parents', {})})}\n",
            "## Measured\n",
            f"Measured {where}:\n\n{table(measured.figures)}\n"
            if measured.figures
            else "Nothing was measured when it was made.\n",
        ]
    )


_HOW_IT_READS = """\
- Prompt and answer are encoded apart and joined as token ids; an answer ends with EOS.
- A text prompt is its text and a line's end; messages go through the chat template.
- It was trained as it is sampled above: at temperature 1, from all tokens.
"""


def _what_it_is(policy: Policy, config: ExportConfig) -> str:
    kind = "A LoRA adapter of a" if config.adapter else "A"
    ways = {
        "sft": " trained on demonstrations",
        "ppo": " trained by PPO",
        "reinforce": " trained by REINFORCE",
    }
    return f"{kind} {type(policy.model).__name__}{ways.get(policy.meta.get('made_by', ''), '')}.{beside(config)}\n"


def snippet(policy: Policy, *, adapter: bool) -> str:
    """Python that samples an answer, to be run where the folder is."""
    library, kind = (
        ("peft", "AutoPeftModelForCausalLM") if adapter else ("transformers", "AutoModelForCausalLM")
    )
    imports = (
        f"from {library} import {kind}\nfrom transformers import AutoTokenizer"
        if adapter
        else f"from {library} import {kind}, AutoTokenizer"
    )
    return f"import torch\n{imports}" + _SNIPPET.format(kind=kind, prompt=prompt_snippet(policy.tokenizer))


_SNIPPET = """

FOLDER = "."  # this folder, or its name on a hub
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = {kind}.from_pretrained(FOLDER).eval()


{prompt}

def answer(prompt, **options):
    ids = torch.tensor([encode_prompt(prompt)])
    options = {{"max_new_tokens": 64, "do_sample": True, "temperature": 1.0, "top_k": 0, **options}}
    written = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), pad_token_id=tokenizer.pad_token_id, **options
    )
    return tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)


print(answer("Name a fruit."))
print(answer([{{"role": "user", "content": "Name a fruit."}}]))
"""
