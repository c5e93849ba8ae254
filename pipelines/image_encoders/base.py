"""An image encoder, as the data needs it: how many placeholder tokens stand for an image.

ImageEncoder().placeholders(640, 480)  ->  256
"""

from abc import ABC, abstractmethod

from weft.schemas.settings import Versioned


class ImageEncoder(Versioned, ABC):
    """A leaf gives `placeholders`. The network itself is the trainer's; no model is loaded here."""

    @abstractmethod
    def placeholders(self, width: int, height: int) -> int:
        """Placeholder tokens of an image of `width` times `height` pixels."""
