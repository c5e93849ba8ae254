"""How well codes predict phones, words, speakers, F0 and emotions: each tokenizer beside MFCC k-means of its size and rate.

All are trained here on an hour of 32 embedded voices and 9 readers, and measured on other speakers (training_speech.py); style is
trained on emodb without three of its actors.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import soundfile
import torch
from rich.console import Console
from rich.table import Table

from weft.benchmarks.support.common import Figure, alone
from weft.benchmarks.support.labelled import DATA
from weft.benchmarks.support.reader import character_errors
from weft.benchmarks.support.training_speech import training_speech
from weft.schemas.audio import Word
from weft.tokenizers import cepstra, fsq, hubert, linguistic, pitch, style
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.evaluation.measures import Example, measures
from weft.tokenizers.stream import Speech, Stream
from weft.tokenizers.training.hubert import HubertTraining

TITLE = "tokenizers: quality on new speakers, beside MFCC k-means"
LARGER = HubertTraining(seconds=3600, steps=700, swaps=100, batch_seconds=64, clusters=500)
THREADS = 2  # as a build gives training, on which its sums depend
ACTORS = ("03", "10", "15")  # of emodb, not in the training set of style
EMOTIONS = {"W": "anger", "F": "joy", "N": "neutral", "T": "sadness"}
Test = Sequence[tuple[Speech, tuple[Word, ...]]]
Values = dict[str, float]


@dataclass(frozen=True)
class Trial:
    """A tokenizer, its training set and its test set; with `read`, a model is trained to read characters from its codes."""

    name: str
    tokenizer: SpeechTokenizer
    train: Sequence[Speech]
    test: Test
    read: bool = True


def measure(folder: Path) -> list[Figure]:
    torch.set_num_threads(THREADS)
    results: dict[str, Values] = {}
    for trial in _trials():
        results[trial.name] = _measured(trial)
        print(f"{trial.name}: trained in {results[trial.name]['seconds to train']:.0f} s", flush=True)
    _show(results)
    with Path(folder, "tokenizers.csv").open("w", newline="") as file:
        csv.writer(file).writerows([name, *row] for name, values in results.items() for row in values.items())
    return list(_figures(results))


def _trials() -> Iterator[Trial]:
    speech, emotional = training_speech(), _emodb()
    for name, tokenizer, read in (
        ("hubert", hubert.Tokenizer(training=LARGER), True),
        ("fsq", fsq.Tokenizer(levels=(5, 5, 4), size=100), True),
        ("MFCC of hubert, fsq", cepstra.Tokenizer(), True),
        ("linguistic", linguistic.Tokenizer(size=100), True),
        ("MFCC of linguistic", cepstra.Tokenizer(rate=linguistic.RATE), True),
        ("pitch", pitch.Tokenizer(), False),
        ("MFCC of pitch", cepstra.Tokenizer(rate=12.5, size=64), False),
    ):
        yield Trial(name=name, tokenizer=tokenizer, train=speech.train, test=speech.test, read=read)
    train, test = ([s for s in emotional if (s.speaker in ACTORS) == out] for out in (False, True))
    without_phones: Test = [(one, ()) for one in test]
    for name, of_style in (("style", style.Tokenizer(size=32)), ("MFCC of style", cepstra.Tokenizer(rate=1, size=32))):
        yield Trial(name=name, tokenizer=of_style, train=train, test=without_phones, read=False)


def _emodb() -> list[Speech]:
    clips = []
    for path in sorted((DATA / "emodb").rglob("*.wav")):
        samples, _ = soundfile.read(path, dtype="float32")
        clips.append(Speech(samples, speaker=path.stem[:2], emotion=EMOTIONS[path.stem[5]]))
    return clips


def _measured(trial: Trial) -> Values:
    began = perf_counter()
    with TemporaryDirectory() as folder:
        trial.tokenizer.train(trial.train, Path(folder), seed=1)
    values = {"seconds to train": perf_counter() - began}
    examples = [Example(one, stream, phones) for (one, phones), stream in _encoded(trial.tokenizer, trial.test)]
    values |= dict(measures(trial.tokenizer, examples))
    if trial.read:
        train = [
            (stream.frames, one.text) for (one, _), stream in _encoded(trial.tokenizer, [(s, ()) for s in trial.train])
        ]
        test = [(e.stream.frames, e.speech.text) for e in examples]
        values["character errors of a model that reads codes"] = character_errors(
            train, test, trial.tokenizer.size, trial.tokenizer.rate
        )
    return values


def _encoded(tokenizer: SpeechTokenizer, test: Test) -> Iterator[tuple[tuple[Speech, tuple[Word, ...]], Stream]]:
    streams = tokenizer.encode_all([one for one, _ in test])
    return ((pair, stream) for pair, stream in zip(test, streams, strict=True) if isinstance(stream, Stream))


def _show(results: dict[str, Values]) -> None:
    table = Table(title=TITLE)
    table.add_column("measure")
    for name in results:
        table.add_column(name, justify="right")
    for row in dict.fromkeys(row for values in results.values() for row in values):
        cells = [values.get(row, float("nan")) for values in results.values()]
        table.add_row(row, *("" if isnan(cell) else f"{cell:,.3g}" for cell in cells))
    Console(width=200).print(table)


def _figures(results: dict[str, Values]) -> Iterator[Figure]:
    ours, theirs = results["hubert"], results["MFCC of hubert, fsq"]
    for row, limit, at_least in (
        ("PNMI with phones", 1.3, True),
        ("phone purity", 1.0, True),
        ("ABX error, same speaker", 1.0, False),
        ("ABX error, different speaker", 1.0, False),
    ):
        yield Figure(
            name=f"hubert / MFCC: {row}", value=ours[row] / theirs[row], unit="x", limit=limit, at_least=at_least
        )
    correlation = results["pitch"]["correlation of F0 with that of the codes"]
    yield Figure(name="pitch: correlation of F0", value=correlation, unit="", limit=0.9, at_least=True)
    emotion = "emotion predicted from how often codes occur"
    ratio = results["style"][emotion] / results["MFCC of style"][emotion]
    yield Figure(name=f"style / MFCC: {emotion}", value=ratio, unit="x", limit=1.0, at_least=True)


if __name__ == "__main__":
    alone(TITLE, measure)
