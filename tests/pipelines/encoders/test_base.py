"""An encoder that only counts placeholders is refused by the name that the recipe gives it."""

from pathlib import Path

import pytest

from weft.pipelines.encoders.base import Encoder
from weft.pipelines.image_encoders.base import ImageEncoder


class Counts(Encoder):
    def frames(self, samples: int) -> int:
        return samples // 640


class CountsPatches(ImageEncoder):
    def placeholders(self, width: int, height: int) -> int:
        return 4


def test_an_encoder_without_a_network_is_called_as_in_the_recipe() -> None:
    audio, image = Counts(), CountsPatches()
    for encoder in (audio, image):
        encoder.give_name("mine.py")
    with pytest.raises(ValueError, match=r"`encoder: \{use: mine\.py\}` counts placeholders and has no network"):
        audio.load(Path)
    with pytest.raises(ValueError, match=r"`image_encoder: \{use: mine\.py\}` counts placeholders and has no network"):
        image.load()
