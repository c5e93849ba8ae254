"""Latent audio and images as members of a sample: the bytes, what they hold, and the encoders whose placeholders stand for them.

flac_of(samples)        b"fLaC…"      16 bit, 16 kHz, one channel: the same bytes for the same samples and version of libsndfile
samples_in(flac)        400_000
png_size(png)           (640, 480)
"""

import io
import struct
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from weft.pipelines.encoders.base import SAMPLE_RATE, Encoder
from weft.pipelines.image_encoders.base import ImageEncoder

VERSION = f"libsndfile-{soundfile.__libsndfile_version__}"  # what the bytes of a FLAC depend on, besides the samples
_FULL = 32_768
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"


@dataclass(frozen=True)
class Encoders:
    """The encoders of a recipe; None where it has none."""

    audio: Encoder | None = None
    image: ImageEncoder | None = None


def flac_of(samples: NDArray[np.float32]) -> bytes:
    """Samples at 16 kHz as FLAC. Samples that were 16 bit come back as they were."""
    buffer = io.BytesIO()
    whole = np.clip(np.rint(samples * _FULL), -_FULL, _FULL - 1).astype(np.int16)
    soundfile.write(buffer, whole, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def samples_in(flac: bytes) -> int:
    """The number of samples; all are decoded. Raises ValueError for what is no FLAC of 16 kHz and one channel, or not whole."""
    try:
        with soundfile.SoundFile(io.BytesIO(flac)) as file:
            if (file.format, file.samplerate, file.channels) != ("FLAC", SAMPLE_RATE, 1):
                raise ValueError("is no FLAC of 16 kHz and one channel")
            decoded, declared = len(file.read(dtype="int16")), file.frames
    except soundfile.LibsndfileError as fault:
        raise ValueError(f"cannot be decoded ({str(fault).rstrip('.')})") from None
    if decoded != declared:
        raise ValueError(f"breaks off after {decoded:,} of {declared:,} samples")
    return decoded


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises ValueError for what is no PNG, or not whole."""
    if not png.startswith(_PNG) or png[12:16] != b"IHDR":
        raise ValueError("is no PNG")
    if not png.endswith(_PNG_END):
        raise ValueError("breaks off before the end of a PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height
