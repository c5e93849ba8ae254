"""Checkpoints say which ids begin and end a text, and hold their tokenizer."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import GenerationConfig

from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Marker, Vocabulary
from weft.trainer.model import build
from weft.trainer.models.special_ids import FILES, set_special_ids
from weft.trainer.train import train


@pytest.mark.parametrize(
    ("marker", "options", "expected"),
    [
        ("eot", {}, (None, 40, None)),
        ("speech", {}, (None, None, None)),
        ("speech", {"eos_token": "</s>", "pad_token": "<pad>"}, (None, 7, 8)),
        ("eot", {"eos_token": "</s>"}, (None, 40, None)),
    ],
)
def test_ids_are_the_vocabularys(
    vocabulary: Vocabulary, llama: dict[str, object], marker: str, options: dict[str, str], expected: tuple
) -> None:
    own = replace(vocabulary, markers=(Marker(name=marker, literal="<|EOT|>", id=40),))
    tokens = [{"content": "</s>", "id": 7}, {"content": "<pad>", "id": 8}]
    files = {"tokenizer.json": {"added_tokens": tokens}, "tokenizer_config.json": options}
    lm = build(ModelSettings(config=llama), 48, 0)
    set_special_ids(lm, own, {name: json.dumps(record).encode() for name, record in files.items()})
    for config in (lm.config, lm.generation_config):
        assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == expected


def test_a_checkpoint_holds_its_tokenizer(
    make_shards: Callable[..., Path],
    samples: list,
    make_stage: Callable[..., TrainingStage],
    vocabulary: Vocabulary,
    tmp_path: Path,
) -> None:
    files = dict.fromkeys(FILES, b'{"added_tokens": []}')
    result = train(
        make_shards(samples),
        tmp_path / "run",
        make_stage(steps=1),
        vocabulary,
        "",
        0,
        False,
        lambda _: None,
        files=files,
    )
    assert {name: (result.checkpoint / name).read_bytes() for name in FILES} == files
    assert GenerationConfig.from_pretrained(result.checkpoint).eos_token_id is None


def test_a_checkpoint_of_another_vocabulary_is_refused(
    make_shards: Callable[..., Path],
    samples: list,
    make_stage: Callable[..., TrainingStage],
    vocabulary: Vocabulary,
    tmp_path: Path,
) -> None:
    other = replace(vocabulary, text_fingerprint="another")
    other_files = {"vocabulary.json": other.to_json().encode()}
    shards, stage = make_shards(samples), make_stage(steps=1)
    start = train(shards, tmp_path / "a", stage, other, "", 0, False, lambda _: None, files=other_files).checkpoint
    based = stage.model_copy(update={"model": ModelSettings(base=str(start))})
    with pytest.raises(ValueError, match="was trained with another vocabulary"):
        train(shards, tmp_path / "b", based, vocabulary, "", 0, False, lambda _: None)
    with pytest.raises(ValueError, match="was trained with another vocabulary"):
        train(shards, tmp_path / "c", stage, vocabulary, "", 0, False, lambda _: None, start=start)
    assert train(shards, tmp_path / "d", based, other, "", 0, False, lambda _: None).step == 1
