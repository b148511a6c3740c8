"""A model's README.md: front matter that model hubs read, and what people want to know."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from huggingface_hub import EvalResult, ModelCardData

from lm.handing_over import ExportConfig
from lm.rendering import ROLES

# A prompt as token ids, in the words of every card (lm.encoding in short).
_PROMPT = '''\
def encode_prompt(prompt):
    """A text, or a list of messages. What a text spells is never a control token."""
    if isinstance(prompt, str):
        return beginning(prompt + "\\n")
    return {chat}


def beginning(text):
    """Token ids without an EOS that the tokenizer adds by itself."""
    ids = tokenizer(text, split_special_tokens=True)["input_ids"]
    return ids[:-1] if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id else ids
'''
_BY_TEMPLATE = (
    "tokenizer.apply_chat_template(\n"
    "        prompt, add_generation_prompt=True, return_dict=False, sanitize_control_tokens=True\n    )"
)
_PLAIN = (
    f"beginning(\n        "
    f'"\\n\\n".join([*({ROLES}[m["role"]] + ": " + m["content"] for m in prompt), "{ROLES["assistant"]}:"])\n    )'
)


class Figure(NamedTuple):
    """One measured number; ``of`` says how much it was measured on. Of another version it is there to compare."""

    name: str
    metric: str
    value: float
    interval: tuple[float, float] | None = None
    of: str = ""
    of_this_version: bool = True


class Measured(NamedTuple):
    """Figures of one task on one set of data; ``revision`` is the data's digest."""

    task: str
    data: str
    split: str
    revision: str | None
    figures: Sequence[Figure]


def front_matter(
    *,
    license: str,
    library: str,
    pipeline: str,
    tags: Sequence[str],
    language: str | None = None,
    base_model: str | None = None,
    name: str | None = None,
    measured: Measured | None = None,
) -> str:
    """The YAML between two lines of dashes, with a model index where something was measured."""
    results = _results(measured) if measured else []
    data = ModelCardData(
        license=license,
        language=language,
        library_name=library,
        pipeline_tag=pipeline,
        tags=list(tags),
        base_model=base_model,
        model_name=name if results else None,
        eval_results=results or None,
    )
    order = ["license", "language", "library_name", "pipeline_tag", "base_model", "tags"]
    return f"---\n{data.to_yaml(original_order=order)}\n---\n"


def _results(measured: Measured) -> list[EvalResult]:
    return [
        EvalResult(
            task_type=measured.task,
            dataset_type="concord",
            dataset_name=measured.data,
            dataset_split=measured.split,
            dataset_revision=measured.revision,
            metric_type=figure.metric,
            metric_name=figure.name,
            metric_value=figure.value,
            metric_args={"interval_95": list(figure.interval)} if figure.interval else None,
        )
        for figure in measured.figures
        if figure.of_this_version
    ]


def table(figures: Sequence[Figure]) -> str:
    """Figures as Markdown."""
    lines = ["| figure | value | 95% interval | of |", "| --- | --- | --- | --- |"]
    for one in figures:
        interval = f"{one.interval[0]:.4g} to {one.interval[1]:.4g}" if one.interval else ""
        lines.append(f"| {one.name} | {one.value:.4g} | {interval} | {one.of} |")
    return "\n".join(lines)


def prompt_snippet(tokenizer: Any) -> str:
    """Python that turns a prompt into the token ids that the model was trained with."""
    return _PROMPT.format(chat=_PLAIN if tokenizer.chat_template is None else _BY_TEMPLATE)


def python(code: str) -> str:
    """A block of code."""
    return f"```python\n{code.strip()}\n```\n"


def digests(named: Mapping[str, str]) -> str:
    """What it was made from, a line each; a place on a disk has no meaning elsewhere, its digest has."""
    return "\n".join(f"- {name}: `{digest}`" for name, digest in sorted(named.items()))


def beside(config: ExportConfig) -> str:
    """Of an adapter, the sentence about its base: a folder of this machine means nothing to whoever reads it."""
    if not config.adapter:
        return ""
    if config.base == config.base_model:
        return f" It stands beside `{config.base}`."
    return (
        " It stands beside the base that `adapter_config.json` names, a folder where it was trained: put there where "
        "yours is."
    )


def simulated_rankings(count: int, rankings: int | None = None) -> str:
    """The sentence about simulated annotators; ``rankings`` is how many its own snapshot holds."""
    if not count:
        return "No ranking behind it is by a simulated annotator."
    among = f" of {rankings:,}" if rankings and count <= rankings else ""
    return f"**{count:,}{among} rankings behind it are by simulated annotators**, not by people."
