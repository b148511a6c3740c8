"""The policy's README.md: what it is, what it was made from, what it can and cannot do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from demo.demonstrations import SLIPS
from demo.measure import merit
from lm.card import front_matter


class SampledSet(NamedTuple):
    """One prompt, and the notices that the policy wrote for it."""

    prompt: str
    notices: list[str]


@dataclass(frozen=True)
class Figures:
    """What was measured while the policy was built."""

    recipe: dict[str, Any]  # the fields of Recipe
    data_digest: str  # sha256 of demonstrations.jsonl
    meta: dict[str, Any]  # SFT's own meta.json
    parameters: int
    weight_bytes: int
    training_seconds: float
    facts_stated: float  # mean share of a prompt's facts that a notice states rightly
    faultless: float  # share of notices with every fact right, and nothing wrong, invented or said twice
    differing: float  # share of sets whose notices differ in merit
    one_best: float  # share of sets with one notice that has more merit than any other
    sets: Sequence[SampledSet]


def model_card(figures: Figures) -> str:
    """The card, in Markdown, with the front matter that model hubs read."""
    front = front_matter(
        license="apache-2.0",
        language="en",
        library="transformers",
        pipeline="text-generation",
        tags=["concord", "demo", "sft"],
    )
    return front + "\n".join(
        [_TITLE, _what_it_is(figures), _data(figures), _training(figures), _measured(figures), _END]
    )


_TITLE = """
# Concord's demo policy: notices for walks that do not exist
"""

_END = """\
## Use and limits

Made for one purpose: a project that a newcomer can rank at once, with a policy that has much to gain from the
rankings. It knows nothing but this domain: any other prompt gets a walk for an answer, or nonsense. Its notices
are often wrong, because half of its data is and because it is small. The walks are invented; follow none of them.

## Rebuild

`python manage.py build_demo_policy` makes this folder again from the checkout alone, in minutes on two cores.
The same machine, seed and number of threads give the same weights; another kind of CPU gives slightly others.

## Licence

Apache-2.0, the data and the weights like the code.
"""


def _what_it_is(figures: Figures) -> str:
    return f"""\
A Llama of {figures.parameters:,} parameters ({figures.weight_bytes / 1e6:.1f} MB in safetensors) with a byte-level BPE
tokenizer of its own, trained from scratch. A prompt lists four to six facts of a walk; the policy answers
with a notice of one to three sentences, and often gets a fact wrong, leaves one out or invents one: that is what
there is to rank.
"""


def _data(figures: Figures) -> str:
    recipe = figures.recipe
    return f"""\
## Data

{recipe["demonstrations"]:,} demonstrations from `demo/demonstrations.py`, seed {recipe["seed"]}, the last
{recipe["held_out"]:,} held out. All of it comes from the word lists and the grammar in that package, which were written
for it: no text of other people, no data from people. As a crowd would, half of the notices slip:
{_slips()}.

sha256 of `demonstrations.jsonl`: `{figures.data_digest}`.
"""


def _slips() -> str:
    return ", ".join(f"{slip.weight}% {name}" for name, slip in SLIPS.items() if name != "none")


def _training(figures: Figures) -> str:
    config, metrics = figures.meta["config"], figures.meta["metrics"]
    losses = ", ".join(f"{loss:.3f}" for loss in metrics["held_out_loss"])
    return f"""\
## Training

`python -m rltrainer.policy sft`: {config["epochs"]} epochs, {metrics["steps"]:,} steps of {config["batch_tokens"]:,}
tokens, AdamW, learning rate {config["learning_rate"]:g} with warm-up and cosine, weight decay
{config["weight_decay"]:g}, width {config["hidden"]}, {config["layers"]} layers, {config["heads"]} heads, float32,
threads: {config["threads"]}, {figures.training_seconds / 60:.1f} minutes. Held-out loss after each epoch, in nats a
token: {losses}. All fields are in `meta.json`.
"""


def _measured(figures: Figures) -> str:
    sampling = ", ".join(f"{name} {value}" for name, value in figures.recipe["sampling"].items())
    examples = "\n".join(_example(sample) for sample in figures.sets[:3])
    return f"""\
## Measured

{len(figures.sets[0].notices)} notices each for {len(figures.sets)} prompts of the demo project, none of them trained
on ({sampling}):

- {figures.facts_stated:.0%} of the facts are stated rightly, by the measure in `demo/measure.py`;
- {figures.faultless:.0%} of the notices are faultless: every fact right, none invented or said twice;
- in {figures.differing:.0%} of the sets the notices differ in merit (facts right, less those wrong, invented or said
  twice), and in {figures.one_best:.0%} one has more than any other.

The first three sets, best first:

{examples}"""


def _example(sample: SampledSet) -> str:
    notices = sorted(sample.notices, key=lambda notice: -merit(sample.prompt, notice))
    quoted = [f"> {line}" for line in sample.prompt.splitlines()]
    return "\n".join([*quoted, "", *(f"{place}. {notice}" for place, notice in enumerate(notices, 1)), ""])
