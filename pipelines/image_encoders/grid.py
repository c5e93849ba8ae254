"""A fixed grid of patches, as of CLIP and SigLIP: every image is scaled to one square and cut into square patches.

image_encoder: {use: grid, size: 224, patch: 14}      16 x 16 = 256 placeholders, whatever the image's own size
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from weft.pipelines.image_encoders import base


class ImageEncoder(base.ImageEncoder):
    """Scales images to `size` pixels a side, with patches of `patch` pixels a side. `class_token` counts CLIP's own token too."""

    size: int = Field(default=224, ge=1)
    patch: int = Field(default=14, ge=1)
    class_token: bool = False

    @model_validator(mode="after")
    def _holds_a_patch(self) -> "ImageEncoder":
        if self.patch > self.size:
            raise ValueError(f"a patch of {self.patch} pixels does not fit into an image of {self.size}")
        return self

    def load(self) -> None:
        """Nothing to load. Raises ValueError with a `class_token`, which only a network has."""
        if self.class_token:
            raise ValueError(
                "`class_token: true` counts a token of CLIP's network, which is not here; set it to false to train"
            )

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The pixels of each patch, from -1 to 1, row by row: (patches, patch * patch * 3). Their projection is the adaptor's."""
        from PIL import Image

        side, patch = self.size // self.patch, self.patch
        square = np.asarray(
            Image.fromarray(pixels).resize((self.size, self.size), Image.Resampling.BILINEAR), np.float32
        )
        rows = square[: side * patch, : side * patch].reshape(side, patch, side, patch, 3).swapaxes(1, 2)
        return rows.reshape(side * side, -1) / 127.5 - 1

    def placeholders(self, width: int, height: int) -> int:
        return (self.size // self.patch) ** 2 + self.class_token
