"""Packing drops nothing, repeats nothing, keeps the order, and never lets one sample see another."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.trainer.attention import block_mask
from weft.trainer.loader import Draw
from weft.trainer.packing import count_blocks, lay_out, pack


def draws_of(lengths: list[int]) -> list[Draw]:
    """Every token is its own number, so that order shows; the second half of each sample counts."""
    edges = np.cumsum([0, *lengths])
    return [
        Draw(
            position=n,
            task=f"task-{n % 3}",
            ids=np.arange(edges[n], edges[n + 1], dtype=np.int32),
            loss=np.array([[size // 2, size]], np.int32),
        )
        for n, size in enumerate(lengths)
    ]


lengths_of = st.lists(st.integers(0, 30), max_size=40)
contexts = st.integers(2, 12)


@settings(deadline=None)
@given(lengths_of, contexts)
def test_every_token_appears_once_and_in_order(lengths: list[int], context: int) -> None:
    packed = [lay_out(block, context) for block in pack(draws_of(lengths), context)]
    ids = [i for p in packed for i in p.ids[p.documents >= 0].tolist()]
    assert ids == list(range(sum(lengths)))


@settings(deadline=None)
@given(lengths_of, contexts)
def test_blocks_are_next_fit(lengths: list[int], context: int) -> None:
    """A block ends only where the next piece would not have fitted, and a sample is cut only if it must be."""
    blocks = list(pack(draws_of(lengths), context))
    for block, after in pairwise(blocks):
        assert sum(map(len, block.pieces)) + len(after.pieces[0]) > context
        assert (block.draw, block.offset) == (after.pieces[0].draw.position, after.pieces[0].begin)
    cut = {p.draw.position for b in blocks for p in b.pieces if len(p) < len(p.draw.ids)}
    assert cut == {n for n, size in enumerate(lengths) if size > context}


@settings(deadline=None)
@given(lengths_of, contexts)
def test_blocks_are_counted_from_lengths_alone(lengths: list[int], context: int) -> None:
    groups = [np.array(lengths[:5], np.int32), np.array(lengths[5:], np.int32)]
    assert count_blocks(groups, context) == len(list(pack(draws_of(lengths), context)))


@settings(deadline=None)
@given(lengths_of, contexts)
def test_packing_goes_on_from_the_end_of_any_block(lengths: list[int], context: int) -> None:
    draws = draws_of(lengths)
    blocks = list(pack(draws, context))
    for n, block in enumerate(blocks):
        rest = list(pack(draws[block.draw :], context, block.offset))
        assert [lay_out(b, context).ids.tolist() for b in rest] == [
            lay_out(b, context).ids.tolist() for b in blocks[n + 1 :]
        ]


@settings(deadline=None)
@given(lengths_of, contexts)
def test_positions_restart_and_targets_stay_inside_a_sample(lengths: list[int], context: int) -> None:
    draws = draws_of(lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    first = np.cumsum([0, *lengths])
    for block in pack(draws, context):
        packed = lay_out(block, context)
        for t in range(context):
            document = packed.documents[t]
            if document < 0:
                assert not packed.loss_mask[t]
                continue
            n = owner[packed.ids[t]]
            inside = packed.ids[t] - first[n]
            assert packed.tasks[document] == draws[n].task
            assert packed.positions[t] == inside % context
            assert packed.loss_mask[t] == (inside >= lengths[n] // 2 and packed.positions[t] > 0)
            if packed.loss_mask[t]:
                assert packed.ids[t - 1] == packed.ids[t] - 1
                assert packed.documents[t - 1] == document
        assert block.counted == packed.loss_mask.sum()


@settings(max_examples=30, deadline=None)
@given(lengths_of, contexts)
def test_no_attention_across_samples(lengths: list[int], context: int) -> None:
    owner = np.repeat(np.arange(len(lengths)), lengths)
    for block in pack(draws_of(lengths), context):
        packed = lay_out(block, context)
        mask_TT = block_mask(torch.from_numpy(packed.documents)[None])[0, 0].numpy()
        real = packed.documents >= 0
        owners = np.where(real, owner[packed.ids] if len(owner) else -1, -1)
        assert not mask_TT[owners[:, None] != owners[None, :]].any()
        assert not np.triu(mask_TT, 1).any()
        assert mask_TT.diagonal().all()
        assert (mask_TT.sum(1)[real] == packed.positions[real] + 1).all()


@settings(deadline=None)
@given(st.integers(1, 30), st.sets(st.integers(1, 29), max_size=4), contexts)
def test_documents_of_one_sample_do_not_see_each_other(length: int, begins: set[int], context: int) -> None:
    """They lie in one piece, as long as the context holds them; nothing predicts the first token of any."""
    inner = sorted(begin for begin in begins if begin < length)
    (draw,) = draws_of([length])
    draw = replace(draw, loss=np.array([[0, length]], np.int32), bounds=np.array(inner, np.int32))
    blocks = list(pack([draw], context))
    assert sum(len(block.pieces) for block in blocks) == -(-length // context)
    starts = sorted({*inner, *range(0, length, context)})
    for block in blocks:
        packed = lay_out(block, context)
        real = packed.documents >= 0
        document = np.searchsorted(starts, packed.ids[real], side="right")
        assert packed.positions[real].tolist() == [
            i - starts[d - 1] for i, d in zip(packed.ids[real], document, strict=True)
        ]
        assert packed.loss_mask[real].tolist() == [i not in starts for i in packed.ids[real].tolist()]
        assert block.counted == packed.loss_mask.sum()
        mask_TT = block_mask(torch.from_numpy(packed.documents)[None])[0, 0].numpy()[np.ix_(real, real)]
        assert not mask_TT[document[:, None] != document[None, :]].any()
        assert set(packed.tasks) == {"task-0"} and len(packed.tasks) == len(set(document))
