"""A clip as it might have sounded: by another vocal tract, by another mouth, with noise. What is said stays.

    augmented = Augmentation(warp=0.15, bend=1.5, noise=0.25).drawn(mels[B, T, 80], there[B, T / 4], rng)    # as a MelHubert gets it

All of it is done to log-mels, where it costs next to nothing: frequencies move, by a factor and by a smooth curve, and noise
fills what is quieter than it is.
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
    """The vocal tract is longer or shorter by a factor of up to 1 + `warp`; a frequency lies `bend` bands off besides (one standard
    deviation of the strongest wave); a share of `noise` of all clips is noisy.
    """

    warp: float
    bend: float
    noise: float

    def drawn(self, mels_BTF: torch.Tensor, there_BN: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """One of each row of log-mels, levelled, whose frames (each so many steps) are `there`; zero where nothing is."""
        there_BT = there_BN.repeat_interleave(mels_BTF.shape[1] // there_BN.shape[1], 1)
        most = np.log1p(self.warp)
        factors = np.exp(rng.uniform(-most, most, len(mels_BTF)))
        places = np.clip(warp(factors) + bend(rng, len(mels_BTF), self.bend), 0, BANDS - 1)
        return levelled(noisy(moved(mels_BTF, places), there_BT, self.noise, rng), there_BT)


def warp(factors: np.ndarray) -> np.ndarray:
    """Where each band is taken from, [batch, BANDS], for a vocal tract so many times shorter: what was at a frequency is now at
    `factor` times that.
    """
    low, high = (float(hertz_to_mel(hertz, "htk")) for hertz in BAND)
    edges = np.linspace(low, high, BANDS + 2)
    centres = np.asarray(mel_to_hertz(edges[1:-1], "htk"))
    sources = np.asarray(hertz_to_mel(centres / factors[:, None], "htk"))
    return np.asarray((sources - edges[1]) / (edges[1] - edges[0]))


def bend(rng: np.random.Generator, rows: int, bands: float) -> np.ndarray:
    """By how many bands each is taken from elsewhere, [rows, BANDS]: smooth, and nothing at either end."""
    waves = np.sin(np.arange(1, _WAVES + 1)[:, None] * np.linspace(0, np.pi, BANDS))
    return np.asarray(bands * rng.normal(0, 1, (rows, _WAVES)) / np.arange(1, _WAVES + 1) @ waves)


def moved(mels_BTF: torch.Tensor, places: np.ndarray) -> torch.Tensor:
    """Bands taken from `places` [batch, BANDS], between two of them by interpolation."""
    first = np.minimum(places.astype(int), BANDS - 2)
    share = torch.from_numpy((places - first).astype(np.float32))[:, None]
    below = torch.from_numpy(first)[:, None].expand(-1, mels_BTF.shape[1], -1)
    return mels_BTF.gather(2, below) * (1 - share) + mels_BTF.gather(2, below + 1) * share


def noisy(mels_BTF: torch.Tensor, there_BT: torch.Tensor, share: float, rng: np.random.Generator) -> torch.Tensor:
    """A `share` of the rows in a steady noise, somewhere between the row's loudest moments and what is hardly heard."""
    rows = (len(mels_BTF), 1, 1)
    loudest = mels_BTF.masked_fill(~there_BT[..., None], -torch.inf).amax(1, keepdim=True).mean(-1, keepdim=True)
    lean = rng.normal(0, _TILT, rows) * np.linspace(-1, 1, BANDS)
    rough = rng.normal(0, _ROUGH, mels_BTF.shape)
    noise = loudest + torch.from_numpy((lean + rough - rng.uniform(_LOUDEST, _SOFTEST, rows)).astype(np.float32))
    return torch.where(torch.from_numpy(rng.random(rows) < share), torch.logaddexp(mels_BTF, noise), mels_BTF)
