"""Latents as bytes: FLAC that gives back its samples, and PNG."""

import io
import struct

import numpy as np
import pytest
import soundfile

from weft.pipelines.latents import flac_of, png_size, samples_in


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).integers(-32_768, 32_768, samples).astype(np.float32) / 32_768


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\0\0\0\0IEND\xaeB`\x82"


def test_samples_of_16_bit_come_back_and_bytes_are_the_same_again() -> None:
    samples = noise(20_000)
    flac = flac_of(samples)
    back, rate = soundfile.read(io.BytesIO(flac), dtype="float32")
    assert rate == 16_000 and np.array_equal(back, samples)
    assert flac_of(samples.copy()) == flac and samples_in(flac) == 20_000


def test_a_flac_that_is_cut_or_is_none_is_refused() -> None:
    flac = flac_of(noise(20_000))
    for bad in (flac[: len(flac) // 2], b"no audio", flac[:60]):
        with pytest.raises(ValueError, match=r"cannot be decoded|breaks off"):
            samples_in(bad)


def test_a_flac_of_another_rate_is_refused() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(8_000), 8_000, format="FLAC")
    with pytest.raises(ValueError, match="is no FLAC of 16 kHz"):
        samples_in(buffer.getvalue())


def test_the_size_of_a_png() -> None:
    assert png_size(png(640, 480)) == (640, 480)
    for bad, what in ((b"GIF89a", "is no PNG"), (png(640, 480)[:-4], "breaks off")):
        with pytest.raises(ValueError, match=what):
            png_size(bad)
