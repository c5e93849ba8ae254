"""A codebook for what is said: what changes with the speaker, and from each frame to the next, counts for less.

    steady.fit([features[250, 256], …], ["anna", …], size=100, seed=1)  ->  centroids [100, 256] and the metric [256, 256] they go by

                     anna   ben                                      anna ben
    k-means           a a │ a a      then, three times, distances       a a a a     along what differs within a cluster
                      o o │ o o      shrink, and k-means again:         o o o o     and between neighbours
                     two codes a sound: one a speaker                  one code a sound

Within-class covariance normalisation (Hatch et al. 2006), with k-means' clusters for classes; slow features (Wiskott and Sejnowski
2002): a sound lasts for frames, the way into it does not.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from weft.tokenizers.models import kmeans
from weft.tokenizers.models.quantizer import Measured

_FLOOR = 0.1  # of a direction in which nothing of the kind differs
_FEW = 5  # frames: a mean of fewer tells little
_ROUNDS = 3  # in which clusters give a metric, and the metric clusters


def fit(features: Sequence[np.ndarray], speakers: Sequence[str], size: int, seed: int) -> Measured:
    """A codebook of `size` centroids and their metric, from features float32 [frames, width] of each clip and who speaks in it ("" is
    unknown, and is nobody else).

    The same for the same clips in the same order and seed. Raises ValueError for fewer than two frames a code.
    """
    every, voices = np.concatenate(features), _voices(features, speakers)
    book = Measured(kmeans.fit(every, size, seed), np.eye(every.shape[1], dtype=np.float32))
    with threadpool_limits(1):  # sums over threads come in any order
        steps = _even(_covariance(np.concatenate([np.diff(clip, axis=0) for clip in features])))
        for _ in range(_ROUNDS):
            between = _even(_between_speakers(every, book.codes(every), voices, size))
            book = _where_little_is((between + steps) / 2, every, size, seed)
    return book


def _where_little_is(unmeant: np.ndarray, every: np.ndarray, size: int, seed: int) -> Measured:
    """A codebook whose distances are of what the covariance `unmeant` [width, width] has little of."""
    metric = np.linalg.inv(unmeant + _FLOOR * np.eye(len(unmeant)))
    warp = np.linalg.cholesky(metric)  # |(f - c) warp|² is the distance
    centroids = kmeans.fit((every @ warp).astype(np.float32), size, seed) @ np.linalg.inv(warp)
    return Measured(centroids.astype(np.float32), metric.astype(np.float32))


def _voices(features: Sequence[np.ndarray], speakers: Sequence[str]) -> np.ndarray:
    """A number for each frame's speaker, int64 [frames]: a clip of nobody known has its own."""
    names = [f"speaker {speaker}" if speaker else f"clip {number}" for number, speaker in enumerate(speakers)]
    _, numbers = np.unique(names, return_inverse=True)
    return np.repeat(numbers, [len(clip) for clip in features])


def _between_speakers(every: np.ndarray, codes: np.ndarray, voices: np.ndarray, size: int) -> np.ndarray:
    """How the mean of a cluster differs from speaker to speaker, [width, width]; each of them counts alike, however long they speak."""
    means, _ = _means(every, codes, size)
    pairs, numbers = np.unique(codes * (voices.max() + 1) + voices, return_inverse=True)
    own, counts = _means(every, numbers, len(pairs))
    apart = own - means[pairs // (voices.max() + 1)]
    return _covariance(apart[counts >= _FEW])


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
