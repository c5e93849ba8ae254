"""An LM whose logits of a sample depend on what it is packed with is refused before it is trained."""

from typing import Any

import pytest

from weft.schemas.training import ModelSettings
from weft.trainer.model import build, check_new

SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
BART: dict[str, Any] = {
    "d_model": 32, "decoder_layers": 2, "decoder_attention_heads": 4, "decoder_ffn_dim": 64, "encoder_layers": 2,
    "encoder_attention_heads": 4, "encoder_ffn_dim": 64,
}  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "bart", **BART},
        {"model_type": "bert", **SMALL, "is_decoder": False},
        {"model_type": "electra", **SMALL, "is_decoder": False},
        {"model_type": "bert-generation", **SMALL, "is_decoder": False},
    ],
    ids=lambda config: config["model_type"],
)
def test_one_that_counts_positions_itself_or_sees_what_follows_is_refused(config: dict[str, Any], seed: int) -> None:
    with pytest.raises(ValueError, match=f"a {config['model_type']} cannot be trained on packed samples"):
        build(ModelSettings(config=config), size=64, seed=seed)


def test_one_that_cannot_be_computed_at_all_is_not_said_to_be_unfit_for_packing() -> None:
    config = {"model_type": "xmod", **SMALL, "languages": ["en_XX", "de_DE"], "is_decoder": True}
    with pytest.raises(ValueError, match="a xmod is not computed by transformers as it is configured: Input language"):
        build(ModelSettings(config=config), size=64, seed=0)


def test_a_fault_without_words_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(config: object, **settings: object) -> None:
        raise AssertionError

    monkeypatch.setattr("weft.trainer.model.AutoModelForCausalLM.from_config", fail)
    with pytest.raises(ValueError, match="transformers makes no gpt2 of this config: AssertionError"):
        check_new(ModelSettings(config={"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4}), context=16)


def test_one_that_computes_with_the_mask_is_refused() -> None:
    config = {"model_type": "doge", **SMALL, "num_key_value_heads": 4}
    with pytest.raises(ValueError, match="a doge takes no packed samples"):
        build(ModelSettings(config=config), size=64, seed=0)


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4},
        {"model_type": "qwen2", **SMALL, "num_key_value_heads": 2},
        {"model_type": "gpt_neox", **SMALL},
        {"model_type": "falcon", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4},
    ],
    ids=lambda config: config["model_type"],
)  # fmt: skip
def test_others_are_built_as_they_were(config: dict[str, Any]) -> None:
    assert build(ModelSettings(config=config), size=64, seed=0).training


def test_a_config_that_transformers_makes_no_model_of_is_one_sentence() -> None:
    config = {"model_type": "phi3", **SMALL, "num_key_value_heads": 4, "pad_token_id": 32000}
    with pytest.raises(ValueError, match="transformers makes no phi3 of this config: Padding_idx must be within"):
        check_new(ModelSettings(config=config), context=16)
