"""Packs samples into blocks of the context length: next-fit in stream order, the same on every machine.

    context 8, samples of 3, 4, 2 and 19 tokens:   aaabbbb·  cc······  dddddddd  dddddddd  ddd·····

A sample that does not fit into the rest of a block starts a new one. A sample longer than the context is cut into pieces of the
context's length. Each piece is a document of its own, because its block does not hold the tokens before it. No token is dropped; the
first of a document is predicted by nothing, so it does not count in the loss.
A sample of several documents (a preference pair) is one piece, in which each document begins anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from weft.trainer.latents import Placed, placed
from weft.trainer.loader import Draw

PADDING = -1


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens `begin` to `end` of a draw; all of it unless the draw is longer than the context."""

    draw: Draw
    begin: int
    end: int

    def __len__(self) -> int:
        return self.end - self.begin

    def loss_mask(self) -> np.ndarray:
        """The tokens that count in the loss, (n,) bool. The first of a document never does: no token of it predicts it."""
        mask = np.zeros(len(self), bool)
        for begin, end in np.maximum(self.draw.loss - self.begin, 0):
            mask[begin:end] = True
        mask[self.starts()] = False
        return mask

    def starts(self) -> list[int]:
        """Where its documents begin, counted from its own begin; nowhere in an empty piece."""
        inner = [bound - self.begin for bound in self.draw.bounds.tolist() if self.begin < bound < self.end]
        return [0, *inner] if len(self) else []


@dataclass(frozen=True, slots=True)
class Block:
    """The pieces of one block. The next block begins at token `offset` of draw `draw`."""

    pieces: tuple[Piece, ...]
    draw: int
    offset: int

    @property
    def counted(self) -> int:
        """The number of tokens that count in the loss."""
        return sum(int(piece.loss_mask().sum()) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Packed:
    """The arrays of one block of T tokens.

    ids and positions are (T,) int32; positions restart with every document. documents (T,) int32 numbers them
    from 0, with -1 for padding. loss_mask (T,) bool: the token counts in the loss.
    tasks are those of the documents: token t is of task `tasks[documents[t]]`. latents stand at placeholders of the block.
    """

    ids: np.ndarray
    positions: np.ndarray
    documents: np.ndarray
    loss_mask: np.ndarray
    tasks: tuple[str, ...]
    latents: tuple[Placed, ...] = ()


def pack(draws: Iterable[Draw], context: int, offset: int = 0) -> Iterator[Block]:
    """Blocks of `context` tokens from a stream of draws; the first draw is read from token `offset` on."""
    pieces: list[Piece] = []
    room = context
    for piece in _pieces(draws, context, offset):
        if len(piece) > room:
            yield Block(pieces=tuple(pieces), draw=piece.draw.position, offset=piece.begin)
            pieces, room = [], context
        pieces.append(piece)
        room -= len(piece)
    if pieces:
        yield Block(pieces=tuple(pieces), draw=pieces[-1].draw.position + 1, offset=0)


def _pieces(draws: Iterable[Draw], context: int, offset: int) -> Iterator[Piece]:
    for draw in draws:
        for begin in range(offset, len(draw.ids), context):
            yield Piece(draw, begin, min(begin + context, len(draw.ids)))
        offset = 0


def lay_out(block: Block, context: int) -> Packed:
    """Copies the tokens of a block one after the other; the rest of the context is padding with id 0."""
    ids, positions = np.zeros(context, np.int32), np.zeros(context, np.int32)
    documents, loss_mask = np.full(context, PADDING, np.int32), np.zeros(context, bool)
    at = 0
    tasks: list[str] = []
    latents: list[Placed] = []
    for piece in block.pieces:
        here = slice(at, at + len(piece))
        ids[here] = piece.draw.ids[piece.begin : piece.end]
        loss_mask[here] = piece.loss_mask()
        latents += placed(piece.draw.stretches, piece.begin, piece.end, at)
        starts = piece.starts()
        for begin, end in pairwise([*starts, len(piece)] if starts else []):
            document = slice(at + begin, at + end)
            positions[document], documents[document] = np.arange(end - begin), len(tasks)
            tasks.append(piece.draw.task)
        at += len(piece)
    return Packed(
        ids=ids,
        positions=positions,
        documents=documents,
        loss_mask=loss_mask,
        tasks=tuple(tasks),
        latents=tuple(latents),
    )


def count_blocks(lengths: Iterable[np.ndarray], context: int) -> int:
    """The number of blocks that `pack` makes of samples of these lengths (tokens)."""
    blocks, room = 0, 0
    for group in lengths:
        for length in group.tolist():
            if length <= room:
                room -= length
            else:
                blocks += -(-length // context)
                room = -length % context
    return blocks
