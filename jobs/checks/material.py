"""Tasks that can make nothing of a source, as its listing shows: no line of a manifest has a field, no dialogue has two answers.

unfit_sources(pipeline)  ->  RecipeFault(("tasks", "captions", "sources"), "'sounds' never gives the field 'caption' (its fields are …")

A source is read until one of its records fits; so of one that fits nearly nothing is read.
"""

from collections.abc import Collection, Iterator, Mapping

from weft.pipelines.corpus.listing import EmptySource, listed
from weft.pipelines.graph import Pipeline
from weft.pipelines.recipe_faults import RecipeFault
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.task_checks import with_transcripts
from weft.pipelines.tasks.base import Task
from weft.schemas.counting import counted
from weft.schemas.facts import Facts
from weft.schemas.ledger import Unavailable

MOST_READ = 1 << 26  # bytes of text files; of a larger one that fits nowhere until then, the build decides


def unfit_sources(pipeline: Pipeline, absent: Collection[str] = ()) -> Iterator[RecipeFault]:
    """A fault for each task and source that never fit. Of sources that are `absent` or cannot be listed nothing is known."""
    for name, source in pipeline.sources.items():
        tasks = {task: made for task, made in pipeline.tasks.items() if name in made.sources}
        if tasks and source.lists_facts and name not in absent:
            try:
                yield from _unfit(pipeline, name, source, tasks)
            except (EmptySource, Unavailable, _TooMuch):
                continue


class _TooMuch(Exception):
    """More text than is read to know a source."""


def _unfit(pipeline: Pipeline, name: str, source: Source, tasks: Mapping[str, Task]) -> Iterator[RecipeFault]:
    waiting, reasons, records = dict(tasks), dict[str, str](), 0
    for facts in _facts(name, source):
        records += 1
        for task, made in list(waiting.items()):
            if why := made.misfit(with_transcripts(pipeline, facts), source.makes):
                reasons.setdefault(task, why)
            else:
                del waiting[task]
        if not waiting:
            return
    for task in waiting if records else ():
        every = "its one record" if records == 1 else f"all of its {counted(records, 'record')}"
        yield RecipeFault(("tasks", task, "sources"), f"{name!r} {reasons[task]}: so it is with {every}")


def _facts(name: str, source: Source) -> Iterator[Facts]:
    """Raises EmptySource, Unavailable and _TooMuch."""
    store, length = Store("."), 0
    for item in listed(name, source):
        if length > MOST_READ:
            raise _TooMuch
        yield from source.facts_of(item, store)
        length += item.length
