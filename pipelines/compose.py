"""Composes the samples of one task from utterances or documents, for one pass over the data, in drawing order.

JoinedRow(utterance, alignment, codes={"hubert": …})  ->  ShardSample("clip-3fa0-0002-words-0", tokens=143, members=b"…")
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, Any

import numpy as np
from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.audio.reader import AudioReader
from weft.pipelines.encoders.base import Encoder
from weft.pipelines.image_encoders.base import ImageEncoder
from weft.pipelines.latents import VERSION as LATENTS
from weft.pipelines.latents import Encoders, flac_of
from weft.pipelines.models.folders import verified_folder
from weft.pipelines.parts.joining import GroupedRow, JoinedRow, first_of
from weft.pipelines.sources.base import Missing
from weft.pipelines.sources.common.images import ImageReader
from weft.pipelines.stage import Stage, rejected
from weft.pipelines.storage.store import SOURCE, Store
from weft.pipelines.tasks.base import Material, Spoken, Task
from weft.pipelines.tasks.common.content import IMAGE
from weft.pipelines.tasks.common.latents import Latents
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import hash64
from weft.schemas.ledger import HeldOutItem, Reject, Unavailable, Unread, Unusable
from weft.schemas.passage import Passage
from weft.schemas.sample import Provenance, Sample, ShardSample
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.schemas.splits import Split
from weft.schemas.text import Dialogue, Document
from weft.schemas.vocabulary import Vocabulary
from weft.tokenizers.unified import load as load_vocabulary

_SHOWN = 500  # characters of a name and a reason in a message
_ENDINGS: dict[Split, str] = {"train": "", "validation": "-v", "test": "-t"}


class Compose(Stage):
    """`name` is the task's name in the recipe, `pass_number` the number of earlier passes over its data.

    A sample longer than `context` tokens is rejected (0: none is). The encoders are those of the task's latents; `missing` is the
    source's setting, for images that cannot be read.
    Records of other splits are held out, and the utterances of other splits of a recording that has some of this one.
    """

    name: str
    task: SerializeAsAny[Task]
    pass_number: int
    seed: int
    split: Split = "train"
    context: int = 0
    encoder: SerializeAsAny[Encoder] | None = None
    image_encoder: SerializeAsAny[ImageEncoder] | None = None
    missing: Annotated[Missing | None, NOT_IN_FINGERPRINT] = None
    _store: Store = PrivateAttr()
    _vocabulary: Vocabulary = PrivateAttr()
    _encode: Callable[[str], list[int]] = PrivateAttr()

    @property
    def makes(self) -> type:
        return ShardSample

    def setup(self, store: Store) -> None:
        self._store = store
        self._vocabulary, self._encode = load_vocabulary(verified_folder(store, "vocabulary"))

    def version(self) -> str:
        return f"7 {LATENTS}" if "audio" in self.task.latents else "7"

    @property
    def decisive_reading(self) -> tuple[str, ...]:
        """Where samples have images: the size of one beyond which it is a reject."""
        return ("largest",) if IMAGE in self.task.latents else ()

    def parent(self, record: Any) -> str:
        return record.parent

    def size(self, record: Any) -> int:
        return len(record.members)

    def counted(self, record: Any) -> Any:
        return replace(record, members=b"")

    def __call__(self, rows: Iterable[Any]) -> Iterator[ShardSample | Reject | HeldOutItem | Unread]:
        for place, row in sorted(((self._place(row), row) for row in rows), key=lambda pair: (pair[0], _key(pair[1]))):
            material = self._material(row)
            if isinstance(material.source, Passage):
                material, others = _of_split(material, material.source, self.split)
                if others:
                    yield HeldOutItem(others.key, others.seconds)
                if not material.spoken:
                    continue
            if material.split not in ("", self.split):
                yield HeldOutItem(material.source.key, material.source.seconds)
                continue
            yield self._result(material, place)

    def _result(self, material: Material, place: int) -> ShardSample | Reject | Unread:
        """The sample of a record, or why there is none."""
        source = material.source
        try:
            image = self._image(source)
            if isinstance(image, Unread):
                return image
            return self._sample(replace(material, image=image)).for_shard(place)
        except Unusable as fault:
            return rejected(source, "compose", fault)
        except Unavailable as fault:
            return _unread(source, fault)

    def _image(self, source: Utterance | Document | Dialogue | Passage) -> bytes | Unread:
        """The image of a record, where the task has any. Raises Unusable."""
        if IMAGE not in self.task.latents:
            return b""
        fields = () if isinstance(source, Passage) else source.fields
        try:
            return ImageReader(self._store, self.missing).read(source.source, fields)
        except Unavailable as fault:
            rejectable = self.missing == "fail" and not fault.of_machine
            return replace(_unread(source, fault), rejectable=rejectable)

    def _place(self, row: Any) -> int:
        """Where a sample comes in its pass's order: a number in [0, 2**63) drawn from its key."""
        return hash64(self.seed, self.name, self.pass_number, _key(row)) >> 1

    def _material(self, row: Any) -> Material:
        """A row is a document, an utterance, or one with its alignment and codes; or a dialogue or passage with such rows of it."""
        if isinstance(row, Document):
            return Material(source=row)
        if isinstance(row, GroupedRow):
            return Material(source=row.record, spoken=tuple(map(_spoken, row.rows)))
        spoken = _spoken(row) if isinstance(row, JoinedRow) else Spoken(utterance=row)
        return Material(source=spoken.utterance, spoken=(spoken,))

    def _sample(self, material: Material) -> Sample:
        source = material.source
        latents = Latents(
            encoders=Encoders(audio=self.encoder, image=self.image_encoder), audio=AudioReader(self._store)
        )
        builder = SampleBuilder(self._vocabulary, self._encode, latents)
        builder.begin()
        self.task.compose(material, builder, Random(hash64(self.seed, source.key, self.name, self.pass_number)))
        self._check_latents(builder)
        if self.context and len(builder.ids) > self.context:
            long = f"{len(builder.ids):,} tokens are more than the context of {self.context:,}, and `cut: never` forbids to cut it"
            raise Unusable("too_long", long)
        voice = _voice(source)
        return Sample(
            key=f"{source.key}-{self.name}-{self.pass_number}{_ENDINGS[self.split]}",
            parent=source.key,
            task=self.name,
            source=source.source,
            seconds=source.seconds,
            ids=tuple(builder.ids),
            segments=tuple(builder.segments),
            text=material.text,
            language=source.language,
            speaker=voice.speaker,
            emotion=voice.emotion,
            level=voice.level,
            licence=source.licence,
            split=material.split or self.split,
            provenance=_provenance(material),
            bounds=tuple(builder.bounds),
            answer=builder.answer,
            flac=flac_of(np.concatenate(builder.audio)) if builder.audio else b"",
            png=builder.image,
        )

    def _check_latents(self, builder: SampleBuilder) -> None:
        """Raises Unusable for a sample without what all samples of its task have: the members of a folder of tars agree."""
        for kind, there in (("audio", bool(builder.audio)), ("image", bool(builder.image))):
            if kind in self.task.latents and not there:
                raise Unusable(f"no_{kind}", f"the task says `{kind}`, and none of its turns has any")


def _unread(source: Utterance | Document | Dialogue | Passage, fault: Unavailable) -> Unread:
    """Named by the file that cannot be read."""
    path = fault.what.removeprefix(f"{SOURCE}{source.source}/")
    return Unread(
        key=source.key,
        source=source.source,
        path=path[:_SHOWN],
        reason=fault.reason[:_SHOWN],
        absent=fault.absent,
    )


def _spoken(row: JoinedRow) -> Spoken:
    return Spoken(utterance=row.utterance, alignment=row.alignment, codes=row.codes)


def _of_split(material: Material, passage: Passage, split: str) -> tuple[Material, Passage | None]:
    """What of a recording is of the split, and the rest of it, if any."""
    own, others = (tuple(u for u in passage.utterances if (u.split == split) is wanted) for wanted in (True, False))
    spoken = tuple(one for one in material.spoken if one.utterance.split == split)
    rest = Passage(key=passage.key, utterances=others) if others else None
    return Material(source=Passage(key=passage.key, utterances=own) if own else passage, spoken=spoken), rest


@dataclass(frozen=True, slots=True)
class _Voice:
    """Who speaks in a sample, and how: empty where nobody does, or where it changes."""

    speaker: str = ""
    emotion: str = ""
    level: int = 0


def _voice(source: Utterance | Document | Dialogue | Passage) -> _Voice:
    if isinstance(source, Document | Dialogue):
        return _Voice()
    utterances = (source,) if isinstance(source, Utterance) else source.utterances
    speakers, feelings = ({u.speaker for u in utterances}, {(u.emotion, u.level) for u in utterances})
    emotions = {emotion for emotion, _ in feelings}
    return _Voice(
        speaker=speakers.pop() if len(speakers) == 1 else "",
        emotion=emotions.pop() if len(emotions) == 1 else "",
        level=feelings.pop()[1] if len(feelings) == 1 else 0,
    )


def _key(row: Any) -> str:
    return first_of(row).key


def _provenance(material: Material) -> Provenance:
    """Of an utterance all that is known; of a document or a dialogue its name, and the models that its utterances have in common."""
    source = material.source
    models = tuple(
        dict.fromkeys(model for one in material.spoken for codes in one.codes.values() for model in codes.models)
    )
    if not isinstance(source, Utterance):
        path = source.key if isinstance(source, Dialogue) else source.path
        return Provenance(recording=source.key, path=path, split=material.split, tokenizers=models)
    (spoken,) = material.spoken
    return Provenance(
        recording=source.recording,
        path=source.path,
        split=source.split,
        sha256=source.sha256,
        start=source.start,
        end=source.end,
        segmenter=source.segmenter,
        transcriber=source.transcriber,
        aligner=spoken.alignment.aligner if spoken.alignment else "",
        tokenizers=models,
    )
