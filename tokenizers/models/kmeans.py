"""K-means, fitted on batches and then on all features. The result is a table of centroids: float32 [clusters, width].

centroids = fit(features[40000, 192], clusters=100, seed=1)
assign(features[250, 192], centroids)  ->  int32 [250]: 17 17 3 88 …
"""

import numpy as np
import torch
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits
from torch.nn.functional import linear

from weft.schemas.learning import report_step

BATCH = 8192
_STEPS = 50  # over all features, after the batches: the codes predict phones better


def fit(features: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Centroids float32 [clusters, width] of features float32 [n, width]; the same for the same features and seed.

    Raises ValueError when there are fewer than two features a cluster.
    """
    if len(features) < 2 * clusters:
        raise ValueError(
            f"{len(features)} frames are too few for {clusters} clusters (two each at least); "
            "give more speech, or a smaller `size` (of a model trained here also `training.clusters` and `training.prototypes`)"
        )
    report_step("k-means")
    quick = MiniBatchKMeans(
        clusters,
        batch_size=BATCH,
        n_init=3,
        max_iter=60,
        random_state=seed % 2**32,
        reassignment_ratio=0.01,
        init_size=BATCH * 2,
    )
    # with several threads the order of sums changes, and with it the last bit of a centroid
    with threadpool_limits(1):
        means = KMeans(clusters, init=quick.fit(features).cluster_centers_, n_init=1, max_iter=_STEPS).fit(features)
    return np.ascontiguousarray(means.cluster_centers_, dtype=np.float32)


def assign(features: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The nearest centroid of each feature, int32 [n], by one matmul: f·c - |c|²/2 is largest where |f - c| is least.

    Raises ValueError when the widths differ.
    """
    if features.shape[1] != centroids.shape[1]:
        raise ValueError(f"features are {features.shape[1]} wide, the codebook's centroids {centroids.shape[1]}")
    return most_probable(features, centroids, (centroids * centroids).sum(1) / -2)


def most_probable(features: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The class of the greatest feature·weight + bias: int32 [n] of features [n, width] and weight [classes, width], all float32.

    Computed by torch: numpy's threads would wait for torch's, for longer than a clip takes.
    """
    return linear(torch.from_numpy(features), torch.tensor(weight), torch.tensor(bias)).argmax(1).int().numpy()
