"""A policy that goes out is loaded by transformers and peft alone, and says what it said."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm.encoding import encode_prompt
from rltrainer.policy import handing_over, sft
from rltrainer.policy.loading import load_policy
from rltrainer.ppo import train
from runs.folder.errors import BadInput
from runs.folder.files import folder_manifest, read_json
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.lm.cards import read_card, run_snippet
from tests.rltrainer.policy.factories import make_folder, make_model, make_sft_folder, make_tokenizer
from tests.rltrainer.ppo.factories import make_run
from tests.trl_arguments import ONE_STEP

pytestmark = pytest.mark.long  # they train

CPU = torch.device("cpu")
ASK = [{"role": "user", "content": "Where is the cat?"}]
IDS = torch.tensor([[5, 9, 4, 11, 3, 7], [3, 3, 8, 12, 10, 6]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1]])


def export(tmp_path: Path, model: Path, **config: Any) -> Path:
    folder, output = RunFolder(tmp_path / "export"), tmp_path / "out"
    folder.make()
    output.mkdir(parents=True)
    folder.write_config({"model": str(model), "output": str(output), "title": "Ours", "threads": 1, **config})
    handing_over.main(folder, StopSignal())
    return output


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def of_folder(folder: Path) -> str:
    """As the documentation says it: over the sorted pairs of a file's path and its bytes' digest, as JSON."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pairs = sorted([path.relative_to(folder).as_posix(), sha256(path.read_bytes())] for path in files)
    return sha256(json.dumps(pairs).encode())


def digests_of(text: str) -> dict[str, str]:
    """What the card says a policy was made from."""
    (data,) = re.findall(r"## Data\n(.*?)\n## ", text, re.S)
    return dict(re.findall(r"^- (.+): `([0-9a-f]{64})`$", data, re.M))


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    real_logits: torch.Tensor = model.eval()(input_ids=IDS, attention_mask=MASK).logits[MASK.bool()]
    return real_logits


def trainer_of(model: Any, folder: Path, tmp_path: Path) -> Any:
    """TRL's SFTTrainer on a model, or on the folder that it then loads itself."""
    datasets, trl = pytest.importorskip("datasets"), pytest.importorskip("trl")
    arguments = trl.SFTConfig(output_dir=str(tmp_path / "trained"), **ONE_STEP)
    data = datasets.Dataset.from_list(
        [{"prompt": ASK, "completion": [{"role": "assistant", "content": "Here."}]}]
    )
    return trl.SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=data,
        processing_class=AutoTokenizer.from_pretrained(folder),
    )


def test_logits_tokens_and_greedy_answers_are_the_policys(tmp_path: Path) -> None:
    trained = make_sft_folder(tmp_path / "sft")
    sft.main(trained, StopSignal())
    output = export(tmp_path, trained.output, license="apache-2.0", base_model="hub/base")
    policy = load_policy(str(trained.output), lora=None, device=CPU, reference=False)
    again = AutoModelForCausalLM.from_pretrained(output)
    torch.testing.assert_close(logits(again), logits(policy.model), rtol=1e-5, atol=1e-5)
    assert again.generation_config.eos_token_id == policy.tokenizer.eos_token_id
    names = run_snippet(output)
    for form, prompt in (("text", "Where is the cat?"), ("chat", ASK)):
        ids = encode_prompt(policy.tokenizer, form, ASK)
        assert names["encode_prompt"](prompt) == ids
        written = policy.model.generate(
            input_ids=torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=20,
        )
        expected = policy.tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True)
        assert names["answer"](prompt, do_sample=False, max_new_tokens=20) == expected
    card = read_card(output)
    report = read_json(trained.output / "report.json")
    (figure,) = card.data.eval_results or []
    assert (figure.metric_type, figure.metric_value) == ("perplexity", report["perplexity"])
    assert (card.data.license, card.data.base_model, card.data.pipeline_tag) == (
        "apache-2.0",
        "hub/base",
        "text-generation",
    )
    assert {"concord", "sft"} <= set(card.data.tags or [])
    demonstrations = sha256((trained.inputs / "demonstrations.jsonl").read_bytes())
    assert digests_of(card.text) == {"demonstrations.jsonl": demonstrations}
    assert figure.dataset_revision == demonstrations
    assert read_json(output / "concord.json")["inputs"] == {"demonstrations.jsonl": demonstrations}
    trainer = trainer_of(str(output), output, tmp_path)
    torch.testing.assert_close(logits(trainer.model), logits(policy.model), rtol=1e-5, atol=1e-5)
    assert trainer.train().training_loss > 0
    assert float((logits(trainer.model) - logits(policy.model)).abs().max()) > 1e-3, "it has trained nothing"
    assert str(tmp_path) not in card.content


def test_it_is_a_policy_again_where_it_is_registered(tmp_path: Path) -> None:
    trained = make_sft_folder(tmp_path / "sft")
    sft.main(trained, StopSignal())
    output = export(tmp_path, trained.output)
    again = load_policy(str(output), lora=None, device=CPU, reference=False)
    ours = load_policy(str(trained.output), lora=None, device=CPU, reference=False)
    torch.testing.assert_close(logits(again.model), logits(ours.model), rtol=0, atol=0)
    for form in ("text", "chat"):
        assert encode_prompt(again.tokenizer, form, ASK) == encode_prompt(ours.tokenizer, form, ASK)


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft asks for it
def test_what_lora_learnt_by_ppo_goes_out_beside_the_policy_that_it_started_from(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", steps=3, learning_rate=0.05, lora={"rank": 2, "alpha": 4})
    train.main(run, StopSignal())
    base = str(run.path / "policy")
    whole = export(tmp_path / "whole", run.output)
    output = export(tmp_path / "beside", run.output, adapter=True, base=base, simulated=12)
    expected = logits(load_policy(str(run.output), lora=None, device=CPU, reference=False).model)
    before = logits(load_policy(base, lora=None, device=CPU, reference=False).model)
    assert float((expected - before).abs().max()) > 1e-2, "it has learnt nothing"
    for again in (
        AutoModelForCausalLM.from_pretrained(whole),
        AutoPeftModelForCausalLM.from_pretrained(output),
    ):
        torch.testing.assert_close(logits(again), expected, rtol=1e-5, atol=1e-5)
    trainer = trainer_of(
        AutoPeftModelForCausalLM.from_pretrained(output, is_trainable=True), output, tmp_path
    )
    torch.testing.assert_close(logits(trainer.model), expected, rtol=1e-5, atol=1e-5)
    assert trainer.train().training_loss > 0
    assert float((logits(trainer.model) - expected).abs().max()) > 1e-3, "it has trained nothing"
    with trainer.model.disable_adapter():
        torch.testing.assert_close(logits(trainer.model), before, rtol=1e-5, atol=1e-5)
    assert not (output / "model.safetensors").exists()
    assert json.loads((output / "adapter_config.json").read_text())["base_model_name_or_path"] == base
    assert run_snippet(output)["answer"]("the cat sat", do_sample=False, max_new_tokens=4)
    card = read_card(output)
    assert card.data.library_name == "peft"
    report = read_json(run.output / "report.json")
    figures = {one.metric_type: one.metric_value for one in card.data.eval_results or []}
    assert (figures["reward"], figures["kl"]) == (report["after"]["reward"], report["after"]["kl"])
    assert f"| reward before | {report['before']['reward']:.4g} |" in card.text
    assert "**12 rankings behind it are by simulated annotators**" in card.text
    prompts = sha256((run.inputs / "prompts.jsonl").read_bytes())
    assert digests_of(card.text) == {
        "prompts.jsonl": prompts,
        "base": of_folder(Path(base)),
        "reward_model": of_folder(run.path / "reward_model"),
    }
    assert {one.dataset_revision for one in card.data.eval_results or []} == {prompts}


def test_a_base_in_bfloat16_stays_in_it_and_keeps_its_own_template(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    make_model().to(torch.bfloat16).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    output = export(tmp_path, tmp_path / "base")
    assert AutoModelForCausalLM.from_pretrained(output).dtype == torch.bfloat16
    assert AutoTokenizer.from_pretrained(output).chat_template == tokenizer.chat_template
    assert "Nothing was measured" in read_card(output).text


def test_an_attempt_after_one_that_was_killed_writes_the_same_folder(tmp_path: Path) -> None:
    """Below the run's own folder, which is where its worker has it written."""
    folder = RunFolder(tmp_path / "run")
    folder.make()
    base = make_folder(tmp_path / "base")
    folder.write_config({"model": str(base), "output": "output/ours", "title": "Ours", "threads": 1})
    handing_over.main(folder, StopSignal())
    whole = folder_manifest(folder.output / "ours")
    for name in list(whole)[::2]:
        (folder.output / "ours" / name).write_text("half of i")
    handing_over.main(folder, StopSignal())
    assert folder_manifest(folder.output / "ours") == whole


def test_what_cannot_be_loaded_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be loaded"):
        export(tmp_path, tmp_path / "nowhere")
