"""Spectra of long audio are taken in blocks, and nothing shows where one ends."""

import numpy as np
import pytest

from weft.tokenizers.features import mels, mfcc
from weft.tokenizers.features.mels import BLOCK, STEP, log_mels

LONG = np.random.default_rng(4).normal(0, 0.1, (2 * BLOCK + 70) * STEP + 33).astype(np.float32)


@pytest.mark.parametrize("first", [BLOCK - 50, 2 * BLOCK - 50])
def test_blocks_have_no_seam(first: int) -> None:
    stretch = LONG[first * STEP : (first + 100) * STEP]
    for of in (lambda x: log_mels(x, 80), mfcc.cepstra):
        whole, alone = of(LONG), of(stretch)
        assert len(whole) == len(LONG) // STEP
        np.testing.assert_allclose(whole[first + 3 : first + 97], alone[3:-3], atol=1e-3)


def test_no_frame_of_nothing() -> None:
    assert log_mels(np.zeros(159, np.float32), 80).shape == (0, 80)
    assert mfcc.cepstra(np.zeros(159, np.float32)).shape == (0, 13)


def test_memory_is_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = mels._log_mels
    monkeypatch.setattr(mels, "_log_mels", lambda windows, bands: sizes.append(len(windows)) or real(windows, bands))  # type: ignore[func-returns-value]
    log_mels(LONG, 40)
    assert sizes == [BLOCK, BLOCK, 70]
