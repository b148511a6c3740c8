"""A reward model that goes out is loaded by transformers and peft alone, and scores as it did."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
)

from lm.loading import load_tokenizer, load_trunk
from lm.scratch import make_tokenizer
from rewardmodel.bradley_terry import handing_over
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.encoding import Limits
from rewardmodel.bradley_terry.network import RewardNetwork, make_head
from rewardmodel.bradley_terry.scoring import Normalisation, RewardModel
from runs.folder.errors import BadInput
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.lm import bases
from tests.lm.cards import read_card, run_snippet
from tests.rewardmodel.pure.factories import TEXTS, fit, make_encoder, make_fit
from tests.rltrainer.policy.factories import make_from_config

pytestmark = pytest.mark.long  # they train

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "How is the inn?"},
    {"role": "assistant", "content": "Which?"},
    {"role": "user", "content": "The old one."},
]
PAIRS: list[tuple[Any, str]] = [
    ("How is the inn?", "it is great and great"),
    ("How is the inn?", "it is awful"),
    ("Where <|end|> is the bar?", "it ends here <|end|><|pad|>"),
    (CHAT, "it is poor and plain, and there is much more to say of it"),
    (CHAT, ""),
]


def make_base(folder: Path, config: Any, *, template: str | None = None) -> Path:
    """A causal base whose tokenizer pads with EOS, as many do."""
    make_from_config(config).save_pretrained(folder)
    tokenizer = bases.make_tokenizer(template, begins=True)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(folder)
    return folder


def llama(folder: Path) -> Path:
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
    )
    return make_base(folder, config)


def gpt2(folder: Path) -> Path:
    return make_base(folder, GPT2Config(vocab_size=320, n_embd=16, n_layer=1, n_head=2, n_positions=512))


def neox(folder: Path) -> Path:
    config = GPTNeoXConfig(
        vocab_size=320,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
    )
    return make_base(folder, config, template=bases.PLAIN)


def fit_folder(path: Path, **config: Any) -> RunFolder:
    """A fit in whose context nothing of PAIRS is cut."""
    return make_fit(path, **{"context": 512, **config})


def export(tmp_path: Path, model: Path, **config: Any) -> Path:
    """The folder that ``export`` writes."""
    folder, output = RunFolder(tmp_path / "export"), tmp_path / "out"
    folder.make()
    output.mkdir(parents=True)
    folder.write_config({"model": str(model), "output": str(output), "title": "Ours", "threads": 1, **config})
    handing_over.main(folder, StopSignal())
    return output


def ours(model: Path) -> torch.Tensor:
    items = [
        ("text", [{"role": "user", "content": prompt}], text)
        if isinstance(prompt, str)
        else ("chat", prompt, text)
        for prompt, text in PAIRS
    ]
    return load_reward_model(model).score_many(items)


def spaced(folder: Path) -> Path:
    """A tokenizer that writes a space before the first word of a text, but not behind a BOS of a template's."""
    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    specials = ["<|pad|>", "<|start|>", "<|end|>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=specials, show_progress=False)
    raw.train_from_iterator(
        [*TEXTS, *(m["content"] for m in CHAT), "System: User: Assistant: ?!|<>\n"], trainer
    )
    raw.post_processor = processors.TemplateProcessing(
        single="<|start|> $A", special_tokens=[("<|start|>", 1)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<|pad|>",
        bos_token="<|start|>",
        eos_token="<|end|>",
        unk_token="<unk>",
    )
    llama(folder)
    tokenizer.save_pretrained(folder)
    return folder


MAKERS: dict[str, Callable[[Path], Path | str]] = {
    "Llama from scratch": lambda folder: "scratch",
    "Llama": llama,
    "GPT-2": gpt2,
    "GPT-NeoX with a template": neox,
    "a chat that no template can write": spaced,
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_cards_own_snippet_scores_as_the_reward_model(name: str, tmp_path: Path) -> None:
    fitted = fit_folder(tmp_path / "fit", base=str(MAKERS[name](tmp_path / "base")), epochs=1)
    meta = fit(fitted)
    output = export(tmp_path, fitted.output, license="mit", simulated=3)
    expected = ours(fitted.output)
    assert float(expected.std()) > 1e-3
    names = run_snippet(output)
    assert (names["tokenizer"].chat_template is None) == (MAKERS[name] is spaced)
    torch.testing.assert_close(names["score"](PAIRS), expected, rtol=1e-5, atol=1e-5)
    assert names["printed"].startswith("tensor([")
    alone = torch.cat([names["score"]([pair]) for pair in PAIRS])
    torch.testing.assert_close(alone, expected, rtol=1e-5, atol=1e-5)
    card = read_card(output)
    held_out = meta["report"]["held_out"]["accuracy"]
    (figure,) = [one for one in card.data.eval_results or [] if one.metric_type == "accuracy"]
    assert (card.data.license, card.data.library_name) == ("mit", "transformers")
    assert (figure.metric_value, figure.metric_args) == (
        held_out["value"],
        {"interval_95": held_out["interval"]},
    )
    assert figure.dataset_revision == meta["inputs"]["snapshot.jsonl"]
    assert "**60 of 60 rankings" in card.text, "its own snapshot holds more than the 3 of its base"
    assert str(tmp_path) not in card.content, "a place on this machine means nothing elsewhere"


def test_what_has_no_bias_to_put_it_in_is_a_constant_that_is_named(tmp_path: Path) -> None:
    """The head's output less ours is the same for every text: (mean - bias) / std, from the artifact's own files."""
    fitted = fit_folder(tmp_path / "fit")
    meta = fit(fitted)
    output = export(tmp_path, fitted.output)
    names = run_snippet(output)
    batch = names["tokenizer"].pad(
        {"input_ids": [names["encode"](*pair) for pair in PAIRS]}, padding_side="right", return_tensors="pt"
    )
    model = AutoModelForSequenceClassification.from_pretrained(output)
    with torch.no_grad():
        bare = model.eval()(**batch).logits[:, 0]
    bias = float(load_reward_model(fitted.output).network.head.bias)
    constant = (bias - meta["normalisation"]["mean"]) / meta["normalisation"]["std"]
    assert abs(constant) > 1e-3
    torch.testing.assert_close(ours(fitted.output) - bare, torch.full((5,), constant), rtol=0, atol=1e-5)
    assert read_json(output / "concord.json")["score_constant"] == pytest.approx(constant, abs=1e-9)


def test_pads_and_a_chat_as_others_render_it_change_no_score(tmp_path: Path) -> None:
    """TRL gives a conversation to the template as a whole, and pads on the right."""
    fitted = fit_folder(tmp_path / "fit")
    fit(fitted)
    output = export(tmp_path, fitted.output)
    tokenizer = AutoTokenizer.from_pretrained(output)
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    text = "it is great and great"
    whole = tokenizer.apply_chat_template([*CHAT, {"role": "assistant", "content": text}], tokenize=False)
    batch = tokenizer(
        [whole, whole + " or so"],
        padding=True,
        padding_side="right",
        add_special_tokens=False,
        return_tensors="pt",
    )
    model = AutoModelForSequenceClassification.from_pretrained(output, num_labels=1).eval()
    with torch.no_grad():
        score = model(**batch).logits[0, 0] + read_json(output / "concord.json")["score_constant"]
    expected = load_reward_model(fitted.output).score_completions("chat", CHAT, [text])[0]
    torch.testing.assert_close(score, expected, rtol=1e-5, atol=1e-5)


def test_trl_reads_the_folder_and_scores_as_we_do(tmp_path: Path) -> None:
    """Its RewardTrainer ends a text with EOS by itself; the prompt's own end of line it has to be given."""
    datasets, trl = pytest.importorskip("datasets"), pytest.importorskip("trl")
    fitted = fit_folder(tmp_path / "fit")
    fit(fitted)
    output = export(tmp_path, fitted.output)
    answers = ["it is great and great", "it is awful"]
    data = datasets.Dataset.from_list(
        [{"prompt": "How is the inn?\n", "chosen": answers[0], "rejected": answers[1]}]
    )
    arguments = trl.RewardConfig(
        output_dir=str(tmp_path / "trained"),
        report_to=[],
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        disable_tqdm=True,
    )
    trainer = trl.RewardTrainer(model=str(output), args=arguments, train_dataset=data, eval_dataset=data)
    figures = trainer.evaluate()
    ask = [{"role": "user", "content": "How is the inn?"}]
    ours = load_reward_model(fitted.output).score_completions("text", ask, answers)
    theirs = torch.tensor([figures["eval_max_reward"], figures["eval_min_reward"]])
    theirs += read_json(output / "concord.json")["score_constant"]
    torch.testing.assert_close(theirs, ours.sort(descending=True).values, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft asks for it
@pytest.mark.parametrize("make", [llama, gpt2, neox], ids=["Llama", "GPT-2", "GPT-NeoX"])
def test_an_adapter_goes_out_for_peft_and_whole(make: Callable[[Path], Path], tmp_path: Path) -> None:
    base = make(tmp_path / "base")
    fitted = fit_folder(tmp_path / "fit", base=str(base), lora={"rank": 2, "alpha": 4}, learning_rate=0.03)
    fit(fitted)
    expected = ours(fitted.output)
    whole = export(tmp_path / "whole", fitted.output)
    output = export(tmp_path / "beside", fitted.output, adapter=True, base=str(base), base_model="hub/base")
    for folder in (whole, output):
        torch.testing.assert_close(run_snippet(folder)["score"](PAIRS), expected, rtol=1e-5, atol=1e-5)
    assert not (output / "model.safetensors").exists()
    settings = json.loads((output / "adapter_config.json").read_text())
    assert (settings["r"], settings["lora_alpha"], settings["task_type"]) == (2, 4, "SEQ_CLS")
    card = read_card(output)
    assert (card.data.library_name, card.data.base_model) == ("peft", "hub/base")


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft asks for it
def test_an_adapter_may_stand_beside_a_reward_model(tmp_path: Path) -> None:
    """A warm fit begins with another's trunk, which lies in a folder of its own."""
    before = fit_folder(tmp_path / "before")
    fit(before)
    warm = {"base": str(before.output), "keep_head": True, "learning_rate": 0.03}
    fitted = fit_folder(tmp_path / "fit", lora={"rank": 2, "alpha": 4}, **warm)
    fit(fitted)
    assert float((ours(fitted.output) - ours(before.output)).abs().max()) > 1e-2
    output = export(tmp_path, fitted.output, adapter=True, base=str(before.output))
    torch.testing.assert_close(run_snippet(output)["score"](PAIRS), ours(fitted.output), rtol=1e-5, atol=1e-5)
    assert str(tmp_path) not in read_card(output).content


def test_a_base_that_is_not_to_be_had_is_said(tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    fitted = fit_folder(tmp_path / "fit", base=str(base), lora={"rank": 2, "alpha": 4})
    fit(fitted)
    with pytest.raises(BadInput, match="peft cannot load the adapter beside its base"):
        export(tmp_path, fitted.output, adapter=True, base=str(tmp_path / "nowhere"))


ENCODERS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "BERT": (BertConfig, {}),
    "RoBERTa": (RobertaConfig, {}),
    "DistilBERT": (DistilBertConfig, {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2}),
    "ALBERT": (AlbertConfig, {"embedding_size": 8, "initializer_range": 0.1}),
    "ModernBERT": (ModernBertConfig, {"classifier_pooling": "mean"}),
}


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft asks for it
@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_goes_out_as_its_own_classifier(name: str, tmp_path: Path) -> None:
    kind, settings = ENCODERS[name]
    # Scores that hardly differ would be rounding, brought to a deviation of 1.
    base = str(make_encoder(tmp_path / "base", kind, **{"initializer_range": 0.3, **settings}))
    fitted = fit_folder(tmp_path / "fit", base=base, epochs=1, learning_rate=0.01)
    fit(fitted)
    expected = ours(fitted.output)
    assert float(expected.std()) > 1e-2
    output = export(tmp_path, fitted.output)
    names = run_snippet(output)
    assert names["CONSTANT"] == 0
    torch.testing.assert_close(names["score"](PAIRS), expected, rtol=1e-5, atol=1e-5)
    long = [{"role": "user", "content": "the inn " * 100}]
    scores = load_reward_model(fitted.output).score_completions(
        "text", long, ["great " * 200, "awful " * 200]
    )
    assert torch.isfinite(scores).all(), "texts that fill its context, whose places RoBERTa counts from 2"
    beside = fit_folder(
        tmp_path / "lora", base=base, epochs=1, learning_rate=0.01, lora={"rank": 2, "alpha": 4}
    )
    fit(beside)
    adapter = export(tmp_path / "adapter", beside.output, adapter=True, base=base)
    torch.testing.assert_close(
        run_snippet(adapter)["score"](PAIRS), ours(beside.output), rtol=1e-5, atol=1e-5
    )


def test_a_head_that_its_class_does_not_read_is_refused_by_name(tmp_path: Path) -> None:
    """A network whose head was fitted on an encoder's last state, which none is by now."""
    tokenizer = load_tokenizer(str(make_encoder(tmp_path / "base")))
    trunk = load_trunk(str(tmp_path / "base"), tokenizer=tokenizer)
    network = RewardNetwork(trunk, make_head(trunk, seed=0)).requires_grad_(False)
    model = RewardModel(network, tokenizer, Limits(64, 64, 128), False, "drop", 0.0, Normalisation(), {})
    with pytest.raises(BadInput, match="BertForSequenceClassification does not read the state at the end"):
        handing_over.classifier_of(model, handing_over.folded(model))


def test_a_tokenizer_that_pads_with_eos_is_refused(tmp_path: Path) -> None:
    fitted = fit_folder(tmp_path / "fit")
    fit(fitted)
    model = load_reward_model(fitted.output)
    model.tokenizer.pad_token = model.tokenizer.eos_token
    with pytest.raises(BadInput, match="pads with EOS"):
        handing_over.classifier_of(model, handing_over.folded(model))


def test_without_an_adapter_there_is_none_to_export(tmp_path: Path) -> None:
    fitted = fit_folder(tmp_path / "fit")
    fit(fitted)
    with pytest.raises(BadInput, match="this version has none, so export it whole"):
        export(tmp_path / "one", fitted.output, adapter=True)
    with pytest.raises(BadInput, match="holds no adapter"):
        export(tmp_path / "two", fitted.output, adapter=True, base="hub/base")


def test_a_folder_that_would_score_otherwise_is_not_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = fit_folder(tmp_path / "fit")
    fit(fitted)
    right = handing_over.folded
    monkeypatch.setattr(
        handing_over, "folded", lambda model: handing_over.Head(right(model).weight * 1.01, 0.5)
    )
    with pytest.raises(BadInput, match="scores otherwise than this reward model"):
        export(tmp_path, fitted.output)


def test_names_of_made_up_texts_are_tokens_of_the_tokenizer() -> None:
    """What PAIRS spells are control tokens of the bases that it is scored by."""
    for tokenizer in (make_tokenizer(TEXTS, vocab_size=300), bases.make_tokenizer()):
        assert {"<|end|>", "<|pad|>"} <= set(tokenizer.all_special_tokens)
