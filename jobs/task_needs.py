"""How many records of a source may give a task a sample, as their listing or their text says.

TaskNeeds(pipeline, {"asr": task}).of_item(source, item, size)   ->   SourceSize(records=3, compared=3, fits={"asr": 2}, …)
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from weft.jobs.source_sizes import SourceSize
from weft.pipelines.choices.task_checks import reliable
from weft.pipelines.graph import Pipeline
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.tasks.base import Task
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable
from weft.schemas.text import Document


@dataclass(frozen=True)
class TaskNeeds:
    """Of the tasks over one source, by name; `makes` is what it makes."""

    pipeline: Pipeline
    makes: type
    tasks: Mapping[str, Task]

    def of_item(self, source: Source, item: Item, size: SourceSize) -> SourceSize:
        """The size of an item with how many of its records fit; none of one that will be rejected."""
        if not (self.tasks and source.lists_facts):
            return size
        try:
            records = list(source.facts_of(item, Store(".")))
        except Unavailable:
            return size
        return self._compared(size, records) if records else replace(size, compared=1)

    def of_documents(self, documents: Sequence[Document], size: SourceSize) -> SourceSize:
        if not any(task.fields for task in self.tasks.values()):  # all that a task may need of a document
            return size
        fields = (frozenset(one.name for one in document.fields) for document in documents)
        return self._compared(size, [Facts(fields=names, has_text=True) for names in fields])

    def _compared(self, size: SourceSize, records: Sequence[Facts]) -> SourceSize:
        fits = Counter(task for facts in records for task in self._fitting(facts))
        return replace(size, compared=len(records), fits={task: fits[task] for task in self.tasks})

    def _fitting(self, facts: Facts) -> Iterable[str]:
        known = replace(reliable(self.pipeline, facts), most_utterances=None)  # lengths are counted apart
        return (name for name, task in self.tasks.items() if not task.misfit(known, self.makes))
