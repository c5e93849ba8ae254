"""Word-level interleaving: every word once, in text or in speech, at exact boundaries."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.pipelines.merge import merge
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder, frame
from weft.pipelines.tasks.words import Task, boundaries
from weft.schemas.audio import Alignment, Word
from weft.schemas.ledger import Unusable
from weft.schemas.recipe_sections import StreamSettings

RANGE = st.tuples(st.integers(1, 8), st.integers(0, 8)).map(lambda r: (r[0], r[0] + r[1]))
SEED = st.integers(0, 10**6)
FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
Make, Weave = Callable[..., Material], Callable[..., SampleBuilder]


def task(text: tuple[int, int] = (2, 4), speech: tuple[int, int] = (3, 5)) -> Task:
    return Task(sources=("speech",), stream="hubert", text_words=text, speech_words=speech)


class TestSpans:
    @given(text=RANGE, speech=RANGE, more=st.integers(0, 80), seed=SEED)
    def test_they_cover_every_word_once_and_keep_their_lengths(
        self, text: tuple[int, int], speech: tuple[int, int], more: int, seed: int
    ) -> None:
        words = text[0] + speech[0] + more
        spans = task(text, speech).spans(words, Random(seed))
        limits = {"text": text, "speech": speech}
        assert spans[0].begin == 0 and spans[-1].end == words
        assert all(one.end == two.begin and one.modality != two.modality for one, two in pairwise(spans))
        assert {s.modality for s in spans} == {"text", "speech"}
        assert all(limits[s.modality][0] <= s.end - s.begin for s in spans)
        assert all(s.end - s.begin <= limits[s.modality][1] for s in spans[:-1])
        # the tail that joins the last span is shorter than the least of the other modality
        last = spans[-1]
        other = limits["text" if last.modality == "speech" else "speech"]
        assert last.end - last.begin < limits[last.modality][1] + other[0]

    @given(words=st.integers(0, 4))
    def test_too_few_words_are_rejected(self, words: int) -> None:
        with pytest.raises(Unusable) as fault:
            task((2, 4), (3, 5)).spans(words, Random(0))
        assert fault.value.reason == "too_few_words"

    def test_lengths_are_drawn_over_their_whole_range_and_both_may_begin(self) -> None:
        drawn = [task().spans(200, Random(seed)) for seed in range(40)]
        lengths = {(s.modality, s.end - s.begin) for spans in drawn for s in spans[:-1]}
        assert lengths == {("text", 2), ("text", 3), ("text", 4), ("speech", 3), ("speech", 4), ("speech", 5)}
        assert {spans[0].modality for spans in drawn} == {"text", "speech"}

    def test_the_seed_decides(self) -> None:
        assert task().spans(60, Random(5)) == task().spans(60, Random(5))
        assert len({tuple(task().spans(60, Random(seed))) for seed in range(20)}) > 15

    @pytest.mark.parametrize("wrong", [(0, 3), (4, 3), (-1, -1)])
    def test_a_range_that_is_none_is_refused(self, wrong: tuple[int, int]) -> None:
        with pytest.raises(ValidationError, match="is no range"):
            task(text=wrong)


class TestWeave:
    @given(words=st.integers(5, 40), seed=SEED, dedup=st.booleans())
    @FIXTURES
    def test_every_word_is_written_or_spoken_once(
        self, material: Make, woven: Weave, names: Callable[[int], str], words: int, seed: int, dedup: bool
    ) -> None:
        given = material(words, seed, dedup)
        made = woven(task(), given, seed)
        spans = task().spans(words, Random(seed))
        written = [names(i) for s in made.segments if s.role == "text" for i in made.ids[s.begin : s.end]]
        assert written == [f"w{n}" for s in spans if s.modality == "text" for n in range(s.begin, s.end)]
        assert [names(made.ids[s.begin]) for s in made.segments if s.role == "marker"] == [s.modality for s in spans]
        codes = given.spoken[0].codes["hubert"]
        bounds = [frame(b, 25.0) for b in boundaries(given.spoken[0].words)]
        bounds[-1] = codes.ticks
        spans_of_codes = [s for s in spans if s.modality == "speech"]
        begun = [
            [
                code
                for code, start in zip(codes.ids, codes.starts, strict=True)
                if bounds[s.begin] <= start < bounds[s.end]
            ]
            for s in spans_of_codes
        ]
        units = [s for s in made.segments if s.role == "codes"]
        assert [[i - 1100 for i in made.ids[s.begin : s.end]] for s in units] == [ids for ids in begun if ids]

    @given(words=st.integers(5, 40), seed=SEED, dedup=st.booleans())
    @FIXTURES
    def test_spans_that_meet_neither_lose_nor_repeat_a_code_of_any_tokenizer(
        self, material: Make, builder: Callable[[], SampleBuilder], words: int, seed: int, dedup: bool
    ) -> None:
        """Were every span spoken, the codes of a merged stream would be those of the utterance."""
        given = material(words, seed, dedup)
        codes = given.spoken[0].codes["hubert"]
        other = replace(
            codes, tokenizers=("other",), rate=12.5, ticks=len(codes.ids), starts=tuple(range(len(codes.ids)))
        )
        other = replace(other, ids=tuple(code % 5 for code in codes.ids))
        merged = merge([other, codes], StreamSettings(merge="time", of=("other", "hubert")))
        bounds: list[float | None] = [*boundaries(given.spoken[0].words)[:-1], None]
        ids = [i for start, stop in pairwise(bounds) for i in builder().code_ids(merged, start or 0.0, stop)]
        assert [i - 1100 for i in ids if i >= 1100] == list(codes.ids)
        assert [i - 1010 for i in ids if i < 1100] == list(other.ids)

    def test_another_pass_has_other_spans(self, material: Make, woven: Weave) -> None:
        given = material(40)
        assert woven(task(), given, 1).ids == woven(task(), given, 1).ids
        assert len({tuple(woven(task(), given, seed).ids) for seed in range(6)}) == 6

    def test_everything_counts_but_the_bos(self, material: Make, woven: Weave) -> None:
        made = woven(task(), material(20))
        assert [s.loss for s in made.segments] == [False] + [True] * (len(made.segments) - 1)


def test_boundaries_lie_in_the_middle_of_pauses() -> None:
    words = (Word("a", 0.2, 0.5), Word("b", 0.7, 1.0), Word("c", 1.0, 1.4))
    assert boundaries(Alignment(key="k", seconds=2.0, aligner="x", words=words, score=0.0)) == [
        0.0,
        pytest.approx(0.6),
        1.0,
        2.0,
    ]
