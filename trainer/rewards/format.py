"""1 where the reply is whole and in the form of its task: it ended, and its markers, text and codes stand where they belong; else 0.

format                                                          text, then the end of the turn
{use: format, of: [text, fsq], sizes: [1, 4], text_pad: tts-pad, audio_pad: audio-pad, open: tts-start, close: tts-end}
    <tts_start> t a a a a t a a a a … pad a a a a <tts_end> and, where there is any, plain text
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import model_validator

from weft.schemas.vocabulary import Vocabulary
from weft.trainer.replies import Reply
from weft.trainer.rewards import base
from weft.trainer.rewards.base import Scoring

TEXT = "text"


@dataclass(frozen=True, eq=False)
class _IdKinds:
    """The ids of a vocabulary: which are text, (size,) bool, and the place of each in a reward's `of`, (size,), -1 for all others."""

    vocabulary: Vocabulary
    is_text_V: np.ndarray
    place_V: np.ndarray


class Reward(base.Reward):
    """`of`, `sizes`, `text_pad`, `audio_pad`, `open` and `close` are those of the turns that the model was taught: groups of so many
    tokens of text and of each stream. Without `of` the reply is text alone. `opened`: the prompt ends with `open` already. What has no
    pad may end before the others, which then go on alone.
    """

    of: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    text_pad: str = ""
    audio_pad: str = ""
    open: str = ""
    close: str = ""
    opened: bool = False

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Reward":
        if len(self.of) != len(self.sizes) or any(size < 1 for size in self.sizes):
            raise ValueError("`of` and `sizes` go together: a number above 0 for each of `of`")
        if self.of and (self.of.count(TEXT) != 1 or len(set(self.of)) < len(self.of) or len(self.of) < 2):
            raise ValueError("`of` names `text` once, and each stream once")
        if self.audio_pad and len(self.of) > 2:
            raise ValueError("`audio_pad` pads one stream, and `of` names several")
        return self

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.open, self.close, self.text_pad, self.audio_pad}) - {""}

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(name for name in self.of if name != TEXT)

    def scores(self, replies: Sequence[Reply], scoring: Scoring) -> list[float]:
        is_right = self._is_interleaved if self.of else self._is_text
        kinds = _IdKinds(
            vocabulary=scoring.vocabulary, is_text_V=scoring.reader.is_text_V, place_V=self._places(scoring)
        )
        return [float(reply.ended and len(reply.ids) > 0 and is_right(reply.ids, kinds)) for reply in replies]

    def _is_text(self, ids: np.ndarray, kinds: _IdKinds) -> bool:
        return bool(kinds.is_text_V[ids].all())

    def _is_interleaved(self, ids: np.ndarray, kinds: _IdKinds) -> bool:
        """Whether groups stand between `open` and `close`, and text alone behind that."""
        if self.open and not self.opened:
            if ids[0] != kinds.vocabulary.marker(self.open).id:
                return False
            ids = ids[1:]
        if not self.close:
            return self._are_groups(ids, kinds)
        closes = np.flatnonzero(ids == kinds.vocabulary.marker(self.close).id)
        if not len(closes):
            return False
        groups, after = ids[: closes[0]], ids[closes[0] + 1 :]
        return self._are_groups(groups, kinds) and self._is_text(after, kinds)

    def _are_groups(self, ids: np.ndarray, kinds: _IdKinds) -> bool:
        """Whether the ids are groups, each stream to its end: what is padded is whole, and pads stand behind all else."""
        places = kinds.place_V[ids]
        counts = np.bincount(places[places >= 0], minlength=len(self.of))
        if (places < 0).any() or not counts.all() or not np.array_equal(places, self._laid_out(counts)):
            return False
        pads = (self._pad_of(name, kinds.vocabulary) for name in self.of)
        padded_last = all(_stays_true(ids[places == n] == pad) for n, pad in enumerate(pads))
        groups = -(-counts // np.array(self.sizes))
        needs = np.array([bool(self.text_pad if name == TEXT else self.audio_pad) for name in self.of])
        return padded_last and bool((counts >= groups.max() * np.array(self.sizes))[needs].all())

    def _laid_out(self, counts: np.ndarray) -> np.ndarray:
        """The place in `of` of every token, where so many of each are interleaved."""
        left, order = counts.tolist(), []
        while any(left):
            for place, size in enumerate(self.sizes):
                order += [place] * min(size, left[place])
                left[place] -= min(size, left[place])
        return np.array(order)

    def _places(self, scoring: Scoring) -> np.ndarray:
        """The place in `of` of each id, (size,), -1 for all others; a merged stream has the codes of every tokenizer."""
        vocabulary = scoring.vocabulary
        places = np.full(vocabulary.size, -1)
        names = {book.tokenizer for book in vocabulary.codebooks}
        for place, name in enumerate(self.of):
            if name == TEXT:
                places[scoring.reader.is_text_V] = place
            for book in vocabulary.codebooks if name != TEXT else ():
                if book.tokenizer == name or name not in names:
                    places[book.first : book.first + book.size] = place
            if (pad := self._pad_of(name, vocabulary)) >= 0:
                places[pad] = place
        return places

    def _pad_of(self, name: str, vocabulary: Vocabulary) -> int:
        """The id that pads text or a stream; -1 where nothing does."""
        pad = self.text_pad if name == TEXT else self.audio_pad
        return vocabulary.marker(pad).id if pad else -1


def _stays_true(mask: np.ndarray) -> bool:
    """Whether nothing is False behind the first True."""
    return bool((np.diff(mask.astype(int)) >= 0).all())
