"""Runs pieces of work in one process, and keeps stages that were set up; every engine's workers hold one.

Runner(Store("corpus")).run(work)  ->  the number of records made
"""

from collections import OrderedDict
from dataclasses import replace

from threadpoolctl import threadpool_limits

from weft.pipelines.parts.committed import digest_of, model_manifest
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.unread import forget_unread, note_unread
from weft.pipelines.parts.work import Work
from weft.pipelines.stage import Stage
from weft.pipelines.storage.retries import reading_as
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import UnreadItems
from weft.schemas.reading import ReadSettings


class Runner:
    """`run` is all there is; a stage's `setup` is called once for its settings and models."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stages: OrderedDict[str, Stage] = OrderedDict()

    def run(self, work: Work) -> int:
        """Runs with the threads the work declares: sums differ with them, so the machine must not choose."""
        import torch

        torch.set_num_threads(work.resources.cpus)
        with threadpool_limits(work.resources.cpus), reading_as(work.reading or ReadSettings()):
            try:
                records = self._set_up(work).run(self._store)
            except UnreadItems as fault:
                note_unread(self._store, work.makes, fault.items)
                raise
        if work.reading:
            forget_unread(self._store, work.makes)
        return records

    def _set_up(self, work: Work) -> Work:
        """The work; a part's with its stage set up."""
        return replace(work, stage=self._stage(work)) if isinstance(work, PartWork) else work

    def _stage(self, work: PartWork) -> Stage:
        models = [digest_of(self._store, model_manifest(m)) for m in work.models]
        # settings of place and speed do not count in the fingerprint, but a prepared stage depends on them
        key = " ".join([work.stage.fingerprint(), work.stage.model_dump_json(), *models])
        if key not in self._stages:
            stage = work.stage.model_copy()
            stage.setup(self._store)
            self._stages[key] = stage
            while len(self._stages) > work.stages_in_memory:
                self._stages.popitem(last=False)
        self._stages.move_to_end(key)
        return self._stages[key]
