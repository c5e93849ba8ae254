"""Speech alone: `[Speech][Hu262][Hu208]…`; no transcript is needed."""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import Draft


class Task(base.Task):
    """An utterance a sample."""

    needs: ClassVar[frozenset[str]] = frozenset({"units"})

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"speech"})

    def weave(self, material: Material, draft: Draft, random: Random) -> None:
        assert material.units
        draft.marker("speech")
        draft.units(material.units, 0.0, material.seconds)
