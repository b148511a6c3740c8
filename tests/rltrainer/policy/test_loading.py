"""Loading, LoRA, the reference, saving, and what is refused."""

import json
from pathlib import Path

import pytest
import torch

from lm.lora import LoraSettings
from lm.rendering import DATE
from rltrainer.policy.bases import load_for_training
from rltrainer.policy.loading import Policy, load_policy, save_policy
from runs.folder.errors import BadInput
from tests.rltrainer.policy.factories import make_folder, make_model, make_tokenizer

CPU = torch.device("cpu")
IDS = torch.tensor([[3, 4, 5, 6, 7, 8]])


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits  # type: ignore[no-any-return]


def disturb(policy: Policy) -> None:
    """Change every parameter that learns, as a step of training would."""
    with torch.no_grad():
        for value in policy.trainable().values():
            value.add_(0.05 * torch.randn(value.shape, generator=torch.Generator().manual_seed(1)))


def test_reference_stays_what_was_loaded_while_the_policy_learns(tmp_path: Path) -> None:
    base = str(make_folder(tmp_path))
    for lora in (None, LoraSettings(rank=4)):
        policy = load_policy(base, lora=lora, device=CPU)
        before = logits(policy.model)
        disturb(policy)
        assert not torch.allclose(logits(policy.model), before, atol=1e-2)
        with policy.reference() as reference:
            assert torch.equal(logits(reference), before)
        assert not torch.allclose(logits(policy.model), before, atol=1e-2)  # the adapter is on again


def test_lora_learns_only_its_own_matrices_and_keeps_no_second_copy(tmp_path: Path) -> None:
    policy = load_policy(str(make_folder(tmp_path)), lora=LoraSettings(rank=4), device=CPU)
    assert policy.frozen is None
    assert policy.trainable()
    assert all(".lora_" in name for name in policy.trainable())


def test_lora_starts_the_same_from_the_same_seed_and_leaves_the_global_generator(tmp_path: Path) -> None:
    base = str(make_folder(tmp_path))
    state = torch.random.get_rng_state()
    one, same, other = (
        load_policy(base, lora=LoraSettings(), device=CPU, seed=seed).trainable() for seed in (1, 1, 2)
    )
    name = next(name for name in one if "lora_A" in name)
    assert torch.equal(one[name], same[name])
    assert not torch.equal(one[name], other[name])
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("lora", [None, LoraSettings(rank=4)])
def test_saved_policy_loads_as_plain_full_weights_that_say_the_same(
    tmp_path: Path, lora: LoraSettings | None
) -> None:
    policy = load_policy(str(make_folder(tmp_path / "base")), lora=lora, device=CPU)
    disturb(policy)
    live = {name: value.clone() for name, value in policy.model.state_dict().items()}
    save_policy(policy, tmp_path / "saved", {"parents": {"base": "abc"}})
    assert all(torch.equal(value, live[name]) for name, value in policy.model.state_dict().items())
    again = load_policy(str(tmp_path / "saved"), lora=None, device=CPU)
    torch.testing.assert_close(logits(again.model), logits(policy.model), rtol=0, atol=1e-5)
    assert again.meta["parents"] == {"base": "abc"}
    assert not [name for name in again.model.state_dict() if "lora" in name or "base_layer" in name]


def test_changed_missing_and_unlisted_files_are_refused(tmp_path: Path) -> None:
    policy = load_policy(str(make_folder(tmp_path / "base")), lora=None, device=CPU)
    saved = tmp_path / "saved"
    save_policy(policy, saved, {})
    weights = saved / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BadInput, match=r"model.safetensors is not the file"):
        load_policy(str(saved), lora=None, device=CPU)
    weights.write_bytes(whole)
    (saved / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(BadInput, match=r"chat_template.jinja is not listed"):
        load_policy(str(saved), lora=None, device=CPU)
    (saved / "chat_template.jinja").unlink()
    (saved / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"tokenizer.json is missing"):
        load_policy(str(saved), lora=None, device=CPU)


def test_another_format_is_refused(tmp_path: Path) -> None:
    save_policy(load_policy(str(make_folder(tmp_path / "a")), lora=None, device=CPU), tmp_path / "b", {})
    meta = json.loads((tmp_path / "b" / "meta.json").read_text())
    (tmp_path / "b" / "meta.json").write_text(json.dumps({**meta, "format": 99}))
    with pytest.raises(BadInput, match="format 99"):
        load_policy(str(tmp_path / "b"), lora=None, device=CPU)


def test_pickle_scratch_and_remote_code_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="pickle is refused"):
        load_policy(str(folder), lora=None, device=CPU)
    with pytest.raises(BadInput, match="scratch"):
        load_policy("scratch", lora=None, device=CPU)
    make_folder(tmp_path)
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(BadInput, match="merge it"):
        load_policy(str(folder), lora=None, device=CPU)
    (folder / "adapter_config.json").unlink()
    code = {"model_type": "ours", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}}
    (folder / "config.json").write_text(json.dumps(code))
    (folder / "evil.py").write_text("raise SystemExit(99)")
    with pytest.raises(BadInput, match="cannot be loaded"):
        load_policy(str(folder), lora=None, device=CPU)


def test_pad_becomes_a_token_of_its_own_where_it_was_eos(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    tokenizer = make_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(folder)
    before = load_policy(str(make_folder(tmp_path / "own")), lora=None, device=CPU)
    policy = load_policy(str(folder), lora=None, device=CPU)
    assert policy.tokenizer.pad_token_id == 16  # the first new row after 16 words
    assert policy.tokenizer.padding_side == "left"
    assert policy.model.config.vocab_size == 17
    assert torch.equal(logits(policy.model)[..., :16], logits(before.model))


def test_how_an_answer_ends_is_learnt_where_the_base_has_spare_rows_and_its_pad_was_eos(
    tmp_path: Path,
) -> None:
    """Without a new row to be made, the base's own embeddings stay, which leave the row of its pad alone."""
    make_model(vocabulary=20).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "pad_token_id": 1}))
    tokenizer = make_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path)
    policy = load_policy(str(tmp_path), lora=None, device=CPU)
    assert policy.model.get_input_embeddings().weight.shape[0] == 20
    torch.autograd.backward(policy.model(input_ids=torch.tensor([[3, 1, 4]])).logits.logsumexp(-1).sum())
    assert float(policy.model.get_input_embeddings().weight.grad[1].abs().max()) > 0


def test_dropout_is_off_in_training_mode_too(tmp_path: Path) -> None:
    from transformers import GPT2Config

    from tests.rltrainer.policy.factories import make_from_config

    config = GPT2Config(vocab_size=16, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=1)
    make_from_config(config).save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    policy = load_policy(str(tmp_path), lora=None, device=CPU)
    before = logits(policy.model)
    policy.model.train()
    assert torch.equal(logits(policy.model), before)


def test_gradient_checkpointing_changes_no_gradient(tmp_path: Path) -> None:
    gradients = []
    for checkpointing in (False, True):
        policy = load_policy(
            str(make_folder(tmp_path)), lora=None, device=CPU, gradient_checkpointing=checkpointing
        )
        torch.autograd.backward(policy.model(input_ids=IDS).logits.logsumexp(-1).sum())
        gradients.append(policy.model.model.layers[0].mlp.up_proj.weight.grad)
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-6)


def test_a_base_is_tried_where_activations_are_recomputed_too(tmp_path: Path) -> None:
    """In training mode with gradient checkpointing the architectures drop their cache, which sampling needs."""
    policy = load_for_training(
        str(make_folder(tmp_path)), lora=None, device=CPU, seed=0, date=DATE, gradient_checkpointing=True
    )
    assert policy.model.training
    assert all(value.grad is None for value in policy.model.parameters())


def test_a_base_whose_sampling_settings_contradict_each_other_can_be_saved(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "base")
    (folder / "meta.json").unlink(missing_ok=True)
    contradictory = {"eos_token_id": [1, 2], "temperature": 0.9, "top_p": 0.6}  # and no do_sample
    (folder / "generation_config.json").write_text(json.dumps(contradictory))
    policy = load_policy(str(folder), lora=None, device=CPU)
    save_policy(policy, tmp_path / "saved", {})
    again = load_policy(str(tmp_path / "saved"), lora=None, device=CPU)
    assert again.model.generation_config.eos_token_id == [1, 2], "what ends an answer is kept"
