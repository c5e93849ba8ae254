"""From features to codes: the nearest centroid, or the most probable class of a small network.

load_quantizer("km500.npy", size=500, width=768)          Nearest: one table [size, width]
load_quantizer("km100.safetensors", 100, 256)             NearestByMetric: `centroids`, and the `metric` of their distances, as
                                                          speaker_invariance.py learns them
load_quantizer("l11_500.safetensors", 501, 768)           FeedForward: layers `0.weight`, `0.bias`, `2.weight`, …, as Spirit LM's, which
                                                          was trained with CTC; its last class is the blank and takes the code before it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch.nn.functional import leaky_relu, linear

from weft.tokenizers.models import kmeans
from weft.tokenizers.models.learned import first_line

_LEAK = 0.01  # slope below zero of the rectifiers

Layer = tuple[np.ndarray, np.ndarray]  # weight [out, in], bias [out]


class Quantizer(Protocol):
    """`tensors` are all its tables, by name."""

    @property
    def tensors(self) -> dict[str, np.ndarray]: ...

    def codes(self, features: np.ndarray) -> np.ndarray:
        """Codes int32 [frames] of features float32 [frames, width]."""
        ...


@dataclass(frozen=True, eq=False)
class Nearest:
    """Centroids float32 [size, width]."""

    centroids: np.ndarray

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        return {"centroids": self.centroids}

    def codes(self, features: np.ndarray) -> np.ndarray:
        return kmeans.assign(features, self.centroids)


@dataclass(frozen=True, eq=False)
class NearestByMetric:
    """Centroids float32 [size, width]; the nearest has the least (f - c) metric (f - c), with `metric` float32 [width, width]."""

    centroids: np.ndarray
    metric: np.ndarray

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        return {"centroids": self.centroids, "metric": self.metric}

    @cached_property
    def _weight(self) -> np.ndarray:
        return self.centroids @ self.metric

    def codes(self, features: np.ndarray) -> np.ndarray:
        return kmeans.most_probable(features, self._weight, (self._weight * self.centroids).sum(1) / -2)


@dataclass(frozen=True, eq=False)
class FeedForward:
    """Linear layers with leaky rectifiers between them; the last class is CTC's blank."""

    layers: Sequence[Layer]

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        rows = [(f"{2 * n}.weight", w, f"{2 * n}.bias", b) for n, (w, b) in enumerate(self.layers)]
        return {name: array for a, w, c, b in rows for name, array in ((a, w), (c, b))}

    def codes(self, features: np.ndarray) -> np.ndarray:
        values = torch.from_numpy(features)
        for weight, bias in self.layers[:-1]:
            values = leaky_relu(linear(values, torch.tensor(weight), torch.tensor(bias)), _LEAK)
        weight, bias = self.layers[-1]
        return without_blanks(kmeans.most_probable(values.numpy(), weight, bias), len(bias) - 1)


def without_blanks(codes: np.ndarray, blank: int) -> np.ndarray:
    """Codes in which each blank takes the code before it; at the beginning, the first that follows.

    >>> without_blanks(np.array([9, 4, 9, 9, 2]), blank=9).tolist()
    [4, 4, 4, 4, 2]
    """
    kept = np.flatnonzero(codes != blank)
    if not len(kept):
        return codes
    return np.asarray(codes[kept[np.maximum(0, np.searchsorted(kept, np.arange(len(codes)), side="right") - 1)]])


def load_quantizer(path: str, size: int, width: int) -> Quantizer:
    """A codebook from a file. Raises ValueError for a file that holds no such quantizer."""
    return quantizer_of(_tensors(path), path, size, width)


def quantizer_of(tensors: Mapping[str, Any], path: str, size: int, width: int) -> Quantizer:
    """The same from tensors by name; `path` says in messages where they are from."""
    tables = {name: _finite(path, name, tensor) for name, tensor in tensors.items()}
    if len(tables) == 1:
        table = next(iter(tables.values()))
        if table.shape != (size, width):
            raise ValueError(f"{path}: centroids are {list(table.shape)}, but [size, width] is {[size, width]}")
        return Nearest(table)
    if set(tables) == {"centroids", "metric"}:
        return _with_metric(path, tables, size, width)
    return FeedForward(_layers(path, tables, size, width))


def _tensors(path: str) -> dict[str, np.ndarray]:
    try:
        if Path(path).suffix == ".npy":
            return {"centroids": np.load(path, allow_pickle=False)}
        tensors: dict[str, np.ndarray] = load_file(path)
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: no codebook could be read ({first_line(error)})") from None
    if not tensors:
        raise ValueError(f"{path}: it holds no tensors")
    return tensors


def _finite(path: str, name: str, tensor: Any) -> np.ndarray:
    """As float32."""
    if not isinstance(tensor, np.ndarray) or not np.issubdtype(tensor.dtype, np.floating) or not tensor.ndim:
        raise ValueError(f"{path}: {name} is no table of floats")
    with np.errstate(over="ignore"):
        table = np.ascontiguousarray(tensor, np.float32)
    if not np.isfinite(table).all():
        raise ValueError(f"{path}: {name} has values that are not finite numbers")
    return table


def _with_metric(path: str, tables: Mapping[str, np.ndarray], size: int, width: int) -> NearestByMetric:
    centroids, metric = tables["centroids"], tables["metric"]
    if centroids.shape != (size, width) or metric.shape != (width, width):
        shapes = f"centroids are {list(centroids.shape)} and their metric {list(metric.shape)}"
        raise ValueError(f"{path}: {shapes}, but [size, width] is {[size, width]}")
    if not np.allclose(metric, metric.T, 1e-3, 1e-3 * np.abs(metric).max()) or np.linalg.eigvalsh(metric)[0] <= 0:
        raise ValueError(f"{path}: its metric is not symmetric and positive definite")
    return NearestByMetric(centroids=centroids, metric=metric)


def _layers(path: str, tensors: Mapping[str, np.ndarray], size: int, width: int) -> list[Layer]:
    numbers = sorted({int(name.split(".")[0]) for name in tensors if name.split(".")[0].isdigit()})
    try:
        layers = [(tensors[f"{n}.weight"], tensors[f"{n}.bias"]) for n in numbers]
        assert layers and len(tensors) == 2 * len(layers)
    except (KeyError, AssertionError):
        raise ValueError(f"{path}: neither one table of centroids nor layers `0.weight`, `0.bias`, …") from None
    widths = [width, *(weight.shape[0] for weight, _ in layers)]
    chained = [(w.shape, b.shape) for w, b in layers] == [((o, i), (o,)) for i, o in pairwise(widths)]
    if not chained or widths[-1] != size:
        shapes = ", ".join(str(list(w.shape)) for w, _ in layers)
        raise ValueError(f"{path}: layers {shapes} do not lead from {width} features to {size} classes")
    return layers
