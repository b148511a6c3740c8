"""Worlds small enough to be summed out: what is learnt is what should be."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from rltrainer.policy.loading import Policy, prepare_policy
from rltrainer.policy.prompts import Prompt
from rltrainer.ppo.trainer import Training
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.rltrainer.policy.factories import make_model
from tests.rltrainer.ppo.factories import make_learner, make_policy, score_by

PROMPT = Prompt(
    "p", "text", [{"role": "user", "content": "a b"}]
)  # of two tokens: after one, the same token again would look the same to attention
EOS, SIZE, LONGEST = 1, 5, 3


def train(path: Path, policy: Policy, worth: Any, **fields: Any) -> None:
    """A whole training on one prompt by a made-up reward."""
    folder = RunFolder(path)
    folder.make()
    learner = make_learner(policy, missing_eos_penalty=None, **fields)
    Training(folder, StopSignal(), learner, score_by(worth), [PROMPT], "digest").run()


def make_letters() -> Policy:
    """Five tokens: <pad>, <eos>, a, b, c."""
    raw = Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1, "a": 2, "b": 3, "c": 4}))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>")
    model = make_model(vocabulary=SIZE)
    return prepare_policy(
        model, tokenizer, {}, lora=None, seed=0, reference=True, gradient_checkpointing=False
    )


@torch.no_grad()
def first_probabilities(model: Any) -> list[float]:
    ids = torch.tensor([make_policy().tokenizer("a b")["input_ids"]])
    probabilities: list[float] = torch.softmax(model(input_ids=ids).logits[0, -1], dim=-1).tolist()
    return probabilities


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_p18_a_bandit_is_solved(algorithm: str, tmp_path: Path) -> None:
    """One token is worth 1, the others nothing: without a KL the policy says it nearly always."""
    policy = make_policy()
    tokenizer = policy.tokenizer
    cat = tokenizer.convert_tokens_to_ids("cat")
    before = first_probabilities(policy.model)[cat]
    train(
        tmp_path,
        policy,
        lambda text: float(text == "cat"),
        steps=40,
        batch_prompts=1,
        samples=64,
        learning_rate=0.003,
        epochs=1,
        algorithm=algorithm,
        beta=0.0,
        max_new_tokens=1,
    )
    assert before < 0.5
    assert first_probabilities(policy.model)[cat] > 0.95
    assert first_probabilities(policy.frozen)[cat] == before


def every_completion() -> list[tuple[int, ...]]:
    """Each sequence of at most LONGEST tokens that ends in EOS, or has LONGEST tokens: 1 + 4 + 16 * 5 = 85."""
    sequences = (
        ids for length in range(1, LONGEST + 1) for ids in itertools.product(range(SIZE), repeat=length)
    )
    return [ids for ids in sequences if EOS not in ids[:-1] and (ids[-1] == EOS or len(ids) == LONGEST)]


@torch.no_grad()
def distribution(model: Any, completions: list[tuple[int, ...]]) -> list[float]:
    """The probability of each completion of the prompt "a b", token by token, one at a time."""
    found = []
    for ids in completions:
        logits = model(input_ids=torch.tensor([[2, 3, *ids]])).logits[0].double()
        logs = torch.log_softmax(logits[1 : 1 + len(ids)], dim=-1)
        found.append(math.exp(sum(float(logs[place, token]) for place, token in enumerate(ids))))
    return found


def worth(text: str) -> float:
    """A reward of texts over a, b and c that no single token decides."""
    return 1.0 * text.count("a") - 0.5 * text.count("c") + 0.8 * (text.startswith("b"))


def distance(one: list[float], other: list[float]) -> float:
    """Total variation."""
    return 0.5 * sum(abs(p - q) for p, q in zip(one, other, strict=True))


# On the policy's own samples, with GAE that is unbiased and nothing clipped of the values.
EXACT = {
    "lam": 1.0,
    "whiten": False,
    "value_learning_rate": 0.01,
    "value_coefficient": 1.0,
    "value_clip": 10.0,
}


@pytest.mark.long
@pytest.mark.parametrize(
    "fields",
    [
        {"algorithm": "ppo", "steps": 40, "samples": 512, "epochs": 2, **EXACT},
        {"algorithm": "reinforce", "steps": 150, "samples": 256, "epochs": 1, "minibatches": 1},
    ],
    ids=["ppo", "reinforce"],
)
def test_the_policy_reaches_the_kl_regularised_optimum(fields: dict[str, Any], tmp_path: Path) -> None:
    """pi*(y) = pi_ref(y) exp(R(y) / beta) / Z, over all 85 completions."""
    policy, beta = make_letters(), 1.0
    tokenizer, completions = policy.tokenizer, every_completion()
    reference = distribution(policy.model, completions)
    assert len(completions) == 85
    assert sum(reference) == pytest.approx(1.0, abs=1e-5)
    texts = tokenizer.batch_decode(completions, skip_special_tokens=True)
    tilted = [p * math.exp(worth(text) / beta) for p, text in zip(reference, texts, strict=True)]
    optimum = [value / sum(tilted) for value in tilted]
    train(
        tmp_path,
        policy,
        worth,
        beta=beta,
        max_new_tokens=LONGEST,
        batch_prompts=1,
        update_kl_limit=None,
        **fields,
    )
    assert distance(reference, optimum) > 0.3
    assert distance(distribution(policy.model, completions), optimum) < 0.05
    assert distribution(policy.frozen, completions) == reference
