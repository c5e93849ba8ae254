"""Encoders that take several members at once, and what a reader makes ahead for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from weft.trainer.latents import LatentSpan, Placed
from weft.trainer.models.encoders import checksums, latents_of, prepared_for

CPU = torch.device("cpu")


@dataclass
class Halves:
    """Frames are halves of what `inputs` made of the samples, four a frame."""

    width: int = 4
    stride: int = 2
    checksum: str = "ab"
    calls: list[int] = field(default_factory=list)

    def inputs(self, member: np.ndarray) -> dict[str, np.ndarray]:
        return {"twice": 2 * member}

    def encode(self, member: Any) -> np.ndarray:
        raise AssertionError("several are encoded at once")

    def encode_all(self, members: Sequence[Any]) -> list[np.ndarray]:
        self.calls.append(len(members))
        return [(member["twice"] / 2).reshape(-1, 4) for member in members]


class Plain:
    width, stride = 3, 1

    def encode(self, member: np.ndarray) -> np.ndarray:
        return member.reshape(-1, 3).astype(np.float32)


def test_each_stretch_is_encoded_once_with_the_others() -> None:
    halves, encoders = Halves(), {"audio": Halves(), "image": Plain()}
    encoders["audio"] = halves
    prepare = prepared_for(encoders)
    samples = [np.arange(8, dtype=np.float32), np.arange(8, 24, dtype=np.float32)]
    one, two = (LatentSpan(modality="audio", begin=0, end=2, member=prepare("audio", member)) for member in samples)
    pixels = np.ones((2, 2, 3), np.uint8)
    image = LatentSpan(modality="image", begin=0, end=4, member=prepare("image", pixels))
    assert image.member is pixels and isinstance(one.member, dict)
    places = ((one, 0, 0, 1), (image, 1, 0, 4)), ((one, 0, 1, 1), (two, 3, 0, 2))
    rows = [[Placed(stretch=s, at=at, first=first, count=n) for s, at, first, n in row] for row in places]
    latents = latents_of(rows, 8, CPU, encoders)
    assert halves.calls == [2]
    assert [latent.at_L.tolist() for latent in latents] == [[0], [1, 2, 3, 4], [8], [11, 12]]
    assert [(latent.first, latent.whole) for latent in latents] == [(0, 2), (0, 4), (1, 2), (0, 2)]
    for latent, member in zip(latents, (samples[0], pixels, samples[0], samples[1]), strict=True):
        np.testing.assert_array_equal(latent.frames_FW.flatten().numpy(), member.flatten())


def test_the_checksums_of_encoders_that_have_one() -> None:
    assert checksums({"audio": Halves(), "image": Plain()}) == {"audio": "ab"}
