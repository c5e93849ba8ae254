"""Scenes of synthetic sounds (bell, drum, rain, engine, birdsong, beep, music), alone, in order and mixed.

sounds: {use: scenes, count: 200}
Recording(text=None, fields=(Field("caption", "A bell rings, then a drum beats."), Field("question", …), Field("answer", …), …))

Nobody speaks in them. The field `thought` is a chain of thought that leads to the answer.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict

from pydantic import Field as Setting

from weft.pipelines.audio.sound import flac
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.written import written_item
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.common.sounds import RATE
from weft.pipelines.writers.scenes import VERSION, Scene, SoundEvent, scenes
from weft.schemas.audio import Audio, Field, Recording
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import Reject

LONGEST = 7.0  # seconds: three sounds of 2 s and the silence between them last 6.6
_FIELDS = ("caption", "question", "answer", "thought", "aspect")


class Source(SpeechSource):
    """`count` scenes; the i-th depends on `seed` and i alone."""

    count: int = Setting(default=20, ge=1)
    seed: int = 1

    @property
    def opens_files(self) -> bool:
        return False

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset(_FIELDS)

    @property
    def facts(self) -> Facts:
        return Facts(fields=self.field_names, has_text=False, most_utterances=1, longest=LONGEST)

    def version(self) -> str:
        return f"1, scenes {VERSION}"

    def seconds_of(self, item: Item) -> float:
        return float(max(event["end"] for event in json.loads(item.payload)["events"]))

    def items(self, name: str) -> Iterator[Item]:
        for key, scene in scenes(self.count, self.seed):
            yield written_item(name, key, json.dumps(asdict(scene)))

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable."""
        line = json.loads(item.payload)
        scene = Scene(**{**line, "events": tuple(SoundEvent(**event) for event in line["events"])})
        labels = Labels(fields=tuple(Field(name, getattr(scene, name)) for name in _FIELDS))
        yield from self.recordings(item, store, Audio("", data=flac(scene.samples(), RATE)), labels)
