"""A task turns one utterance (or document) into one sample. The base checks and counts; the leaf writes the tokens in order.

class Task(base.Task):
    def compose(self, task_input, builder, random):
        builder.marker("speech"); builder.units(task_input.units, 0.0, task_input.seconds)
"""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Alignment, Units, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.settings import Versioned
from weft.schemas.splits import Split
from weft.schemas.text import Document


@dataclass(frozen=True, slots=True)
class TaskInput:
    """The input of a task; None where the task's `needs` do not name it."""

    source: Utterance | Document
    alignment: Alignment | None = None
    units: Units | None = None

    @property
    def text(self) -> str:
        return self.source.text or ""

    @property
    def seconds(self) -> float:
        return self.source.seconds


class Task(Versioned):
    """`sources` and `split` are the recipe's; `tokenizer` is the one whose units are used (the recipe's first, unless named).

    `needs` lists the required inputs: "alignment", "units"; `takes` is Utterance or Document.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    takes: ClassVar[type] = Utterance

    sources: tuple[str, ...]
    split: Split = "train"
    tokenizer: str = ""

    @property
    def markers(self) -> frozenset[str]:
        """The vocabulary's markers that it writes, by name."""
        raise NotImplementedError

    def compose(self, task_input: TaskInput, builder: SampleBuilder, random: Random) -> None:
        """Writes the sample into the builder. Raises Unusable. `random` is seeded by (sample key, pass)."""
        raise NotImplementedError


def transcript(task_input: TaskInput) -> str:
    """The text. Raises Unusable when there is none."""
    if not task_input.text:
        raise Unusable("no_transcript", "this task needs a transcript")
    return task_input.text
