"""A tokenizer and a trunk: the part of a language model that turns tokens into hidden states.

A base is a hub name or a folder: of a policy, any causal language model or an encoder such as BERT (a head is left
out), or of a reward model (its ``trunk/`` is taken). No code from a hub and no pickle is ever run. Dropout is off.

Of an encoder transformers' own classifier can be loaded too: its head reads what the encoder was made to be read by.
"""

import inspect
from pathlib import Path
from typing import Any

import torch
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    MODEL_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from lm.devices import autocast
from lm.manifest import check_manifest, check_weights
from lm.rendering import DATE, dated
from runs.folder.errors import BadInput

PAD = "<|pad|>"
TRUNK = "trunk"


def load_tokenizer(base: str, *, date: str = DATE) -> Any:
    """The tokenizer of ``base``, with a pad token that is not EOS; an encoder's separator is its EOS.

    A chat template that writes the time of its rendering writes ``date`` (YYYY-MM-DD) instead. Raises BadInput
    where it has neither.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(place(base), trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise _cannot_load(base, "tokenizer", error) from error
    if tokenizer.eos_token_id is None and tokenizer.sep_token_id is not None:
        tokenizer.eos_token = tokenizer.sep_token  # how a text ends for BERT and its kin
    if tokenizer.eos_token_id is None:
        raise BadInput(f"the tokenizer of {base!r} has no EOS token, so no answer can end: use another base")
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        tokenizer.add_special_tokens({"pad_token": PAD})
    if isinstance(tokenizer.chat_template, str):
        tokenizer.chat_template = dated(tokenizer.chat_template, date)
    return tokenizer


def load_trunk(base: str, *, tokenizer: Any, dtype: torch.dtype = torch.float32) -> Any:
    """The trunk of ``base`` on the CPU, with a row of embeddings for every token of ``tokenizer``.

    Raises BadInput where there is no such base, its files are not those its meta.json lists, or it would
    need pickle or remote code.
    """
    where, config = place(base), _load_config(base)
    try:
        trunk: Any = AutoModel.from_pretrained(
            where,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            **_without_pooler(config),
        )
    except (OSError, ValueError, KeyError) as error:
        raise _cannot_load(base, "trunk", error) from error
    return prepare(trunk, tokenizer)


def is_encoder(base: str) -> bool:
    """Whether ``base`` is an encoder, BERT and its kin, of which transformers has a classifier, as its config says:
    whoever loads it looks at its files. Raises BadInput."""
    config = _read_config(base)
    alone = not getattr(config, "is_encoder_decoder", False) and not getattr(config, "is_decoder", False)
    return (
        alone
        and type(config) in MODEL_FOR_MASKED_LM_MAPPING
        and type(config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    )


def load_classifier(base: str, *, tokenizer: Any, seed: int) -> Any:
    """transformers' own classifier of one label on the encoder ``base``, in float32 on the CPU.

    What ``base`` lacks of its layers (all of them, or the last) has random first weights from ``seed``; the global
    generators are left as they were. Raises BadInput as ``load_trunk`` does.
    """
    where, config = place(base), _load_config(base)
    config.num_labels, config.problem_type = 1, "regression"  # a pipeline then shows the score as it is
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            torch.manual_seed(seed)
            classifier: Any = AutoModelForSequenceClassification.from_pretrained(
                where,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # the last layer of a classifier of several labels
            )
    except (OSError, ValueError, KeyError) as error:
        raise _cannot_load(base, "classifier", error) from error
    return prepare(classifier, tokenizer)


def _load_config(base: str) -> Any:
    """The configuration of ``base``, whose folder has been checked. Raises BadInput."""
    if Path(base).is_dir():
        check_manifest(Path(base))
        check_weights(Path(place(base)))
    return _read_config(base)


def _read_config(base: str) -> Any:
    try:
        return AutoConfig.from_pretrained(place(base), trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise _cannot_load(base, "trunk", error) from error


def make_trunk(config: Any, *, tokenizer: Any, seed: int) -> Any:
    """A trunk with random first weights from ``seed``; the global generators are left as they were."""
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        return prepare(AutoModel.from_config(config, **_without_pooler(config)), tokenizer)


def _without_pooler(config: Any) -> dict[str, Any]:
    """Leave out the layer that some encoders put on top: nobody reads it, and a base may come without it."""
    kind = MODEL_MAPPING.get(type(config), None)
    takes_it = kind is not None and "add_pooling_layer" in inspect.signature(kind.__init__).parameters
    return {"add_pooling_layer": False} if takes_it else {}


def prepare(model: Any, tokenizer: Any) -> Any:
    """Fit ``model``, a trunk or a language model, to ``tokenizer``; turn dropout off, and evaluation on.

    Every token gets a row of weights. The pad token is named everywhere: with pad == EOS, code that finds pads by their
    id leaves EOS out of the loss, and an embedding never learns the row of its ``padding_idx``, so that how an answer
    ends would not be learnt. ``load_tokenizer`` has seen to it that pad is not EOS.
    """
    _make_room(model, len(tokenizer))
    for settings in filter(None, [model.config, getattr(model, "generation_config", None)]):
        settings.pad_token_id = tokenizer.pad_token_id
    model.get_input_embeddings().padding_idx = tokenizer.pad_token_id
    turn_dropout_off(model)
    return model.eval()


def turn_dropout_off(trunk: Any) -> None:
    """Set every dropout to 0, so that training mode changes nothing."""
    for holder in (trunk.config, *trunk.modules()):
        for name, value in list(vars(holder).items()):
            if "drop" in name and isinstance(value, float):
                setattr(holder, name, 0.0)
        if isinstance(holder, torch.nn.Dropout):
            holder.p = 0.0


@torch.no_grad()
def is_causal(trunk: Any) -> bool:
    """Whether no token's state depends on the tokens after it, tried on two texts that differ in the last.

    The first layers of an encoder with small weights hide the difference, and training brings it out; so in float32 on
    the CPU it is looked for to a hundred-thousandth. Elsewhere another last token may change how a mixture's experts
    are multiplied, and with it the rounding of all.
    """
    exact = trunk.device.type == "cpu" and trunk.dtype in (torch.float32, torch.float64)
    tokens = [place % int(trunk.get_input_embeddings().weight.shape[0]) for place in range(5, 40, 7)]
    ids = torch.tensor([tokens, [*tokens[:-1], tokens[0]]], device=trunk.device)
    with autocast(trunk.device):
        states = trunk(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).last_hidden_state
    first, second = states[:, :-1].float()
    return bool((first - second).abs().max() <= (1e-5 if exact else 1e-2) * first.abs().max())


def width(trunk: Any) -> int:
    """The size d of a hidden state."""
    return int(trunk.config.get_text_config().hidden_size)


def context_length(trunk: Any) -> int:
    """The most tokens, prompt and completion together, that the trunk can place."""
    config = trunk.config.get_text_config()
    # RoBERTa and its kin count from the place behind that of padding.
    places = getattr(getattr(trunk, "embeddings", None), "position_embeddings", None)
    before = getattr(places, "padding_idx", None)
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
        value = getattr(config, name, None)
        if value:
            return int(value) - (0 if before is None else before + 1)
    return 2048  # ALiBi trunks state none; their training length is at least this


def place(base: str) -> str:
    """Where the Hugging Face files of ``base`` lie: in ``trunk/`` for a reward model's folder."""
    inner = Path(base) / TRUNK
    return str(inner) if inner.is_dir() else base


@torch.no_grad()
def _make_room(model: Any, size: int) -> None:
    """Grow the embeddings to ``size`` rows, the new ones the mean of the old: likely as an average token."""
    old = model.get_input_embeddings().weight.shape[0]
    if size <= old:
        return
    model.resize_token_embeddings(size, mean_resizing=False)
    for layer in filter(None, [model.get_input_embeddings(), model.get_output_embeddings()]):
        layer.weight[old:] = layer.weight[:old].mean(dim=0)


def _cannot_load(base: str, what: str, error: Exception) -> BadInput:
    return BadInput(
        f"the {what} of the base {base!r} cannot be loaded: a base is a folder or a hub name of a language model "
        f"with safetensors weights and no code of its own. {type(error).__name__}: {error}"
    )
