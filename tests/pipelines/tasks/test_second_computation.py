"""An Expressive stream, a TA4 answer and a 10 : 6 : 9 answer beside the same ids computed another way, with nothing but lists."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from weft.pipelines.merge import Merge
from weft.pipelines.parts.joining import JoinedRow
from weft.pipelines.tasks import speech, turns
from weft.pipelines.tasks.base import Material, Spoken, Task
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Audio, Codes, Utterance
from weft.schemas.recipe_sections import StreamSettings
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary

FIRST = {"style": 2000, "pitch": 3000, "hubert": 4000, "fsq": 5000, "linguistic": 20000, "semantic": 30000}
MARKERS = {
    "speech": 1000,
    "bot": 1001,
    "eot": 1002,
    "tts-start": 1003,
    "tts-end": 1004,
    "tts-pad": 1005,
    "audio-pad": 1006,
}
TEMPLATE = {"open": "bot", "close": "eot"}
VOCABULARY = Vocabulary(
    text_size=1000,
    bos=None,
    markers=tuple(Marker(name=name, literal=f"<{name}>", id=i, modality="speech") for name, i in MARKERS.items()),
    codebooks=tuple(
        Codebook(tokenizer=name, literal=f"<{name}_{{}}>", first=first, size=900) for name, first in FIRST.items()
    ),
    size=40000,
    text_fingerprint="",
)
SEEDS = range(8)


def spell(text: str) -> list[int]:
    """A token a word: `7` is 7, and any other is 999."""
    return [int(word) if word.isdigit() else 999 for word in text.split()]


def codes(name: str, rate: float, ids: Sequence[int], starts: Sequence[int], ticks: int) -> Codes:
    return Codes(
        key="u", seconds=ticks / rate, tokenizers=(name,), models=("m",), rate=rate, ticks=ticks, which=(0,) * len(ids),
        ids=tuple(ids), starts=tuple(starts),
    )  # fmt: skip


def steady(name: str, rate: float, ids: Sequence[int]) -> Codes:
    return codes(name, rate, ids, range(len(ids)), len(ids))


def written(task: Task, streams: dict[str, Codes], words: Sequence[int]) -> list[int]:
    """The ids that the task writes of an utterance."""
    utterance = Utterance(
        key="u",
        recording="r",
        source="s",
        audio=Audio("/a"),
        sha256="",
        start=0.0,
        end=9.0,
        text=" ".join(map(str, words)),
    )
    builder = SampleBuilder(VOCABULARY, spell)
    builder.begin()
    task.compose(Material(source=utterance, spoken=(Spoken(utterance=utterance, codes=streams),)), builder, Random(0))
    return list(builder.ids)


def numbers(random: Random, count: int) -> list[int]:
    return [random.randrange(900) for _ in range(count)]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_expressive_stream(seed: int) -> None:
    """Recipes.md §2: sorted by the time of each, ties in the order style, pitch, units; units and pitch without repeats."""
    random, seconds = Random(seed), 4
    frames = {"style": seconds, "pitch": 12 * seconds + seconds // 2, "hubert": 25 * seconds}
    rates = {"style": 1.0, "pitch": 12.5, "hubert": 25.0}
    spoken = {name: [random.randrange(4) for _ in range(count)] for name, count in frames.items()}
    streams, timed = {}, []
    for place, (name, ids) in enumerate(spoken.items()):
        kept = [n for n in range(len(ids)) if name == "style" or n == 0 or ids[n] != ids[n - 1]]
        streams[name] = codes(name, rates[name], [ids[n] for n in kept], kept, len(ids))
        timed += [(Fraction(n) / Fraction(rates[name]), place, FIRST[name] + ids[n]) for n in kept]
    utterance = Utterance(key="u", recording="r", source="s", audio=Audio("/a"), sha256="", start=0.0, end=4.0)
    (merged,) = Merge(name="expressive", stream=StreamSettings(merge="time", of=tuple(spoken)))(
        [JoinedRow(utterance=utterance, codes=streams)]
    )
    task = speech.Task(sources=("s",), stream="expressive")
    assert written(task, {"expressive": merged}, []) == [1000, *(one for _, _, one in sorted(timed))]  # type: ignore[dict-item]


def answer(say: dict[str, Any], **markers: str) -> turns.Task:
    turn = {"role": "assistant", "say": say, **markers}
    return turns.Task.model_validate({"sources": ("s",), "template": TEMPLATE, "turns": [turn]})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ta4_answer(seed: int) -> None:
    """Recipes.md §3: one text token, four of audio; text is padded to ceil(audio / 4), audio to whole groups."""
    random = Random(seed)
    words, audio = numbers(random, random.randrange(1, 30)), numbers(random, random.randrange(1, 90))
    say = {"of": ["text", "fsq"], "sizes": [1, 4], "text_pad": "tts-pad", "audio_pad": "audio-pad"}
    task = answer(say, open="tts-start", close="tts-end")
    expected = [1001, 999, 1003]  # <|BOT|>, "assistant\n", <tts_start>
    group = 0
    while group < len(words) or 4 * group < len(audio):
        expected.append(words[group] if group < len(words) else 1005)
        for n in range(4 * group, 4 * group + 4):
            expected.append(5000 + audio[n] if n < len(audio) else 1006)
        group += 1
    assert written(task, {"fsq": steady("fsq", 25.0, audio)}, words) == [*expected, 1004, 1002]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_10_6_9_answer(seed: int) -> None:
    """Recipes.md §4: ten of text, six linguistic, nine semantic; once the text ends, groups carry audio alone."""
    random, groups = Random(seed), 3 + seed
    words, slow, fast = (
        numbers(random, random.randrange(1, 40)),
        numbers(random, 6 * groups),
        numbers(random, 9 * groups),
    )
    task = answer({"of": ["text", "linguistic", "semantic"], "sizes": [10, 6, 9]})
    expected = [1001, 999]
    for n in range(max(groups, -(-len(words) // 10))):
        expected += words[10 * n : 10 * n + 10]
        expected += [20000 + one for one in slow[6 * n : 6 * n + 6]] + [30000 + one for one in fast[9 * n : 9 * n + 9]]
    streams = {"linguistic": steady("linguistic", 50 / 3, slow), "semantic": steady("semantic", 25.0, fast)}
    assert written(task, streams, words) == [*expected, 1002]
