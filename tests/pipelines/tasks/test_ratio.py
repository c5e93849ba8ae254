"""Fixed-ratio interleaving: n text tokens, then m audio tokens, and again."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft.pipelines.tasks.base import TaskInput
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.ratio import Task
from weft.schemas.audio import Units
from weft.schemas.ledger import Unusable

FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
Make, Weave, Names = Callable[..., TaskInput], Callable[..., SampleBuilder], Callable[[int], str]


def task(**settings: object) -> Task:
    return Task.model_validate({"sources": ("speech",), "tokenizer": "hubert", **settings})


def of(task_input: Make, words: int, codes: int) -> TaskInput:
    ids = tuple(n % 50 for n in range(codes))
    return replace(
        task_input(words),
        units=Units(key="u-0", seconds=1.0, tokenizer="hubert", model="m", rate=25.0, ids=ids, durations=(1,) * codes),
    )


@given(n=st.integers(1, 4), m=st.integers(1, 6), words=st.integers(1, 25), codes=st.integers(0, 60), pad=st.booleans())
@FIXTURES
def test_the_pattern_holds_and_nothing_is_lost(
    task_input: Make, woven: Weave, names: Names, n: int, m: int, words: int, codes: int, pad: bool
) -> None:
    made = woven(task(text=n, audio=m, text_pad="pad" if pad else ""), of(task_input, words, codes))
    begin, body = [names(i) for i in made.ids[:2]], [names(i) for i in made.ids[2:]]
    texts = [f"w{i}" for i in range(words)]
    audio = [f"h{i % 50}" for i in range(codes)]
    rounds = max(-(-codes // m), -(-words // n))
    if pad:
        texts += ["pad"] * (-(-codes // m) * n - words)
    assert begin == ["bos", "speech"]
    assert body == [x for i in range(rounds) for x in (*texts[i * n : i * n + n], *audio[i * m : i * m + m])]


def test_one_to_four_as_it_is_served(task_input: Make, woven: Weave, names: Names) -> None:
    made = woven(task(text_pad="pad", stop="end"), of(task_input, 2, 10))
    assert " ".join(map(names, made.ids)) == "bos speech w0 h0 h1 h2 h3 w1 h4 h5 h6 h7 pad h8 h9 end"


def test_without_padding_the_audio_goes_on_alone(task_input: Make, woven: Weave, names: Names) -> None:
    made = woven(task(), of(task_input, 1, 9))
    assert " ".join(map(names, made.ids)) == "bos speech w0 h0 h1 h2 h3 h4 h5 h6 h7 h8"


def test_text_that_outlasts_the_audio_follows_it(task_input: Make, woven: Weave, names: Names) -> None:
    made = woven(task(start=""), of(task_input, 4, 4))
    assert " ".join(map(names, made.ids)) == "bos w0 h0 h1 h2 h3 w1 w2 w3"


def test_a_transcript_is_needed(task_input: Make, woven: Weave) -> None:
    given = of(task_input, 2, 4)
    with pytest.raises(Unusable) as fault:
        woven(task(), replace(given, source=replace(given.source, text="")))
    assert fault.value.reason == "no_transcript"
