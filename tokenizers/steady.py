"""A codebook for what is said: what changes with the speaker, and from each frame to the next, counts for less.

    steady.fit([features[250, 256], …], ["anna", …], size=100, seed=1)  ->  centroids [100, 256] and the metric [256, 256] they go by

                     anna   ben                                      anna ben
    k-means, twice:   a a │ a a      and between them, distances        a a a a     along what differs within a cluster
                      o o │ o o      shrink:                            o o o o     and between neighbours
                     two codes a sound: one a speaker                  one code a sound

Within-class covariance normalisation (Hatch et al. 2006), with k-means' clusters for classes; slow features (Wiskott and Sejnowski
2002): a sound lasts for frames, the way into it does not.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from weft.tokenizers import kmeans
from weft.tokenizers.quantizer import Measured

_FLOOR = 0.1  # of a direction in which nothing of the kind differs
_FEW = 5  # frames, of which a mean tells little


def fit(features: Sequence[np.ndarray], speakers: Sequence[str], size: int, seed: int) -> Measured:
    """A codebook of `size` centroids and their metric, from features float32 [frames, width] of each clip and who speaks in it ("" is
    unknown, and is nobody else).

    The same for the same clips in the same order and seed. Raises ValueError for fewer than two frames a code.
    """
    every = np.concatenate(features)
    plain = kmeans.fit(every, size, seed)
    with threadpool_limits(1):  # sums over threads come in any order
        between = _between_speakers(every, kmeans.assign(every, plain), _voices(features, speakers), size)
        steps = _covariance(np.concatenate([np.diff(clip, axis=0) for clip in features]))
        metric = np.linalg.inv((_even(between) + _even(steps)) / 2 + _FLOOR * np.eye(every.shape[1]))
        warp = np.linalg.cholesky(metric)  # |(f - c) warp|² is the distance
        centroids = kmeans.fit((every @ warp).astype(np.float32), size, seed) @ np.linalg.inv(warp)
    return Measured(centroids.astype(np.float32), metric.astype(np.float32))


def _voices(features: Sequence[np.ndarray], speakers: Sequence[str]) -> np.ndarray:
    """A number for each frame's speaker, int64 [frames]: a clip of nobody known has its own."""
    names = [f"speaker {speaker}" if speaker else f"clip {number}" for number, speaker in enumerate(speakers)]
    _, numbers = np.unique(names, return_inverse=True)
    return np.repeat(numbers, [len(clip) for clip in features])


def _between_speakers(every: np.ndarray, codes: np.ndarray, voices: np.ndarray, size: int) -> np.ndarray:
    """How the mean of a cluster differs from speaker to speaker, [width, width]."""
    means, _ = _means(every, codes, size)
    pairs, numbers = np.unique(codes * (voices.max() + 1) + voices, return_inverse=True)
    own, counts = _means(every, numbers, len(pairs))
    apart = (own - means[pairs // (voices.max() + 1)])[counts >= _FEW]
    return _covariance(apart * np.sqrt(counts[counts >= _FEW])[:, None])


def _means(every: np.ndarray, groups: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each group's rows, float64 [count, width], and how many they are."""
    sums = csr_matrix((np.ones(len(every)), (groups, np.arange(len(every)))), (count, len(every))) @ every
    counts = np.bincount(groups, minlength=count)
    return sums / np.maximum(1, counts)[:, None], counts


def _covariance(rows: np.ndarray) -> np.ndarray:
    return rows.T.astype(np.float64) @ rows


def _even(covariance: np.ndarray) -> np.ndarray:
    """With a mean of 1 on its diagonal; nothing stays nothing."""
    mean = np.trace(covariance) / len(covariance)
    return covariance / mean if mean else covariance
