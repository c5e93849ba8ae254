"""The frozen encoders of a network: what they give for a stretch of placeholders.

latents_of(batch.latents, context=512, device=cpu, encoders={"audio": encoder})      (Latent("audio", frames (625, 96), at (313,)), …)
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch

from weft.schemas.vocabulary import Modality
from weft.trainer.latents import Placed
from weft.trainer.models.network import Latent


class FrozenEncoder(Protocol):
    """An encoder that is not trained. `width` is that of its frames; `stride` how many of them become one vector."""

    @property
    def width(self) -> int: ...
    @property
    def stride(self) -> int: ...

    def encode(self, member: np.ndarray, /) -> np.ndarray:
        """Frames (F, width) float32 of samples (N,) float32 at 16 kHz, or of pixels (H, W, 3) uint8."""


FrozenEncoders = Mapping[Modality, FrozenEncoder]
NO_ENCODERS: FrozenEncoders = {}


def latents_of(
    rows: Sequence[Sequence[Placed]], context: int, device: torch.device, encoders: FrozenEncoders
) -> tuple[Latent, ...]:
    """The latents of rows of `context` tokens, with their places in the flattened rows."""
    return tuple(
        Latent(
            modality=placed.stretch.modality,
            frames_FW=torch.from_numpy(encoders[placed.stretch.modality].encode(placed.stretch.member)).to(device),
            at_P=torch.arange(row * context + placed.at, row * context + placed.at + placed.count, device=device),
            first=placed.first,
            whole=placed.stretch.end - placed.stretch.begin,
        )
        for row, latents in enumerate(rows)
        for placed in latents
    )
