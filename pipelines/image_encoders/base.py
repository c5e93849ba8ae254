"""An image encoder, as the data needs it: how many placeholder tokens stand for an image.

ImageEncoder().placeholders(640, 480)  ->  256
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from weft.schemas.fingerprint import digest
from weft.schemas.settings import Versioned


class ImageEncoder(Versioned, ABC):
    """A backend gives `placeholders`; with `load` and `encode` the trainer can use it. A build loads no model.

    `stride` frames become one vector in the adaptor.
    """

    stride: ClassVar[int] = 1

    def load(self) -> None:
        """Loads the network, to encode. Raises ValueError where there is none."""
        raise ValueError(
            f"`image_encoder: {{use: {self.called}}}` counts placeholders and has no network here to train with"
        )

    def inputs(self, pixels: NDArray[np.uint8]) -> Any:
        """What `encode` takes instead of pixels (H, W, 3). It is computed beside the training; by default the pixels themselves."""
        return pixels

    def encode(self, pixels: Any) -> NDArray[np.float32]:
        """The frames of an image (H, W, 3), (placeholders, width) float32. After `load`."""
        raise NotImplementedError

    def encode_all(self, members: Sequence[Any]) -> list[NDArray[np.float32]]:
        """The frames of each; by default one after another."""
        return [self.encode(member) for member in members]

    @property
    def checksum(self) -> str:
        """Of all that its frames depend on: a run that goes on needs the same. After `load`."""
        return digest([self.backend_name, self.version(), self.fingerprint_settings()])

    @abstractmethod
    def placeholders(self, width: int, height: int) -> int:
        """Placeholder tokens of an image of `width` times `height` pixels."""
