"""Many clips through one model: long clips in overlapping windows, windows of similar length in one batch.

clip of 70 s  ->  windows 0–32, 28–62, 58–70 s, of which 0–30, 30–60 and 60–70 s are kept: [3499, width], as from one forward pass

The rest of a window is context, so that no kept frame lies at an edge.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

RATE = 16_000
WINDOW, CONTEXT = 30.0, 2.0  # seconds


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

    def cut(self, clips: Sequence[np.ndarray]) -> "CutClips":
        """The clips in windows."""
        windows = [w for n, clip in enumerate(clips) for w in self.windows(n, len(clip))]
        return CutClips(clips=clips, windows=windows, batches=list(batches(windows, self.batch * RATE, self.padding)))

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


@dataclass
class CutClips:
    """Clips in windows, whose frames are kept as they are computed, batch by batch.

    cut = windowing.cut(clips)
    for batch in cut.batches:
        cut.keep(batch, frames_of(cut.rows(batch)))
    cut.joined()
    """

    clips: Sequence[np.ndarray]
    windows: Sequence[Window]
    batches: Sequence[Sequence[Window]]
    _frames: dict[Window, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def rows(self, batch: Sequence[Window]) -> list[np.ndarray]:
        """The samples of a batch's windows, float32 [n] each, of similar length."""
        return [self.clips[w.clip][w.start : w.end] for w in batch]

    def keep(self, batch: Sequence[Window], frames: Iterable[np.ndarray]) -> None:
        """Takes the frames [frames, width] of each window of a batch, in order."""
        self._frames |= {w: of_window[w.first : w.last] for w, of_window in zip(batch, frames, strict=True)}

    def joined(self) -> list[np.ndarray]:
        """Frames [frames, width] of each clip, once those of all batches are kept."""
        parts: list[list[np.ndarray]] = [[] for _ in self.clips]
        for window in self.windows:
            parts[window.clip].append(self._frames[window])
        return [p[0] if len(p) == 1 else np.concatenate(p) for p in parts]


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
