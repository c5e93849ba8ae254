"""The likeliest path of given tokens through the log-probabilities of a CTC model: exact, in little memory.

    frames      0     1     2     3     4     5
    best_path   -     c     c     -     a     t       tokens [c, a, t]  ->  starts [1, 4, 5], ends [3, 5, 6]

Between each two tokens, and at both ends, the blank may stand; between two equal tokens it must. Only every
√frames-th row of scores is kept on the way forward; on the way back each stretch between two of them is done again
with its choices, so 10 minutes and 9,000 tokens take tens of megabytes where a full table takes hundreds. A table that is
small anyway is noted at once.
"""

from dataclasses import dataclass

import numba
import numpy as np

_NEVER = -np.inf
_SMALL = 1 << 22  # frames times tokens


class TooFewFrames(ValueError):
    """There are fewer frames than the tokens need."""


@dataclass(frozen=True, slots=True)
class TokenPath:
    """Token n spans frames `starts[n]` to `ends[n]`; `score` is the path's log-probability, blanks included."""

    starts: np.ndarray
    ends: np.ndarray
    score: float


def best_path(log_probs: np.ndarray, tokens: np.ndarray, blank: int = 0) -> TokenPath:
    """The best path of tokens int [n] through log_probs float [frames, classes].

    Sums are float64. Raises TooFewFrames when the frames cannot hold the tokens (each takes one, and one more lies between
    two that are equal), ValueError when there are none, or one lies outside the classes or is the blank.
    """
    tokens = np.ascontiguousarray(tokens, np.int64)
    frames, classes = log_probs.shape
    if not len(tokens):
        raise ValueError("there are no tokens to align")
    if tokens.min() < 0 or tokens.max() >= classes or (tokens == blank).any():
        raise ValueError(f"tokens must be classes below {classes} other than the blank {blank}")
    needed = len(tokens) + int((tokens[1:] == tokens[:-1]).sum())
    if frames < needed:
        raise TooFewFrames(f"{len(tokens)} tokens need {needed} frames, and there are {frames}")
    stride = frames if frames * len(tokens) <= _SMALL else int(np.ceil(np.sqrt(frames)))
    starts, ends, score = _aligned(np.ascontiguousarray(log_probs), tokens, blank, stride)
    return TokenPath(starts, ends, float(score))


@numba.njit
def _aligned(log_probs, tokens, blank, stride):  # type: ignore[no-untyped-def]
    """Forward once with the scores kept at the start of each stretch of `stride` frames, then backward a stretch at a time."""
    frames, count = len(log_probs), len(tokens)
    stretches = (frames + stride - 1) // stride
    kept = np.empty((stretches, 2, count + 1))
    choices = np.empty((stride, 2, count + 1), np.int8)
    barred = np.zeros(count)  # a token may follow an equal one only through the blank
    barred[0] = _NEVER
    barred[1:][tokens[1:] == tokens[:-1]] = _NEVER
    # [0, i + 1]: in token i; [1, i]: in the blank before it. Before the first frame the path is in the first blank
    scores = np.full((2, count + 1), _NEVER)
    scores[1, 0] = 0.0
    for stretch in range(stretches):
        kept[stretch] = scores
        end = min(frames, (stretch + 1) * stride)
        scores = _forward(
            log_probs, tokens, barred, blank, stretch * stride, end, scores, choices, noting=stretches == 1
        )
    in_blank = scores[1, count] >= scores[0, count]
    score = max(scores[1, count], scores[0, count])
    starts, ends = np.zeros(count, np.int64), np.zeros(count, np.int64)
    at = count if in_blank else count - 1
    for stretch in range(stretches - 1, -1, -1):
        begin, end = stretch * stride, min(frames, (stretch + 1) * stride)
        if stretches > 1:
            _forward(log_probs, tokens, barred, blank, begin, end, kept[stretch], choices, noting=True)
        at, in_blank = _backward(begin, end, choices, at, in_blank, starts, ends)
    return starts, ends, score


@numba.njit(error_model="numpy")
def _forward(log_probs, tokens, barred, blank, begin, end, scores, choices, noting):  # type: ignore[no-untyped-def]
    """The scores after frame `end` - 1 from those before frame `begin`; notes the choices where asked.

    What the end cannot be reached from, or what the start cannot reach, is left out.
    """
    frames, count = len(log_probs), len(tokens)
    old, new = scores.copy(), np.full_like(scores, _NEVER)
    for t in range(begin, end):
        row, silence = log_probs[t], log_probs[t, blank]
        low, high = max(0, count - (frames - t)), min(count, t + 1)
        token, rest, left = old[0, 1:], old[1], old[0]
        if noting:
            _note(token, rest, left, barred, low, high, choices[t - begin, 0], choices[t - begin, 1])
        for i in range(low, high):
            best = max(max(token[i], rest[i]), left[i] + barred[i])
            new[0, i + 1] = best + row[tokens[i]]
        for i in range(low, high + 1):
            new[1, i] = max(rest[i], left[i]) + silence
        new[0, low] = _NEVER
        old, new = new, old
    return old


@numba.njit
def _note(token, rest, left, barred, low, high, of_token, of_blank):  # type: ignore[no-untyped-def]
    """Where the best path into each state came from: 0 itself, 1 the blank before, 2 the token before."""
    for i in range(low, high):
        skip = left[i] + barred[i]
        of_token[i] = 0 if token[i] >= rest[i] and token[i] >= skip else 1 if rest[i] >= skip else 2
    for i in range(low, high + 1):
        of_blank[i] = left[i] > rest[i]


@numba.njit
def _backward(begin, end, choices, at, in_blank, starts, ends):  # type: ignore[no-untyped-def]
    """Follows the choices from frame `end` - 1 to `begin`; returns the path's state before it."""
    for t in range(end - 1, begin - 1, -1):
        if in_blank:
            if choices[t - begin, 1, at]:
                in_blank, at = False, at - 1
            continue
        ends[at] = max(ends[at], t + 1)
        starts[at] = t
        choice = choices[t - begin, 0, at]
        if choice == 1:
            in_blank = True
        elif choice == 2:
            at -= 1
    return at, in_blank
