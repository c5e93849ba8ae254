"""The frozen encoders of a network: what they give for a stretch of placeholders.

latents_of(batch.latents, context=512, device=cpu, encoders={"audio": encoder})      (Latent("audio", frames (625, 96), at (313,)), …)
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from weft.schemas.vocabulary import Modality
from weft.trainer.latents import LatentSpan, Placed
from weft.trainer.loader import Prepare
from weft.trainer.models.network import Latent


class FrozenEncoder(Protocol):
    """An encoder that is not trained. `width` is that of its frames; `stride` how many of them become one vector."""

    @property
    def width(self) -> int: ...
    @property
    def stride(self) -> int: ...

    def encode(self, member: Any, /) -> np.ndarray:
        """Frames (F, width) float32 of samples (N,) float32 at 16 kHz, or of pixels (H, W, 3) uint8."""


@runtime_checkable
class BatchEncoder(FrozenEncoder, Protocol):
    """One that takes several members at once, and from which the reader gets what it takes ahead of the training.

    `checksum` is of all that its frames depend on.
    """

    @property
    def checksum(self) -> str: ...

    def inputs(self, member: np.ndarray, /) -> Any:
        """What `encode` and `encode_all` take instead of the member."""

    def encode_all(self, members: Sequence[Any], /) -> list[np.ndarray]:
        """The frames of each."""


FrozenEncoders = Mapping[Modality, FrozenEncoder]
NO_ENCODERS: FrozenEncoders = {}


def checksums(encoders: FrozenEncoders) -> dict[str, str]:
    """By modality; of those that have one."""
    return {str(name): encoder.checksum for name, encoder in encoders.items() if isinstance(encoder, BatchEncoder)}


def prepared_for(encoders: FrozenEncoders) -> Prepare:
    """What a reader makes of samples and pixels for these encoders."""

    def prepare(modality: Modality, member: np.ndarray) -> Any:
        encoder = encoders.get(modality)
        return encoder.inputs(member) if isinstance(encoder, BatchEncoder) else member

    return prepare


def latents_of(
    rows: Sequence[Sequence[Placed]], context: int, device: torch.device, encoders: FrozenEncoders
) -> tuple[Latent, ...]:
    """The latents of rows of `context` tokens, with their places in the flattened rows. A stretch in two rows is encoded once."""
    stretches = {id(placed.stretch): placed.stretch for latents in rows for placed in latents}
    frames = _frames(list(stretches.values()), device, encoders)
    return tuple(
        Latent(
            modality=placed.stretch.modality,
            frames_FW=frames[id(placed.stretch)],
            at_L=torch.arange(row * context + placed.at, row * context + placed.at + placed.count, device=device),
            first=placed.first,
            whole=placed.stretch.end - placed.stretch.begin,
        )
        for row, latents in enumerate(rows)
        for placed in latents
    )


def _frames(stretches: Sequence[LatentSpan], device: torch.device, encoders: FrozenEncoders) -> dict[int, torch.Tensor]:
    """The frames of each stretch, by its id."""
    frames: dict[int, torch.Tensor] = {}
    for modality in sorted({stretch.modality for stretch in stretches}):
        own = [stretch for stretch in stretches if stretch.modality == modality]
        encoded = _encoded(encoders[modality], [stretch.member for stretch in own])
        frames |= {id(s): torch.from_numpy(frame).to(device) for s, frame in zip(own, encoded, strict=True)}
    return frames


def _encoded(encoder: FrozenEncoder, members: Sequence[Any]) -> list[np.ndarray]:
    if isinstance(encoder, BatchEncoder):
        return encoder.encode_all(members)
    return [encoder.encode(member) for member in members]
