"""What placeholders stand for: the samples of an utterance in the encoder's chunks, or an image.

latents.chunks(utterance)     (samples[400_000], 313), (samples[6_400], 5)        25.4 s, in chunks of 25 s
latents.placeholders(png)     256
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.pipelines.audio.reader import AudioReader
from weft.pipelines.latents import Encoders, png_size
from weft.schemas.audio import Utterance
from weft.schemas.ledger import Unusable


@dataclass(frozen=True)
class Latents:
    """The recipe's encoders, and what reads the audio of utterances."""

    encoders: Encoders = Encoders()
    audio: AudioReader | None = None

    def chunks(self, utterance: Utterance) -> Iterator[tuple[NDArray[np.float32], int]]:
        """The samples of each chunk with its number of placeholders. Raises Unusable for audio too short for one, or of no use."""
        encoder = self.encoders.audio
        assert encoder, "a recipe without it is refused"
        assert self.audio, "who composes latent audio gives what reads it"
        samples = self.audio.exact(utterance)
        if isinstance(samples, Unusable):
            raise samples
        if not (sizes := encoder.chunks(len(samples))):
            raise Unusable("too_short", f"{utterance.seconds:.3f} s are too short for one placeholder of latent audio")
        begin = 0
        for size in sizes:
            yield samples[begin : begin + size], encoder.placeholders(size)
            begin += size

    def placeholders(self, png: bytes) -> int:
        """The placeholders of an image. Raises Unusable for what is no PNG."""
        encoder = self.encoders.image
        assert encoder, "a recipe without it is refused"
        try:
            return encoder.placeholders(*png_size(png))
        except ValueError as fault:
            raise Unusable("bad_image", f"the image {fault}") from None
