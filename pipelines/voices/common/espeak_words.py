"""From espeak's events to the written words with their times.

WORD 1 @0  [h ə l oʊ]   WORD 7 @7011  [ð ɛɹ] pause @16692  END          (character, sample)
->  Word("Hello", 0.0, 0.318), Word("there.", 0.318, 0.757)
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from weft.pipelines.audio.espeak_library import RATE
from weft.pipelines.voices.common.espeak_calls import PHONEME, WORD, EspeakEvent
from weft.schemas.audio import Word

_SILENT = frozenset("-‐‑‒–—―…․.,;:!?¡¿\"'`´“”‘’«»‹›()[]{}*_~|\\")
_UNSPEAKABLE = {"Cc", "Cs", "Co", "Cn"}  # control characters (1 starts an espeak command), surrogates, unassigned


@dataclass(frozen=True, slots=True)
class TimedPhone:
    """A phone from sample `start` to `end`, of written word `word`."""

    word: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EspeakText:
    """Written words and what espeak gets of each: "Yes — 5" is sent as "Yes, 5"; an empty form is not sent."""

    written: tuple[str, ...]
    forms: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "EspeakText":
        """Drops tokens without sound. espeak reads a lone dash before a number as "minus", so the word before gets a comma instead."""
        forms: list[str] = []
        for token in text.split():
            form = "".join(c for c in token if unicodedata.category(c) not in _UNSPEAKABLE)
            forms.append(_comma(form) if set(form) - _SILENT else "")
            if form and not forms[-1]:
                _pause(forms)
        return cls(tuple(text.split()), tuple(forms))

    @property
    def sent(self) -> str:
        return " ".join(filter(None, self.forms))

    def sounds(self, events: Sequence[EspeakEvent], total: int) -> list[TimedPhone]:
        """The phones with their words. A word's first phone begins where espeak reports the word."""
        sounds: list[TimedPhone] = []
        word, onset = -1, 0
        starts = self._starts()
        for event, following in pairwise([*events, EspeakEvent(0, 0, total)]):
            if event.type == WORD:
                word, onset = max(word, self._word_at(starts, event.place)), event.sample
            elif event.type == PHONEME and event.phone.strip() and word >= 0:
                sounds.append(TimedPhone(word, min(onset, event.sample), min(following.sample, total)))
                onset = total
        return sounds

    def _starts(self) -> dict[int, int]:
        """The character of `sent` each sent word begins with, and the word's number."""
        sent = [number for number, form in enumerate(self.forms) if form]
        places = accumulate((len(self.forms[number]) + 1 for number in sent), initial=0)
        return dict(zip(places, sent, strict=False))

    def _word_at(self, starts: dict[int, int], place: int) -> int:
        """The word that holds a character; espeak means the next one by the space between (as it does after "St.")."""
        places = list(starts)
        index = max(bisect_right(places, place) - 1, 0)
        word = starts[places[index]]
        past = place >= places[index] + len(self.forms[word])
        return starts[places[min(index + past, len(places) - 1)]]

    def words(self, sounds: Sequence[TimedPhone]) -> Iterator[Word]:
        """Each written word with its span in seconds, in order."""
        spans: dict[int, tuple[int, int]] = {}
        for group in self._groups({sound.word for sound in sounds}):
            spans.update(zip(group, self._share(group, [s for s in sounds if s.word in group]), strict=True))
        last_end = 0
        for number, text in enumerate(self.written):
            start, end = spans.get(number, (last_end, last_end))
            start = max(start, last_end)
            last_end = max(start, end)
            yield Word(text, start / RATE, last_end / RATE)

    def _groups(self, sounding: set[int]) -> list[list[int]]:
        """Words that share sounds: espeak speaks "in the" as one word, and reports only the first."""
        groups: list[list[int]] = []
        for number, form in enumerate(self.forms):
            if number in sounding and (not groups or sounding & set(groups[-1])):
                groups.append([number])
            elif number in sounding or any(c.isalnum() for c in form):
                groups[-1:] = [[*groups[-1], number]] if groups else [[number]]
        return groups

    def _share(self, group: Sequence[int], sounds: Sequence[TimedPhone]) -> list[tuple[int, int]]:
        """Divides a group's phones among its words in proportion to their letters, at least one phone each."""
        if len(sounds) < len(group):
            edges = np.linspace(sounds[0].start, sounds[-1].end, len(group) + 1).astype(int).tolist()
            return list(pairwise(edges))
        letters = list(accumulate(len(self.forms[number]) for number in group))
        cuts = [0]
        for rank, reached in enumerate(letters, 1):
            proportional = round(len(sounds) * reached / letters[-1])
            cuts.append(min(max(proportional, cuts[-1] + 1), len(sounds) - len(group) + rank))
        return [(sounds[a].start, sounds[b - 1].end) for a, b in pairwise(cuts)]


def _comma(form: str) -> str:
    """A dash at the end of a word as a comma: espeak would say it as "minus" before a number."""
    bare = form.rstrip("-–—―")
    return form if bare == form else f"{bare},"


def _pause(forms: list[str]) -> None:
    """Ends the last form that is sent with a comma, unless it ends in punctuation as it is."""
    for number in range(len(forms) - 1, -1, -1):
        if forms[number]:
            forms[number] += "" if forms[number][-1] in _SILENT else ","
            return
