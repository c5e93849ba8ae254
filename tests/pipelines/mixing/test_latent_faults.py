"""Placeholders that do not stand for the sample's audio or image are named."""

import re
from dataclasses import asdict

import numpy as np
import pytest

from tests.pipelines.test_latents import png
from weft.pipelines.encoders.step_audio import Encoder
from weft.pipelines.image_encoders.grid import ImageEncoder
from weft.pipelines.latents import Encoders, flac_of
from weft.pipelines.mixing.latent_faults import latent_fault
from weft.schemas.sample import SampleSegment

ENCODERS = Encoders(audio=Encoder(), image=ImageEncoder(size=64, patch=32))
FLAC = flac_of(np.zeros(22_400, np.float32))  # 0.4 s and 1 s: 5 and 13 placeholders


def span(modality: str, count: int, start: float = 0.0, stop: float = 0.0, role: str = "placeholders") -> dict:
    return asdict(SampleSegment(modality=modality, role=role, begin=0, end=count, start=start, stop=stop, loss=False))


def audio(first: int = 5, second: int = 13, meet: float = 0.4, stop: float = 1.4) -> list[dict]:
    marker = span("audio", 1, role="input")
    return [marker, span("audio", first, 0.0, meet), marker, span("text", 7), span("audio", second, meet, stop), marker]


def test_a_sample_as_it_should_be_has_no_fault() -> None:
    assert latent_fault(audio(), FLAC, b"", ENCODERS) == ""
    assert latent_fault([span("image", 4)], b"", png(9, 9), ENCODERS) == ""
    assert latent_fault([span("text", 4)], b"", b"", Encoders()) == ""


@pytest.mark.parametrize(
    ("segments", "flac", "fault"),
    [
        (audio(first=6), FLAC, "its 6 placeholders from 0.00 to 0.40 s stand for audio that gives 5"),
        (audio(second=12), FLAC, "its 12 placeholders from 0.40 to 1.40 s stand for audio that gives 13"),
        (audio(), FLAC[:-20], "its FLAC (cannot be decoded|breaks off)"),
        (audio(), flac_of(np.zeros(22_000, np.float32)), "do not stand for its FLAC of 1.375 s from begin to end"),
        (audio(stop=1.0), FLAC, "do not stand for its FLAC of 1.400 s from begin to end"),
        (audio(), b"", "in its segments or as FLAC, not both"),
        ([span("text", 4)], FLAC, "in its segments or as FLAC, not both"),
    ],
)
def test_audio_that_does_not_fit_its_placeholders(segments: list[dict], flac: bytes, fault: str) -> None:
    assert re.search(fault, latent_fault(segments, flac, b"", ENCODERS))


def test_an_image_that_does_not_fit_its_placeholders() -> None:
    message = latent_fault([span("image", 5)], b"", png(9, 9), ENCODERS)
    assert message == "its 5 placeholders stand for an image that gives 4"
    assert "its PNG breaks off" in latent_fault([span("image", 4)], b"", png(9, 9)[:-1], ENCODERS)
    assert "not both" in latent_fault([span("image", 4)], b"", b"", ENCODERS)


def test_latents_of_a_recipe_without_encoders() -> None:
    assert "no `encoder:`" in latent_fault(audio(), FLAC, b"", Encoders())
    assert "no `image_encoder:`" in latent_fault([span("image", 4)], b"", png(9, 9), Encoders())
