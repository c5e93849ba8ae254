"""The align stage, through the engine, beside pocketsphinx's decoder alone fed with the same PCM from memory.

The stage reads its parts, decodes and resamples FLAC, aligns, checks that the transcript belongs to the audio, and
commits parts, rejects and ledger. The kernel is set_align_text, process_raw(full_utt=True) and seg() for the words, then
set_alignment, process_raw and get_alignment() for the phones.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from pocketsphinx import Config, Decoder

from weft.benchmarks.support.arms import against, compare, over, pool
from weft.benchmarks.support.common import Figure, alone
from weft.benchmarks.support.speech import SpeechCorpus
from weft.pipelines.aligners import sphinx
from weft.pipelines.aligners.common.lexicon import pronunciations
from weft.pipelines.aligners.common.spoken import spoken_forms
from weft.pipelines.audio.sound import load
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance

TITLE = "align: the stage as a build runs it, against pocketsphinx's decoder alone (two processes each)"
NODE = "align/speech"


def measure(folder: Path) -> list[Figure]:
    return SpeechCorpus.measure(folder, _figures)


def _figures(speech: SpeechCorpus) -> list[Figure]:
    parts = [[_clip(speech.store, u) for u in us] for us in speech.utterances(NODE)]
    with pool(_ready, parts) as workers:
        twice = sum(over(workers, _count_second_passes, len(parts))())
        pair = compare(lambda: speech.again(NODE), over(workers, _decode, len(parts)))
    audio_seconds = sum(clip.seconds for clips in parts for clip in clips)
    counts = [
        Figure("speech", audio_seconds / 60, "minutes"),
        Figure("clips", sum(map(len, parts)), "clips"),
        Figure("align: clips decoded again", twice, "clips"),
    ]
    return [*counts, *against("align", pair, audio_seconds)]


@dataclass(frozen=True, slots=True)
class DecoderInput:
    """What the decoder is fed with: 16-bit PCM, and the words as its dictionary spells them."""

    pcm: bytes
    words: str
    seconds: float


def _clip(store: Store, utterance: Utterance) -> DecoderInput:
    samples = load(store, utterance.audio, utterance.start, utterance.end)
    words = [form for word in (utterance.text or "").split() for form in spoken_forms(word)]
    return DecoderInput(sphinx.pcm_of(samples), " ".join(words), utterance.seconds)


# --- in the kernel's processes -------------------------------------------------------------------------------------

_parts: list[list[DecoderInput]] = []


def _ready(parts: list[list[DecoderInput]]) -> None:
    _parts[:] = parts
    for word in {word for clips in parts for clip in clips for word in clip.words.split()}:
        if not _decoder().lookup_word(word):
            _decoder().add_word(word, pronunciations(word)[0], False)


@cache
def _decoder() -> Decoder:
    return Decoder(Config(bestpath=False, lm=None, loglevel="FATAL"))


def _decode(part: int) -> int:
    """The kernel; returns the number of segments. The few clips that its beams lose are lost, as nobody asks again."""
    decoder, segments = _decoder(), 0
    for clip in _parts[part]:
        decoder.set_align_text(clip.words)
        decoder.start_utt()
        decoder.process_raw(clip.pcm, full_utt=True)
        decoder.end_utt()
        if len(list(decoder.seg() or ())):
            segments += _phones(decoder, clip.pcm)
    return segments


def _phones(decoder: Decoder, pcm: bytes) -> int:
    """The second pass of the kernel."""
    try:
        decoder.set_alignment()
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        return sum(1 for word in decoder.get_alignment() or () for _ in word)
    except RuntimeError:
        return 0


def _count_second_passes(part: int) -> int:
    """Clips of a part that the aligner decodes more than once: wider beams, or the transcript backwards."""
    aligner = sphinx.Aligner()
    aligner.setup()
    again = 0
    for clip in _parts[part]:
        words = aligner._narrow.align(clip.pcm, clip.words.split())
        again += not words or float(np.mean([w.score for w in words])) < aligner.min_score
    return again


if __name__ == "__main__":
    alone(TITLE, measure)
