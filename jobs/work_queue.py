"""The order in which work may begin: a queue for each kind of resources, so that no kind waits behind another.

queue.fresh()            the next piece that is not yet checked for being done
queue.first(full)        the next piece to submit whose resources are not in `full`
"""

import heapq
from collections.abc import Collection, Sequence

from weft.pipelines.parts.work import Work
from weft.schemas.resources import Resources

_Heap = list[tuple[int, Work]]


class WorkQueue:
    """The latest work of the pipeline comes first. `left` counts the work that has not ended."""

    def __init__(self, works: Sequence[Work]) -> None:
        outputs = {work.makes for work in works}
        self._rank = {work.makes: rank for rank, work in enumerate(works)}
        self._missing = {work.makes: {name for name in work.needs if name in outputs} for work in works}
        self._after: dict[str, list[Work]] = {}
        for work in works:
            for name in self._missing[work.makes]:
                self._after.setdefault(name, []).append(work)
        self._fresh: _Heap = []
        self._ready: dict[Resources, _Heap] = {}
        self._dropped: set[str] = set()
        self.left = len(works)
        for work in works:
            if not self._missing[work.makes]:
                self._push(self._fresh, work)

    def rank(self, work: Work) -> int:
        return self._rank[work.makes]

    def fresh(self) -> Work | None:
        return self._fresh[0][1] if self._fresh else None

    def first(self, full: Collection[Resources] = ()) -> Work | None:
        heads = [heap[0] for kind, heap in self._ready.items() if heap and kind not in full]
        return min(heads, key=lambda head: head[0])[1] if heads else None

    def put(self, work: Work) -> None:
        """Work that is not done may now be submitted."""
        if self.fresh() is work:
            heapq.heappop(self._fresh)
        self._push(self._ready.setdefault(work.resources, []), work)

    def take(self, work: Work) -> Work:
        """Removes and returns the first work of the same kind, to be submitted."""
        return heapq.heappop(self._ready[work.resources])[1]

    def finish(self, work: Work) -> None:
        """Work has ended: work that needed only this may begin."""
        if self.fresh() is work:
            heapq.heappop(self._fresh)
        self.left -= 1
        for later in self._after.pop(work.makes, []):
            self._missing[later.makes].discard(work.makes)
            if not self._missing[later.makes]:
                self._push(self._fresh, later)

    def drop(self, work: Work) -> int:
        """Drops a piece and all work that needs it; returns the number of the others."""
        before = len(self._dropped)
        waiting = [work]
        while waiting:
            makes = waiting.pop().makes
            if makes not in self._dropped:
                self._dropped.add(makes)
                waiting += self._after.pop(makes, [])
        count = len(self._dropped) - before
        self.left -= count
        return count - 1

    def _push(self, heap: _Heap, work: Work) -> None:
        heapq.heappush(heap, (-self._rank[work.makes], work))
