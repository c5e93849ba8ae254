"""Whether the latent audio and the image of a sample are what its placeholders stand for.

latent_fault(segments, flac, png, encoders)  ->  "its 5 placeholders from 0.00 to 0.50 s stand for audio that gives 6"
"""

from collections.abc import Sequence
from typing import Any

from weft.pipelines.encoders.base import SAMPLE_RATE
from weft.pipelines.latents import Encoders, png_size, samples_in
from weft.schemas.sample import PLACEHOLDERS

Segments = Sequence[dict[str, Any]]


def latent_fault(segments: Segments, flac: bytes, png: bytes, encoders: Encoders) -> str:
    """The fault of a sample's latents; "" where there is none. `flac` and `png` are b"" where it has none."""
    if bool(flac) != any(s["modality"] == "audio" for s in segments):
        return "it has latent audio in its segments or as FLAC, not both"
    if bool(png) != any(s["modality"] == "image" for s in segments):
        return "it has an image in its segments or as PNG, not both"
    return (
        (flac and _audio_fault(_placeholders(segments, "audio"), flac, encoders))
        or (png and _image_fault(_placeholders(segments, "image"), png, encoders))
        or ""
    )


def _placeholders(segments: Segments, modality: str) -> list[dict[str, Any]]:
    return [s for s in segments if s["modality"] == modality and s["role"] == PLACEHOLDERS]


def _audio_fault(spans: Segments, flac: bytes, encoders: Encoders) -> str:
    try:
        samples = samples_in(flac)
    except ValueError as fault:
        return f"its FLAC {fault}"
    bounds = [round(s[side] * SAMPLE_RATE) for s in spans for side in ("start", "stop")]
    if [0, *bounds[1::2]] != [*bounds[::2], samples]:
        return f"its placeholders do not stand for its FLAC of {samples / SAMPLE_RATE:.3f} s from begin to end"
    if encoders.audio is None:
        return "it has latent audio, and the recipe has no `encoder:`"
    for span, start, stop in zip(spans, bounds[::2], bounds[1::2], strict=True):
        if (count := span["end"] - span["begin"]) != (wanted := encoders.audio.placeholders(stop - start)):
            seconds = f"{span['start']:.2f} to {span['stop']:.2f} s"
            return f"its {count} placeholders from {seconds} stand for audio that gives {wanted}"
    return ""


def _image_fault(spans: Segments, png: bytes, encoders: Encoders) -> str:
    try:
        width, height = png_size(png)
    except ValueError as fault:
        return f"its PNG {fault}"
    if encoders.image is None:
        return "it has an image, and the recipe has no `image_encoder:`"
    count, wanted = sum(s["end"] - s["begin"] for s in spans), encoders.image.placeholders(width, height)
    return "" if count == wanted else f"its {count} placeholders stand for an image that gives {wanted}"
