"""The two files of a trained tokenizer: tensors and facts, and one checksum over both."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from weft.tokenizers.cepstra import Tokenizer
from weft.tokenizers.models.learned import Learned, load, prefixed, save

TENSORS = {"a": torch.arange(3.0), "b.c": torch.zeros(2, 2)}


def test_tensors_and_facts_are_read_as_they_were_written(tmp_path: Path) -> None:
    save(tmp_path, Tokenizer(size=4), Learned(tensors=prefixed("part", TENSORS), facts={"spread": 2.5}))
    learned = load(tmp_path)
    assert {name: tensor.tolist() for name, tensor in learned.part("part").items()} == {
        name: tensor.tolist() for name, tensor in TENSORS.items()
    }
    assert learned.facts == {"spread": 2.5} and not learned.part("other")


def test_the_checksum_is_over_tensors_and_facts_but_not_settings(tmp_path: Path) -> None:
    other = {**TENSORS, "a": torch.arange(3.0) + 1}
    checksums = []
    for size, tensors, spread in ((4, TENSORS, 2.5), (5, TENSORS, 2.5), (4, other, 2.5), (4, TENSORS, 2.6)):
        save(tmp_path, Tokenizer(size=size), Learned(tensors=tensors, facts={"spread": spread}))
        checksums.append(load(tmp_path).checksum)
    assert checksums[0] == checksums[1] and len(set(checksums)) == 3


def test_tensors_of_another_type_are_refused(tmp_path: Path) -> None:
    save(tmp_path, Tokenizer(size=4), Learned(tensors=TENSORS))
    save_file({"a": TENSORS["a"].bfloat16()}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=f"^{tmp_path}: no model here; train one first .*BFloat16"):
        load(tmp_path)
