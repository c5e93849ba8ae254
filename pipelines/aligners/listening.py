"""A CTC model's log-probabilities for many clips: long ones in windows that overlap, like ones together.

clip of 70 s  ->  windows 0–32, 28–62, 58–70 s, of which 0–30, 30–60 and 60–70 s are kept: [3499, classes], as if heard at once

What a window hears beyond what is kept of it is context, so no frame lies at an edge.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from weft.pipelines.sound import RATE

_WINDOW, _CONTEXT = 30 * RATE, 2 * RATE
_SHORTEST = 400  # samples of one frame
_PADDING = 0.03  # of a batch, at most


@dataclass(frozen=True, slots=True)
class Window:
    """Samples `start` to `end` of a clip; the frames from `first` on up to `last` (None: all) are kept."""

    clip: int
    start: int
    end: int
    first: int
    last: int | None

    @property
    def samples(self) -> int:
        return self.end - self.start


class Listener:
    """`model` is any transformers CTC model of raw samples, `extract` its feature extractor."""

    def __init__(self, model: Any, extract: Any, device: str, batch_seconds: float) -> None:
        self._model, self._extract, self._device = model.eval().to(device), extract, device
        self._batch = batch_seconds * RATE
        self.hop = int(model.config.inputs_to_logits_ratio)
        # a model that levels each channel over time would hear the padding of its neighbours
        self._pads = getattr(model.config, "feat_extract_norm", "layer") == "layer"

    def hear(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Log-probabilities float32 [frames, classes] of each clip (float32 [n] at 16 kHz)."""
        values = [self._values(clip) for clip in clips]
        windows = [w for n, clip in enumerate(values) for w in windows_of(n, len(clip), self.hop)]
        heard: dict[Window, np.ndarray] = {}
        for batch in batches(windows, self._batch, _PADDING if self._pads else 0.0):
            kept = self._forward([values[w.clip][w.start : w.end] for w in batch])
            heard |= {w: frames[w.first : w.last] for w, frames in zip(batch, kept, strict=True)}
        return [np.concatenate([heard[w] for w in windows if w.clip == n]) for n in range(len(clips))]

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
        with torch.inference_mode():
            logits = self._model(padded.to(self._device), **mask).logits
            log_probs = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
        for frames, length in zip(log_probs, lengths, strict=True):
            yield frames[: int(self._model._get_feat_extract_output_lengths(length))]


def windows_of(clip: int, samples: int, hop: int) -> list[Window]:
    """Windows whose kept frames follow one another without a gap."""
    if samples <= _WINDOW + 2 * _CONTEXT:
        return [Window(clip, 0, samples, 0, None)]
    core, context = _WINDOW // hop * hop, _CONTEXT // hop * hop
    starts = list(range(0, samples - context, core))
    made = []
    for start in starts:
        begin = max(0, start - context)
        last = start == starts[-1]
        end = samples if last else min(samples, start + core + context)
        first = (start - begin) // hop
        made.append(Window(clip, begin, end, first, None if last else first + core // hop))
    return made


def batches(windows: Sequence[Window], most: float, padding: float) -> Iterator[list[Window]]:
    """Windows of like length together, at most `most` samples with the padding, which is at most a part of them."""
    batch: list[Window] = []
    for window in sorted(windows, key=lambda w: (-w.samples, w.clip, w.start)):
        room = batch[0].samples * (len(batch) + 1) if batch else 0
        if batch and (room > most or 1 - (sum(w.samples for w in batch) + window.samples) / room > padding):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _mask(lengths: Sequence[int]) -> torch.Tensor:
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
