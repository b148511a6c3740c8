"""The demo project as a newcomer finds it: name, guidelines, settings and prompts."""

import random
from pathlib import Path
from typing import Any

from demo.facts import prompt_text
from demo.walks import draw_walk

SLUG = "demo"
NAME = "Village walks"
COMPLETIONS_PER_TASK = 4
ANNOTATORS_PER_TASK = 2
PROMPTS = 200
# Sampled when the project is made, so that ranking begins soon; researchers sample the rest.
FIRST_TASKS = 60
POLICY_FOLDER = Path(__file__).parent / "policy"
# Fields of SampleConfig. The longest of 10,000 notices has 53 tokens; at temperature 1 the policy is sampled as it is.
SAMPLING: dict[str, Any] = {"temperature": 1.0, "max_new_tokens": 64}

# Far from the seeds of demonstrations: no prompt of the project was seen in training (a test compares them).
PROMPT_SEED = 20_000


def guidelines() -> str:
    """What makes one notice better than another, in Markdown."""
    return (Path(__file__).parent / "guidelines.md").read_text(encoding="utf-8")


def prompts(count: int = PROMPTS) -> list[dict[str, Any]]:
    """Lines of the JSONL kind "prompts", all different; intake gives each its split."""
    rng = random.Random(PROMPT_SEED)  # noqa: S311 (repeatable on purpose)
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[prompt_text(draw_walk(rng))] = None
    return [{"prompt": text, "id": f"walk-{number}"} for number, text in enumerate(texts, start=1)]
