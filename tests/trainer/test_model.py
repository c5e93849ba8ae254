"""A packed sample gets the logits it gets alone; models start and grow as declared."""

from pathlib import Path

import pytest
import torch

from weft.schemas.training import ModelSettings
from weft.trainer.model import build, check_context, check_new, forward


@pytest.fixture
def settings(llama: dict[str, object]) -> ModelSettings:
    return ModelSettings(config=llama)


def test_packed_logits_equal_those_of_the_sample_alone(settings: ModelSettings) -> None:
    model = build(settings, size=48, seed=0).eval()
    ids_BT = torch.randint(0, 48, (1, 16))
    documents_BT = torch.tensor([[0] * 5 + [1] * 7 + [2] * 2 + [-1] * 2])
    positions_BT = torch.tensor([[*range(5), *range(7), *range(2), 0, 0]])
    keep = torch.arange(16)
    with torch.no_grad():
        packed = forward(model, ids_BT, positions_BT, documents_BT, keep)[0]
        for begin, end in ((0, 5), (5, 12), (12, 14)):
            alone = model(input_ids=ids_BT[:, begin:end]).logits[0]
            torch.testing.assert_close(packed[begin:end], alone, rtol=1e-4, atol=1e-5)
    assert torch.isfinite(packed).all()


def test_one_seed_one_model(settings: ModelSettings) -> None:
    first, again, other = (build(settings, 48, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_base_keeps_its_rows_and_grows(settings: ModelSettings, tmp_path: Path) -> None:
    small = build(settings, 48, 0)
    small.save_pretrained(tmp_path)
    grown = build(ModelSettings(base=str(tmp_path), rope_theta=5e5), 64, 1)
    assert grown.get_input_embeddings().weight.shape == grown.get_output_embeddings().weight.shape == (64, 32)
    assert torch.equal(grown.get_input_embeddings().weight[:48], small.get_input_embeddings().weight)
    assert grown.config.vocab_size == 64
    assert grown.config.rope_parameters["rope_theta"] == 5e5


def test_rope_theta_reaches_the_rotary_embedding(llama: dict[str, object]) -> None:
    slow = build(ModelSettings(config=llama, rope_theta=1e6), 48, 0)
    assert slow.config.rope_parameters["rope_theta"] == 1e6
    plain = build(ModelSettings(config=llama), 48, 0)
    assert not torch.equal(slow.model.rotary_emb.inv_freq, plain.model.rotary_emb.inv_freq)


def test_what_cannot_be_built_is_reported(llama: dict[str, object], tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({**llama, "hidden_sizee": 3}, "no hidden_sizee"),
        ({"model_type": "gemma3_text"}, "without full attention"),
    ]
    for config, message in wrong:
        with pytest.raises(ValueError, match=message):
            build(ModelSettings(config=config), 48, 0)
    with pytest.raises(ValueError, match="no rotary embedding"):
        build(ModelSettings(config={"model_type": "gpt2", "n_layer": 1}, rope_theta=1e6), 48, 0)


@pytest.mark.parametrize(
    ("change", "context", "message"),
    [
        ({"model_type": "lama"}, 32, "no model_type 'lama'; similar: llama"),
        ({"hidden_sizee": 3}, 32, "a llama config has no hidden_sizee"),
        ({}, 65, "attends over 64 at most: lower `context`, or, of a new model, raise `max_position_embeddings`"),
        ({"num_attention_heads": 5}, 32, "a llama config cannot be: The hidden size .32. is not a multiple"),
        ({"hidden_size": "big"}, 32, "a llama config cannot be: Field 'hidden_size' expected int, got str"),
        ({"hidden_act": "relux"}, 32, "transformers makes no llama of this config: KeyError: 'relux'"),
        ({"hidden_size": 0}, 32, "`hidden_size` of the config is 0, and the least is 1"),
        ({"num_hidden_layers": 0}, 32, "`num_hidden_layers` of the config is 0, and the least is 1"),
        ({"num_hidden_layers": -1}, 32, "`num_hidden_layers` of the config is -1, and the least is 1"),
        ({"num_key_value_heads": 0}, 32, "`num_key_value_heads` of the config is 0, and the least is 1"),
    ],
)
def test_a_new_model_is_checked_without_being_built(
    llama: dict[str, object], change: dict[str, object], context: int, message: str
) -> None:
    check_new(ModelSettings(config=llama), 64)
    with pytest.raises(ValueError, match=message) as refused:
        check_new(ModelSettings(config={**llama, **change}), context)
    assert len(str(refused.value)) < 200


def test_a_count_is_checked_by_the_name_that_its_config_has() -> None:
    with pytest.raises(ValueError, match="`n_layer` of the config is 0, and the least is 1"):
        check_new(ModelSettings(config={"model_type": "gpt2", "n_layer": 0}), 32)


def test_a_model_that_is_no_causal_one_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="AutoModelForCausalLM") as refused:
        check_new(ModelSettings(config={"model_type": "vit"}), 32)
    assert "\n" not in str(refused.value)


def test_a_checkpoint_may_lie_elsewhere_while_a_corpus_is_built() -> None:
    check_new(ModelSettings(base="not/here"), 32)


def test_a_context_the_model_cannot_hold_is_refused(settings: ModelSettings) -> None:
    config = build(settings, 48, 0).config
    check_context(config, 64)
    with pytest.raises(ValueError, match="attends over 64"):
        check_context(config, 65)


def test_a_pickled_checkpoint_is_refused(settings: ModelSettings, tmp_path: Path) -> None:
    model = build(settings, 48, 0)
    model.config.save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"never opened")
    with pytest.raises(ValueError, match="only safetensors"):
        build(ModelSettings(base=str(tmp_path)), 48, 0)
