"""What small networks of each family of language models can do as bases: the table in docs/bases.md.

    python -m benchmarks.families [NAME ...]     print the table; --write puts it into docs/bases.md; --device cuda
    python -m benchmarks.families FOLDER ...     the same of bases that are there

Each is made with random weights, saved as a hub would give it, and asked for everything a base is asked for; what is
trained is saved, loaded and sampled. Where a base is refused, the table has the reason that is given.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM

from lm.scratch import make_tokenizer
from rewardmodel.bradley_terry import commands, handing_over
from rewardmodel.bradley_terry.artifact import load_reward_model
from rltrainer.policy import sample, sft
from rltrainer.ppo import train
from runs.folder.errors import BadInput
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.rewardmodel.pure.factories import TEXTS, make_fit, make_lines
from tests.rltrainer.policy.factories import make_prompts, make_sft_folder
from tests.rltrainer.ppo.factories import make_run

PAGE = Path("docs/bases.md")
LORA = {"rank": 4, "alpha": 8}
SIZES: dict[str, Any] = {
    "vocab_size": 320,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": 1,
}
KEYS = {"num_key_value_heads": 2}
HEAD = {**KEYS, "head_dim": 8}
EXPERTS = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16}
LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "shared_expert_intermediate_size": 16,
}
STATES = {"num_heads": 8, "head_dim": 8, "n_groups": 1, "state_size": 8, "chunk_size": 16}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 8,
}
IMAGES = {"text_config": {**SIZES, **HEAD}, "vision_config": VISION, "mm_tokens_per_image": 4}


@dataclass(frozen=True)
class Family:
    """A small network, by the name of its configuration in transformers and what differs from SIZES."""

    name: str
    config: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    encoder: bool = False

    def make(self, folder: Path) -> str:
        """A base with random weights; returns its place."""
        tokenizer = make_tokenizer(TEXTS, vocab_size=300)
        settings = self.settings if "text_config" in self.settings else {**SIZES, **self.settings}
        config = getattr(transformers, self.config)(**settings)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model: Any = (AutoModel if self.encoder else AutoModelForCausalLM).from_config(config)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return str(folder)


@dataclass(frozen=True)
class OwnBase:
    """A base in a folder."""

    name: str

    def make(self, folder: Path) -> str:
        """Its place."""
        del folder
        return self.name


FAMILIES = [
    Family("Llama", "LlamaConfig", KEYS),
    Family("Qwen2", "Qwen2Config", KEYS),
    Family("Qwen3", "Qwen3Config", HEAD),
    Family("Mistral", "MistralConfig", HEAD),
    Family("Gemma 2", "Gemma2Config", HEAD),
    Family("Gemma 3", "Gemma3TextConfig", HEAD),
    Family("Gemma 3 with images", "Gemma3Config", IMAGES),
    Family("GPT-NeoX", "GPTNeoXConfig"),
    Family("GPT-2", "GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}),
    Family("OPT", "OPTConfig", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    Family("BLOOM", "BloomConfig", {"n_layer": 2, "n_head": 4}),
    Family("Phi-3", "Phi3Config", KEYS),
    Family("OLMo 2", "Olmo2Config", KEYS),
    Family("Granite", "GraniteConfig", KEYS),
    Family("Mixtral (experts)", "MixtralConfig", {**KEYS, "num_local_experts": 2}),
    Family("Qwen3 MoE (experts)", "Qwen3MoeConfig", {**HEAD, **EXPERTS}),
    Family("Qwen3-Next (experts, linear attention)", "Qwen3NextConfig", {**HEAD, **EXPERTS, **LINEAR}),
    Family("Mamba 2 (no attention)", "Mamba2Config", STATES),
    Family("BERT (encoder)", "BertConfig", encoder=True),
    Family("RoBERTa (encoder)", "RobertaConfig", encoder=True),
]


def try_sft(base: str, path: Path, device: str, **config: Any) -> None:
    """Two steps, then samples of what was saved."""
    folder = make_sft_folder(path / "sft", base=base, epochs=1, batch_tokens=4096, device=device, **config)
    sft.main(folder, StopSignal())
    try_sampling(str(folder.output), path, device)


def try_sampling(base: str, path: Path, device: str) -> None:
    """Two prompts."""
    folder = RunFolder(path / "sample")
    folder.make()
    make_prompts(folder.inputs / "prompts.jsonl", 2)
    folder.write_config({"base": base, "completions": 2, "max_new_tokens": 6, "threads": 1, "device": device})
    sample.main(folder, StopSignal())


def try_fit(base: str, path: Path, device: str, **config: Any) -> None:
    """A fit, and the loading of what was saved."""
    folder = make_fit(
        path / "fit", make_lines(30), base=base, epochs=1, batch_rankings=32, device=device, **config
    )
    commands.fit(folder, StopSignal())
    load_reward_model(folder.output, torch.device(device))


def try_export(base: str, path: Path, device: str) -> None:
    """A fit, and its reward model as transformers' classifier."""
    folder, output = RunFolder(path / "export"), path / "exported"
    try_fit(base, path, device)
    folder.make()
    output.mkdir()
    folder.write_config({"model": str(path / "fit" / "output"), "output": str(output), "title": "Tried"})
    handing_over.main(folder, StopSignal())


def try_ppo(base: str, path: Path, device: str) -> None:
    """One rollout and its update."""
    folder = make_run(path / "ppo", steps=1, policy=base, held_out_prompts=1, max_new_tokens=4, device=device)
    train.main(folder, StopSignal())


USES: Mapping[str, Callable[[str, Path, str], None]] = {
    "SFT": try_sft,
    "SFT with LoRA": lambda base, path, device: try_sft(base, path, device, lora=LORA),
    "sampling": try_sampling,
    "PPO": try_ppo,
    "fit": try_fit,
    "fit with LoRA": lambda base, path, device: try_fit(base, path, device, lora=LORA),
    "export of the fit": try_export,
}


def tried(family: Family | OwnBase, device: str = "cpu") -> Iterator[tuple[str, str]]:
    """Each use with the reason why it is refused, empty where it is not."""
    with tempfile.TemporaryDirectory() as place:
        base = family.make(Path(place) / "base")
        for use, attempt in USES.items():
            path = Path(place) / use.replace(" ", "-")
            try:
                attempt(base, path, device)
            except BadInput as refused:
                yield use, str(refused).replace(place, "...")
            else:
                yield use, ""


def table(families: Sequence[Family | OwnBase], device: str) -> str:
    """Markdown: a row a family, then the reasons of what is refused."""
    lines = [f"| family | {' | '.join(USES)} |", "| --- |" + " --- |" * len(USES)]
    reasons: dict[str, int] = {}
    for family in families:
        cells = []
        for _, reason in tried(family, device):
            number = reasons.setdefault(reason, len(reasons) + 1) if reason else 0
            cells.append(f"no ({number})" if number else "yes")
        lines.append(f"| {family.name} | {' | '.join(cells)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join([*lines, "", *(f"{number}. {reason}" for reason, number in reasons.items())]) + "\n"


def main() -> int:
    """Print the table, or put it into its page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.families")
    parser.add_argument("names", nargs="*", help="families, or folders of bases; all families without")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE}")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options = parser.parse_args()
    named = {family.name: family for family in FAMILIES}
    if unknown := [name for name in options.names if name not in named and not Path(name).is_dir()]:
        parser.error(f"{', '.join(unknown)}: neither a folder nor one of {', '.join(named)}")
    text = table([named.get(name, OwnBase(name)) for name in options.names] or FAMILIES, options.device)
    if options.write:
        before, mark, _ = PAGE.read_text(encoding="utf-8").partition("<!-- made by benchmarks.families -->\n")
        PAGE.write_text(before + mark + text, encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
