"""Text alone: `[Text]In the beginning …`"""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.ledger import Unusable
from weft.schemas.text import Document


class Task(base.Task):
    """A document a sample."""

    takes: ClassVar[type] = Document

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"text"})

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        builder.marker("text")
        if not material.text:
            raise Unusable("no_text", "the document has no text")
        builder.text(material.text)
