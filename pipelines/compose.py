"""Composes the samples of one task from utterances or documents, for one pass over the data, in drawing order.

(Utterance, Alignment, Units)  ->  ShardSample("clip-3fa0-0002-words-0", tokens=143, members=b"…")
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.models.folders import verified_folder
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.pipelines.tasks.base import Task, TaskInput
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import hash64
from weft.schemas.ledger import Held, Reject, Unusable
from weft.schemas.sample import Provenance, Sample, ShardSample
from weft.schemas.splits import Split
from weft.schemas.text import Document
from weft.schemas.vocabulary import Vocabulary
from weft.tokenizers.unified import load as load_vocabulary

_ENDINGS: dict[Split, str] = {"train": "", "validation": "-v", "test": "-t"}


class Compose(Stage):
    """`name` is the task's name in the recipe, `pass_number` the number of earlier passes over its data.

    Records of other splits are held out.
    """

    name: str
    task: SerializeAsAny[Task]
    pass_number: int
    seed: int
    split: Split = "train"
    _vocabulary: Vocabulary = PrivateAttr()
    _encode: Callable[[str], list[int]] = PrivateAttr()

    @property
    def makes(self) -> type:
        return ShardSample

    def setup(self, store: Store) -> None:
        self._vocabulary, self._encode = load_vocabulary(verified_folder(store, "vocabulary"))

    def version(self) -> str:
        return "2"

    def parent(self, record: Any) -> str:
        return record.parent

    def __call__(self, rows: Iterable[Any]) -> Iterator[ShardSample | Reject | Held]:
        for place, row in sorted(((self._place(row), row) for row in rows), key=lambda pair: (pair[0], _key(pair[1]))):
            first = _first(row)
            if first.split != self.split:
                yield Held(first.key, first.seconds)
                continue
            task_input = self._task_input(row)
            try:
                yield self._sample(task_input).for_shard(place)
            except Unusable as fault:
                yield self._reject(task_input, fault.reason, fault.detail)

    def _place(self, row: Any) -> int:
        """Where a sample comes in its pass's order: a number in [0, 2**63) drawn from its key."""
        return hash64(self.seed, self.name, self.pass_number, _key(row)) >> 1

    def _reject(self, task_input: TaskInput, reason: str, detail: str) -> Reject:
        source = task_input.source
        return Reject(
            key=source.key,
            stage="compose",
            source=source.source,
            path=self.name,
            reason=reason,
            detail=detail,
            seconds=source.seconds,
        )

    def _task_input(self, row: Any) -> TaskInput:
        """Inputs come in the order utterance, alignment, units; those the task does not need are left out."""
        if not isinstance(row, tuple):
            return TaskInput(row)
        names = [name for name in ("alignment", "units") if name in self.task.needs]
        return TaskInput(row[0], **dict(zip(names, row[1:], strict=True)))

    def _sample(self, task_input: TaskInput) -> Sample:
        source = task_input.source
        builder = SampleBuilder(self._vocabulary, self._encode)
        builder.begin()
        self.task.compose(task_input, builder, Random(hash64(self.seed, source.key, self.name, self.pass_number)))
        spoken = source if isinstance(source, Utterance) else None
        return Sample(
            key=f"{source.key}-{self.name}-{self.pass_number}{_ENDINGS[self.split]}",
            parent=source.key,
            task=self.name,
            source=source.source,
            seconds=source.seconds,
            ids=tuple(builder.ids),
            segments=tuple(builder.segments),
            text=task_input.text,
            language=source.language,
            speaker=spoken.speaker if spoken else "",
            emotion=spoken.emotion if spoken else "",
            licence=source.licence,
            split=source.split,
            provenance=_provenance(task_input),
        )


def _first(row: Any) -> Utterance | Document:
    return row[0] if isinstance(row, tuple) else row


def _key(row: Any) -> str:
    return _first(row).key


def _provenance(task_input: TaskInput) -> Provenance:
    source = task_input.source
    if not isinstance(source, Utterance):
        return Provenance(recording=source.key, path=source.path, split=source.split)
    return Provenance(
        recording=source.recording,
        path=source.path,
        split=source.split,
        sha256=source.sha256,
        start=source.start,
        end=source.end,
        segmenter=source.segmenter,
        transcriber=source.transcriber,
        aligner=task_input.alignment.aligner if task_input.alignment else "",
        tokenizer=task_input.units.model if task_input.units else "",
    )
