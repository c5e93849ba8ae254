"""Questions about a voice whose gender, emotion, speed, pitch, rhythm and language are known by construction.

voice_questions(1, seed=7)
->  ("voice-7-000000", VoiceQuestion(text="Grace …", variant="m2", aspect="gender", question="Does a …?", answer="A man speaks."))

What each must measure is in `is_as_designed`: a design that the voice did not follow is no question.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from weft.pipelines.voices.common.measured import VoiceMeasures
from weft.pipelines.writers.common.lexicon import TOPICS
from weft.pipelines.writers.common.sentences import sentence_of
from weft.pipelines.writers.pairs import pair_of
from weft.schemas.fingerprint import hash64

VERSION = "1"  # raised whenever an item comes out otherwise
# variants of espeak; the women's medians are 174 Hz and more, those of the men 108 and less
WOMEN = ("f1", "f2", "f3", "f4", "f5")
MEN = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8")
BETWEEN = 145.0  # Hz
_HIGH, _LOW = 1.35, 0.75  # factors of the pitch
_PAUSE = 0.8  # seconds
_CLEAR = 1.08  # a factor that a listener hears, of pitch or of rate
_NAMES = {"en-us": "English", "de": "German"}


@dataclass(frozen=True, slots=True)
class VoiceQuestion:
    """What is spoken and how (`pitch` is a factor, `pause` seconds in the middle), what is asked of it, and the answer."""

    text: str
    language: str
    variant: str
    aspect: str
    question: str
    answer: str
    emotion: str = ""
    level: int = 1
    speed: str = ""
    pitch: float = 1.0
    pause: float = 0.0

    @property
    def is_woman(self) -> bool:
        return self.variant in WOMEN

    def plain(self) -> "VoiceQuestion":
        """The same words in the same voice, without any emotion or speed: what the measurements are compared with."""
        return replace(self, emotion="", level=1, speed="", pitch=1.0, pause=0.0)

    def is_as_designed(self, measures: VoiceMeasures, plain: VoiceMeasures) -> bool:
        """Whether the measured voice agrees with the design, the plain one being beside it."""
        return all(_CHECKS[aspect](self, measures, plain) for aspect in {"gender", self.aspect} & _CHECKS.keys())


def voice_questions(n: int, seed: int) -> Iterator[tuple[str, VoiceQuestion]]:
    """`n` questions with their keys; the i-th depends on the seed and i alone. The aspects come in turn."""
    for i in range(n):
        random = Random(hash64("voice", seed, i))
        language = random.choice(tuple(_NAMES))
        text = sentence_of(random, random.choice(TOPICS)) if language == "en-us" else pair_of(random).de
        base = VoiceQuestion(
            text=text, language=language, variant=random.choice((*WOMEN, *MEN)), aspect="", question="", answer=""
        )
        yield f"voice-{seed}-{i:06d}", _ASPECTS[i % len(_ASPECTS)](random, base)


def _gender(random: Random, base: VoiceQuestion) -> VoiceQuestion:
    answer = "A woman speaks." if base.is_woman else "A man speaks."
    return replace(base, aspect="gender", question="Does a man or a woman speak?", answer=answer)


def _emotion(random: Random, base: VoiceQuestion) -> VoiceQuestion:
    emotion = random.choice(("happy", "angry", "sad"))
    asked, answer = "What emotion does the speaker show?", f"The speaker is {emotion}."
    return replace(base, aspect="emotion", emotion=emotion, level=random.choice((4, 5)), question=asked, answer=answer)


def _speed(random: Random, base: VoiceQuestion) -> VoiceQuestion:
    speed, word = random.choice((("slow2", "slowly"), ("fast2", "fast")))
    return replace(
        base,
        aspect="speed",
        speed=speed,
        question="How fast does the speaker talk?",
        answer=f"The speaker talks {word}.",
    )


def _pitch(random: Random, base: VoiceQuestion) -> VoiceQuestion:
    pitch, word = random.choice(((_HIGH, "high"), (_LOW, "low")))
    kind = "woman" if base.is_woman else "man"
    return replace(
        base,
        aspect="pitch",
        pitch=pitch,
        question=f"Is the voice high or low for a {kind}?",
        answer=f"It is {word} for a {kind}.",
    )


def _rhythm(random: Random, base: VoiceQuestion) -> VoiceQuestion:
    pause, answer = random.choice(
        ((_PAUSE, "Yes, there is a long pause in the middle."), (0.0, "No, the speech flows evenly."))
    )
    return replace(base, aspect="rhythm", pause=pause, question="Does the speaker pause?", answer=answer)


def _language(random: Random, base: VoiceQuestion) -> VoiceQuestion:
    answer = f"It is {_NAMES[base.language]}."
    return replace(base, aspect="language", question="Which language is spoken?", answer=answer)


_ASPECTS: tuple[Callable[[Random, VoiceQuestion], VoiceQuestion], ...] = (
    _gender, _emotion, _speed, _pitch, _rhythm, _language,
)  # fmt: skip


def _on_the_side_of(factor: float, ratio: float) -> bool:
    """Whether a measured ratio lies clearly on the designed side."""
    return ratio > _CLEAR if factor > 1 else ratio < 1 / _CLEAR


def _of_gender(one: VoiceQuestion, measures: VoiceMeasures, plain: VoiceMeasures) -> bool:
    return (plain.pitch > BETWEEN) is one.is_woman


def _of_emotion(one: VoiceQuestion, measures: VoiceMeasures, plain: VoiceMeasures) -> bool:
    pitch, rate = measures.pitch / plain.pitch, measures.rate / plain.rate
    return {
        "happy": pitch > _CLEAR and rate > 1,
        "angry": pitch > 1 and rate > _CLEAR,
        "sad": pitch < 1 / _CLEAR and rate < 1 / _CLEAR,
    }[one.emotion]


def _of_speed(one: VoiceQuestion, measures: VoiceMeasures, plain: VoiceMeasures) -> bool:
    return _on_the_side_of(2.0 if one.speed.startswith("fast") else 0.5, measures.rate / plain.rate)


def _of_pitch(one: VoiceQuestion, measures: VoiceMeasures, plain: VoiceMeasures) -> bool:
    return _on_the_side_of(one.pitch, measures.pitch / plain.pitch)


def _of_rhythm(one: VoiceQuestion, measures: VoiceMeasures, plain: VoiceMeasures) -> bool:
    return (measures.pause > _PAUSE / 2) is bool(one.pause) and plain.pause <= _PAUSE / 2


_CHECKS = {"gender": _of_gender, "emotion": _of_emotion, "speed": _of_speed, "pitch": _of_pitch, "rhythm": _of_rhythm}
