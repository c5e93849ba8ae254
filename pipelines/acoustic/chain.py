"""When each state of a chain begins.

scores of three states over eight frames  ->  -0.5, 2.3, 5.5: the second begins between frames 2 and 3
"""

import numba
import numpy as np

from weft.pipelines.acoustic.network import MOVE, STAY


def crossings(scores: np.ndarray) -> np.ndarray:
    """When each state of a chain begins, in frames with fractions: float64 [states], the first at -0.5.

    `scores` are log-likelihoods [frames, states]; the states follow one another, each for at least one frame. The moment is the
    median over all possible moments, weighted by their likelihood: the estimate with the least expected error.
    """
    # the probability that each state has begun by each frame: rises with time
    begun = np.flip(np.cumsum(np.flip(_posterior(scores), axis=1), axis=1), axis=1)
    out = np.full(scores.shape[1], -0.5)
    for state in range(1, scores.shape[1]):
        by = np.maximum.accumulate(begun[:, state])
        after = min(int(np.searchsorted(by, 0.5)), len(by) - 1)
        low, high = by[after - 1], by[after]
        out[state] = after - 1 + (0.5 - low) / (high - low) if high > low else after - 0.5
    return np.maximum.accumulate(out)


@numba.njit
def _posterior(scores):  # type: ignore[no-untyped-def]
    """The probability of each state at each frame, over all paths from the first state to the last: [frames, states]."""
    frames, states = scores.shape
    forth, back = np.full((frames, states), -np.inf), np.full((frames, states), -np.inf)
    forth[0, 0], back[-1, -1] = scores[0, 0], 0.0
    for t in range(1, frames):
        forth[t, 0] = forth[t - 1, 0] + STAY + scores[t, 0]
        for s in range(1, states):
            forth[t, s] = np.logaddexp(forth[t - 1, s] + STAY, forth[t - 1, s - 1] + MOVE) + scores[t, s]
    for t in range(frames - 2, -1, -1):
        for s in range(states):
            back[t, s] = back[t + 1, s] + scores[t + 1, s] + STAY
            if s + 1 < states:
                back[t, s] = np.logaddexp(back[t, s], back[t + 1, s + 1] + scores[t + 1, s + 1] + MOVE)
    return np.exp(forth + back - forth[-1, -1])
