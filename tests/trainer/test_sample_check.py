"""Samples that a stage cannot learn from are refused before any stage begins: pairs, and held-out ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from weft.schemas.faults import RecipeError
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary
from weft.trainer.sample_check import check_samples

# text 0 to 19, then codes
VOCABULARY = Vocabulary(
    text_size=20, bos=None, markers=(), codebooks=(Codebook(tokenizer="fsq", literal="<{}>", first=20, size=20),), size=40,
    text_fingerprint="toy",
)  # fmt: skip
SPOKEN = ("spoken", [1, 25, 26, 1, 4], (1, 3, 4, 5), (3,))  # the chosen answer is codes alone
WRITTEN = ("written", [1, 2, 25, 1, 4], (1, 3, 4, 5), (3,))


@pytest.fixture
def stage(make_stage: Callable[..., TrainingStage]) -> Callable[[str], TrainingStage]:
    def stage(count: str) -> TrainingStage:
        return TrainingStage.model_validate({**make_stage().model_dump(), "objective": {"use": "dpo", "count": count}})

    return stage


def test_an_answer_without_text_is_named(
    make_shards: Callable[..., Path], stage: Callable[[str], TrainingStage]
) -> None:
    shards = make_shards([WRITTEN, WRITTEN, SPOKEN])
    assert check_samples(shards, stage("all"), VOCABULARY) == 1
    with pytest.raises(
        RecipeError, match="an answer of s0002, a pair of task spoken, has no text, and `count: text` compares"
    ):
        check_samples(shards, stage("text"), VOCABULARY)


def test_a_marker_that_ends_a_turn_is_no_text(
    make_shards: Callable[..., Path], stage: Callable[[str], TrainingStage]
) -> None:
    """It counts as text, and without other text DPO would compare the ends of turns alone."""
    vocabulary = replace(VOCABULARY, markers=(Marker(name="eot", literal="<|EOT|>", id=19),))
    ended = ("spoken", [1, 25, 19, 1, 2, 19], (1, 3, 4, 6), (3,))
    with pytest.raises(RecipeError, match="an answer of s0000, a pair of task spoken, has no text"):
        check_samples(make_shards([ended]), stage("text"), vocabulary)
    assert check_samples(make_shards([WRITTEN], name="good"), stage("text"), vocabulary) == 1


def test_the_text_of_a_prompt_is_no_answer(
    make_shards: Callable[..., Path], stage: Callable[[str], TrainingStage]
) -> None:
    spoken = ("spoken", [1, 2, 25, 1, 4], (2, 3, 4, 5), (3,))
    with pytest.raises(RecipeError, match="an answer of s0000"):
        check_samples(make_shards([spoken]), stage("text"), VOCABULARY)
    assert check_samples(make_shards([WRITTEN], name="good"), stage("text"), VOCABULARY) == 1


def test_held_out_samples_are_of_their_split_and_pairs_are_whole(
    make_shards: Callable[..., Path], stage: Callable[[str], TrainingStage]
) -> None:
    shards, other = make_shards([WRITTEN]), make_shards([WRITTEN], name="other")
    with pytest.raises(ValueError, match="draw 0 is of split 'train', not held out for validation"):
        check_samples(shards, stage("text"), VOCABULARY, validation=other)
    longer = ("down", [1, 2, *range(20, 40), 1, 4], (1, 22, 23, 24), (22,))
    held_out = make_shards([longer], name="longer", split="validation")
    with pytest.raises(RecipeError, match="preference pairs of task down are longer than the context of 16 tokens"):
        check_samples(shards, stage("text"), VOCABULARY, validation=held_out)
