"""A speech encoder that learns to recognise the transcript: what a supervised semantic tokenizer is made of.

samples -> log-mels every 10 ms -> convolutions, one state a frame -> blocks -> (a bottleneck) -> blocks -> characters by CTC

Attention reaches `WINDOW` frames either way and positions are relative, so a state depends on a stretch of known length: long audio
in windows gives what the whole would.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence

from weft.tokenizers.features.mels import STEP, log_mels

Heard = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of mels and lengths: [batch, frames, …]

BANDS = 80
WINDOW = 16  # frames either way
_KERNEL = 7  # of a block's convolution
_SPOKEN_RATE = 50  # guesses a second that CTC has, whatever the rate of the states


@dataclass(frozen=True, slots=True)
class Shape:
    """`before` blocks up to the bottleneck and `after` it, `width` channels in `heads`; a state every `hop` samples."""

    hop: int
    width: int
    heads: int
    before: int
    after: int

    @property
    def reach(self) -> int:
        """How many frames either way a state can hear of."""
        return (self.before + self.after) * (WINDOW + _KERNEL // 2) + 2


class Recogniser(nn.Module):
    """`bottleneck` is whatever the states pass in its middle; `classes` are characters, 0 being CTC's blank."""

    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, shape: Shape, bottleneck: nn.Module, classes: int) -> None:
        super().__init__()
        stack, width = shape.hop // STEP, shape.width
        self._heads, self._stack = shape.heads, stack
        self.up = max(1, round(_SPOKEN_RATE * shape.hop / (100 * STEP)))
        self.register_buffer("centre", torch.zeros(BANDS))
        self.register_buffer("scale", torch.ones(BANDS))
        self.near = nn.Conv1d(BANDS, width, 5, padding=2)
        self.stack = nn.Conv1d(width, width, stack, stride=stack)
        self.before = nn.ModuleList(Block(width, shape.heads) for _ in range(shape.before))
        self.bottleneck = bottleneck
        self.after = nn.ModuleList(Block(width, shape.heads) for _ in range(shape.after))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, self.up * classes)
        self.sound = nn.Linear(width, stack * BANDS)

    def states(self, mels_BTF: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """What reaches the bottleneck, [batch, frames, width]; `lengths` are frames, and what is beyond is nothing to them."""
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        steps = torch.arange(mels_BTF.shape[1]) // self._stack
        held = (steps[None] < lengths[:, None])[:, None]
        near = gelu(self.near(((mels_BTF - self.centre) / self.scale).transpose(1, 2) * held))
        states = gelu(self.stack(near)).transpose(1, 2)[:, : mask.shape[1]]
        return self._through(self.before, states, mask)

    def forward(self, mels_BTF: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of characters [batch, frames * up, classes]; and how far what passed the bottleneck is from telling the
        log-mels again, the mean square of bands that vary by 1.
        """
        states = self.bottleneck(self.states(mels_BTF, lengths))
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        logits = self.head(self.norm(self._through(self.after, states, mask)))
        level = ((mels_BTF - self.centre) / self.scale)[:, : mask.shape[1] * self._stack].reshape(*mask.shape, -1)
        far = ((self.sound(states) - level) ** 2).mean(-1)[mask].mean()
        return logits.reshape(len(logits), logits.shape[1] * self.up, -1).log_softmax(-1), far

    def _through(self, blocks: nn.ModuleList, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if not len(blocks):
            return states
        places = torch.arange(states.shape[1])
        near = ((places[:, None] - places).abs() <= WINDOW)[None] & mask[:, None]
        near = near | torch.eye(states.shape[1], dtype=torch.bool)  # one beyond the end hears itself
        turn = _turns(states.shape[1], states.shape[2] // self._heads)
        for block in blocks:
            states = block(states, near[:, None], mask[..., None], turn)
        return states


class Block(nn.Module):
    """Attention to what is near, a convolution over what is nearer, and a network for each frame; each beside what comes in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.asks, self.says = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.nearby = nn.Conv1d(width, width, _KERNEL, padding=_KERNEL // 2, groups=width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, states: torch.Tensor, near: torch.Tensor, mask: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
        batch, frames, width = states.shape
        query, key, value = (
            self.asks(self.norms[0](states)).reshape(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        found = scaled_dot_product_attention(_turned(query, turn), _turned(key, turn), value, attn_mask=near)
        states = states + self.says(found.transpose(1, 2).reshape(batch, frames, width))
        states = states + gelu(self.nearby((self.norms[1](states) * mask).transpose(1, 2))).transpose(1, 2)
        return states + torch.as_tensor(self.narrow(gelu(self.wide(self.norms[2](states)))))


def _turns(frames: int, width: int) -> torch.Tensor:
    """By which angle each pair of channels turns at each frame: complex [frames, width / 2]."""
    speeds = 1000.0 ** -(torch.arange(width // 2) / (width // 2))
    angles = torch.arange(frames)[:, None] * speeds
    return torch.polar(torch.ones_like(angles), angles)


def _turned(states: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    pairs = torch.view_as_complex(states.float().reshape(*states.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(pairs * turn).flatten(-2).to(states)


def mels_of(rows: Sequence[np.ndarray], hop: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-mels [batch, steps, BANDS] of float32 rows [n], and how many whole frames each has."""
    mels = [torch.from_numpy(log_mels(row, BANDS)) for row in rows]
    return pad_sequence(mels, batch_first=True), torch.tensor([len(row) // hop for row in rows])


def in_frames(rows: Sequence[np.ndarray], hop: int, heard: Heard) -> list[np.ndarray]:
    """What `heard` gives of rows, cut to each one's own frames."""
    mels, lengths = mels_of(rows, hop)
    with torch.inference_mode():
        found = heard(mels, lengths).numpy()
    return [one[:length] for one, length in zip(found, lengths.tolist(), strict=True)]
