"""The likelihood of a frame in each state of each phone: mixtures of Gaussians with diagonal covariance.

The variance of a state with few frames stays close to that of all frames (`_PRIOR` frames with the overall variance are added),
so half a minute of speech is enough to train on.
"""

from dataclasses import dataclass

import numpy as np

# a model and its words follow from these: whoever changes one raises `version` of the aligner `adapted`; `_BLOCK` only last bits
_PRIOR = 40.0  # frames
_PER_COMPONENT = 30  # frames that a component needs
_FEWEST = 5  # frames of a state; one with fewer is near the mean of all
_NARROWEST = 0.05  # of the variance of all frames
_BLOCK = 2000  # frames scored at a time
_PASSES = 4  # of expectation and maximisation after each split


@dataclass(frozen=True)
class Mixtures:
    """`weights` are logs [states, components] (-inf where there is no such component); the others [states, components, d]."""

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def fit(cls, frames: np.ndarray, states: np.ndarray, count: int, components: int) -> "Mixtures":
        """Fit `count` states to frames [n, d]; `states` [n] is the state of each frame."""
        mean, variance = frames.mean(0), frames.var(0)
        model = cls(
            np.full((count, components), -np.inf), np.zeros((count, components, frames.shape[1])),
            np.ones((count, components, frames.shape[1])),
        )  # fmt: skip
        order = np.argsort(states, kind="stable")
        ends = np.searchsorted(states[order], np.arange(count + 1))
        for state in range(count):
            own_frames = frames[order[ends[state] : ends[state + 1]]]
            if len(own_frames) < _FEWEST:
                seen = (own_frames.sum(0) + _FEWEST * mean) / (len(own_frames) + _FEWEST)
                parts = np.zeros(1), seen[None], variance[None]
            else:
                parts = _split_and_fit(own_frames, min(components, max(1, len(own_frames) // _PER_COMPONENT)), variance)
            for array, values in zip((model.weights, model.means, model.variances), parts, strict=True):
                array[state, : len(values)] = values
        return model

    def log_likelihoods(self, frames: np.ndarray) -> np.ndarray:
        """Of every state for each frame [t, d]: float64 [t, states]."""
        width = frames.shape[1]
        out = [self._weighed(frames[at : at + _BLOCK], width) for at in range(0, len(frames), _BLOCK)]
        return np.concatenate(out)

    def _weighed(self, frames: np.ndarray, width: int) -> np.ndarray:
        each = _log_gaussians(frames, self.means.reshape(-1, width), self.variances.reshape(-1, width))
        each = each.reshape(len(frames), *self.weights.shape) + self.weights
        top = each.max(2)
        return top + np.log(np.exp(each - top[:, :, None]).sum(2))


def _split_and_fit(mine: np.ndarray, wanted: int, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log weights, means and variances of `wanted` components, grown from one by halving the heaviest."""
    own = (len(mine) * mine.var(0) + _PRIOR * floor) / (len(mine) + _PRIOR)
    weights, means, variances = np.ones(1), mine.mean(0)[None], own[None]
    while len(means) < wanted:
        heaviest = np.argsort(-weights, kind="stable")[: wanted - len(means)]
        shift = 0.2 * np.sqrt(variances[heaviest])
        means = np.concatenate([means, means[heaviest] + shift])
        means[heaviest] -= shift
        variances = np.concatenate([variances, variances[heaviest]])
        weights[heaviest] /= 2
        weights = np.concatenate([weights, weights[heaviest]])
        for _ in range(_PASSES):
            weights, means, variances = _improve(mine, weights, means, variances, own, floor)
    return np.log(weights), means, np.maximum(variances, _NARROWEST * floor)


def _improve(
    mine: np.ndarray, weights: np.ndarray, means: np.ndarray, variances: np.ndarray, own: np.ndarray, floor: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One pass of expectation and maximisation."""
    log = np.log(weights) + _log_gaussians(mine, means, variances)
    share = np.exp(log - log.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    counts = share.sum(0) + 1e-6
    means = share.T @ mine / counts[:, None]
    spread = np.maximum(share.T @ mine**2 / counts[:, None] - means**2, 0)
    spread = (counts[:, None] * spread + _PRIOR * own) / (counts[:, None] + _PRIOR)
    return counts / counts.sum(), means, np.maximum(spread, _NARROWEST * floor)


def _log_gaussians(frames: np.ndarray, means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """[t, d] against [c, d]: float64 [t, c]."""
    inverse = 1 / variances
    distance = frames**2 @ inverse.T - 2 * frames @ (means * inverse).T + (means**2 * inverse).sum(1)
    return -0.5 * (distance + np.log(2 * np.pi * variances).sum(1))
