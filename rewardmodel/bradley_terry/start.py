"""What a fit starts from: rankings as token ids, and a network with a new head or with that of a reward model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lm.adapter import add_adapter
from lm.devices import autocast, choose_device, device_of_run
from lm.loading import context_length, is_encoder, load_classifier, load_tokenizer, load_trunk, make_trunk
from lm.origin import parent_of
from lm.scratch import make_config, make_tokenizer
from lm.subset import drawn
from lm.trial import check_reached, in_words, try_saving
from rewardmodel.bradley_terry.artifact import check_meta, load_network
from rewardmodel.bradley_terry.config import FitConfig, ResolvedFit
from rewardmodel.bradley_terry.encoding import Encoded, Limits, Row, encode
from rewardmodel.bradley_terry.network import RewardNetwork, begin, make_head
from rewardmodel.bradley_terry.objective import Example, first_tie_parameter, usable
from rewardmodel.bradley_terry.packing import collate
from rewardmodel.bradley_terry.records import Record, count_verdicts, read_snapshot
from runs.folder.errors import BadInput
from runs.folder.files import file_digest
from runs.folder.folder import RunFolder


@dataclass(frozen=True)
class Start:
    """``share``: whether completions may share their prompt; ``counts``: what was read.

    ``inputs`` and ``parents`` name for good what it was made from: file -> digest, and the base unless from scratch.
    """

    config: ResolvedFit
    records: list[Record]
    tokenizer: Any
    limits: Limits
    share: bool
    train: list[Example]
    validation: list[Example]
    counts: dict[str, Any]
    network: RewardNetwork
    tie_parameter: float
    inputs: dict[str, str]
    parents: dict[str, str]


def prepare(config: FitConfig, folder: RunFolder) -> Start:
    """Read inputs/snapshot.jsonl and load the base. Raises BadInput where there is nothing to learn."""
    records = read_snapshot(folder.inputs / "snapshot.jsonl")
    train = [record for record in records if _learnable(record, config) and record.split == "train"]
    if not train:
        raise BadInput(_nothing_to_learn(records, config))
    validation = [
        record
        for record in records
        if _learnable(record, config) and record.split == "validation" and not record.by_doubt
    ]
    tokenizer = start_tokenizer(config, train)
    device_of_run(folder, config.device)
    network = start_network(config, tokenizer, seed=config.seed)
    limits = Limits.within(
        context_length(network.trunk),
        max_prompt=config.max_prompt_tokens,
        max_completion=config.max_completion_tokens,
        row=config.micro_batch_tokens,
    )
    if not config.from_scratch:
        try_network(network, tokenizer, config)
    examples = encode_examples(tokenizer, limits, train, config)
    validated = encode_examples(
        tokenizer, limits, drawn(validation, config.validation_rankings, seed=config.seed), config
    )
    counts = _counts(records, train, examples, validated)
    return Start(
        config=config.resolved(sum(value.numel() for value in network.parameters())),
        records=records,
        tokenizer=tokenizer,
        limits=limits,
        share=network.shares(limits, pad_id=tokenizer.pad_token_id),
        train=examples,
        validation=validated,
        counts=counts,
        network=network,
        tie_parameter=_tie_parameter(config, counts["train"]),
        inputs={"snapshot.jsonl": file_digest(folder.inputs / "snapshot.jsonl")},
        parents={} if config.from_scratch else {"base": parent_of(config.base, network.trunk)},
    )


def _tie_parameter(config: FitConfig, counts: Mapping[str, int]) -> float:
    """Where it starts: where the reward model that is gone on with left it, else by the share of ties."""
    if config.keep_head:
        before = check_meta(Path(config.base))["ties"]
        if before["mode"] == config.ties:
            return float(before["parameter"])
    return first_tie_parameter(config.ties, strict=counts["pairs"], ties=counts["ties"])


def start_tokenizer(config: FitConfig, train: Iterable[Record]) -> Any:
    """The base's tokenizer, or one trained on the train split's texts, each once."""
    if not config.from_scratch:
        return load_tokenizer(config.base, date=config.date)
    texts: dict[str, None] = {}  # a set that keeps its order
    for record in train:
        texts.update(dict.fromkeys(message["content"] for message in record.messages))
        texts.update(dict.fromkeys(record.texts))
    return make_tokenizer(texts, vocab_size=config.vocabulary)


def start_network(config: FitConfig, tokenizer: Any, *, seed: int) -> RewardNetwork:
    """The base's trunk with a new head. ``seed`` is of everything random in it, a trunk from scratch included.

    With LoRA on CUDA the frozen weights are bfloat16, an encoder's are not.
    """
    device = choose_device(config.device)
    if config.from_scratch:
        sizes = make_config(
            tokenizer, hidden=config.hidden, layers=config.layers, heads=config.heads, context=config.context
        )
        trunk = make_trunk(sizes, tokenizer=tokenizer, seed=seed)
        network = RewardNetwork(trunk, make_head(trunk, seed=seed))
    else:
        small = config.lora is not None and device.type == "cuda"
        network = _on_base(config, tokenizer, seed=seed, dtype=torch.bfloat16 if small else torch.float32)
    trunk = network.trunk
    if config.lora is not None:
        add_adapter(trunk, config.lora, seed=seed)
    if config.gradient_checkpointing:
        trunk.activation_checkpointing_enable()
        trunk.train()  # transformers looks at the mode; without dropout it changes nothing else
    return network.to(device)


def _on_base(config: FitConfig, tokenizer: Any, *, seed: int, dtype: torch.dtype) -> RewardNetwork:
    """The whole of a reward model, or a base with a new head: an encoder with that of transformers' classifier."""
    if config.keep_head:
        return load_network(Path(config.base), tokenizer=tokenizer, dtype=dtype)
    if is_encoder(config.base):
        network = RewardNetwork.around(load_classifier(config.base, tokenizer=tokenizer, seed=seed))
        begin(network.head, seed=seed)
        return network
    trunk = load_trunk(config.base, tokenizer=tokenizer, dtype=dtype)
    return RewardNetwork(trunk, make_head(trunk, seed=seed))


def try_network(network: RewardNetwork, tokenizer: Any, config: FitConfig) -> None:
    """Raises BadInput where a base cannot be fitted or saved, tried on two made-up completions."""
    name, pad_id = type(network.trunk).__name__, tokenizer.pad_token_id
    ordinary = [token for token in range(min(64, len(tokenizer))) if token not in tokenizer.all_special_ids]
    rows = [Row(ordinary[:3], [ordinary[3:5]]), Row(ordinary[:4], [ordinary[5:6]])]
    device = network.head.weight.device
    with in_words(f"{name} cannot be fitted"):
        batch = collate(rows, share=False, pad_id=pad_id, device=device)
        with autocast(device):
            scores = network(batch)
        torch.autograd.backward(scores.square().sum())
        check_reached(value for value in network.trunk.parameters() if value.requires_grad)
        network.zero_grad(set_to_none=True)
    with in_words(f"{name} cannot be saved"):
        try_saving(network.trunk, tokenizer, lora=config.lora is not None)


def encode_examples(
    tokenizer: Any, limits: Limits, records: Sequence[Record], config: FitConfig
) -> list[Example]:
    """``records`` as examples, in their order; who judged the same texts share one ``Encoded``.

    Raises BadInput naming a record whose prompt the template refuses.
    """
    examples = []
    shared: dict[tuple[str, tuple[str, ...]], Encoded] = {}
    for record in records:
        key = (record.prompt_key, tuple(record.texts))
        if key not in shared:
            try:
                shared[key] = encode(tokenizer, limits, record.form, record.messages, record.texts)
            except BadInput as error:
                raise BadInput(f"ranking {record.ranking} of task {record.task}: {error}") from error
        encoded = shared[key]
        strength, weight = record.strength or 0.0, _weight(record, config)
        examples.append(Example(encoded, record.pairs, record.ties, strength, weight, record.ranking))
    return examples


def _learnable(record: Record, config: FitConfig) -> bool:
    return usable(record.pairs, record.ties, config.ties) and _weight(record, config) > 0


def _weight(record: Record, config: FitConfig) -> float:
    weights = {weighted.annotator: weighted.weight for weighted in config.annotator_weights}
    return weights.get(record.annotator or "", 1.0)


def _nothing_to_learn(records: Sequence[Record], config: FitConfig) -> str:
    ranked = [record for record in records if record.split == "train" and record.verdict == "ranked"]
    if any(record.ties for record in ranked):
        return (
            f"all {len(ranked)} rankings of the train split are ties, and ties is {config.ties!r}: "
            "collect rankings with an order, or learn from ties (ties: davidson)"
        )
    return (
        f"none of the {len(records)} judgements is a ranking of the train split that orders anything: "
        "collect rankings, or look at the prompts' splits"
    )


def _counts(
    records: Sequence[Record],
    learnt: Sequence[Record],
    train: Sequence[Example],
    validation: Sequence[Example],
) -> dict[str, Any]:
    """What the snapshot holds, and what of it is learnt from (``train``) and read after each epoch (``validation``)."""
    return {
        "verdicts": count_verdicts(records),
        "rankings": len(records),
        "simulated": sum(record.simulated for record in records),
        "by_doubt": sum(record.by_doubt for record in records),
        "train": {
            "rankings": len(train),
            "simulated": sum(record.simulated for record in learnt),
            "prompts": len({record.prompt_key for record in learnt}),
            "pairs": sum(len(example.pairs) for example in train),
            "ties": sum(len(example.ties) for example in train),
            **_cut(train),
        },
        "validation": {"rankings": len(validation), **_cut(validation)},
    }


def _cut(examples: Sequence[Example]) -> dict[str, int]:
    """How many rankings' prompts and completions were too long to be read whole."""
    return {
        "prompts_cut": sum(example.encoded.prompt_cut for example in examples),
        "completions_cut": sum(sum(example.encoded.completions_cut) for example in examples),
    }
