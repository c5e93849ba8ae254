"""Many clips through one model: long clips in overlapping windows, windows of similar length in one batch.

clip of 70 s  ->  windows 0–32, 28–62, 58–70 s, of which 0–30, 30–60 and 60–70 s are kept: [3499, width], as from one forward pass

The rest of a window is context, so that no kept frame lies at an edge.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

RATE = 16_000
WINDOW, CONTEXT = 30.0, 2.0  # seconds

WindowEncoder = Callable[[list[np.ndarray]], Iterable[np.ndarray]]


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


@dataclass(frozen=True, slots=True)
class Windowing:
    """A frame every `hop` samples; batches of at most `batch` seconds, of which at most the share `padding` is padding; windows of
    `window` seconds with `context` seconds on either side.
    """

    hop: int
    batch: float
    padding: float
    window: float = WINDOW
    context: float = CONTEXT

    def frames(self, clips: Sequence[np.ndarray], forward: WindowEncoder) -> list[np.ndarray]:
        """Frames [frames, width] of each clip; `forward` computes those of float32 rows of similar length."""
        windows = [w for n, clip in enumerate(clips) for w in self.windows(n, len(clip))]
        kept: dict[Window, np.ndarray] = {}
        for batch in batches(windows, self.batch * RATE, self.padding):
            outputs = forward([clips[w.clip][w.start : w.end] for w in batch])
            kept |= {w: frames[w.first : w.last] for w, frames in zip(batch, outputs, strict=True)}
        parts: list[list[np.ndarray]] = [[] for _ in clips]
        for window in windows:
            parts[window.clip].append(kept[window])
        return [p[0] if len(p) == 1 else np.concatenate(p) for p in parts]

    def windows(self, clip: int, samples: int) -> list[Window]:
        """Windows whose kept frames follow one another without a gap."""
        core, context = (round(s * RATE) // self.hop * self.hop for s in (self.window, self.context))
        if samples <= core + 2 * context:
            return [Window(clip=clip, start=0, end=samples, first=0, last=None)]
        starts = list(range(0, samples - context, core))
        windows = []
        for start in starts:
            begin = max(0, start - context)
            last = start == starts[-1]
            end = samples if last else min(samples, start + core + context)
            first = (start - begin) // self.hop
            until = None if last else first + core // self.hop
            windows.append(Window(clip=clip, start=begin, end=end, first=first, last=until))
        return windows


def batches(windows: Sequence[Window], most: float, padding: float) -> Iterator[list[Window]]:
    """Windows of similar length together: at most `most` samples with the padding, which is at most the share `padding` of them."""
    batch: list[Window] = []
    for window in sorted(windows, key=lambda w: (-w.samples, w.clip, w.start)):
        room = batch[0].samples * (len(batch) + 1) if batch else 0
        if batch and (room > most or 1 - (sum(w.samples for w in batch) + window.samples) / room > padding):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
