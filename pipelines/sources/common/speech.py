"""What all sources of speech share: settings that hold for every record, channels, and making recordings.

Labels(text="and then", speaker="s1", supervisions=(…))  +  Audio("/data/clip.flac")   ->   Recording(seconds=62.4, …)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar

from weft.pipelines.audio.sound import channels_of, scan
from weft.pipelines.sources import base
from weft.pipelines.sources.base import Missing
from weft.pipelines.storage.store import Store
from weft.pipelines.timings.base import Timing
from weft.schemas.audio import Audio, Recording, Supervision, Word
from weft.schemas.item import Item
from weft.schemas.ledger import Reject, Unavailable, Unusable
from weft.schemas.settings import NOT_IDENTITY

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Labels:
    """What a source says of a recording, as far as it does."""

    text: str | None = None
    words: tuple[Word, ...] = ()
    phones: tuple[Word, ...] = ()
    speaker: str = ""
    language: str = ""
    licence: str = ""
    emotion: str = ""
    split: str = ""
    supervisions: tuple[Supervision, ...] = ()

    def timed(self, timing: Timing) -> "Labels":
        """The same with what a timing file holds."""
        if not timing.is_whole:
            return replace(self, supervisions=timing.supervisions)
        one = timing.supervisions[0]
        return replace(self, text=one.text, words=one.words, phones=one.phones, speaker=self.speaker or one.speaker)

    def untimed(self) -> "Labels":
        """The same without times of words: they will be aligned anew."""
        bare = tuple(replace(s, words=(), phones=()) for s in self.supervisions)
        return replace(self, words=(), phones=(), supervisions=bare)


class SpeechSource(base.Source):
    """`speaker` and `language` hold where the data names none; "" is an unknown one. Channels are mixed, or the first
    is taken, or each becomes a recording of its own. With `retime`, words that come with times are aligned all the same.
    A file that is listed and not there fails the work (`missing: fail`) or is rejected, and asked for by every build (`reject`).
    """

    speaker: str = ""
    language: str = ""
    channels: Literal["mix", "first", "each"] = "mix"
    retime: bool = False
    missing: Annotated[Missing, NOT_IDENTITY] = "fail"

    @property
    def makes(self) -> type:
        return Recording

    def recordings(
        self, item: Item, store: Store, audio: Audio, said: Labels, within: str = ""
    ) -> Iterator[Recording | Reject]:
        """The recording, or one a channel. `within` tells it from others of the same item: `00012` and a path.

        Raises Unusable; where only some channels are unusable, they are rejects.
        """
        if self.channels != "each" or audio.channel >= 0:
            chosen = replace(audio, channel=0) if self.channels == "first" and audio.channel < 0 else audio
            yield self._recording(item, store, chosen, said, within)
            return
        for channel in range(self._read(lambda: channels_of(store, audio))):
            try:
                one = replace(audio, channel=channel)
                yield self._recording(item, store, one, said, f"{within}c{channel}")
            except Unusable as fault:
                yield refused(item, f"{item.path} channel {channel}", fault)

    def _read(self, read: Callable[[], T]) -> T:
        """Of a row or a member: where it is missing, the others of its item are read all the same."""
        try:
            return read()
        except Unavailable as fault:
            raise self.judged(fault) from None

    def _recording(self, item: Item, store: Store, audio: Audio, said: Labels, within: str) -> Recording:
        facts = self._read(lambda: scan(store, audio))
        said = said.untimed() if self.retime else said
        key = f"{item.key}-{within}" if within else item.key
        return Recording(
            key, item.source, item.path, audio, facts.seconds, facts.rate, facts.channels, facts.sha256,
            text=said.text or None, words=said.words, speaker=said.speaker or self.speaker,
            language=said.language or self.language, licence=said.licence or self.licence, emotion=said.emotion,
            phones=said.phones, split=said.split, supervisions=said.supervisions,
        )  # fmt: skip


def refused(item: Item, path: str, fault: Unusable) -> Reject:
    """A piece of an item that cannot be used."""
    return Reject(item.key, "ingest", item.source, path, fault.reason, fault.detail, 0.0)
