"""Recognition: the speech, then its transcript (Spirit LM +ASR+TTS).

[Speech][Hu7][Hu41]…[ASR] and so my fellow americans
"""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material, transcript
from weft.pipelines.tasks.common.sample_builder import Draft


class Task(base.Task):
    """`loss_on_input` counts the speech too; without it only the transcript and its marker are learnt."""

    needs: ClassVar[frozenset[str]] = frozenset({"units"})

    loss_on_input: bool = False

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"speech", "asr"})

    def weave(self, material: Material, draft: Draft, random: Random) -> None:
        assert material.units
        text = transcript(material)
        draft.marker("speech", role="input", loss=self.loss_on_input)
        draft.units(material.units, 0.0, material.seconds, role="input", loss=self.loss_on_input)
        draft.marker("asr", role="target")
        draft.text(f" {text}", 0.0, material.seconds, role="target")
