"""The samples of an evaluation are the first of each task that have counted tokens and are no pairs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weft.trainer.evaluation.held_out import HeldOut, HeldOutChoice, choose


def test_the_first_of_each_task_without_prompts_and_pairs(choose_held_out: Callable[..., HeldOut]) -> None:
    held_out = choose_held_out(samples=3)
    assert held_out.positions == (0, 1, 2, 3, 6, 8, 9, 14, 15)
    assert held_out.tokens == 3 * (17 + 12 + 29)


def test_pairs_are_a_choice_of_their_own(spoken_shards: Path) -> None:
    choice = HeldOutChoice(tasks=("pairs", "text"), samples=3, context=24, pairs=True)
    held_out = choose(spoken_shards, choice)
    assert held_out and held_out.positions == (4, 10, 16)
    assert choose(spoken_shards, HeldOutChoice(tasks=("text",), samples=3, context=24, pairs=True)) is None


def test_the_seconds_lie_with_their_tokens(choose_held_out: Callable[..., HeldOut]) -> None:
    held_out = choose_held_out(samples=4)
    total = 0.0
    for batch, seconds in held_out.batches(64):
        assert not seconds[batch.documents_BT < 0].any()
        assert not seconds[(batch.ids_BT == 20) | (batch.ids_BT == 21) | (batch.ids_BT == 0)].any()
        total += seconds.sum()
    assert total == pytest.approx(2 * (1.0 + 1.1) + 4 * 1.1)  # four samples of words, four of speech


def test_other_samples_or_blocks_have_another_fingerprint(
    choose_held_out: Callable[..., HeldOut], spoken_shards: Path
) -> None:
    longer = choose(spoken_shards, HeldOutChoice(tasks=("text",), samples=4, context=32))
    prints = {
        choose_held_out(("text",)).fingerprint,
        choose_held_out(("text",), 3).fingerprint,
        longer and longer.fingerprint,
    }
    assert len(prints) == 3
    assert choose_held_out().fingerprint == choose_held_out().fingerprint


def test_none_where_nothing_counts(spoken_shards: Path) -> None:
    assert choose(spoken_shards, HeldOutChoice(tasks=("prompts", "pairs"), samples=4, context=16)) is None
