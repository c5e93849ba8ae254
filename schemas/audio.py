"""Speech as it moves through the stages: Recording -> Utterance -> Alignment and Codes.

Recording("clip-3fa0", source="speech", audio=Audio("/data/clip.flac"), seconds=62.4, …)
Supervision(12.1, 17.9, text="and then", speaker="s1", …)                   labels of a source for a time span of one
Utterance("clip-3fa0-0002", recording="clip-3fa0", start=12.1, end=17.9, text="and then", …)
Alignment("clip-3fa0-0002", words=(Word("and", 0.31, 0.52, -1.2), …), …)
Codes("clip-3fa0-0002", tokenizers=("hubert",), rate=25.0, ticks=7, which=(0, 0, 0), ids=(17, 3, 88), starts=(0, 2, 3), …)
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

import pyarrow as pa

Id = Annotated[int, pa.int32()]


@dataclass(frozen=True, slots=True)
class Audio:
    """Where encoded audio lies: a file, or `length` bytes from `offset` of one (length 0: to the end).

    `uri` is a path or an fsspec url; one without a root is relative to the corpus, `source://NAME/…` to where that source
    lies. `data` holds encoded bytes that are not yet on disk: whoever commits the part packs them and fills in the place.
    `channel` counts from 0; -1 is all of them mixed.
    """

    uri: str
    offset: int = 0
    length: int = 0
    data: bytes = b""
    channel: int = -1


@dataclass(frozen=True, slots=True)
class Word:
    """A written word or a phone. Times are seconds from the start of its utterance; a higher score is more certain."""

    text: str
    start: float
    end: float
    score: float = 0.0


def text_of(words: Iterable[Word]) -> str:
    """The text of timed words where nothing else says it: they are joined by blanks."""
    return " ".join(word.text for word in words)


@dataclass(frozen=True, slots=True)
class Field:
    """A named text beside the transcript, such as a question about what is spoken; its value is never empty."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Supervision:
    """Labels of a source for `start` to `end` seconds of a recording. Times of words and phones count from `start`."""

    start: float
    end: float
    text: str | None = None
    words: tuple[Word, ...] = ()
    phones: tuple[Word, ...] = ()
    speaker: str = ""
    language: str = ""
    emotion: str = ""
    overlap: float = 0.0  # seconds in which another voice speaks too
    split: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """One audio file, decoded to its end. `seconds` is the decoded duration, `rate` is in Hz, `split` is the name in the data.

    Each of the `supervisions` becomes an utterance. Without any, text, words, phones and `fields` describe the whole recording.
    `item` is the key of the item that it was read from.
    """

    key: str
    source: str
    path: str
    audio: Audio
    seconds: float
    rate: int
    channels: int
    sha256: str
    text: str | None = None
    words: tuple[Word, ...] = ()
    speaker: str = ""
    language: str = ""
    licence: str = ""
    emotion: str = ""
    phones: tuple[Word, ...] = ()
    split: str = ""
    supervisions: tuple[Supervision, ...] = ()
    item: str = ""
    fields: tuple[Field, ...] = ()

    def at(self, path: str) -> "Recording":
        return replace(self, path=path)


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements of an utterance, in decibels, shares of 0 to 1, Hz and letters per second."""

    snr: float
    clipping: float
    bandwidth: float
    speech: float
    rate: float
    repeats: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of a recording by one speaker, `start` to `end` in seconds of that recording.

    Times of `words` and `phones` count from the start of the utterance; they come from a label file or a voice that
    reports timing. During `overlap` seconds another speaker talks too. `segmenter` and `transcriber` name the backend and
    version that cut it and that wrote its text, or "given" for labels of the source. `confidence` is that of the
    transcriber, 0 to 1.
    `split` is train, validation or test. `item` is the key of the item that its recording was read from; of a turn
    what `schemas.dialogue.opening_digest` gives of its dialogue.
    `fields` are texts of the source about it, by name, each name once (docs/data.md).
    `role`, the `level` of its emotion (1 to 5; 0 without one) and `style` are those of its turn of a dialogue.
    """

    key: str
    recording: str
    source: str
    audio: Audio
    sha256: str
    start: float
    end: float
    text: str | None = None
    words: tuple[Word, ...] = ()
    speaker: str = ""
    language: str = ""
    licence: str = ""
    emotion: str = ""
    dialogue: str = ""
    turn: int = 0
    phones: tuple[Word, ...] = ()
    split: str = "train"
    path: str = ""
    overlap: float = 0.0
    segmenter: str = "given"
    transcriber: str = "given"
    confidence: float = 1.0
    quality: Quality | None = None
    item: str = ""
    role: str = ""
    level: int = 0
    style: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Alignment:
    """The words of one utterance with their times, in order and without overlap. `score` is the mean over speech frames."""

    key: str
    seconds: float
    aligner: str
    words: tuple[Word, ...]
    score: float
    phones: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Codes:
    """One utterance as a stream of ids, of one tokenizer or of several that are merged.

    `ids[i]` is an id of `tokenizers[which[i]]` and begins `starts[i]` ticks after the utterance. A second has `rate` ticks; the stream
    ends after `ticks` of them. Starts never fall; the ids of a group start together. `models[n]` is the model of `tokenizers[n]`.
    """

    key: str
    seconds: float
    tokenizers: tuple[str, ...]
    models: tuple[str, ...]
    rate: float
    ticks: Id
    which: tuple[Annotated[int, pa.int16()], ...]
    ids: tuple[Id, ...]
    starts: tuple[Id, ...]
