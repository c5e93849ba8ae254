"""The mixture: which task each draw comes from, exact in the declared unit at every prefix.

    weave([iter([3, 3, 3]), iter([9, 9])], weights=[Fraction(1, 2)] * 2, size=18)  ->  0, 1, 0, 0

It is fair queueing: a draw of cost c takes c from a share that flows in continuously, so each sample has a moment at
which its share begins to flow and one at which it is complete. Of the samples whose moment has begun, the one that
completes first is drawn (WF²Q, Bennett and Zhang 1996). With got_i drawn of task i, T drawn in all, w_i its share, l_i
its largest sample and L the largest of all, every prefix keeps

    -(1 - w_i) l_i - w_i L  <=  got_i - w_i T  <=  (1 - w_i) l_i

and the stream ends with the draw that reaches `size`, so the same holds of the whole: within one sample a task.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import lcm


class Exhausted(Exception):
    """Task `task` has no sample left, with `got` drawn of it."""

    def __init__(self, task: int, got: int) -> None:
        super().__init__(f"task {task} ended at {got}")
        self.task, self.got = task, got


def weave(costs: Sequence[Iterator[int]], weights: Sequence[Fraction], size: int) -> Iterator[int]:
    """The task of each draw, until `size` is drawn. `costs` gives each task's samples in order, each above 0.

    Raises Exhausted when the task whose turn it is has run out. All arithmetic is in whole numbers.
    """
    scale = lcm(*(w.denominator for w in weights))
    shares = [int(w * scale) for w in weights]
    common = lcm(*shares)
    # Moments count 1/common of a unit of the whole stream; a unit of task i takes steps[i] of them to flow in.
    steps = [scale * (common // share) for share in shares]
    tasks = range(len(shares))
    heads = [next(c, 0) for c in costs]
    begins = [0] * len(shares)
    ends = [head * step for head, step in zip(heads, steps, strict=True)]
    now, last = 0, size * common
    while now < last:
        pick, soonest = -1, 0
        for i in tasks:
            if begins[i] <= now and (pick < 0 or ends[i] < soonest):
                pick, soonest = i, ends[i]
        head = heads[pick]
        if not head:
            raise Exhausted(pick, begins[pick] // steps[pick])
        yield pick
        now += head * common
        begins[pick] = soonest
        heads[pick] = head = next(costs[pick], 0)
        ends[pick] = soonest + head * steps[pick]
