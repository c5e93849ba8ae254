"""The log-probabilities of a CTC model for many clips."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from weft.pipelines.audio.sound import RATE
from weft.tokenizers.features.windows import Windowing
from weft.tokenizers.models.checkpoint import full_float32, to_device

_SHORTEST = 400  # samples of the first frame
_PADDING = 0.03  # of a batch, at most


class CtcModel:
    """`model` is any transformers CTC model of raw samples, `extract` its feature extractor.

    Windows of `batch_seconds` in total go through the model together.
    """

    def __init__(self, model: Any, extract: Any, *, device: str, batch_seconds: float) -> None:
        self._model: Any = to_device(model.eval(), device, torch.float32)
        self._extract, self._device = extract, device
        # a model that normalises each channel over time (group norm) would be changed by the padding
        pads = getattr(model.config, "feat_extract_norm", "layer") == "layer"
        self.windowing = Windowing(int(model.config.inputs_to_logits_ratio), batch_seconds, _PADDING if pads else 0.0)

    def log_probs(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Log-probabilities float32 [frames, classes] of each clip (float32 [n] at 16 kHz)."""
        cut = self.windowing.cut([self._values(clip) for clip in clips])
        for batch in cut.batches:
            cut.keep(batch, list(self._forward(cut.rows(batch))))
        return cut.joined()

    def _values(self, clip: np.ndarray) -> np.ndarray:
        """The clip, normalised as a whole by the feature extractor, so that all its windows have one level."""
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
            batch = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
        for frames, length in zip(batch, lengths, strict=True):
            yield frames[: int(self._model._get_feat_extract_output_lengths(length))]


def _mask(lengths: Sequence[int]) -> torch.Tensor:
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
