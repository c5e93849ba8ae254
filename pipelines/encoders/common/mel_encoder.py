"""An encoder of Whisper's family by checkpoint: log-mels of 10 ms, two convolutions, transformer blocks.

    encoder: {use: whisper, checkpoint: checkpoints/whisper-large-v3, device: cuda}

A backend counts frames, and says which class and config of transformers its checkpoint is of. Without a checkpoint it counts
placeholders all the same, but cannot be trained with.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from weft.pipelines.encoders import base
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.tokenizers.models.folder import Checkpoint

if TYPE_CHECKING:  # torch takes seconds, which counting placeholders does not need
    from weft.pipelines.encoders.common.networks import MelNetwork, Tensors

HOP = 160  # samples a mel frame


@dataclass(frozen=True, slots=True, eq=False)
class Mels:
    """What the network gets for a chunk: log-mels (bands, window) float32, padded to its window, of which it gives `frames` frames.

    `attended` of the states after its convolutions are of audio.
    """

    values: NDArray[np.float32]
    attended: int
    frames: int


class MelEncoder(base.Encoder):
    """`checkpoint`: a folder or `hf://org/name` with safetensors; it is frozen, and a build does not need it.

    `batch` chunks are encoded at once on torch's `device`; `auto` is a GPU where torch sees one. Weights and states are of `dtype`, the
    frames float32. A corpus counts the same placeholders whatever the `dtype`; a run that goes on needs the same one.
    """

    masks: ClassVar[bool] = True  # whether the padding is hidden from attention

    checkpoint: Checkpoint = ""
    device: Annotated[str, NOT_IN_FINGERPRINT] = "auto"
    dtype: Annotated[Literal["float32", "bfloat16"], NOT_IN_FINGERPRINT] = "float32"
    batch: Annotated[int, NOT_IN_FINGERPRINT] = Field(default=8, ge=1)

    _network: "MelNetwork | None" = PrivateAttr(None)

    def load(self, folder: Callable[[str], Path]) -> None:
        if not self.checkpoint:
            raise ValueError(
                f"{self._stated} counts placeholders: name its network with `checkpoint:` to train with it"
            )
        from weft.pipelines.encoders.common.networks import load_network

        network = load_network(self.checkpoint, self._module, device=self.device, dtype=self.dtype)
        if (mels := self.mels(self._longest)) > network.window:
            raise ValueError(
                f"{self._stated}: `chunk: {self.chunk:g}` is {mels} mel frames, and {self.checkpoint} takes {network.window} at "
                "once: the corpus needs a smaller `chunk`, or training another checkpoint"
            )
        self._network = network

    def _weights(self) -> str:
        return self._ready.checksum

    def inputs(self, samples: NDArray[np.float32]) -> Mels:
        mels = self.mels(len(samples))
        if mels > self._ready.window:
            raise ValueError(
                f"its audio is {mels} mel frames, and {self.checkpoint} takes {self._ready.window} at once"
            )
        values = self._log_mels(samples, self._ready.bands, self._ready.window)
        return Mels(values=values, attended=self.attended(mels), frames=self.frames(len(samples)))

    def encode(self, samples: NDArray[np.float32] | Mels) -> NDArray[np.float32]:
        (frames,) = self.encode_all([samples])
        return frames

    def encode_all(self, members: Sequence[NDArray[np.float32] | Mels]) -> list[NDArray[np.float32]]:
        chunks = [member if isinstance(member, Mels) else self.inputs(member) for member in members]
        groups = [chunks[first : first + self.batch] for first in range(0, len(chunks), self.batch)]
        return [frames for group in groups for frames in self._encoded(group)]

    def _encoded(self, chunks: Sequence[Mels]) -> list[NDArray[np.float32]]:
        attended = [chunk.attended for chunk in chunks] if self.masks else None
        states = self._ready.encode(np.stack([chunk.values for chunk in chunks]), attended)
        return [state[: chunk.frames] for state, chunk in zip(states, chunks, strict=True)]

    def mels(self, samples: int) -> int:
        """Mel frames of audio of `samples` at 16 kHz."""
        return -(-samples // HOP)

    def attended(self, mels: int) -> int:
        """States after the convolutions that are of audio, of so many mel frames."""
        return (mels - 1) // 2 + 1

    def _log_mels(self, samples: NDArray[np.float32], bands: int, window: int) -> NDArray[np.float32]:
        """Log-mels (bands, window): the audio is padded with silence to the length of the window."""
        from weft.pipelines.encoders.common.networks import log_mels

        return log_mels(np.pad(samples, (0, window * HOP - len(samples))), bands)

    @property
    def _ready(self) -> "MelNetwork":
        if self._network is None:
            raise RuntimeError("this encoder has no network yet: call load first")
        return self._network

    @abstractmethod
    def _module(self, settings: dict[str, Any], tensors: "Tensors") -> Any:
        """The network in transformers' class, of a checkpoint's config.json and its encoder's tensors. Raises ValueError."""
