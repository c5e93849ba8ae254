"""Halves of an utterance: the second is all that counts, and is what it would be without the first."""

from random import Random

import pytest

from weft.benchmarks.learning.halves import HalfModality, Task
from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Alignment, Audio, Codes, Utterance, Word
from weft.schemas.ledger import Unusable
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary

VOCABULARY = Vocabulary(
    text_size=10,
    bos=None,
    markers=(
        Marker(name="text", literal="[Text]", id=10, modality="text"),
        Marker(name="speech", literal="[Speech]", id=11, modality="speech"),
        Marker(name="asr", literal="[ASR]", id=12, modality="text"),
    ),
    codebooks=(Codebook(tokenizer="hubert", literal="[Hu{}]", first=20, size=10),),
    size=30,
    text_fingerprint="",
)
WORDS = ("w1", "w2", "w3")


def material(words: int = 3) -> Material:
    """A second a word; a code every half second."""
    seconds = float(words)
    utterance = Utterance(
        key="u-0", recording="u", source="speech", audio=Audio("/a"), sha256="", start=0.0, end=seconds,
        text=" ".join(WORDS[:words]),
    )  # fmt: skip
    timed = tuple(Word(word, float(n), n + 1.0) for n, word in enumerate(WORDS[:words]))
    alignment = Alignment(key="u-0", seconds=seconds, aligner="x", words=timed, score=0.0)
    count = 2 * words
    codes = Codes(
        key="u-0", seconds=seconds, tokenizers=("hubert",), models=("m",), rate=2.0, ticks=count,
        which=(0,) * count, ids=tuple(range(count)), starts=tuple(range(count)),
    )  # fmt: skip
    return Material(utterance, (Spoken(utterance=utterance, alignment=alignment, codes={"hubert": codes}),))


def composed(given: HalfModality, say: HalfModality, opened: str = "", words: int = 3) -> tuple[list[int], list[int]]:
    """The ids, and those that count."""
    builder = SampleBuilder(VOCABULARY, lambda text: [int(word[1:]) for word in text.split()])
    task = Task(sources=("speech",), stream="hubert", given=given, say=say, open=opened)
    task.compose(material(words), builder, Random(0))
    counted = [i for s in builder.segments if s.loss for i in builder.ids[s.begin : s.end]]
    return builder.ids, counted


def test_text_follows_codes_and_counts_without_its_marker() -> None:
    assert composed("speech", "text", "asr") == ([11, 20, 21, 12, 2, 3], [2, 3])


def test_codes_follow_text_and_count_without_their_marker() -> None:
    assert composed("text", "speech", "speech") == ([10, 1, 11, 22, 23, 24, 25], [22, 23, 24, 25])


@pytest.mark.parametrize(
    ("given", "say"), [("text", "text"), ("speech", "text"), ("text", "speech"), ("speech", "speech")]
)
def test_the_second_half_is_the_same_whatever_stands_before_it(given: HalfModality, say: HalfModality) -> None:
    assert composed(given, say)[1] == ([2, 3] if say == "text" else [22, 23, 24, 25])


def test_an_utterance_of_one_word_has_no_halves() -> None:
    with pytest.raises(Unusable) as fault:
        composed("text", "speech", words=1)
    assert fault.value.reason == "too_few_words"
