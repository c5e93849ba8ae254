"""The base of all sources of speech: settings for every record, channels, and the making of recordings.

Labels(text="and then", speaker="s1", supervisions=(…))  +  Audio("/data/clip.flac")   ->   Recording(seconds=62.4, …)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar

from weft.pipelines.audio.scan import scan
from weft.pipelines.audio.sound import channels_of
from weft.pipelines.sources import base
from weft.pipelines.sources.base import Missing, refused
from weft.pipelines.storage.store import Store
from weft.pipelines.timings.base import Timing
from weft.schemas.audio import Audio, Field, Recording, Supervision, Word
from weft.schemas.item import Item
from weft.schemas.ledger import Reject, Unavailable, Unusable
from weft.schemas.limits import SpeechLimits
from weft.schemas.settings import NOT_IN_FINGERPRINT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Labels:
    """What a source states about a recording; empty where it states nothing."""

    text: str | None = None
    words: tuple[Word, ...] = ()
    phones: tuple[Word, ...] = ()
    speaker: str = ""
    language: str = ""
    licence: str = ""
    emotion: str = ""
    split: str = ""
    supervisions: tuple[Supervision, ...] = ()
    fields: tuple[Field, ...] = ()

    def timed(self, timing: Timing) -> "Labels":
        """The same labels with the content of a timing file."""
        if not timing.is_whole:
            return replace(self, supervisions=timing.supervisions)
        one = timing.supervisions[0]
        return replace(self, text=one.text, words=one.words, phones=one.phones, speaker=self.speaker or one.speaker)

    def untimed(self) -> "Labels":
        """The same labels without times of words and phones, so that they are aligned again."""
        bare = tuple(replace(s, words=(), phones=()) for s in self.supervisions)
        return replace(self, words=(), phones=(), supervisions=bare)


class SpeechSource(base.Source):
    """`speaker` and `language` are used where the data names none ("": unknown). `channels`: mix them, use the first, or make a
    recording of each. `retime` drops the word times of the data and aligns again. An item that cannot be read, or that names an image
    that cannot, keeps its part from being made (`missing: fail`), or is rejected and asked for again by every build (`reject`).
    `limits` say what recordings are rejected.
    """

    speaker: str = ""
    language: str = ""
    channels: Literal["mix", "first", "each"] = "mix"
    retime: bool = False
    missing: Annotated[Missing, NOT_IN_FINGERPRINT] = "fail"
    limits: SpeechLimits = SpeechLimits()

    @property
    def makes(self) -> type:
        return Recording

    def recordings(
        self, item: Item, store: Store, audio: Audio, labels: Labels, within: str = ""
    ) -> Iterator[Recording | Reject]:
        """The recording, or one per channel. `within` is its part of the key among the recordings of one item, such as `00012`.

        Raises Unusable. With `channels: each`, an unusable channel is a reject and the others go on.
        """
        if self.channels != "each" or audio.channel >= 0:
            chosen = replace(audio, channel=0) if self.channels == "first" and audio.channel < 0 else audio
            yield self._recording(item, store, chosen, labels, within=within)
            return
        for channel in range(self._read(lambda: channels_of(store, audio))):
            try:
                one = replace(audio, channel=channel)
                yield self._recording(item, store, one, labels, within=f"{within}c{channel}")
            except Unusable as fault:
                yield refused(item, fault, f"{item.path} channel {channel}")

    def _read(self, read: Callable[[], T]) -> T:
        """Reads a row or a member; the source decides whether what cannot be read is a reject or stops the build."""
        try:
            return read()
        except Unavailable as fault:
            raise self.judged(fault) from None

    def _recording(self, item: Item, store: Store, audio: Audio, labels: Labels, within: str) -> Recording:
        facts = self._read(lambda: scan(store, audio, self.limits))
        labels = labels.untimed() if self.retime else labels
        key = f"{item.key}-{within}" if within else item.key
        return Recording(
            key=key,
            source=item.source,
            path=item.path,
            audio=audio,
            seconds=facts.seconds,
            rate=facts.rate,
            channels=facts.channels,
            sha256=facts.sha256,
            text=labels.text or None,
            words=labels.words,
            speaker=labels.speaker or self.speaker,
            language=labels.language or self.language,
            licence=labels.licence or self.licence,
            emotion=labels.emotion,
            phones=labels.phones,
            split=labels.split,
            supervisions=labels.supervisions,
            fields=labels.fields,
        )
