"""An acoustic model and its folder: phones, mixtures and the speakers of its training set.

    acoustic.safetensors   weights, means, variances; means and mean squares of speakers
    phones.json            {"phones": ["", "AA", …], "speakers": ["", "s1", …]}

Speaker "" is all speakers together; its moments are used for speakers outside the training set.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from weft.pipelines.acoustic.features import Moments, levelled
from weft.pipelines.acoustic.mixtures import Mixtures
from weft.pipelines.acoustic.network import STATES
from weft.pipelines.acoustic.phones import PhoneSet

EVERYONE = ""


@dataclass(frozen=True)
class AcousticModel:
    """Mixtures of every state of every phone, and each speaker's moments by name."""

    phones: PhoneSet
    mixtures: Mixtures
    speakers: dict[str, Moments]

    def scores(self, cepstra: np.ndarray, speaker: str) -> np.ndarray:
        """Log-likelihood of every state of every phone for each frame of cepstra [frames, 13]: [frames, STATES * phones]."""
        features = levelled(cepstra, self.speakers.get(speaker, self.speakers[EVERYONE]))
        return self.mixtures.log_likelihoods(features)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        mixtures = {name: getattr(self.mixtures, name) for name in ("weights", "means", "variances")}
        speakers = {
            f"speakers.{name}": np.stack([getattr(m, name) for m in self.speakers.values()])
            for name in ("mean", "square")
        }
        save_file({**mixtures, **speakers}, folder / "acoustic.safetensors")
        names = {"phones": self.phones.names, "speakers": list(self.speakers)}
        (folder / "phones.json").write_text(json.dumps(names, ensure_ascii=False, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "AcousticModel":
        """Raises ValueError for a folder without an acoustic model."""
        try:
            arrays = load_file(folder / "acoustic.safetensors")
            names = json.loads((folder / "phones.json").read_text("utf-8"))
            mixtures = Mixtures(arrays["weights"], arrays["means"], arrays["variances"])
            both = zip(names["speakers"], arrays["speakers.mean"], arrays["speakers.square"], strict=True)
            speakers = {name: Moments(mean, square, 0) for name, mean, square in both}
            assert len(mixtures.weights) == STATES * len(names["phones"])
        except (OSError, KeyError, ValueError, AssertionError) as fault:
            raise ValueError(f"{folder}: no acoustic model could be read ({fault})") from None
        return cls(phones=PhoneSet(tuple(names["phones"])), mixtures=mixtures, speakers=speakers)
