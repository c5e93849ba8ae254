"""Speech whose word boundaries are known: by hand, or because it was made here.

emur    7 English utterances of one speaker, words by hand                    (shared data, WEFT_DATA)
emodb   69 German ones of 10 speakers, words from syllables by hand           (shared data)
espeak  60 English ones of 5 voices that report their words
others  English clips with transcripts alone: they are aligned along, as a corpus is
"""

import difflib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from weft.benchmarks.support.speech import CAST
from weft.pipelines.audio.sound import RATE
from weft.pipelines.timings import textgrid
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import sentences

DATA = Path(os.environ.get("WEFT_DATA", Path(__file__).parents[3] / "shared" / "data"))
SPOKEN = 60
Span = tuple[float, float]


@dataclass(frozen=True)
class Labelled:
    """An utterance; `spans` holds its words in seconds, or nothing where they are not known."""

    name: str
    samples: np.ndarray
    words: tuple[str, ...]
    spans: tuple[Span, ...]
    speaker: str


@cache
def emur() -> tuple[Labelled, ...]:
    folder = DATA / "emur_ae"
    return tuple(_emur(grid, folder) for grid in sorted(folder.glob("annotationFiles/*.TextGrid")))


def _emur(grid: Path, folder: Path) -> Labelled:
    words = [w for w in textgrid.read(grid.read_bytes()).words() if w.text != "*"]
    spans = tuple((w.start, w.end) for w in words)
    samples = _samples(folder / "wavFiles" / f"{grid.stem}.wav")
    return Labelled(name=grid.stem, samples=samples, words=tuple(w.text for w in words), spans=spans, speaker="msajc")


@cache
def others() -> tuple[Labelled, ...]:
    folder = DATA / "speechocean762"
    clips = json.loads((folder / "subset.json").read_text()).values() if folder.exists() else ()
    learners = [
        Labelled(
            name=c["wav"],
            samples=_samples(folder / c["wav"]),
            words=tuple(c["text"].lower().split()),
            spans=(),
            speaker=c["spk"],
        )
        for c in clips
    ]
    read = [(wav, wav.with_suffix(".txt")) for wav in sorted((DATA / "librivox_pocketsphinx").glob("*.wav"))]
    books = [
        Labelled(name=w.stem, samples=_samples(w), words=tuple(t.read_text().split()), spans=(), speaker="reader")
        for w, t in read
        if t.exists()
    ]
    return (*learners, *books)


@cache
def espeak() -> tuple[Labelled, ...]:
    voice, clips = Voice(), []
    voice.setup()
    for number, text in enumerate(sentences(SPOKEN, 5)):
        name, variant = CAST[number % len(CAST)]
        speech = voice.speak(text, Style(name, variant))
        samples = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
        spans = tuple((w.start, w.end) for w in speech.words)
        clips.append(
            Labelled(
                name=str(number),
                samples=samples,
                words=tuple(w.text for w in speech.words),
                spans=spans,
                speaker=f"{name} {variant}",
            )
        )
    return tuple(clips)


def _samples(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(1), rate, RATE).astype(np.float32)


# --- emodb: syllables by hand, put together to the words of the sentence that the file's name gives -----------------

SENTENCES = {
    "a01": "der lappen liegt auf dem eisschrank", "a02": "das will sie am mittwoch abgeben",
    "a04": "heute abend könnte ich es ihm sagen",
    "a05": "das schwarze stück papier befindet sich da oben neben dem holzstück", "a07": "in sieben stunden wird es soweit sein",
    "b01": "was sind denn das für tüten die da unter dem tisch stehen",
    "b02": "sie haben es gerade hochgetragen und jetzt gehen sie wieder runter",
    "b03": "an den wochenenden bin ich jetzt immer nach hause gefahren und habe agnes besucht",
    "b09": "ich will das eben wegbringen und dann mit karl was trinken gehen",
    "b10": "die wird auf dem platz sein wo wir sie immer hinlegen",
}  # fmt: skip
_PLAIN = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "s"})


@cache
def emodb() -> tuple[Labelled, ...]:
    return tuple(_german())


def _german() -> Iterator[Labelled]:
    for labels in sorted((DATA / "emodb" / "labsilb").glob("*.labsilb")):
        wav = DATA / "emodb" / "wav" / f"{labels.stem}.wav"
        if wav.exists():
            words, samples = SENTENCES[labels.stem[2:5]].split(), _samples(wav)
            spans = _word_spans(words, _syllables(labels), len(samples) / RATE)
            if spans:
                yield Labelled(
                    name=labels.stem, samples=samples, words=tuple(words), spans=spans, speaker=labels.stem[:2]
                )


def _syllables(labels: Path) -> list[tuple[float, str]]:
    """Where each syllable begins, as it is written; a pause is written with no letters."""
    body = labels.read_text("latin-1").split("#\n", 1)[1]
    rows = (re.match(r"\s*([\d.]+)\s+\S+\s+(\S+)", line) for line in body.splitlines())
    return [(float(row[1]), _letters(row[2].split("^")[0].replace("M-v", ""))) for row in rows if row]


def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower().translate(_PLAIN))


def _word_spans(words: list[str], syllables: list[tuple[float, str]], seconds: float) -> tuple[Span, ...]:
    """Nothing where a word does not begin with a syllable: the labels are then of something else."""
    firsts = _first_syllables(words, [letters for _, letters in syllables])
    if None in firsts or firsts != sorted(set(firsts)):
        return ()
    spans = []
    for first, after in zip(firsts, [*firsts[1:], len(syllables)], strict=True):
        last = max(n for n in range(first, after) if syllables[n][1])
        end = syllables[last + 1][0] if last + 1 < len(syllables) else seconds
        spans.append((syllables[first][0], end))
    return tuple(spans)


def _first_syllables(words: list[str], syllables: list[str]) -> list[int]:
    """The syllable that each word begins with, the letters of both laid side by side; None where there is none."""
    sentence, written = "".join(map(_letters, words)), "".join(syllables)
    blocks = difflib.SequenceMatcher(None, sentence, written, autojunk=False).get_matching_blocks()
    there = {block.a + k: block.b + k for block in blocks for k in range(block.size)}
    begins = {sum(map(len, syllables[:n])): n for n, letters in enumerate(syllables) if letters}
    return [begins.get(there.get(len("".join(map(_letters, words[:n]))), -1)) for n in range(len(words))]  # type: ignore[misc]
