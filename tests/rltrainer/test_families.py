"""Each family of language models does what a base is asked for, or is refused as it is loaded, in words."""

import re
from typing import Any

import pytest

from benchmarks.families import FAMILIES, PAGE, USES, Family, tried
from lm.training import Frame
from rltrainer.policy import sample

POLICY = ("SFT", "SFT with LoRA", "sampling", "PPO")
ENCODER = "cannot be a policy: it reads the words after a word too. It can be the base of a reward model"
EXPORT = "export of the fit"
# A base that is fitted already: what is refused is another form of the reward model.
AFTER_A_FIT = {EXPORT}
REFUSED: dict[str, dict[str, str]] = {
    "Mamba 2 (no attention)": {
        **dict.fromkeys(POLICY, "Mamba2ForCausalLM cannot be sampled"),
        "SFT with LoRA": "LoRA cannot learn beside Mamba2ForCausalLM",
        "fit with LoRA": "LoRA cannot learn beside Mamba2Model",
        EXPORT: "transformers has no sequence classifier for Mamba2Model",
    },
    "Granite": {EXPORT: "transformers has no sequence classifier for GraniteModel"},
    "BERT (encoder)": dict.fromkeys(POLICY, f"BertLMHeadModel {ENCODER}"),
    "RoBERTa (encoder)": dict.fromkeys(POLICY, f"RobertaForCausalLM {ENCODER}"),
}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What of a run has begun behind the loading of its base: the steps of a training, or the answers to prompts."""
    names: list[str] = []
    run, answer = Frame.run, sample.answer

    def run_frame(frame: Frame) -> None:
        names.append(type(frame.training).__name__)
        run(frame)

    def answer_prompts(*arguments: Any) -> None:
        names.append("answers")
        answer(*arguments)

    monkeypatch.setattr(Frame, "run", run_frame)
    monkeypatch.setattr(sample, "answer", answer_prompts)
    return names


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_does_what_is_asked_or_says_why_not_before_its_first_step(
    family: Family, begun: list[str]
) -> None:
    """What is trained is saved, loaded, and sampled or scored. Any other error than a refusal fails here."""
    reasons, has_begun = {}, {}
    for use, reason in tried(family):
        reasons[use], has_begun[use] = reason, bool(begun)
        begun.clear()
    expected = REFUSED.get(family.name, {})
    assert {use for use, reason in reasons.items() if reason} == set(expected)
    for use, reason in expected.items():
        assert re.match(re.escape(reason), reasons[use])
    assert has_begun == {use: use not in expected or use in AFTER_A_FIT for use in USES}


def test_the_page_says_what_is_refused_and_why() -> None:
    """docs/bases.md, as benchmarks.families writes it: with the test above, what each family does today."""
    table, _, reasons = PAGE.read_text(encoding="utf-8").partition("| --- |")[2].partition("\n\n")
    numbered = dict(re.findall(r"^(\d+)\. (.*)$", reasons, re.MULTILINE))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    assert [name for name, *_ in rows] == [family.name for family in FAMILIES]
    for name, *cells in rows:
        expected = REFUSED.get(name, {})
        for use, cell in zip(USES, cells, strict=True):
            number = cell.removeprefix("no (").removesuffix(")")
            reason = "" if cell == "yes" else numbered[number]
            assert reason.startswith(expected.get(use, "")), (name, use)
            assert bool(reason) == (use in expected), (name, use)
