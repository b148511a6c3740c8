"""What reports quote of a policy that has hardly learnt can be stored: rows hold no NUL."""

from rltrainer.policy.evaluate import _example as compared
from rltrainer.policy.prompts import Prompt
from rltrainer.ppo.report import _Answers
from rltrainer.ppo.report import _example as before_and_after

PROMPT = Prompt("p1", "text", [{"role": "user", "content": "When?"}], "test")


def test_a_comparison_quotes_no_nul() -> None:
    measured = [{"answers": [{"prompt": 0, "text": "At\0 nine."}]}]
    assert compared([PROMPT], measured, 0)["texts"] == ["At� nine."]


def test_a_training_quotes_no_nul() -> None:
    before, after = (
        _Answers([text], [0.5], [0.0], [3], [True], [1.0], [False]) for text in ("\0", "At\0 ten.")
    )
    example = before_and_after(PROMPT, before, after, 0)
    assert (example["before"]["completion"], example["after"]["completion"]) == ("�", "At� ten.")
