"""Three aligners over one checkpoint that was trained here: ours, WhisperX's and torchaudio's."""

from itertools import pairwise

import numpy as np
import pytest

from tests.backends.conftest import RATE, mean_error
from weft.pipelines.aligners import ctc, whisperx
from weft.pipelines.aligners.base import Unalignable, mean_score
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.common.viterbi import best_path

pytestmark = pytest.mark.backends


@pytest.fixture(scope="module")
def ours(checkpoint) -> ctc.Aligner:
    made = ctc.Aligner(model=str(checkpoint), min_score=-1e9)
    made.setup()
    return made


@pytest.fixture(scope="module")
def theirs(checkpoint, sentences) -> whisperx.Aligner:
    made = whisperx.Aligner(model=str(checkpoint), min_score=-1e9)
    made.setup()
    return made


def test_both_find_the_digits(ours, theirs, rows) -> None:
    for aligner in (ours, theirs):
        found = [align_samples(aligner, r.samples, r.words).words for r in rows]
        assert mean_error(rows, found) < 0.08, aligner.version()


def test_whisperx_is_named_with_its_version_and_its_model(theirs) -> None:
    assert theirs.version().startswith("whisperx-3.")
    assert len(theirs.version().split()[1]) == 16


def test_what_is_not_said_scores_lower_and_is_refused(ours, theirs, rows) -> None:
    mismatched = [(a, b) for a, b in pairwise(rows) if not set(a.words) & set(b.words)]
    assert len(mismatched) > 5
    for aligner in (ours, theirs):
        own = [mean_score(align_samples(aligner, r.samples, r.words).words) for r in rows]
        other = [mean_score(align_samples(aligner, a.samples, b.words).words) for a, b in mismatched]
        higher = np.array(own)[:, None] > np.array(other)
        assert higher.mean() > 0.9, aligner.version()
    strict = theirs.model_copy(update={"min_score": float(np.median(other))})
    worst, words = mismatched[int(np.argmin(other))]
    with pytest.raises(Unalignable, match="mismatch"):
        align_samples(strict, worst.samples, words.words)
    with pytest.raises(Unalignable, match="too_long"):
        align_samples(theirs, np.zeros(61 * RATE, np.float32), ["one"])


def test_ours_and_torchaudios_path_are_worth_the_same(ours, rows) -> None:
    import torch
    import torchaudio

    for r in rows[:10]:
        log_probs = ours._ctc.log_probs([r.samples])[0].astype(np.float64)
        tokens, _ = ours._joined([ours._spell(word) for word in r.words])
        path = best_path(log_probs, tokens, 0)
        aligned, scores = torchaudio.functional.forced_align(
            torch.from_numpy(log_probs)[None], torch.from_numpy(tokens)[None].to(torch.int32), blank=0
        )
        mine = sum(log_probs[a:b, c].sum() for c, a, b in zip(tokens, path.starts, path.ends, strict=True))
        spoken = np.zeros(len(log_probs), bool)
        for a, b in zip(path.starts, path.ends, strict=True):
            spoken[a:b] = True
        mine += log_probs[~spoken, 0].sum()
        assert mine == pytest.approx(scores.sum().item(), abs=1e-9)
        assert (aligned[0].numpy()[~spoken] == 0).all()
