"""`weft tokenizer evaluate`: what the codes of speech that a tokenizer never heard tell, and what they cost.

Speech is aligned by the default aligner, so that phones are known; what is not known (phones, speakers, emotions) is left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import numpy as np
import soxr
from rich.markup import escape

from weft.jobs.commands import build_corpus, console, make_house
from weft.jobs.show import table
from weft.jobs.tokenizing import recipe_of
from weft.pipelines.encode import speech_of
from weft.pipelines.parts import read_part
from weft.pipelines.sound import heard
from weft.pipelines.store import Store
from weft.schemas.audio import Alignment, Units, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.recipe_file import RecipeError
from weft.tokenizers import metrics
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.card import read_card
from weft.tokenizers.f0 import f0
from weft.tokenizers.pitch import Tokenizer as Pitch
from weft.tokenizers.stream import Speech, Stream

_NOISE = 20.0  # decibels below the speech
_SPEED = 1.1
_CHANGED = 60  # utterances that are encoded again, changed
_SEED = 1


@dataclass(frozen=True)
class Example:
    """An utterance, its codes a frame, and where its phones are."""

    speech: Speech
    stream: Stream
    alignment: Alignment | None


def run_evaluation(
    folder: Path,
    paths: Sequence[str],
    settings: Sequence[str],
    out: Path,
    engine: str,
    address: str | None,
    workers: int | None,
) -> None:
    """Aligns and encodes, then prints a table."""
    try:
        use = read_card(folder)["use"]
    except ValueError as fault:
        raise RecipeError(str(fault)) from None
    recipe = {**recipe_of(paths, {use: {"use": use, "folder": str(folder)}}), "align": {"use": "adapted"}}
    house = make_house(recipe, settings)
    build_corpus(house, str(out), engine, address, workers)
    store = Store(str(out))
    tokenizer = house.tokenizers[use]
    tokenizer.load(store.folder(f"models/{use}"))
    examples = [e for source in house.sources for e in examples_of(store, use, source, house.utterances(source))]
    if not examples:
        raise RecipeError(f"{out}: nothing could be encoded; its rejects say why")
    rows = table(f"{use}: {len(examples):,} utterances", "measure", "value")
    for name, value in measures(tokenizer, examples):
        if not isnan(value):
            rows.add_row(escape(name), f"{value:,.3f}")
    console.print(rows)


def examples_of(store: Store, tokenizer: str, source: str, spoken_in: str) -> Iterator[Example]:
    for name in store.names(f"encode/{tokenizer}/{source}", ".parquet"):
        part = name.rpartition("/")[2]
        aligned = {a.key: a for a in read_part(store, f"align/{source}/{part}", Alignment)}
        spoken = {u.key: u for u in read_part(store, f"{spoken_in}/{part}", Utterance)}
        for units in read_part(store, name, Units):
            samples = heard(store, spoken[units.key])
            if not isinstance(samples, Unusable):
                stream = Stream(units.rate, np.array(units.ids, np.int32), np.array(units.durations, np.int32))
                yield Example(speech_of(spoken[units.key], samples), stream, aligned.get(units.key))


def measures(tokenizer: SpeechTokenizer, examples: Sequence[Example]) -> Iterator[tuple[str, float]]:
    """Names and values; NaN for what these examples cannot tell."""
    used = metrics.usage([e.stream.ids for e in examples], sum(len(e.speech.samples) / 16_000 for e in examples))
    yield "codes used", used.used
    yield "perplexity", used.perplexity
    yield "tokens a second", used.tokens_per_second
    yield "bits a second", used.bits_per_second
    yield from _phones(examples)
    yield from _steadiness(tokenizer, examples)
    for name in ("speaker", "emotion"):
        right, chance = metrics.probe(
            [e.stream.frames for e in examples], [getattr(e.speech, name) for e in examples], tokenizer.size, _SEED
        )
        yield f"{name} told from how often codes occur", right
        yield f"  by the commonest {name} alone", chance
    if isinstance(tokenizer, Pitch):
        yield "correlation of F0 with what the codes stand for", _f0_correlation(tokenizer, examples)


def _phones(examples: Sequence[Example]) -> Iterator[tuple[str, float]]:
    known = [(e, e.alignment.phones) for e in examples if e.alignment and e.alignment.phones]
    if not known:
        return
    names, codes, labels, voices, segments = sorted({p.text for _, ps in known for p in ps}), [], [], [], []
    spans = []
    for example, phones in known:
        frames = example.stream.frames
        for phone in phones:
            here = frames[round(phone.start * example.stream.rate) : round(phone.end * example.stream.rate)]
            codes.append(here)
            spans.append(np.full(len(here), names.index(phone.text)))
            if len(here):
                labels.append(phone.text)
                voices.append(example.speech.speaker)
                segments.append(tuple(here.tolist()))
    found = metrics.against_phones(np.concatenate(codes), np.concatenate(spans))
    yield "PNMI with phones", found.pnmi
    yield "phone purity", found.purity
    yield "code purity", found.code_purity
    yield "ABX error, same speaker", metrics.abx(labels, voices, segments, False, _SEED)
    yield "ABX error, different speaker", metrics.abx(labels, voices, segments, True, _SEED)


def _steadiness(tokenizer: SpeechTokenizer, examples: Sequence[Example]) -> Iterator[tuple[str, float]]:
    some = list(examples)[:: max(1, len(examples) // _CHANGED)][:_CHANGED]
    rng = np.random.default_rng(_SEED)
    for name, change in (
        (f"unit errors, noise at {_NOISE:g} dB", lambda x: _noisy(x, rng)), (f"unit errors, speed {_SPEED:g}", _faster),
    ):  # fmt: skip
        changed = [Speech(change(e.speech.samples), e.speech.text, e.speech.speaker, e.speech.emotion) for e in some]
        found = list(tokenizer.encode_all(changed))
        kept = [(e.stream.ids, f.ids) for e, f in zip(some, found, strict=True) if isinstance(f, Stream)]
        yield name, metrics.unit_errors([a for a, _ in kept], [b for _, b in kept])


def _noisy(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-_NOISE / 20)
    return (samples + rng.normal(0, level, len(samples))).astype(np.float32)


def _faster(samples: np.ndarray) -> np.ndarray:
    return np.asarray(soxr.resample(samples, 16_000 * _SPEED, 16_000), np.float32)


def _f0_correlation(tokenizer: Pitch, examples: Sequence[Example]) -> float:
    wanted, found = [np.zeros(0)], [np.zeros(0)]
    for example in examples:
        track = f0(example.speech.samples)
        above, _ = tokenizer.decoded(example.stream.frames)
        track = track[: len(above)]
        voiced = track > 0
        wanted.append(track[voiced] - track[voiced].mean() if voiced.any() else track[voiced])
        found.append(above[: len(track)][voiced] - above[: len(track)][voiced].mean() if voiced.any() else above[:0])
    one, two = np.concatenate(wanted), np.concatenate(found)
    return float(np.corrcoef(one, two)[0, 1]) if len(one) > 1 else float("nan")
