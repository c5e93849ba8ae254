"""Checkpoints say which ids begin and end a text, and hold their tokenizer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import GenerationConfig

from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.model import build
from weft.trainer.models.special_ids import FILES, set_special_ids
from weft.trainer.train import train


@pytest.mark.parametrize(
    ("bos", "pad", "ends", "config", "generation"),
    [
        (None, None, (), (None, None, None), None),
        (0, 7, (40,), (0, 40, 7), 40),
        (0, 7, (40, 8), (0, 40, 7), [40, 8]),
    ],
)
def test_ids_are_the_vocabularys(
    vocabulary: Vocabulary, llama: dict[str, object], bos: int, pad: int, ends: tuple, config: tuple, generation: object
) -> None:
    lm = build(ModelSettings(config=llama), 48, 0)
    set_special_ids(lm, replace(vocabulary, bos=bos, pad=pad, ends=ends))
    assert (lm.config.bos_token_id, lm.config.eos_token_id, lm.config.pad_token_id) == config
    ids = lm.generation_config
    assert (ids.bos_token_id, ids.eos_token_id, ids.pad_token_id) == (config[0], generation, config[2])


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
