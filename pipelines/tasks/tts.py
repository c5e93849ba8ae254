"""Synthesis: the transcript, then its speech (Spirit LM +ASR+TTS).

[Text] and so my fellow americans[TTS][Hu7][Hu41]…
"""

from random import Random
from typing import ClassVar

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material, transcript
from weft.pipelines.tasks.common.sample_builder import Draft


class Task(base.Task):
    """`loss_on_input` counts the text too; without it only the speech and its marker are learnt."""

    needs: ClassVar[frozenset[str]] = frozenset({"units"})

    loss_on_input: bool = False

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"text", "tts"})

    def weave(self, material: Material, draft: Draft, random: Random) -> None:
        assert material.units
        draft.marker("text", role="input", loss=self.loss_on_input)
        draft.text(f" {transcript(material)}", 0.0, material.seconds, role="input", loss=self.loss_on_input)
        draft.marker("tts", role="target")
        draft.units(material.units, 0.0, material.seconds, role="target")
