"""The speech encoder of the supervised tokenizers, trained by speech recognition.

samples -> log-mels every 10 ms -> convolutions, one state a frame -> blocks -> bottleneck -> blocks -> characters by CTC

Attention reaches `WINDOW` frames either way and positions are relative, so a state depends on audio of a known length: long audio in
windows gives the same states as the whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence

from weft.tokenizers.features.mels import STEP, log_mels
from weft.tokenizers.models.finite_scalar import FiniteScalarQuantizer

LogMelForward = Callable[
    [torch.Tensor, torch.Tensor], torch.Tensor
]  # log-mels and lengths in frames to [batch, frames, …]

BANDS = 80
WINDOW = 16  # frames either way
_KERNEL = 7  # frames of a block's convolution
_CTC_RATE = 50  # Hz of CTC's outputs, whatever the rate of the states


@dataclass(frozen=True, slots=True)
class RecogniserShape:
    """`before` blocks before the bottleneck and `after` after it, of `width` channels and `heads`; a state every `hop` samples."""

    hop: int
    width: int
    heads: int
    before: int
    after: int

    @property
    def reach(self) -> int:
        """How many frames either way a state depends on."""
        return (self.before + self.after) * (WINDOW + _KERNEL // 2) + 2


class Recogniser(nn.Module):
    """`bottleneck` is the layer between the two stacks of blocks; `classes` are characters, with CTC's blank as 0."""

    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, shape: RecogniserShape, bottleneck: nn.Module, classes: int) -> None:
        super().__init__()
        stack, width = shape.hop // STEP, shape.width
        self._heads, self._stack = shape.heads, stack
        self.up = max(1, round(_CTC_RATE * shape.hop / (100 * STEP)))
        self.register_buffer("centre", torch.zeros(BANDS))
        self.register_buffer("scale", torch.ones(BANDS))
        self.front = nn.Conv1d(BANDS, width, 5, padding=2)
        self.stack = nn.Conv1d(width, width, stack, stride=stack)
        self.before = nn.ModuleList(RecogniserBlock(width, shape.heads) for _ in range(shape.before))
        self.bottleneck = bottleneck
        self.after = nn.ModuleList(RecogniserBlock(width, shape.heads) for _ in range(shape.after))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, self.up * classes)
        self.log_mel_head = nn.Linear(width, stack * BANDS)

    def set_scale(self, mels: Sequence[np.ndarray]) -> None:
        """Takes each band's centre and scale from the log-mels [steps, BANDS] of the training set."""
        every = np.concatenate(mels)
        self.centre.copy_(torch.from_numpy(every.mean(0)))
        self.scale.copy_(torch.from_numpy(every.std(0) + 1e-3))

    def states(self, mels_BTF: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The input of the bottleneck, [batch, frames, width]. `lengths` are in frames; padding beyond has no effect."""
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        steps = torch.arange(mels_BTF.shape[1]) // self._stack
        inside = (steps[None] < lengths[:, None])[:, None]
        near = gelu(self.front(((mels_BTF - self.centre) / self.scale).transpose(1, 2) * inside))
        states = gelu(self.stack(near)).transpose(1, 2)[:, : mask.shape[1]]
        return self._through(self.before, states, mask)

    def normalised_states(self, mels_BTF: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The states after the layer norm of the head, [batch, frames, width], so that their distances are comparable."""
        return torch.as_tensor(self.norm(self.states(mels_BTF, lengths)))

    def codes(self, mels_BTF: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The codes [batch, frames] of a bottleneck that is a quantizer."""
        assert isinstance(self.bottleneck, FiniteScalarQuantizer)
        return self.bottleneck.codes(self.states(mels_BTF, lengths))

    def forward(self, mels_BTF: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of characters [batch, frames * up, classes]; and the mean square error of the log-mels, scaled to a
        variance of 1, when they are predicted from the output of the bottleneck.
        """
        states = self.bottleneck(self.states(mels_BTF, lengths))
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        logits = self.head(self.norm(self._through(self.after, states, mask)))
        target = ((mels_BTF - self.centre) / self.scale)[:, : mask.shape[1] * self._stack].reshape(*mask.shape, -1)
        error = ((self.log_mel_head(states) - target) ** 2).mean(-1)[mask].mean()
        return logits.reshape(len(logits), logits.shape[1] * self.up, -1).log_softmax(-1), error

    def _through(self, blocks: nn.ModuleList, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if not len(blocks):
            return states
        places = torch.arange(states.shape[1])
        near = ((places[:, None] - places).abs() <= WINDOW)[None] & mask[:, None]
        near = near | torch.eye(
            states.shape[1], dtype=torch.bool
        )  # padding attends to itself: softmax of nothing is NaN
        angles = _rotary_angles(states.shape[1], states.shape[2] // self._heads)
        for block in blocks:
            states = block(states, near[:, None], mask[..., None], angles)
        return states


class RecogniserBlock(nn.Module):
    """Attention within `WINDOW` frames, a depthwise convolution, and a feed-forward network, each with a residual connection.

    Ours and not transformers' conformer layer: measured at this width, a training step takes 0.57 of its time (with rotary position
    embedding: 0.33 of Llama's), and batch normalisation would make a state depend on the batch.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.attention_in, self.attention_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.convolution = nn.Conv1d(width, width, _KERNEL, padding=_KERNEL // 2, groups=width)
        self.feed_in, self.feed_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(
        self, states: torch.Tensor, near: torch.Tensor, mask: torch.Tensor, angles: torch.Tensor
    ) -> torch.Tensor:
        batch, frames, width = states.shape
        query, key, value = (
            self.attention_in(self.norms[0](states)).reshape(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        attended = scaled_dot_product_attention(_rotated(query, angles), _rotated(key, angles), value, attn_mask=near)
        states = states + self.attention_out(attended.transpose(1, 2).reshape(batch, frames, width))
        states = states + gelu(self.convolution((self.norms[1](states) * mask).transpose(1, 2))).transpose(1, 2)
        return states + torch.as_tensor(self.feed_out(gelu(self.feed_in(self.norms[2](states)))))


def _rotary_angles(frames: int, width: int) -> torch.Tensor:
    """The rotation of each pair of channels at each frame (rotary position embedding): complex [frames, width / 2]."""
    frequencies = 1000.0 ** -(torch.arange(width // 2) / (width // 2))
    angles = torch.arange(frames)[:, None] * frequencies
    return torch.polar(torch.ones_like(angles), angles)


def _rotated(states: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    pairs = torch.view_as_complex(states.float().reshape(*states.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(pairs * angles).flatten(-2).to(states)


def log_mel_batch(rows: Sequence[np.ndarray], hop: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-mels [batch, steps, BANDS] of float32 rows [n], and each row's number of whole frames [batch]."""
    mels = [torch.from_numpy(log_mels(row, BANDS)) for row in rows]
    return pad_sequence(mels, batch_first=True), torch.tensor([len(row) // hop for row in rows])


def infer(rows: Sequence[np.ndarray], hop: int, forward: LogMelForward) -> list[np.ndarray]:
    """The output of `forward` for each row of float32 samples, without the frames of the padding."""
    mels, lengths = log_mel_batch(rows, hop)
    with torch.inference_mode():
        outputs = forward(mels, lengths).numpy()
    return [output[:length] for output, length in zip(outputs, lengths.tolist(), strict=True)]
