"""Tasks that can make nothing of a source, as its listing shows: no line of a manifest has a field, no dialogue has two answers.

fits(pipeline)  ->  Fits(misfits=(RecipeFault(("tasks", "captions", "sources"), "'sounds' never gives the field 'caption' (its …"),))

A source is read until one of its records fits, and no further than MOST_READ; so of one that fits nearly nothing is read.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.choices.task_checks import reliable
from weft.pipelines.corpus.listing import EmptySource, listed
from weft.pipelines.graph import Pipeline
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.tasks.base import Task
from weft.schemas.counting import counted
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable
from weft.schemas.text import Dialogue

MOST_READ = 1 << 26  # bytes of text files and of lists; of a larger one that fits nowhere until then, the build decides
_OPENED = 1 << 12  # bytes that a file beside a recording counts, which the listing has no length of
_LINE = 1 << 9  # bytes that a line of a list counts at least: of short ones it is not the bytes that take time
_DIALOGUE = 1 << 12  # the same of a dialogue, whose turns are checked


@dataclass(frozen=True, slots=True)
class Fits:
    """`misfits`: a fault for each task and source that never fit. `unread`: a sentence for each where that is not known, as the source
    is larger than what is read of it.
    """

    misfits: tuple[RecipeFault, ...] = ()
    unread: tuple[str, ...] = ()


def fits(pipeline: Pipeline, absent: Collection[str] = ()) -> Fits:
    """Of sources that are `absent` or cannot be listed nothing is known."""
    misfits, unread = list[RecipeFault](), list[str]()
    for name, source in pipeline.sources.items():
        tasks = {task: made for task, made in pipeline.tasks.items() if name in made.sources}
        if not (tasks and source.lists_facts) or name in absent:
            continue
        search = _Search(pipeline=pipeline, name=name, source=source, tasks=tasks)
        try:
            search.read()
        except (EmptySource, Unavailable):
            continue
        misfits += search.misfits() if search.is_whole else ()
        unread += () if search.is_whole else search.unread()
    return Fits(misfits=tuple(misfits), unread=tuple(unread))


class _Search:
    """Looks for a record of a source for each of its tasks; `is_whole` says whether nothing of it was left unread."""

    def __init__(self, pipeline: Pipeline, name: str, source: Source, tasks: Mapping[str, Task]) -> None:
        self._pipeline, self._name, self._source = pipeline, name, source
        self._waiting, self._reasons, self._records = dict(tasks), dict[str, str](), 0
        self.is_whole = True

    def read(self) -> None:
        """Raises EmptySource and Unavailable."""
        store, length = Store("."), 0
        for item in listed(self._name, self._source):
            if length > MOST_READ:
                self.is_whole = False
                return
            for facts in self._source.facts_of(item, store):
                self._compare(facts)
                if not self._waiting:
                    return
            length += _length(item, least=_DIALOGUE if self._source.makes is Dialogue else _LINE)

    def _compare(self, facts: Facts) -> None:
        self._records += 1
        for task, made in list(self._waiting.items()):
            if why := made.misfit(reliable(self._pipeline, facts), self._source.makes):
                self._reasons.setdefault(task, why)
            else:
                del self._waiting[task]

    def misfits(self) -> Iterator[RecipeFault]:
        for task in self._waiting if self._records else ():
            every = "its one record" if self._records == 1 else f"all of its {counted(self._records, 'record')}"
            yield RecipeFault(
                ("tasks", task, "sources"), f"{self._name!r} {self._reasons[task]}: so it is with {every}"
            )

    def unread(self) -> Iterator[str]:
        for task in self._waiting if self._records else ():
            first = f"the first {counted(self._records, 'record')} of {self._name} give task {task} nothing"
            yield f"{first}: {self._name!r} {self._reasons[task]}; the rest was not read, so only the build shows whether any does"


def _length(item: Item, least: int) -> int:
    """Bytes that were read to know what an item says; `least` for one that is a line of a list."""
    line = max(least, len(item.payload)) if item.payload else 0
    return item.length + line + (_OPENED if item.text_uri else 0)
