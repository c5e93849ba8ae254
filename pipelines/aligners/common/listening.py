"""A CTC model's log-probabilities for many clips."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from weft.pipelines.audio.sound import RATE
from weft.tokenizers.features.windows import Windowing
from weft.tokenizers.models.checkpoint import full_float32, to_device

_SHORTEST = 400  # samples of one frame
_PADDING = 0.03  # of a batch, at most


class Listener:
    """`model` is any transformers CTC model of raw samples, `extract` its feature extractor."""

    def __init__(self, model: Any, extract: Any, device: str, batch_seconds: float) -> None:
        self._model: Any = to_device(model.eval(), device, torch.float32)
        self._extract, self._device = extract, device
        # a model that levels each channel over time would hear the padding of its neighbours
        pads = getattr(model.config, "feat_extract_norm", "layer") == "layer"
        self.windowing = Windowing(int(model.config.inputs_to_logits_ratio), batch_seconds, _PADDING if pads else 0.0)

    def hear(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Log-probabilities float32 [frames, classes] of each clip (float32 [n] at 16 kHz)."""
        return self.windowing.frames([self._values(clip) for clip in clips], self._forward)

    def _values(self, clip: np.ndarray) -> np.ndarray:
        """A clip at the level the model wants, so that its windows are at the level of the whole."""
        long_enough = np.pad(clip, (0, max(0, _SHORTEST - len(clip))))
        return np.asarray(
            self._extract(long_enough, sampling_rate=RATE, return_tensors="np").input_values[0], np.float32
        )

    def _forward(self, rows: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        lengths = [len(row) for row in rows]
        padded = torch.zeros(len(rows), max(lengths))
        for n, row in enumerate(rows):
            padded[n, : len(row)] = torch.from_numpy(row)
        mask = {} if len(set(lengths)) == 1 else {"attention_mask": _mask(lengths).to(self._device)}
        with torch.inference_mode(), full_float32():
            logits = self._model(padded.to(self._device), **mask).logits
            log_probs = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
        for frames, length in zip(log_probs, lengths, strict=True):
            yield frames[: int(self._model._get_feat_extract_output_lengths(length))]


def _mask(lengths: Sequence[int]) -> torch.Tensor:
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
