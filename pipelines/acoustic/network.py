"""The network of an utterance: every pronunciation of every word, and an optional pause between words.

    pause ─┬─ AH ─┬─ [pause] ─ K ─ AE ─ T ─ pause
           └─ EY ─┘

`likeliest` searches its best path: a sequence of states without gaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

STATES = 3  # of a phone: its beginning, middle and end
PAUSE = 0  # the number of the pause among the phones

STAY = np.log(0.8)
MOVE = np.log(0.2)
_PAUSES = np.log(0.2), np.log(0.8)  # log-probabilities of a pause between two words, and of none
_NEVER = -1e30
_SMALL = 3e7  # frames times states; up to so many all states are searched
_BEAM = 2000.0  # nats; in a larger search, states so far below the best one are left out

PhoneNumbers = tuple[int, ...]  # a pronunciation, as numbers of phones


@dataclass(frozen=True)
class PronunciationNetwork:
    """States in the order they were added. State s is entered from states `before[s]` (-1: no more) with log-probabilities `log[s]`."""

    emits: np.ndarray
    phones: np.ndarray  # the state's phone, numbered over all pronunciations of the utterance
    words: np.ndarray  # the index of the state's word; -1 in a pause
    before: np.ndarray
    log: np.ndarray
    start: np.ndarray
    final: np.ndarray

    @classmethod
    def of(cls, words: Sequence[Sequence[PhoneNumbers]]) -> "PronunciationNetwork":
        """The network of every pronunciation of every word, with a pause at both ends and optional ones between words."""
        builder = _NetworkBuilder()
        ends = builder.pause([])
        for number, pronunciations in enumerate(words):
            out: list[tuple[int, float]] = []
            for pronunciation in pronunciations:
                here = [(state, log - np.log(len(pronunciations))) for state, log in ends]
                for place, phone in enumerate(pronunciation):
                    here = builder.phone(phone, number, here, first=number == 0 and place == 0)
                out += here
            paused = builder.pause([(state, log + _PAUSES[0]) for state, log in out])
            ends = [(state, log + _PAUSES[1]) for state, log in out] + paused
        return builder.network({state for state, _ in ends})


class _NetworkBuilder:
    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int]] = []  # emission, phone, word
        self._from: list[list[tuple[int, float]]] = []
        self._starts: list[int] = []
        self._phones = 0

    def pause(self, entries: list[tuple[int, float]]) -> list[tuple[int, float]]:
        return self.phone(PAUSE, -1, entries, first=not self._rows)

    def phone(self, phone: int, word: int, entries: list[tuple[int, float]], first: bool) -> list[tuple[int, float]]:
        """Adds a phone's states after `entries` (state, log-probability); returns the exit of the last state."""
        if first:
            self._starts.append(len(self._rows))
        for k in range(STATES):
            state = len(self._rows)
            self._rows.append((phone * STATES + k, self._phones, word))
            self._from.append([(state, STAY), *entries])
            entries = [(state, MOVE)]
        self._phones += 1
        return entries

    def network(self, ends: set[int]) -> PronunciationNetwork:
        rows = np.array(self._rows)
        widest = max(map(len, self._from))
        before = np.array([[s for s, _ in f] + [-1] * (widest - len(f)) for f in self._from])
        log = np.array([[p for _, p in f] + [_NEVER] * (widest - len(f)) for f in self._from])
        start = np.full(len(rows), _NEVER)
        start[self._starts] = 0.0
        final = np.array([0.0 if state in ends else _NEVER for state in range(len(rows))])
        return PronunciationNetwork(
            emits=rows[:, 0],
            phones=rows[:, 1],
            words=rows[:, 2],
            before=before,
            log=log,
            start=start,
            final=final,
        )


class TooShort(ValueError):
    """There are fewer frames than the words need."""


def likeliest(network: PronunciationNetwork, scores: np.ndarray) -> np.ndarray:
    """The states of the best path, an index into the network for each frame; `scores` are log-likelihoods [frames, emissions].

    Long audio is searched within a beam, so that time and memory grow linearly. Raises TooShort when the audio has fewer
    frames than the shortest path.
    """
    beam = np.inf if len(scores) * len(network.emits) <= _SMALL else _BEAM
    n = network
    path, score = _walk(scores, n.emits, n.before, n.log, n.start, n.final, _reach(n), beam)
    if score < _NEVER / 2:
        raise TooShort(f"{len(scores)} frames are fewer than the words need")
    return path


def _reach(network: PronunciationNetwork) -> int:
    """The most states that one transition skips ahead."""
    ahead = np.arange(len(network.emits))[:, None] - network.before
    return int(ahead[network.before >= 0].max())


@numba.njit
def _walk(scores, emits, before, log, start, final, reach, beam):  # type: ignore[no-untyped-def]
    """Viterbi over states `low` to `high`; the others are worse than the best by more than `beam`."""
    frames, states = len(scores), len(emits)
    lows, places = np.zeros(frames, np.int64), np.zeros(frames + 1, np.int64)
    back = np.zeros(frames * min(states, 64) + states, np.int8)  # the index of the transition into each state; grows
    now, new = np.full(states, -np.inf), np.full(states, -np.inf)
    low, high = 0, states
    for s in range(states):
        now[s] = start[s] + scores[0, emits[s]]
    for t in range(1, frames):
        edge = min(states, high + reach)
        top, at = -np.inf, places[t]
        if at + edge - low > len(back):
            wider = np.zeros(2 * len(back) + edge - low, np.int8)
            wider[:at] = back[:at]
            back = wider
        for s in range(low, edge):
            best, entry = -np.inf, 0
            for k in range(before.shape[1]):
                if before[s, k] < 0:
                    break
                value = now[before[s, k]] + log[s, k]
                if value > best:
                    best, entry = value, k
            new[s] = best + scores[t, emits[s]]
            top = max(top, new[s])
            back[at + s - low] = entry
        lows[t], places[t + 1] = low, at + edge - low
        now[low:edge] = new[low:edge]
        while low < edge - 1 and now[low] < top - beam:
            now[low] = -np.inf
            low += 1
        high = edge
        while high > low + 1 and now[high - 1] < top - beam:
            high -= 1
            now[high] = -np.inf
    path = np.empty(frames, np.int64)
    path[-1] = np.argmax(now + final)
    for t in range(frames - 1, 0, -1):
        path[t - 1] = before[path[t], back[places[t] + path[t] - lows[t]]]
    return path, now[path[-1]] + final[path[-1]]
