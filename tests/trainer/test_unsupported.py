"""Samples with latents and preference pairs are refused by a trainer that would train them wrongly."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.schemas.faults import RecipeError
from weft.schemas.objectives import Dpo, NextToken
from weft.trainer.index import Index
from weft.trainer.train import train
from weft.trainer.unsupported import check_adaptors, check_supported, check_whole_pairs
from weft.trainer.validation import select


class Frames:
    """Stands for an encoder: the stages here end before they encode."""

    width, stride = 4, 2

    def encode(self, member: np.ndarray) -> np.ndarray:
        raise AssertionError


def index_of(shards: Path, column: str) -> Index:
    """The index with 5 such tokens in its draw 3."""
    table = pq.read_table(shards / "index.parquet")
    counts = [5 if n == 3 else 0 for n in range(len(table))]
    at = table.schema.get_field_index(column)
    pq.write_table(table.set_column(at, column, pa.array(counts, pa.int32())), shards / "index.parquet")
    return Index(shards)


def test_shards_without_latents_are_read(make_shards, samples) -> None:
    check_supported(Index(make_shards(samples)), NextToken())


@pytest.mark.parametrize(("column", "what"), [("audio_tokens", "latent audio"), ("image_tokens", "images")])
def test_the_task_is_named(make_shards, samples, column: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"samples of task (up|down) have {what}, which `weft train` cannot feed"):
        check_supported(index_of(make_shards(samples), column), NextToken())


@pytest.mark.parametrize(("column", "group"), [("audio_tokens", "adaptor"), ("image_tokens", "image-adaptor")])
def test_an_adaptor_that_no_sample_has_latents_for_is_refused(make_shards, samples, column: str, group: str) -> None:
    other = {"adaptor", "image-adaptor"} - {group}
    index = index_of(make_shards(samples), column)  # of draw 3 alone
    for trained in ([], [group], [group, *other], [*other, "lm"]):
        check_adaptors(index, trained)
    with pytest.raises(
        RecipeError, match=f"the stage trains {next(iter(other))} alone, and none of its samples has latents"
    ):
        check_adaptors(index, other)


def test_training_of_an_adaptor_alone_does_not_begin_without_latents(
    make_shards, samples, make_stage, vocabulary, tmp_path: Path
) -> None:
    stage = make_stage().model_copy(update={"trainable": {"adaptor": None}})
    with pytest.raises(RecipeError, match="nothing would be learned"):
        train(
            make_shards(samples), tmp_path / "run", stage, vocabulary, "", seed=0, resume=False, report=print,
            encoders={"audio": Frames()},
        )  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_preference_pair_is_refused(make_shards, samples) -> None:
    pair = ("dpo", list(range(1, 20)), (3, 9, 12, 19), (9,))
    with pytest.raises(ValueError, match="samples of task dpo are preference pairs, and the stage would learn the rej"):
        check_supported(Index(make_shards([*samples, pair])), NextToken())


def test_samples_that_are_no_pairs_are_refused_by_dpo(make_shards, samples) -> None:
    pair = ("dpo", list(range(1, 20)), (3, 9, 12, 19), (9,))
    check_supported(Index(make_shards([pair] * 3, name="pairs")), Dpo(use="dpo"))
    with pytest.raises(ValueError, match="samples of task up are no preference pairs, which `objective: dpo` learns"):
        check_supported(Index(make_shards([pair, samples[1]])), Dpo(use="dpo"))


def test_training_does_not_begin(make_shards, samples, make_stage, vocabulary, tmp_path: Path) -> None:
    shards = make_shards([*samples, ("dpo", list(range(1, 20)), (3, 9, 12, 19), (9,))])
    with pytest.raises(ValueError, match="preference pairs"):
        train(shards, tmp_path / "run", make_stage(), vocabulary, "", seed=0, resume=False, report=print)
    assert not (tmp_path / "run").exists()


def test_a_pair_that_the_context_would_cut_is_refused_before_training(
    make_shards, make_stage, vocabulary, tmp_path: Path
) -> None:
    pair = ("up", list(range(1, 20)), (3, 9, 12, 19), (9,))
    stage = make_stage().model_copy(update={"objective": Dpo(use="dpo")})  # of 16 tokens
    shards = make_shards([pair] * 4)
    cut = "preference pairs of task up are longer than the context of 16 tokens, which would cut them; raise `context`"
    with pytest.raises(RecipeError, match=cut):
        train(shards, tmp_path / "run", stage, vocabulary, "", seed=0, resume=False, report=print)
    with pytest.raises(RecipeError, match=cut):
        select(make_shards([pair], name="validation", split="validation"), stage, vocabulary.size)
    check_whole_pairs(Index(make_shards([("other", *pair[1:])], name="others")), stage)  # another stage's pairs
    check_whole_pairs(Index(shards), stage.model_copy(update={"context": 19}))
