"""Replies of the network to prompts, and the rows that they are learned from: a prompt and its reply each, padded at the end.

rollouts = Rollouts(decoding=decoding, reader=reader, seed=1, forward_tokens=8192)
replies = rollouts.sample(network, batch.prompts, step=12, each=8)     8 in a row for each prompt
rows_of_replies(replies, batch)                                       a Batch whose loss mask is the replies
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from weft.schemas.fingerprint import hash64
from weft.trainer.generation import Continuation, Decoding, continuations
from weft.trainer.latents import placed
from weft.trainer.models.encoders import FrozenEncoders
from weft.trainer.models.network import Network
from weft.trainer.packing import PADDING
from weft.trainer.prompts import PromptBatch
from weft.trainer.replies import PromptSample, Reply, ReplyReader
from weft.trainer.stream import Batch, StreamState


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """A reply, and the tokens that the network drew for it."""

    reply: Reply
    drawn: Continuation


@dataclass(frozen=True)
class Rollouts:
    """Samples replies; a reply depends on `seed`, the step, the draw of its prompt and its number alone, but for rounding.

    `forward_tokens` bounds the tokens that are generated together.
    """

    decoding: Decoding
    reader: ReplyReader
    seed: int
    forward_tokens: int
    encoders: FrozenEncoders = field(default_factory=dict)

    def sample(self, network: Network, prompts: Sequence[PromptSample], step: int, each: int = 1) -> list[Rollout]:
        """`each` replies to each prompt, those to one prompt in a row. Raises FloatingPointError."""
        asked = [(prompt, number) for prompt in prompts for number in range(each)]
        longest = max(len(prompt.draw.ids) for prompt in prompts) + self.decoding.new_tokens
        size = max(1, self.forward_tokens // longest)
        return [
            rollout
            for first in range(0, len(asked), size)
            for rollout in self._together(network, asked[first : first + size], step)
        ]

    def _together(self, network: Network, asked: Sequence[tuple[PromptSample, int]], step: int) -> list[Rollout]:
        draws = [prompt.draw for prompt, _ in asked]
        seeds = [hash64(self.seed, "reply", step, prompt.draw.position, number) for prompt, number in asked]
        drawn = continuations(network, draws, self.decoding, seeds=seeds, encoders=self.encoders)
        return [
            Rollout(reply=self._reply(prompt, one), drawn=one) for (prompt, _), one in zip(asked, drawn, strict=True)
        ]

    def _reply(self, prompt: PromptSample, drawn: Continuation) -> Reply:
        ids, end = (drawn.ids[:-1], int(drawn.ids[-1])) if drawn.ended else (drawn.ids, None)
        return Reply(prompt=prompt, ids=ids, end=end, text=self.reader.text(ids))


def rows_of_replies(rollouts: Sequence[Rollout], batch: PromptBatch) -> Batch:
    """A row for each reply. The figure `old` (B, T) has the log-probabilities of its tokens when they were drawn."""
    rows = rows_after([r.reply.prompt for r in rollouts], [r.drawn.ids for r in rollouts], batch.tasks)
    old_BT = np.zeros(rows.ids_BT.shape, np.float32)
    old_BT[rows.loss_mask_BT] = np.concatenate([rollout.drawn.log_probs for rollout in rollouts])
    return replace(rows, after=batch.after, figures={"old": old_BT})


def rows_after(prompts: Sequence[PromptSample], tails: Sequence[np.ndarray], tasks: Sequence[str]) -> Batch:
    """A row for each prompt and what follows it, which counts in the loss; the rest of a row is padding."""
    lengths = [(len(p.draw.ids), len(tail)) for p, tail in zip(prompts, tails, strict=True)]
    shape = (len(prompts), max(map(sum, lengths)))
    ids, positions = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    documents, labels, loss_mask = (
        np.full(shape, PADDING, np.int32),
        np.full(shape, PADDING, np.int32),
        np.zeros(shape, bool),
    )
    for row, (prompt, tail) in enumerate(zip(prompts, tails, strict=True)):
        begin, end = len(prompt.draw.ids), len(prompt.draw.ids) + len(tail)
        ids[row, :end] = np.concatenate([prompt.draw.ids, tail])
        positions[row, :end], documents[row, :end], labels[row, :end] = np.arange(end), 0, tasks.index(prompt.draw.task)
        loss_mask[row, begin:end] = True
    return Batch(
        ids_BT=ids,
        positions_BT=positions,
        documents_BT=documents,
        loss_mask_BT=loss_mask,
        labels_BT=labels,
        tasks=tuple(tasks),
        counted=int(loss_mask.sum()),
        after=StreamState(),
        latents=tuple(tuple(placed(p.draw.stretches, 0, len(p.draw.ids), 0)) for p in prompts),
    )
