"""A pair that DPO cannot compare is refused before any stage begins."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weft.schemas.faults import RecipeError
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Codebook, Vocabulary
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


def test_the_text_of_a_prompt_is_no_answer(
    make_shards: Callable[..., Path], stage: Callable[[str], TrainingStage]
) -> None:
    spoken = ("spoken", [1, 2, 25, 1, 4], (2, 3, 4, 5), (3,))
    with pytest.raises(RecipeError, match="an answer of s0000"):
        check_samples(make_shards([spoken]), stage("text"), VOCABULARY)
    assert check_samples(make_shards([WRITTEN], name="good"), stage("text"), VOCABULARY) == 1
