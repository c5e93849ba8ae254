"""An encoder that keeps the frames of the last members: replies to one prompt share its audio, and each goes through several forwards.

cached({"audio": encoder}, members=64)
"""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from weft.trainer.models.encoders import FrozenEncoder, FrozenEncoders


@dataclass
class KeepingEncoder:
    """The same frames as `encoder` gives; those of the last `members` arrays are kept."""

    encoder: FrozenEncoder
    members: int
    # a member is held beside its frames, so that no other array gets its id
    _frames: OrderedDict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=OrderedDict)

    @property
    def width(self) -> int:
        return self.encoder.width

    @property
    def stride(self) -> int:
        return self.encoder.stride

    def encode(self, member: np.ndarray, /) -> np.ndarray:
        if id(member) not in self._frames:
            self._frames[id(member)] = (member, self.encoder.encode(member))
            while len(self._frames) > self.members:
                self._frames.popitem(last=False)
        return self._frames[id(member)][1]


def cached(encoders: FrozenEncoders, members: int) -> FrozenEncoders:
    """Each of the encoders, with its last frames kept."""
    return {name: KeepingEncoder(encoder=encoder, members=members) for name, encoder in encoders.items()}
