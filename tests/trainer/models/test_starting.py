"""What a stage starts with: the RoPE base of an earlier stage goes on, may be changed, and outlives a resume."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.starting import check_vocabulary
from weft.trainer.train import Result, train

Start = Callable[..., Result]


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"markers": 1}'])
def test_a_broken_vocabulary_of_a_base_is_named(text: str, vocabulary: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").write_text(text)
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / 'vocabulary.json'} is damaged")):
        check_vocabulary(tmp_path, vocabulary)


def rope(folder: Path) -> float:
    return float(json.loads((folder / "config.json").read_text())["rope_parameters"]["rope_theta"])


def test_the_rope_base_of_a_stage(
    make_shards: Callable[..., Path],
    samples: list,
    make_stage: Callable[..., TrainingStage],
    vocabulary: Vocabulary,
    tmp_path: Path,
) -> None:
    shards = make_shards(samples)

    def run(name: str, start: Path | None = None, theta: float | None = None, steps: int = 4) -> Path:
        stage = make_stage(steps=steps, checkpoint_every=2, schedule="constant")
        if start:
            stage = stage.model_copy(update={"model": ModelSettings(start="first", rope_theta=theta)})
        folder = tmp_path / name
        resume = folder.exists()
        return train(shards, folder, stage, vocabulary, "", 0, resume, lambda _: None, start=start).checkpoint

    first = run("first")
    longer = run("longer", first, 5e5)
    assert (rope(first), rope(longer)) == (1e4, 5e5)
    assert rope(run("after", longer)) == 5e5
    run("stopped", first, 5e5, steps=2)
    resumed = run("stopped", first, 5e5)
    one, other, same_base = (
        load_file(folder / "model.safetensors") for folder in (longer, resumed, run("same", first))
    )
    assert rope(resumed) == 5e5 and all(torch.equal(one[name], other[name]) for name in one)
    assert any(not torch.equal(one[name], same_base[name]) for name in one)
