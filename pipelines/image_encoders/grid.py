"""A fixed grid of patches, as of CLIP and SigLIP: every image is scaled to one square and cut into square patches.

image_encoder: {use: grid, size: 224, patch: 14}      16 x 16 = 256 placeholders, whatever the image's own size
"""

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

    def placeholders(self, width: int, height: int) -> int:
        return (self.size // self.patch) ** 2 + self.class_token
