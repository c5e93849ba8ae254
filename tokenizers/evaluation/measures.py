"""Measures of a tokenizer's codes, on speech that it was not trained on: names and values.

dict(measures(tokenizer, examples))  ->  {"PNMI with phones": 0.59, "ABX error, same speaker": 0.24, …}
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import soxr

from weft.schemas.audio import Word
from weft.tokenizers.base import SAMPLE_RATE, SpeechTokenizer
from weft.tokenizers.evaluation import metrics
from weft.tokenizers.features.f0 import f0
from weft.tokenizers.pitch import Tokenizer as Pitch
from weft.tokenizers.stream import Speech, Stream

_NOISE = 20.0  # decibels below the speech
_SPEED = 1.1
_CHANGED = 60  # utterances that are encoded again, changed
_SEED = 1


@dataclass(frozen=True)
class Example:
    """An utterance, its codes, and its phones with their times where they are known."""

    speech: Speech
    stream: Stream
    phones: tuple[Word, ...] = ()


def measures(tokenizer: SpeechTokenizer, examples: Sequence[Example]) -> Iterator[tuple[str, float]]:
    """Names and values; NaN for measures whose labels the examples lack."""
    used = metrics.usage([e.stream.ids for e in examples], sum(len(e.speech.samples) / SAMPLE_RATE for e in examples))
    yield "codes used", used.used
    yield "perplexity", used.perplexity
    yield "tokens a second", used.tokens_per_second
    yield "bits a second", used.bits_per_second
    yield from _phones(examples)
    yield from _robustness(tokenizer, examples)
    for name in ("speaker", "emotion"):
        right, chance = metrics.probe(
            [e.stream.frames for e in examples], [getattr(e.speech, name) for e in examples], tokenizer.size, _SEED
        )
        yield f"{name} predicted from how often codes occur", right
        yield f"  by always guessing the most frequent {name}", chance
    if isinstance(tokenizer, Pitch):
        yield "correlation of F0 with that of the codes", _f0_correlation(tokenizer, examples)


def _phones(examples: Sequence[Example]) -> Iterator[tuple[str, float]]:
    names = sorted({phone.text for example in examples for phone in example.phones})
    if not names:
        return
    codes, labels, voices, segments, spans = [], [], [], [], []
    for example in examples:
        frames, rate = example.stream.frames, example.stream.rate
        for phone in example.phones:
            here = frames[round(phone.start * rate) : round(phone.end * rate)]
            codes.append(here)
            spans.append(np.full(len(here), names.index(phone.text)))
            if len(here) and example.speech.speaker:
                labels.append(phone.text)
                voices.append(example.speech.speaker)
                segments.append(tuple(here.tolist()))
    if not any(map(len, codes)):
        return
    labelled = metrics.against_phones(np.concatenate(codes), np.concatenate(spans))
    yield "PNMI with phones", labelled.pnmi
    yield "phone purity", labelled.purity
    yield "code purity", labelled.code_purity
    yield "ABX error, same speaker", metrics.abx(labels, voices, segments, across=False, seed=_SEED)
    yield "ABX error, different speaker", metrics.abx(labels, voices, segments, across=True, seed=_SEED)


def _robustness(tokenizer: SpeechTokenizer, examples: Sequence[Example]) -> Iterator[tuple[str, float]]:
    sample = list(examples)[:: max(1, len(examples) // _CHANGED)][:_CHANGED]
    rng = np.random.default_rng(_SEED)
    changes = {
        f"unit errors, noise at {_NOISE:g} dB": lambda samples: _noisy(samples, rng),
        f"unit errors, speed {_SPEED:g}": _faster,
    }
    for name, change in changes.items():
        changed = [replace(example.speech, samples=change(example.speech.samples)) for example in sample]
        streams = list(tokenizer.encode_all(changed))
        kept = [(e.stream.ids, s.ids) for e, s in zip(sample, streams, strict=True) if isinstance(s, Stream)]
        yield name, metrics.unit_errors([a for a, _ in kept], [b for _, b in kept])


def _noisy(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-_NOISE / 20)
    return (samples + rng.normal(0, level, len(samples))).astype(np.float32)


def _faster(samples: np.ndarray) -> np.ndarray:
    return np.asarray(soxr.resample(samples, SAMPLE_RATE * _SPEED, SAMPLE_RATE), np.float32)


def _f0_correlation(tokenizer: Pitch, examples: Sequence[Example]) -> float:
    expected, decoded = [np.zeros(0)], [np.zeros(0)]
    for example in examples:
        track = f0(example.speech.samples)
        above, _ = tokenizer.decoded(example.stream.frames)
        track = track[: len(above)]
        voiced = track > 0
        expected.append(track[voiced] - track[voiced].mean() if voiced.any() else track[voiced])
        decoded.append(above[: len(track)][voiced] - above[: len(track)][voiced].mean() if voiced.any() else above[:0])
    one, two = np.concatenate(expected), np.concatenate(decoded)
    return float(np.corrcoef(one, two)[0, 1]) if len(one) > 1 else float("nan")
