"""A codebook whose distances give little weight to differences between speakers and between neighbouring frames.

    fit([features[250, 256], …], ["anna", …], size=100, seed=1)  ->  centroids [100, 256] and the metric [256, 256] of their distances

K-means alone gives a sound two codes where two speakers differ. So, three times: the differences between speakers within a cluster and
those between neighbouring frames give a metric, in which they are small; k-means with that metric gives new clusters.

Within-class covariance normalisation (Hatch et al. 2006), with k-means' clusters as classes; slow feature analysis (Wiskott and
Sejnowski 2002): a sound lasts for several frames.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from weft.tokenizers.models import kmeans
from weft.tokenizers.models.quantizer import NearestByMetric

_FLOOR = 0.1  # added to the variance of each direction, so that the inverse exists
_FEWEST = 5  # frames of a speaker in a cluster; a mean of fewer is too noisy
_ROUNDS = 3  # of a metric from clusters, and clusters from the metric


def fit(features: Sequence[np.ndarray], speakers: Sequence[str], size: int, seed: int) -> NearestByMetric:
    """A codebook of `size` centroids and their metric, from features float32 [frames, width] of each clip and its speaker ("":
    unknown, counted as a speaker of its own).

    The same for the same clips in the same order and seed. Raises ValueError for fewer than two frames a code.
    """
    every, voices = np.concatenate(features), _voices(features, speakers)
    book = NearestByMetric(kmeans.fit(every, size, seed), np.eye(every.shape[1], dtype=np.float32))
    with threadpool_limits(1):  # with several threads the order of sums changes
        steps = _scaled(_covariance(np.concatenate([np.diff(clip, axis=0) for clip in features])))
        for _ in range(_ROUNDS):
            between = _scaled(_between_speakers(every, book.codes(every), voices, size))
            book = _with_little_of((between + steps) / 2, every, size, seed)
    return book


def _with_little_of(unwanted: np.ndarray, every: np.ndarray, size: int, seed: int) -> NearestByMetric:
    """A codebook in whose metric the differences with the covariance `unwanted` [width, width] are small."""
    metric = np.linalg.inv(unwanted + _FLOOR * np.eye(len(unwanted)))
    warp = np.linalg.cholesky(metric)  # |(f - c) warp|² is the distance
    centroids = kmeans.fit((every @ warp).astype(np.float32), size, seed) @ np.linalg.inv(warp)
    return NearestByMetric(centroids.astype(np.float32), metric.astype(np.float32))


def _voices(features: Sequence[np.ndarray], speakers: Sequence[str]) -> np.ndarray:
    """The number of each frame's speaker, int64 [frames]; a clip of an unknown speaker has a number of its own."""
    names = [f"speaker {speaker}" if speaker else f"clip {number}" for number, speaker in enumerate(speakers)]
    _, numbers = np.unique(names, return_inverse=True)
    return np.repeat(numbers, [len(clip) for clip in features])


def _between_speakers(every: np.ndarray, codes: np.ndarray, voices: np.ndarray, size: int) -> np.ndarray:
    """The covariance of each cluster's means by speaker, [width, width]; each speaker has the same weight, however long they speak."""
    means, _ = _means(every, codes, size)
    pairs, numbers = np.unique(codes * (voices.max() + 1) + voices, return_inverse=True)
    own, counts = _means(every, numbers, len(pairs))
    apart = own - means[pairs // (voices.max() + 1)]
    return _covariance(apart[counts >= _FEWEST])


def _means(every: np.ndarray, groups: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each group's rows, float64 [count, width], and their number."""
    sums = csr_matrix((np.ones(len(every)), (groups, np.arange(len(every)))), (count, len(every))) @ every
    counts = np.bincount(groups, minlength=count)
    return sums / np.maximum(1, counts)[:, None], counts


def _covariance(rows: np.ndarray) -> np.ndarray:
    return rows.T.astype(np.float64) @ rows


def _scaled(covariance: np.ndarray) -> np.ndarray:
    """Scaled to a mean of 1 on its diagonal; zero stays zero."""
    mean = np.trace(covariance) / len(covariance)
    return covariance / mean if mean else covariance
