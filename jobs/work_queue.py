"""The order in which pieces of work may begin: a queue for each kind of resources, so that none waits behind another kind.

queue.fresh()            the next piece of which nobody has asked yet whether it is done
queue.first(full)        the next one to hand out, of those that want none of the resources in `full`
"""

import heapq
from collections.abc import Collection, Sequence

from weft.pipelines.parts.work import Work
from weft.schemas.resources import Resources

_Heap = list[tuple[int, Work]]


class WorkQueue:
    """What lies furthest down the line comes first. `left` counts what has not ended."""

    def __init__(self, works: Sequence[Work]) -> None:
        made = {work.makes for work in works}
        self._rank = {work.makes: rank for rank, work in enumerate(works)}
        self._missing = {work.makes: {name for name in work.needs if name in made} for work in works}
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
        """Of a piece that is not done: it may be handed out."""
        if self.fresh() is work:
            heapq.heappop(self._fresh)
        self._push(self._ready.setdefault(work.resources, []), work)

    def take(self, work: Work) -> Work:
        """The first of its kind, which is handed out."""
        return heapq.heappop(self._ready[work.resources])[1]

    def finish(self, work: Work) -> None:
        """What needs only this may begin."""
        if self.fresh() is work:
            heapq.heappop(self._fresh)
        self.left -= 1
        for later in self._after.pop(work.makes, []):
            self._missing[later.makes].discard(work.makes)
            if not self._missing[later.makes]:
                self._push(self._fresh, later)

    def drop(self, work: Work) -> int:
        """Gives up a piece and all that needs it; returns how many others that are."""
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
