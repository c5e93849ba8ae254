"""What of a source may give a task samples, as its listing or its text says.

TaskNeeds(pipeline, {"asr": task}).of_item(facts, size)   ->   SourceSize(compared={"asr": 3}, fits={"asr": 2}, by_task={"asr": …}, …)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from weft.jobs.dialogue_sizes import SpokenTurn, utterances_size
from weft.jobs.document_sizes import documents_size
from weft.jobs.source_sizes import SourceSize
from weft.pipelines.choices.task_checks import reliable
from weft.pipelines.graph import Pipeline
from weft.pipelines.tasks.base import Task
from weft.schemas.audio import Utterance
from weft.schemas.facts import Facts
from weft.schemas.text import Document

_NOTHING = SourceSize(read=1)


@dataclass(frozen=True)
class TaskNeeds:
    """Of the tasks over one source, by name; `makes` is what it makes."""

    pipeline: Pipeline
    makes: type
    tasks: Mapping[str, Task]

    def of_item(self, records: Sequence[Facts] | None, size: SourceSize) -> SourceSize:
        """The size of an item with what of it fits; all of it where its `records` are not known, none where it is rejected."""
        if records is None:
            return replace(size, by_task=dict.fromkeys(self.tasks, size))
        fitting = {name: [one for one in records if self._fits(name, one)] for name in self.tasks}
        return replace(
            size,
            compared=dict.fromkeys(self.tasks, len(records) or 1),
            fits={name: len(some) for name, some in fitting.items()},
            by_task={name: _of_records(size, records, some) for name, some in fitting.items()},
        )

    def of_turns(self, turns: Sequence[SpokenTurn], size: SourceSize) -> SourceSize:
        """The size of an item of dialogues where each turn is a record of the tasks that take utterances: those that fit."""
        tasks = [name for name, task in self.tasks.items() if task.takes_of(self.makes) is Utterance]
        fitting = {name: [one for one in turns if self._fits(name, one.facts)] for name in tasks}
        return replace(
            size,
            compared={**size.compared, **dict.fromkeys(tasks, len(turns))},
            fits={**size.fits, **{name: len(some) for name, some in fitting.items()}},
            by_task={
                **size.by_task,
                **{name: utterances_size(some) if some else _NOTHING for name, some in fitting.items()},
            },
        )

    def of_documents(self, documents: Sequence[Document], size: SourceSize) -> SourceSize:
        """The size of some documents with what of them fits."""
        if not any(task.fields for task in self.tasks.values()):  # all that a task may need of a document
            return size
        known = [(one, Facts(fields=frozenset(f.name for f in one.fields), has_text=True)) for one in documents]
        fitting = {name: [one for one, facts in known if self._fits(name, facts)] for name in self.tasks}
        return replace(
            size,
            compared=dict.fromkeys(self.tasks, len(documents)),
            fits={name: len(some) for name, some in fitting.items()},
            by_task={name: documents_size(some) for name, some in fitting.items()},
        )

    def _fits(self, task: str, facts: Facts) -> bool:
        known = replace(reliable(self.pipeline, facts), most_utterances=None)  # lengths are counted apart
        return not self.tasks[task].misfit(known, self.makes)


def _of_records(size: SourceSize, records: Sequence[Facts], some: Sequence[Facts]) -> SourceSize:
    """What some of the records of an item hold. Stretches have their own lengths."""
    if not some:
        return _NOTHING
    if len(some) == len(records) or size.unreadable:
        return size
    return of_stretches(size, some)


def of_stretches(size: SourceSize, stretches: Sequence[Facts]) -> SourceSize:
    """The size of a recording of which these stretches count alone, with their own lengths."""
    seconds = sum(one.stretch.end - one.stretch.start for one in stretches if one.stretch)
    return replace(size, records=len(stretches), seconds=seconds, lengths={len(stretches): 1})
