"""Questions about a voice, which espeak speaks as each was designed, and whose answer is measured before it is believed.

voices: {use: questions, count: 200}
Recording(text="The farmer …", fields=(Field("question", "How fast does the speaker talk?"), Field("answer", …), …))

One that did not come out as it was designed is rejected (`not_as_designed`), with what was measured.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

from pydantic import Field as Setting

from weft.pipelines.audio.sound import flac
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.written import written_item
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Synthesized, style_for
from weft.pipelines.voices.common.measured import measured
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.voice_questions import VERSION, VoiceQuestion, voice_questions
from weft.schemas.audio import Audio, Field, Recording
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import Reject, Unusable

WORDS_A_SECOND = 3.0  # of espeak, about
LONGEST = 15.0  # seconds; the slowest of all that the writer makes last 10


class Source(SpeechSource):
    """`count` questions; the i-th depends on `seed` and i alone."""

    count: int = Setting(default=20, ge=1)
    seed: int = 1

    @property
    def opens_files(self) -> bool:
        return False

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset({"question", "answer", "aspect"})

    @property
    def facts(self) -> Facts:
        return Facts(fields=self.field_names, has_text=True, most_utterances=1, longest=LONGEST)

    def version(self) -> str:
        return f"1, questions {VERSION}, {Voice().version()}"

    def seconds_of(self, item: Item) -> float:
        return len(json.loads(item.payload)["text"].split()) / WORDS_A_SECOND

    def items(self, name: str) -> Iterator[Item]:
        for key, one in voice_questions(self.count, self.seed):
            yield written_item(name, key, json.dumps(asdict(one)))

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable."""
        one = VoiceQuestion(**json.loads(item.payload))
        spoken, plain = _spoken(one), _spoken(one.plain())
        measures, neutral = measured(spoken), measured(plain)
        if not one.is_as_designed(measures, neutral):
            raise Unusable(
                "not_as_designed", f"its {one.aspect} is not as designed: {measures}, and neutral: {neutral}"
            )
        labels = Labels(
            text=one.text, words=spoken.words, speaker=one.variant, language=one.language.partition("-")[0], emotion=one.emotion,
            fields=tuple(Field(name, getattr(one, name)) for name in ("question", "answer", "aspect")),
        )  # fmt: skip
        yield from self.recordings(item, store, Audio("", data=flac(spoken.samples, spoken.rate)), labels)


def _spoken(one: VoiceQuestion) -> Synthesized:
    voice = Voice(language=one.language, variants=(one.variant,))
    style = style_for(one.variant, one.emotion, one.level, cast=voice.styles()[:1], speed=one.speed)
    spoken = voice.speak(one.text, replace(style, pitch=style.pitch * one.pitch))
    return spoken.with_silence(one.pause, spoken.words[len(spoken.words) // 2].start)  # before the middle word
