"""A reward model as transformers' own classifier of one label, or as peft's adapter of one.

The classifiers of causal language models read the last token that is not the pad token, and that is the EOS of a
completion as long as pad is another token. Their head has no bias, so the deviation of the scores goes into its weights
and what is left is a constant, which the card and concord.json name. An encoder was fitted as its own classifier, whose
head has a bias: nothing is left. A head that was fitted on another place than the class reads is refused.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, AutoModelForSequenceClassification

from lm.adapter import POOLER, load_adapter, load_peft_folder, write_peft_folder
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
from lm.encoding import give_template
from lm.handing_over import ExportConfig
from lm.loading import place
from lm.lora import LoraSettings
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.encoding import encode
from rewardmodel.bradley_terry.scoring import RewardModel
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import write_atomically, write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

# Rounding in float32, as a share of the largest score or of the constant.
SAME = 1e-4
TASK = "text-classification"
_ASK = "Name a fruit."
_PROBE = [
    ("text", [{"role": "user", "content": _ASK}], "An apple."),
    ("text", [{"role": "user", "content": _ASK}], "I would rather not, because there are so many of them."),
    ("chat", [{"role": "user", "content": _ASK}], ""),
]


class Head(NamedTuple):
    """The head of the classifier, with a ``bias`` where its class has one: a score is its output + ``constant``."""

    weight: Tensor
    constant: float
    bias: Tensor | None = None


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``export`` on a prepared folder; see ExportConfig. Raises BadInput where no such class reads as we do.

    A stop is never looked for, and so heard at once: the next attempt writes everything again.
    """
    del stop
    config = parse_config(ExportConfig, folder.read_config())
    torch.set_num_threads(config.threads)
    progress, output = Progress(folder.progress_file), folder.path / config.output
    output.mkdir(exist_ok=True)  # an attempt before this one wrote the same files
    progress.report(0, 2, "loading the reward model")
    model = load_reward_model(folder.located(config.model))
    give_template(model.tokenizer)
    head = folded(model)
    progress.report(1, 2, "writing the folder")
    if config.adapter:
        _write_adapter(model, head, Path(folder.located(config.model)), output, config)
    else:
        classifier_of(model, head).save_pretrained(output)
    model.tokenizer.save_pretrained(output)
    write_json(output / "concord.json", described(model, head, config))
    write_atomically(output / "README.md", card(model, head, config).encode())
    _check(model, head, output, config)
    write_json(folder.output / "report.json", {"score_constant": head.constant})
    progress.report(2, 2, "done")


def folded(model: RewardModel) -> Head:
    """The head with the normalisation in it: (w h + b - mean) / std = (w / std) h + (b - mean) / std."""
    weight, bias = model.network.head.weight.double(), float(model.network.head.bias)
    std = model.normalisation.std
    folded_weight, left = (weight / std).float(), (bias - model.normalisation.mean) / std
    if model.network.classifier is not None:
        return Head(folded_weight, 0.0, torch.tensor([left]))
    return Head(folded_weight, left)


def classifier_of(model: RewardModel, head: Head) -> Any:
    """transformers' class around the trunk itself. Raises BadInput naming the class that does not read as we do."""
    if model.network.classifier is not None:
        network = copy.deepcopy(model.network)
        network.head.weight.data, network.head.bias.data = (
            head.weight.clone(),
            cast("Tensor", head.bias).clone(),
        )
        return network.classifier.eval()
    trunk, pad = model.network.trunk, model.tokenizer.pad_token_id
    if pad in (None, model.tokenizer.eos_token_id):
        raise BadInput("its tokenizer pads with EOS, and the classifier would read the token before it")
    config = copy.deepcopy(trunk.config)
    config.num_labels, config.problem_type = 1, "regression"  # a pipeline then shows the score as it is
    config.get_text_config().pad_token_id = pad
    kind = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING.get(type(config), None)
    if kind is None:
        raise BadInput(f"transformers has no sequence classifier for {type(trunk).__name__}")
    with torch.device("meta"):
        classifier: Any = kind(config)
    inner, layer = classifier.base_model_prefix, cast("Any", getattr(classifier, "score", None))
    if not isinstance(layer, nn.Linear) or not isinstance(getattr(classifier, inner), type(trunk)):
        raise BadInput(
            f"{kind.__name__} does not read the state at the end of the completion, which this reward model's head "
            "was trained on. Fit a causal base, or an encoder of which transformers has a classifier"
        )
    if set(layer.state_dict()) != {"weight"} or layer.weight.shape != head.weight.shape:
        raise BadInput(f"the head of {kind.__name__} is another than that of this reward model")
    setattr(classifier, inner, trunk)
    classifier.score = nn.Linear(head.weight.shape[1], 1, bias=False)
    classifier.score.weight = nn.Parameter(head.weight.clone(), requires_grad=False)
    return classifier.eval()


def _write_adapter(model: RewardModel, head: Head, folder: Path, output: Path, config: ExportConfig) -> None:
    state, classifier = load_adapter(folder), classifier_of(model, head)
    prefix = f"{classifier.base_model_prefix}."
    write_peft_folder(
        output,
        state,
        LoraSettings(**model.meta["config"]["lora"]),
        model=model.network.trunk,
        prefix=prefix,
        base=place(config.base),
        task="SEQ_CLS",
        head={
            name: value
            for name, value in classifier.state_dict().items()
            if not name.startswith(prefix) or name.startswith(f"{prefix}{POOLER}.")
        },
    )


@torch.no_grad()
def _check(model: RewardModel, head: Head, output: Path, config: ExportConfig) -> None:
    """Raises BadInput where the folder, loaded as others load it, does not score as the reward model does."""
    expected = model.score_many(_PROBE)
    tokenizer = model.tokenizer
    encoded = [encode(tokenizer, model.limits, form, messages, [text]) for form, messages, text in _PROBE]
    rows = [[*one.prompt, *one.completions[0]] for one in encoded]
    batch = tokenizer.pad({"input_ids": rows}, padding_side="right", return_tensors="pt")
    if config.adapter:
        classifier = load_peft_folder(output, "SEQ_CLS", dtype=torch.float32, num_labels=1)
        classifier.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    else:
        classifier = AutoModelForSequenceClassification.from_pretrained(output, dtype=torch.float32)
    scores = classifier.eval()(**batch).logits[:, 0] + head.constant
    largest = max(1.0, float(expected.abs().max()), abs(head.constant))
    if not float((scores - expected).abs().max()) <= SAME * largest:  # a NaN is no smaller
        raise BadInput(
            f"{type(classifier).__name__} scores otherwise than this reward model "
            f"({scores.tolist()} and {expected.tolist()}): it is not handed over"
        )


def described(model: RewardModel, head: Head, config: ExportConfig) -> dict[str, Any]:
    """concord.json: what the card says, for programs."""
    return {
        "title": config.title,
        "score_constant": head.constant,
        "normalisation": model.meta["normalisation"],
        "encoding": model.meta["encoding"],
        "ties": model.meta["ties"],
        "inputs": model.meta.get("inputs", {}),
        "parents": model.meta.get("parents", {}),
        "simulated": _simulated(model.meta, config),
        "held_out": [figure._asdict() for figure in figures(model.meta)],
    }


def figures(meta: dict[str, Any]) -> list[Figure]:
    """What the fit's report measured on held-out prompts; none where nothing was held out."""
    report = meta.get("report", {})
    held_out = report.get("held_out") or {}
    named = [
        ("held-out accuracy", "accuracy", held_out.get("accuracy"), True),
        ("log loss", "log_loss", held_out.get("log_loss"), True),
        ("how often the longer text is preferred", "accuracy", held_out.get("longer_wins"), False),
        ("how often another person agrees", "agreement", report.get("human_agreement"), False),
    ]
    return [
        Figure(
            name,
            metric,
            one["value"],
            tuple(one["interval"]),
            f"{one['count']} pairs, {one['prompts']} prompts",
            of_this_version,
        )
        for name, metric, one, of_this_version in named
        if one is not None
    ]


def card(model: RewardModel, head: Head, config: ExportConfig) -> str:
    """README.md."""
    meta = model.meta
    split = ((meta.get("report") or {}).get("held_out") or {}).get("split", "")
    measured = Measured(
        "text-classification",
        "rankings by annotators, held-out prompts",
        split,
        meta.get("inputs", {}).get("snapshot.jsonl"),
        figures(meta),
    )
    front = front_matter(
        license=config.license,
        library="peft" if config.adapter else "transformers",
        pipeline="text-classification",
        tags=["concord", "reward-model", "bradley-terry", *(["lora"] if config.adapter else [])],
        base_model=config.base_model or None,
        name=config.title,
        measured=measured,
    )
    return "\n".join(
        [
            front,
            f"# {config.title}\n",
            _what_it_is(model, config),
            "## Use\n",
            python(snippet(model, head, adapter=config.adapter)),
            _how_it_reads(model, head),
            "## Data\n",
            _data(meta, config),
            "## Measured\n",
            f"On the {split} split, on prompts that it never saw:\n\n{table(measured.figures)}\n"
            if measured.figures
            else "Nothing was held out, so nothing was measured.\n",
        ]
    )


def _what_it_is(model: RewardModel, config: ExportConfig) -> str:
    name = type(model.network.trunk).__name__
    kind = "A LoRA adapter, with its head, of a" if config.adapter else "A"
    return (
        f"{kind} Bradley-Terry reward model on {name}: of two answers to a prompt, people are expected to prefer "
        f"the one with the higher score.{beside(config)}\n"
    )


def _how_it_reads(model: RewardModel, head: Head) -> str:
    limits = model.limits
    read = ", and the score is read there" if model.network.classifier is None else ""
    zero = (
        f"The model's own output has no zero of its own. `CONSTANT`, {head.constant!r}, is what its head, which has no "
        "bias,\n  cannot hold: with it, scores have mean 0 and deviation 1 on completions of the train split. "
        "Differences, and so\n  preferences, best of n and policy gradients with a baseline, do not need it."
        if head.bias is None
        else "Scores have mean 0 and deviation 1 on completions of the train split. `CONSTANT` is 0."
    )
    return f"""\
- Prompt and completion are encoded apart and joined as token ids; EOS stands once, at the end{read}. A program that
  leaves EOS out, or pads with it, gets other scores.
- A text prompt is its text and a line's end; messages go through the chat template.
- It was trained with at most {limits.prompt:,} tokens of the prompt (of longer ones the end) and {limits.completion:,}
  of the completion, EOS included.
- {zero}
{_probability(model)}"""


def _probability(model: RewardModel) -> str:
    if model.ties == "rao_kupper":  # whose probability is no sigmoid
        return ""
    return (
        f"- Where somebody prefers one of two, it is the first with probability `sigmoid({model.normalisation.std!r} * "
        "(first - second))`.\n"
    )


def _data(meta: dict[str, Any], config: ExportConfig) -> str:
    counts = (meta.get("report") or {}).get("counts") or {}
    train = counts.get("train") or {}
    learnt = (
        f"{train['rankings']:,} rankings of {train['prompts']:,} prompts, {train['pairs']:,} pairs and "
        f"{train['ties']:,} ties. "
        if train
        else ""
    )
    made_from = digests({**meta.get("inputs", {}), **meta.get("parents", {})})
    simulated = simulated_rankings(_simulated(meta, config), counts.get("rankings"))
    return f"{learnt}{simulated}\n\n{made_from}\n"


def _simulated(meta: dict[str, Any], config: ExportConfig) -> int:
    """Of its own snapshot, or of what its base was made from, whichever is more."""
    counts = (meta.get("report") or {}).get("counts") or {}
    return max(config.simulated, int(counts.get("simulated", 0)))


def snippet(model: RewardModel, head: Head, *, adapter: bool) -> str:
    """Python that scores two answers, to be run where the folder is."""
    library, kind = ("transformers", "AutoModelForSequenceClassification")
    arguments, pads = "FOLDER, dtype=torch.float32", ""
    if adapter:
        library, kind = ("peft", "AutoPeftModelForSequenceClassification")
        arguments = f"{arguments}, num_labels=1"
        pads = "model.config.get_text_config().pad_token_id = tokenizer.pad_token_id  # the base's own may be EOS\n"
    imports = sorted([f"from {library} import {kind}", "from transformers import AutoTokenizer"])
    if not adapter:
        imports = [f"from transformers import {kind}, AutoTokenizer"]
    return "\n".join(["import torch", *imports]) + _SNIPPET.format(
        kind=kind,
        arguments=arguments,
        pads=pads,
        constant=repr(head.constant),
        prompt=prompt_snippet(model.tokenizer),
    )


_SNIPPET = '''

FOLDER = "."  # this folder, or its name on a hub
CONSTANT = {constant}
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = {kind}.from_pretrained({arguments}).eval()
{pads}

{prompt}

def encode(prompt, completion):
    ids = tokenizer(completion, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [*encode_prompt(prompt), *ids, tokenizer.eos_token_id]


@torch.no_grad()
def score(pairs):
    """The scores of (prompt, completion), higher is better."""
    rows = [encode(prompt, completion) for prompt, completion in pairs]
    batch = tokenizer.pad({{"input_ids": rows}}, padding_side="right", return_tensors="pt")
    return model(**batch).logits[:, 0] + CONSTANT


question = [{{"role": "user", "content": "Name a fruit."}}]
print(score([("Name a fruit.", "An apple."), (question, "An apple."), (question, "No.")]))
'''
