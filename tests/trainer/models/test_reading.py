"""Checkpoints that a model cannot start from are refused in one sentence, and no code of theirs runs."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from weft.schemas.training import ModelSettings
from weft.trainer.model import build, check_context, config_of
from weft.trainer.models.reading import load

Change = Callable[[Path], object]
CODE = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}


def configured(**values: object) -> Change:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
        (folder / "own.py").write_text("raise SystemExit('its code was run')")

    return change


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"never opened")


def with_tensors(**tensors: object) -> Change:
    def change(folder: Path) -> None:
        all_tensors = {
            **load_file(folder / "model.safetensors"),
            **{k.replace("__", "."): v for k, v in tensors.items()},
        }
        kept = {name: tensor for name, tensor in all_tensors.items() if tensor is not None}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})

    return change


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])


CONFIGS: list[tuple[Change, str]] = [
    (configured(model_type="lama"), "transformers has no model_type 'lama'; similar: llama"),
    (configured(model_type="own", auto_map=CODE), "no model_type 'own', and weft does not run the code that a checkpoint brings"),
    (configured(model_type="vit"), "a vit is no causal LM"),
    (configured(num_attention_heads="many"), "'num_attention_heads' expected int"),
    (lambda folder: (folder / "config.json").write_text("{"), "not a valid JSON file"),
    (lambda folder: (folder / "config.json").write_text("{}"), "no config.json with a model_type"),
    (pickled, "only safetensors checkpoints are read"),
    (configured(max_position_embeddings=16), "the context is 32 tokens, but the model attends over 16"),
]  # fmt: skip
WEIGHTS: list[tuple[Change, str]] = [
    (pickled, "only safetensors checkpoints are read"),
    (cut, "its safetensors are damaged or cut short ("),
    (with_tensors(lm_head__weight=None), "lacks 1 of the weights of a LlamaForCausalLM"),
    (configured(intermediate_size=32), "or has them in another shape, such as model.layers.0.mlp.down_proj.weight"),
    (
        with_tensors(lm_head__weight=torch.full((48, 32), torch.nan)),
        "1,536 of its weights are not finite, in 1 tensor: lm_head.weight",
    ),
]


@pytest.fixture
def folder(llama: dict[str, object], tmp_path: Path) -> Path:
    build(ModelSettings(config=llama), 48, 0).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("change", "sentence"), CONFIGS)
def test_a_base_is_checked_before_its_weights_are_read(folder: Path, change: Change, sentence: str) -> None:
    check_context(config_of([ModelSettings(base=str(folder))]), 32)
    change(folder)
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        check_context(config_of([ModelSettings(base=str(folder))]), 32)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("change", "sentence"), WEIGHTS)
def test_a_model_is_loaded_whole_or_not_at_all(
    folder: Path, change: Change, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    change(folder)
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        load(str(folder))
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_code_beside_a_known_model_is_not_run(folder: Path) -> None:
    configured(auto_map=CODE)(folder)
    assert type(load(str(folder))).__name__ == "LlamaForCausalLM"


def test_a_base_elsewhere_is_named() -> None:
    with pytest.raises(ValueError, match="not/here: no such file or folder"):
        config_of([ModelSettings(base="not/here")])
