"""A task turns one utterance (or document) into one sample. The base keeps the books; the leaf says what comes when.

class Task(base.Task):
    def weave(self, material, draft, random):
        draft.marker("speech"); draft.units(material.units, 0.0, material.seconds)
"""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from weft.pipelines.tasks.common.sample_builder import Draft
from weft.schemas.audio import Alignment, Units, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.settings import Versioned
from weft.schemas.splits import Split
from weft.schemas.text import Document


@dataclass(frozen=True, slots=True)
class Material:
    """What a task may draw on; what its `needs` do not name is None."""

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

    `needs` lists what must be there: "alignment", "units"; `takes` is Utterance or Document.
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

    def weave(self, material: Material, draft: Draft, random: Random) -> None:
        """Writes the sample into the draft. Raises Unusable. `random` is seeded by (sample key, pass)."""
        raise NotImplementedError


def transcript(material: Material) -> str:
    """The text. Raises Unusable when there is none."""
    if not material.text:
        raise Unusable("no_transcript", "this task needs a transcript")
    return material.text
