"""A merge is the weighted mean of every tensor, and only of checkpoints that are alike."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.optim import AdamW
from transformers import AutoModelForCausalLM

from weft.schemas.training import ModelSettings
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import checkpoint, sums
from weft.trainer.checkpoint import RunOrigin, State
from weft.trainer.merging import check_merge, merge
from weft.trainer.model import build
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.models.network import Network
from weft.trainer.stream import StreamState


@pytest.fixture
def save(tmp_path: Path, llama: dict[str, object]):
    def save(name: str, seed: int, **config: object) -> Path:
        network = Network(
            build(ModelSettings(config={**llama, **config}), 48, seed), adaptor=Adaptor(width=4, embedding=32)
        )
        state = State(stream=StreamState(), origin=RunOrigin(vocabulary="voc", index="index", seed=0, settings={}))
        return checkpoint.save(tmp_path / name, network, AdamW(network.parameters()), state, "")

    return save


def test_it_equals_the_arithmetic(save, tmp_path: Path) -> None:
    parts = {save("a", 1): 5.0, save("b", 2): 5.0, save("c", 3): 1.0}
    folder = merge(parts, tmp_path / "final")
    for name in ("model.safetensors", "adaptor.safetensors"):
        one, two, three, merged = (load_file(path / name) for path in (*parts, folder))
        assert merged.keys() == one.keys()
        for key, tensor in merged.items():
            mean = (5 * one[key].double() + 5 * two[key].double() + three[key].double()) / 11
            assert tensor.dtype == one[key].dtype
            torch.testing.assert_close(tensor, mean.float(), rtol=1e-6, atol=1e-9)
    assert [part["weight"] for part in json.loads((folder / "merge.json").read_text())["parts"]] == [5, 5, 1]
    assert AutoModelForCausalLM.from_pretrained(folder)(torch.arange(5)[None]).logits.shape == (1, 5, 48)


def test_a_part_with_another_adaptor_is_another_merge(save, tmp_path: Path) -> None:
    one, other = save("a", 1), save("b", 2)
    parts = {one: 1.0, other: 1.0}
    folder = merge(parts, tmp_path / "final")
    check_merge(folder, parts)
    adaptor = load_file(other / "adaptor.safetensors")
    save_file({name: tensor + 1 for name, tensor in adaptor.items()}, other / "adaptor.safetensors")
    sums.write(other)
    with pytest.raises(ValueError, match="is a merge of other checkpoints or weights"):
        check_merge(folder, parts)


def test_its_record_names_the_parts_and_where_they_lay(save, tmp_path: Path) -> None:
    """Inside the run's folder by their place in it, since that folder may be moved; others by their whole path."""
    save("run/sft", 1), save("bought", 2)
    (tmp_path / "bought/checkpoints/step-000000").rename(tmp_path / "odd")
    parts = {tmp_path / "run/sft/checkpoints/step-000000": 5.0, tmp_path / "odd": 1.0}
    folder = merge(parts, tmp_path / "run/final")
    record = json.loads((folder / "merge.json").read_text())["parts"]
    assert [(part["name"], part["checkpoint"], part["weight"]) for part in record] == [
        ("sft", "sft/checkpoints/step-000000", 5),
        ("odd", str(tmp_path / "odd"), 1),
    ]
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    check_merge(moved / "final", {moved / "sft/checkpoints/step-000000": 5.0, tmp_path / "odd": 1.0})
    with pytest.raises(ValueError, match="is a merge of other checkpoints or weights"):
        check_merge(moved / "final", {moved / "sft/checkpoints/step-000000": 5.0, tmp_path / "odd": 2.0})


def test_one_part_is_itself(save, tmp_path: Path) -> None:
    one = save("a", 1)
    merged = load_file(merge({one: 3.0}, tmp_path / "same") / "model.safetensors")
    assert all(torch.equal(tensor, merged[key]) for key, tensor in load_file(one / "model.safetensors").items())


@pytest.mark.parametrize("config", [{"intermediate_size": 32}, {"num_hidden_layers": 1}, {"rms_norm_eps": 0.1}])
def test_unlike_models_are_refused(save, tmp_path: Path, config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"cannot be merged: {next(iter(config))} is "):
        merge({save("a", 1): 1.0, save("b", 2, **config): 1.0}, tmp_path / "final")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_what_a_killed_merge_left_is_swept_away(save, tmp_path: Path) -> None:
    (tmp_path / "run" / ".final.tmp-ab12").mkdir(parents=True)
    (tmp_path / "run" / ".final-2.tmp-ab12").mkdir()
    merge({save("a", 1): 1.0, save("b", 2): 1.0}, tmp_path / "run/final")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [".final-2.tmp-ab12", "final"]


def test_unlike_vocabularies_are_refused(save, tmp_path: Path, vocabulary: Vocabulary) -> None:
    one, other = save("a", 1), save("b", 2)
    for folder, text in ((one, "toy"), (other, "another")):
        (folder / "vocabulary.json").write_text(replace(vocabulary, text_fingerprint=text).to_json())
        sums.write(folder)
    with pytest.raises(ValueError, match="cannot be merged: vocabulary is "):
        merge({one: 1.0, other: 1.0}, tmp_path / "final")


def test_unlike_shapes_are_refused_by_the_tensor(save, tmp_path: Path) -> None:
    one, other = save("a", 1), save("b", 2, intermediate_size=32)
    (other / "config.json").write_bytes((one / "config.json").read_bytes())
    (other / "sums.json").unlink()
    sums.write(other)
    with pytest.raises(ValueError, match=r"cannot be merged: model.layers.0.mlp.down_proj.weight is "):
        merge({one: 1.0, other: 1.0}, tmp_path / "final")


def test_a_damaged_part_and_a_target_that_is_there_are_refused(save, tmp_path: Path) -> None:
    one, other = save("a", 1), save("b", 2)
    with pytest.raises(ValueError, match="is there already"):
        merge({one: 1.0, other: 1.0}, tmp_path / "a")
    (other / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"is damaged: model.safetensors has changed"):
        merge({one: 1.0, other: 1.0}, tmp_path / "final")
