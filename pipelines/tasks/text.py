"""Text alone: `[Text]In the beginning …`"""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material, transcript
from weft.pipelines.tasks.common.sample_builder import Draft
from weft.schemas.text import Document


class Task(base.Task):
    """A document a sample."""

    takes: ClassVar[type] = Document

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"text"})

    def weave(self, material: Material, draft: Draft, random: Random) -> None:
        draft.marker("text")
        draft.text(transcript(material))
