"""Forced alignment with pocketsphinx: offline, English model and dictionary in the wheel; 48 times real time.

    samples, ["ask", "not"]  ->  Word("ask", 4.21, 4.63, -1.4), Word("not", 4.63, 4.98, -1.1)

A word's score is nats per frame of 10 ms below the decoder's best state at that frame: 0 is a perfect
fit, read English scores about -1.7, the transcript of another clip about -5.
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

_FRAME = 0.01  # seconds; of pocketsphinx's model
_WIDE = {"beam": 0.0, "pbeam": 0.0, "wbeam": 0.0}  # no pruning; only the check of the score rejects
# no settings: `min_lead` was chosen with these values
_SEARCHED_WIDELY = 61.0  # seconds; without pruning, time grows with the square of the length
_HOPELESS = -12.0  # the score of a transcript for which the decoder finds no path


class Aligner(base.Aligner):
    """pocketsphinx, with a check that the transcript belongs to the audio.

    A transcript with a mean score of `min_score` or more is accepted. Below that (a wrong transcript, but also telephone audio
    or synthetic speech) it must score at least `floor`, and `min_lead` above its own reversed words. All in nats per frame.
    Audio of more than `max_seconds` is aligned in windows. On the 81 real clips, 65 of them non-native, that the defaults were
    chosen on, 1.2 % of the right transcripts are rejected and 96 % of 561 transcripts of other clips.

    In a `language` other than English, espeak-ng's pronunciations are mapped to the nearest English phones.
    """

    language: str = ENGLISH
    min_score: float = -2.9
    min_lead: float = 3.0
    floor: float = -6.0
    max_seconds: float = 1800.0

    _narrow: "_ForcedDecoder" = PrivateAttr()
    _wide: "_ForcedDecoder" = PrivateAttr()

    _speakable = field_validator("language")(checked_language)

    @property
    def spoken_language(self) -> str:
        return self.language.partition("-")[0]

    @property
    def longest(self) -> float:
        return self.max_seconds

    def setup(self) -> None:
        self._narrow, self._wide = _ForcedDecoder(self.language), _ForcedDecoder(self.language, **_WIDE)

    def pronunciations(self, word: str) -> list[str]:
        """The pronunciations of a word, as CMU phones separated by spaces. Raises Unalignable for a word without one."""
        return self._wide.pronunciations(word)

    def version(self) -> str:
        return f"pocketsphinx-{version_of('pocketsphinx')}+espeakng-{version_of('espeakng-loader')}"

    def align_clip(self, clip: Clip) -> Timed:
        words, decoder = self._words_and_decoder(clip)
        phones = decoder.phones(pcm_of(clip.samples))  # before the check, which decodes other words
        self._check(clip, words)
        return Timed(words, phones)

    def rough(self, clip: Clip) -> list[Word]:
        """The words without their phones, in half the time. Raises Unalignable."""
        words, _ = self._words_and_decoder(clip)
        self._check(clip, words)
        return words

    def _words_and_decoder(self, clip: Clip) -> tuple[list[Word], "_ForcedDecoder"]:
        """The words, and the decoder that aligned them. Raises Unalignable."""
        check_length(clip, self.max_seconds)
        pcm, seconds = pcm_of(clip.samples), len(clip.samples) / RATE
        for decoder in (self._narrow, self._wide) if seconds <= _SEARCHED_WIDELY else (self._narrow,):
            if words := decoder.align(pcm, clip.spoken):
                return words, decoder
        raise Unalignable("alignment_failed", f"{seconds:.2f} s are too short for {' '.join(clip.spoken)[:80]!r}")

    def _check(self, clip: Clip, words: Sequence[Word]) -> None:
        """Raises Unalignable when the transcript seems to belong to other audio."""
        pcm, spoken, score = pcm_of(clip.samples), clip.spoken, _fit(words)
        if score >= self.min_score:
            return
        below = f"score {score:.2f} is below min_score {self.min_score:g}"
        if score < self.floor or len(clip.samples) > _SEARCHED_WIDELY * RATE:
            raise Unalignable("mismatch", below)
        # the same phones in reverse: a wrong transcript scores about as well as these
        backwards = self._wide.align(pcm, spoken, backwards=True)
        backward_score = _fit(backwards) if backwards else _HOPELESS
        if score - backward_score >= self.min_lead:
            return
        forwards = self._wide.align(pcm, spoken)  # also without pruning, which may have removed the best path
        lead = max(score, _fit(forwards) if forwards else score) - backward_score
        if lead < self.min_lead:
            raise Unalignable(
                "mismatch",
                f"{below}, and only {lead:.2f} above that of the reversed words (min_lead {self.min_lead:g})",
            )


def _fit(words: Sequence[Word]) -> float:
    """The mean score over words, not over time: one long vowel that fits must not outweigh three words that do not."""
    return sum(word.score for word in words) / len(words)


class _ForcedDecoder:
    """A decoder of a fixed sequence of words. Utterances do not affect one another: the feature extraction is reset, the
    cepstral mean is the utterance's own (`cmn: batch` in the model's feat.params), and added words never change.
    """

    def __init__(self, language: str, **beams: float) -> None:
        self._language = language
        self._decoder = Decoder(Config(bestpath=False, lm=None, loglevel="FATAL", **beams))

    def align(self, pcm: bytes, spoken: Sequence[str], backwards: bool = False) -> list[Word]:
        """The timed words; empty where pruning removed every path. Raises Unalignable for a word without pronunciation."""
        names = (
            [self._reversed(w) for w in reversed(spoken)] if backwards else [self._dictionary_name(w) for w in spoken]
        )
        try:
            self._decode(pcm, " ".join(names))
        except RuntimeError:  # the only error that pocketsphinx raises
            return []
        words = [_word(segment) for segment in self._decoder.seg() or () if segment.word[0] not in "<["]
        return words if [word.text for word in words] == names else []

    def phones(self, pcm: bytes) -> list[Word]:
        """The phones of the words that `align` returned last, by a second pass; empty where that fails."""
        try:
            self._decoder.set_alignment()
            self._run(pcm)
            alignment = self._decoder.get_alignment() or ()
        except RuntimeError:
            return []
        # an entry is only valid until the next one is read
        entries = [(word.name, p.name, p.start, p.start + p.duration) for word in alignment for p in word]
        return [Word(phone, start * _FRAME, end * _FRAME) for word, phone, start, end in entries if word[0] not in "<["]

    def _decode(self, pcm: bytes, text: str) -> None:
        self._decoder.set_align_text(text)
        self._run(pcm)

    def _run(self, pcm: bytes) -> None:
        self._decoder.reinit_feat()  # drops the noise estimate of the last utterance; 0.1 ms
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(pcm, full_utt=True)
        finally:
            self._decoder.end_utt()

    def pronunciations(self, word: str) -> list[str]:
        """Every pronunciation of a word. Raises Unalignable."""
        name = self._dictionary_name(word)
        readings = (self._decoder.lookup_word(entry) for entry in chain([name], (f"{name}({n})" for n in count(2))))
        return list(dict.fromkeys(takewhile(bool, readings)))

    def _dictionary_name(self, word: str) -> str:
        """The word's name in the decoder's dictionary, which is English; words of other languages are prefixed with `=`."""
        name = word if self._language == ENGLISH else f"={word}"
        if not self._decoder.lookup_word(name):
            self._add(name, word, pronunciations(word, self._language))
        return name

    def _reversed(self, word: str) -> str:
        name = f"~{word}"
        if not self._decoder.lookup_word(name):
            phones = self._decoder.lookup_word(self._dictionary_name(word)).split()
            self._add(name, word, [" ".join(reversed(phones))])
        return name

    def _add(self, name: str, word: str, readings: Sequence[str]) -> None:
        """Adds a word to the dictionary under `name`. Raises Unalignable for a word without pronunciation."""
        if not readings:
            raise Unalignable("unknown_word", f"no pronunciation for {word!r}")
        for number, phones in enumerate(readings, 1):
            self._decoder.add_word(name if number == 1 else f"{name}({number})", phones, False)


def _word(segment: Segment) -> Word:
    """A segment in seconds. Its score is a 1024th of the sum over its frames, of which `end_frame` is the last."""
    frames = segment.end_frame - segment.start_frame + 1
    score = math.log(segment.ascore) * 1024 / frames
    return Word(
        text=segment.word.partition("(")[0],
        start=segment.start_frame * _FRAME,
        end=(segment.end_frame + 1) * _FRAME,
        score=score,
    )


def pcm_of(samples: np.ndarray) -> bytes:
    """16-bit samples, followed by 0.3 s of faint noise: without it, a third of utterances lose their last word."""
    sound = np.clip(samples * 32767.0, -32768, 32767).astype(np.int16)
    return np.concatenate([sound, _HISS]).tobytes()


_HISS = np.random.RandomState(0).randint(-9, 10, int(0.3 * RATE)).astype(np.int16)  # frozen by numpy's promise
