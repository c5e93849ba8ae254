"""Augmentation of a clip: another length of the vocal tract, other formants, and noise. The phones stay.

    augmented = Augmentation(warp=0.15, bend=1.5, noise=0.25).apply(mels[B, T, 80], there[B, T / 4], rng)    # as a MelHubert gets it

It works on log-mels, which costs little: frequencies move by a factor and by a smooth curve, and noise is added in power.
"""

from dataclasses import dataclass

import numpy as np
import torch
from transformers.audio_utils import hertz_to_mel, mel_to_hertz

from weft.tokenizers.features.mels import BAND
from weft.tokenizers.models.mel_hubert import BANDS, levelled

_WAVES = 3  # of a bend, each weaker than the one before
_LOUDEST, _SOFTEST = 3.0, 10.0  # noise below the loudest moments, in nats of power: 13 and 43 dB
_TILT = 1.0  # nats that noise leans to low or to high, one standard deviation
_ROUGH = 0.5  # nats by which noise differs from moment to moment


@dataclass(frozen=True)
class Augmentation:
    """The vocal tract is longer or shorter by a factor of up to 1 + `warp`; frequencies move by a smooth curve of `bend` bands (one
    standard deviation of its strongest wave); the share `noise` of the clips gets noise.
    """

    warp: float
    bend: float
    noise: float

    def apply(self, mels_BTF: torch.Tensor, there_BN: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """An augmented, normalised version of log-mels [batch, steps, BANDS]; `there`, bool [batch, frames], is false for padding."""
        there_BT = there_BN.repeat_interleave(mels_BTF.shape[1] // there_BN.shape[1], 1)
        most = np.log1p(self.warp)
        factors = np.exp(rng.uniform(-most, most, len(mels_BTF)))
        places = np.clip(warp(factors) + bend(rng, len(mels_BTF), self.bend), 0, BANDS - 1)
        return levelled(noisy(moved(mels_BTF, places), there_BT, self.noise, rng), there_BT)


def warp(factors: np.ndarray) -> np.ndarray:
    """The band from which each band is taken, [batch, BANDS], for a vocal tract that is shorter by `factors`: energy at a frequency
    moves to `factor` times that frequency.
    """
    low, high = (float(hertz_to_mel(hertz, "htk")) for hertz in BAND)
    edges = np.linspace(low, high, BANDS + 2)
    centres = np.asarray(mel_to_hertz(edges[1:-1], "htk"))
    sources = np.asarray(hertz_to_mel(centres / factors[:, None], "htk"))
    return np.asarray((sources - edges[1]) / (edges[1] - edges[0]))


def bend(rng: np.random.Generator, rows: int, bands: float) -> np.ndarray:
    """The shift of each band in bands, [rows, BANDS]: a smooth curve that is 0 at both ends."""
    waves = np.sin(np.arange(1, _WAVES + 1)[:, None] * np.linspace(0, np.pi, BANDS))
    return np.asarray(bands * rng.normal(0, 1, (rows, _WAVES)) / np.arange(1, _WAVES + 1) @ waves)


def moved(mels_BTF: torch.Tensor, places: np.ndarray) -> torch.Tensor:
    """Bands taken from `places` [batch, BANDS], with linear interpolation between two bands."""
    first = np.minimum(places.astype(int), BANDS - 2)
    share = torch.from_numpy((places - first).astype(np.float32))[:, None]
    below = torch.from_numpy(first)[:, None].expand(-1, mels_BTF.shape[1], -1)
    return mels_BTF.gather(2, below) * (1 - share) + mels_BTF.gather(2, below + 1) * share


def noisy(mels_BTF: torch.Tensor, there_BT: torch.Tensor, share: float, rng: np.random.Generator) -> torch.Tensor:
    """Adds stationary noise to a `share` of the rows, 13 to 43 dB below the row's loudest steps."""
    rows = (len(mels_BTF), 1, 1)
    loudest = mels_BTF.masked_fill(~there_BT[..., None], -torch.inf).amax(1, keepdim=True).mean(-1, keepdim=True)
    lean = rng.normal(0, _TILT, rows) * np.linspace(-1, 1, BANDS)
    rough = rng.normal(0, _ROUGH, mels_BTF.shape)
    noise = loudest + torch.from_numpy((lean + rough - rng.uniform(_LOUDEST, _SOFTEST, rows)).astype(np.float32))
    return torch.where(torch.from_numpy(rng.random(rows) < share), torch.logaddexp(mels_BTF, noise), mels_BTF)
