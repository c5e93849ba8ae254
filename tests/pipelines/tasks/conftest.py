"""A vocabulary whose text is a token a word, and material with known words and frames."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, groupby
from random import Random

import pytest

from weft.pipelines.tasks.base import Material, Spoken, Task
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Alignment, Audio, Codes, Utterance, Word
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary

MARKERS = ("text", "speech", "asr", "tts", "pad", "end")
MODALITIES = {"speech": "speech", "tts": "speech"}
VOCABULARY = Vocabulary(
    text_size=1000,
    bos=0,
    markers=tuple(
        Marker(name=name, literal=f"[{name}]", id=1000 + n, modality=MODALITIES.get(name, "text"))
        for n, name in enumerate(MARKERS)
    ),
    codebooks=(
        Codebook(tokenizer="other", literal="[O{}]", first=1010, size=5),
        Codebook(tokenizer="hubert", literal="[Hu{}]", first=1100, size=50),
    ),
    size=1200,
    text_fingerprint="",
)


def spell(text: str) -> list[int]:
    """A token a word: `w12` is 13."""
    return [int(word[1:]) + 1 for word in text.split()]


@pytest.fixture
def builder() -> Callable[[], SampleBuilder]:
    return lambda: SampleBuilder(VOCABULARY, spell)


def codes_of(name: str, rate: float, ids: Sequence[int], durations: Sequence[int]) -> Codes:
    """The codes of one tokenizer, of an utterance as long as they are."""
    ends = list(accumulate(durations, initial=0))
    return Codes(
        key="u-0", seconds=ends[-1] / rate, tokenizers=(name,), models=("m",), rate=rate, ticks=ends[-1],
        which=(0,) * len(ids), ids=tuple(ids), starts=tuple(ends[:-1]),
    )  # fmt: skip


@pytest.fixture
def codes() -> Callable[..., Codes]:
    return codes_of


@pytest.fixture
def material() -> Callable[..., Material]:
    """`words` words of random lengths, and random codes in runs."""

    def made(words: int, seed: int = 0, dedup: bool = True, rate: float = 25.0) -> Material:
        random = Random(seed)
        timed, now = [], random.uniform(0, 0.3)
        for n in range(words):
            end = now + random.uniform(0.05, 0.6)
            timed.append(Word(f"w{n}", now, end))
            now = end + random.choice((0.0, random.uniform(0, 0.4)))
        seconds = now + random.uniform(0.05, 0.3)
        text = " ".join(w.text for w in timed)
        utterance = Utterance(
            key="u-0", recording="u", source="speech", audio=Audio("/a"), sha256="", start=0.0, end=seconds, text=text
        )
        count = int(seconds * rate)
        frames = [code for _ in range(count) for code in [random.randrange(50)] * random.randint(1, 3)][:count]
        runs = [(code, len(list(run))) for code, run in groupby(frames)] if dedup else [(code, 1) for code in frames]
        ids, durations = (tuple(column) for column in zip(*runs, strict=True))
        codes = replace(codes_of("hubert", rate, ids, durations), seconds=seconds)
        alignment = Alignment(key="u-0", seconds=seconds, aligner="x", words=tuple(timed), score=0.0)
        return Material(utterance, (Spoken(utterance=utterance, alignment=alignment, codes={"hubert": codes}),))

    return made


@pytest.fixture
def woven(builder: Callable[[], SampleBuilder]) -> Callable[..., SampleBuilder]:
    """The draft of a task over material, whose segments are checked to cover the ids once, in order."""

    def compose(task: Task, material: Material, seed: int = 0) -> SampleBuilder:
        made = builder()
        made.begin()
        task.compose(material, made, Random(seed))
        bounds = [bound for s in made.segments for bound in (s.begin, s.end)]
        assert bounds[::2] == [0, *bounds[1:-1:2]] and bounds[-1] == len(made.ids)
        assert all(s.begin < s.end for s in made.segments)
        return made

    return compose


@pytest.fixture
def names() -> Callable[[int], str]:
    """What an id is: a marker's name, `wN`, `hN` or `bos`."""

    def name(i: int) -> str:
        if i >= 1100:
            return f"h{i - 1100}"
        return MARKERS[i - 1000] if i >= 1000 else f"w{i - 1}" if i else "bos"

    return name
