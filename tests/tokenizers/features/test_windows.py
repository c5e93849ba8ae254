"""Windows and batches: every frame once, in order, with little padding."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.features.windows import Window, Windowing, batches

RATE = 16_000


@given(st.integers(1, 400 * RATE), st.sampled_from([160, 320]))
def test_kept_frames_follow_one_another(samples: int, hop: int) -> None:
    windows = Windowing(hop=hop, batch=60, padding=0.0).windows(0, samples)
    assert (windows[0].start, windows[0].first, windows[-1].end, windows[-1].last) == (0, 0, samples, None)
    for one, two in itertools.pairwise(windows):
        assert one.start + one.last * hop == two.start + two.first * hop
        assert two.start % hop == 0
    for window in windows[:-1]:
        assert window.end >= window.start + window.last * hop + 400  # the last kept frame has its whole context


@given(st.lists(st.integers(1, 100_000), max_size=60), st.sampled_from([0.0, 0.03]))
def test_batches_hold_each_window_once_with_little_padding(lengths: list[int], padding: float) -> None:
    windows = [Window(clip=n, start=0, end=length, first=0, last=None) for n, length in enumerate(lengths)]
    grouped = list(batches(windows, 200_000, padding))
    assert sorted(w.clip for batch in grouped for w in batch) == list(range(len(lengths)))
    for batch in grouped:
        room = max(w.samples for w in batch) * len(batch)
        assert len(batch) == 1 or room <= 200_000
        assert 1 - sum(w.samples for w in batch) / room <= padding + 1e-12


@given(st.lists(st.integers(320, 20 * RATE), min_size=1, max_size=8), st.sampled_from([0.0, 0.03, 0.5]))
def test_each_clip_gets_its_own_frames(lengths: list[int], padding: float) -> None:
    """Frames that are the mean of their samples and the two hops before them."""
    clips = [np.random.default_rng(n).random(length, dtype=np.float32) for n, length in enumerate(lengths)]

    def means(clip: np.ndarray) -> np.ndarray:
        hops = clip[: len(clip) // 320 * 320].reshape(-1, 320).mean(1)
        return (hops + np.append(0, hops[:-1]) + np.append([0, 0], hops)[: len(hops)])[:, None]

    cut = Windowing(hop=320, batch=30, padding=padding, window=3, context=0.5).cut(clips)
    for batch in cut.batches:
        cut.keep(batch, map(means, cut.rows(batch)))
    for clip, frames in zip(clips, cut.joined(), strict=True):
        assert np.allclose(frames, means(clip), atol=1e-6)
