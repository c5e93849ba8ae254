"""Text alone: `[Text]In the beginning …`"""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.ledger import Unusable
from weft.schemas.text import Document


class Task(base.Task):
    """A document a sample. `open` is the marker before it ("": none)."""

    takes: ClassVar[type] = Document

    open: str = "text"

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.open}) - {""}

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        if not material.text:
            raise Unusable("no_text", "the document has no text")
        builder.marker(self.open)
        builder.text(material.text)
