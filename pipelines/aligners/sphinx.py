"""Forced alignment with pocketsphinx: offline, English model and dictionary in the wheel; 48 times real time.

    samples, ["ask", "not"]  ->  Word("ask", 4.21, 4.63, -1.4), Word("not", 4.63, 4.98, -1.1)

A word's score is nats per frame of 10 ms below the best state the decoder weighed at that frame: 0 is a perfect
fit, read English lies about -1.7, a transcript of something else about -5.
"""

import math
from collections.abc import Sequence
from itertools import chain, count, takewhile

import numpy as np
from pocketsphinx import Config, Decoder, Segment
from pydantic import PrivateAttr, field_validator

from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Clip, Timed, Unalignable, check_length
from weft.pipelines.aligners.common.lexicon import ENGLISH, checked_language, pronunciations
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Word
from weft.schemas.fingerprint import version_of

_FRAME = 0.01  # seconds
_WIDE = {"beam": 0.0, "pbeam": 0.0, "wbeam": 0.0}  # nothing is given up; the check alone decides
_SEARCHED_WIDELY = 61.0  # seconds; without beams the time grows with the square of the length
_HOPELESS = -12.0  # the score of a transcript that the decoder cannot lay over the audio at all


class Aligner(base.Aligner):
    """pocketsphinx, with a check that the transcript belongs to the audio.

    Words whose scores average `min_score` or more are taken. Below it (a wrong transcript, but also a telephone, a
    robot) they must beat themselves spoken backwards by `min_lead`, and not fall under `floor`. All in nats per
    frame. Audio of more than `max_seconds` is aligned in windows. On the 81 real clips, 65 of them non-native, that
    the defaults were chosen on, 1.2 % of the right transcripts are refused and 96 % of 561 of other clips.

    Another `language` than English is heard with the English sounds nearest to what espeak-ng reads.
    """

    language: str = ENGLISH
    min_score: float = -2.9
    min_lead: float = 3.0
    floor: float = -6.0
    max_seconds: float = 1800.0

    _narrow: "_Forced" = PrivateAttr()
    _wide: "_Forced" = PrivateAttr()

    _speakable = field_validator("language")(checked_language)

    @property
    def spoken_language(self) -> str:
        return self.language.partition("-")[0]

    @property
    def longest(self) -> float:
        return self.max_seconds

    def setup(self) -> None:
        self._narrow, self._wide = _Forced(self.language), _Forced(self.language, **_WIDE)

    def ways(self, word: str) -> list[str]:
        """The pronunciations it listens for, as CMU phones between spaces. Raises Unalignable for a word nothing can say."""
        return self._wide.ways(word)

    def version(self) -> str:
        return f"pocketsphinx-{version_of('pocketsphinx')}+espeakng-{version_of('espeakng-loader')}"

    def _align(self, clip: Clip) -> Timed:
        words, decoder = self._found(clip)
        phones = decoder.phones(pcm_of(clip.samples))  # before the check, which lets the decoders hear other words
        self._check(clip, words)
        return Timed(words, phones)

    def rough(self, clip: Clip) -> list[Word]:
        """The words without their phones, at half the cost. Raises Unalignable."""
        words, _ = self._found(clip)
        self._check(clip, words)
        return words

    def _found(self, clip: Clip) -> tuple[list[Word], "_Forced"]:
        """The words, and the decoder that found them."""
        check_length(clip, self.max_seconds)
        pcm, seconds = pcm_of(clip.samples), len(clip.samples) / RATE
        for decoder in (self._narrow, self._wide) if seconds <= _SEARCHED_WIDELY else (self._narrow,):
            if words := decoder.align(pcm, clip.spoken):
                return words, decoder
        raise Unalignable("alignment_failed", f"{seconds:.2f} s do not hold {' '.join(clip.spoken)[:80]!r}")

    def _check(self, clip: Clip, words: Sequence[Word]) -> None:
        """Raises Unalignable when the transcript seems to belong to other audio."""
        pcm, spoken, score = pcm_of(clip.samples), clip.spoken, _fit(words)
        if score >= self.min_score:
            return
        said = f"score {score:.2f} is below min_score {self.min_score:g}"
        if score < self.floor or len(clip.samples) > _SEARCHED_WIDELY * RATE:
            raise Unalignable("mismatch", said)
        # the same phones in reverse, which no audio can hold by chance
        backwards = self._wide.align(pcm, spoken, backwards=True)
        against = _fit(backwards) if backwards else _HOPELESS
        if score - against >= self.min_lead:
            return
        forwards = self._wide.align(pcm, spoken)  # with beams as wide, for it may have lost its best path
        lead = max(score, _fit(forwards) if forwards else score) - against
        if lead < self.min_lead:
            raise Unalignable("mismatch", f"{said}, and {lead:.2f} better than backwards, below {self.min_lead:g}")


def _fit(words: Sequence[Word]) -> float:
    """The mean over words, not over time: one long vowel that fits cannot pay for three words that do not."""
    return sum(word.score for word in words) / len(words)


class _Forced:
    """A decoder that follows given words. Nothing of one utterance reaches the next: features start afresh, the
    cepstral mean is the utterance's own (`cmn: batch` in the model's feat.params), and learned words stay the same.
    """

    def __init__(self, language: str, **beams: float) -> None:
        self._language = language
        self._decoder = Decoder(Config(bestpath=False, lm=None, loglevel="FATAL", **beams))

    def align(self, pcm: bytes, spoken: Sequence[str], backwards: bool = False) -> list[Word]:
        """The words in time, or none where the beams lost them. Raises Unalignable for a word nothing can say."""
        names = [self._reversed(w) for w in reversed(spoken)] if backwards else [self._known(w) for w in spoken]
        try:
            self._decode(pcm, " ".join(names))
        except RuntimeError:  # the one error pocketsphinx has
            return []
        words = [_word(segment) for segment in self._decoder.seg() or () if segment.word[0] not in "<["]
        return words if [word.text for word in words] == names else []

    def phones(self, pcm: bytes) -> list[Word]:
        """The phones of the words that `align` has just found, by a second pass; none where that fails, as it may."""
        try:
            self._decoder.set_alignment()
            self._run(pcm)
            alignment = self._decoder.get_alignment() or ()
        except RuntimeError:
            return []
        # an entry is gone once the next is asked for
        found = [(word.name, p.name, p.start, p.start + p.duration) for word in alignment for p in word]
        return [Word(phone, start * _FRAME, end * _FRAME) for word, phone, start, end in found if word[0] not in "<["]

    def _decode(self, pcm: bytes, text: str) -> None:
        self._decoder.set_align_text(text)
        self._run(pcm)

    def _run(self, pcm: bytes) -> None:
        self._decoder.reinit_feat()  # forgets the noise it heard in the utterance before; 0.1 ms
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(pcm, full_utt=True)
        finally:
            self._decoder.end_utt()

    def ways(self, word: str) -> list[str]:
        """Every pronunciation of a word. Raises Unalignable."""
        name = self._known(word)
        ways = (self._decoder.lookup_word(way) for way in chain([name], (f"{name}({n})" for n in count(2))))
        return list(dict.fromkeys(takewhile(bool, ways)))

    def _known(self, word: str) -> str:
        """The word's name in the decoder's dictionary, which is English: another language's words have a mark of their own."""
        name = word if self._language == ENGLISH else f"={word}"
        if not self._decoder.lookup_word(name):
            self._learn(name, word, pronunciations(word, self._language))
        return name

    def _reversed(self, word: str) -> str:
        name = f"~{word}"
        if not self._decoder.lookup_word(name):
            phones = self._decoder.lookup_word(self._known(word)).split()
            self._learn(name, word, [" ".join(reversed(phones))])
        return name

    def _learn(self, name: str, word: str, ways: Sequence[str]) -> None:
        """Adds a word under a name of the dictionary. Raises Unalignable."""
        if not ways:
            raise Unalignable("unknown_word", f"no pronunciation for {word!r}")
        for number, phones in enumerate(ways, 1):
            self._decoder.add_word(name if number == 1 else f"{name}({number})", phones, False)


def _word(segment: Segment) -> Word:
    """A segment in seconds. Its score is a 1024th of the sum over its frames, of which `end_frame` is the last."""
    frames = segment.end_frame - segment.start_frame + 1
    score = math.log(segment.ascore) * 1024 / frames
    return Word(segment.word.partition("(")[0], segment.start_frame * _FRAME, (segment.end_frame + 1) * _FRAME, score)


def pcm_of(samples: np.ndarray) -> bytes:
    """16-bit samples with 0.3 s of faint noise after them: without it a third of utterances lose their last word."""
    sound = np.clip(samples * 32767.0, -32768, 32767).astype(np.int16)
    return np.concatenate([sound, _HISS]).tobytes()


_HISS = np.random.RandomState(0).randint(-9, 10, int(0.3 * RATE)).astype(np.int16)  # frozen by numpy's promise
