"""Makes the next items in a thread while the present one is used: members are decoded while the network is trained.

    with ahead(stream.batches(state)) as batches:
        for batch in batches: …

The order is that of the items, and what making one raises is raised where it would have been used. The thread ends with the block.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
DEPTH = 2  # items that are made and not yet used, at most
_END: Any = object()


@contextmanager
def ahead(items: Iterable[T], depth: int = DEPTH) -> Iterator[Iterator[T]]:
    """The items, at most `depth` of them made before they are asked for."""
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")
    try:
        yield _prepared(iter(items), thread, depth)
    finally:
        thread.shutdown(wait=True, cancel_futures=True)


def _prepared(items: Iterator[T], thread: ThreadPoolExecutor, depth: int) -> Iterator[T]:
    waiting: deque[Future[T]] = deque(thread.submit(next, items, _END) for _ in range(depth))
    while (item := waiting.popleft().result()) is not _END:
        waiting.append(thread.submit(next, items, _END))
        yield item
