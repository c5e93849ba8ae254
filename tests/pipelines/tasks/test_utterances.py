"""Utterances in chunks of text and of speech: each once, in order, in the modality that is due."""

from collections import Counter
from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.utterances import Task
from weft.schemas.audio import Audio, Codes, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.passage import Passage

Weave = Callable[..., SampleBuilder]
Names = Callable[[int], str]
SPEECH = {"say": "hubert", "open": "speech", "close": "end"}


def task(**given: Any) -> Task:
    return Task.model_validate(
        {"sources": ("talks",), "speech": SPEECH, "text": {"say": "text", "open": "text"}, **given}
    )


def passage(count: int, lost_text: int = -1, frames: int = 2) -> Material:
    """Utterance n lasts n + 1 seconds, is the word `wN`, and has the code N, `frames` times."""
    spoken = []
    for n in range(count):
        text = None if n == lost_text else f"w{n}"
        utterance = Utterance(
            key=f"r-{n}", recording="r", source="talks", audio=Audio("/a"), sha256="", start=100.0 * n,
            end=100.0 * n + n + 1, text=text,
        )  # fmt: skip
        codes = Codes(
            key=utterance.key, seconds=n + 1.0, tokenizers=("hubert",), models=("m",), rate=25.0, ticks=25 * (n + 1),
            which=(0,) * frames, ids=(n,) * frames, starts=tuple(range(frames)),
        )  # fmt: skip
        spoken.append(Spoken(utterance=utterance, codes={"hubert": codes}))
    return Material(Passage("r", tuple(one.utterance for one in spoken)), tuple(spoken))


def shown(made: SampleBuilder, names: Names) -> str:
    return " ".join(names(i) for i in made.ids)


def test_chunks_alternate_from_the_first_modality(woven: Weave, names: Names) -> None:
    assert shown(woven(task(first="text"), passage(3)), names) == "bos text w0 speech h1 h1 end text w2"
    assert shown(woven(task(first="speech"), passage(3)), names) == "bos speech h0 h0 end text w1 speech h2 h2 end"


def test_a_chunk_of_several_utterances_is_one_text_and_one_stream(woven: Weave, names: Names) -> None:
    made = woven(task(first="text", chunk={"utterances": 2}), passage(5))
    assert shown(made, names) == "bos text w0 w1 speech h2 h2 h3 h3 end text w4"
    assert [(s.start, s.stop) for s in made.segments if s.role == "target" and s.modality == "speech"][1] == (0.0, 7.0)


def test_a_chunk_by_seconds_is_as_long_as_fits_and_at_least_one_utterance(woven: Weave, names: Names) -> None:
    """They last 1, 2, 3, 4 and 5 seconds."""
    made = woven(task(first="text", chunk={"seconds": 3.0}), passage(5))
    assert shown(made, names) == "bos text w0 w1 speech h2 h2 end text w3 speech h4 h4 end"


@pytest.mark.parametrize(("loss", "counted"), [("text", {"text"}), ("speech", {"speech"}), ("all", {"text", "speech"})])
def test_the_chunks_of_one_modality_count_with_their_markers(woven: Weave, loss: str, counted: set[str]) -> None:
    ratio = {"say": {"of": ["text", "hubert"], "sizes": [1, 1]}, "open": "speech", "close": "end"}
    made = woven(task(first="text", loss=loss, speech=ratio), passage(4))
    inside = "text"
    for span in made.segments[1:]:
        first = span.end - span.begin == 1 and made.ids[span.begin] in (1000, 1001)
        inside = {1000: "text", 1001: "speech"}[made.ids[span.begin]] if first else inside
        assert span.loss == (inside in counted)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(2, 12), chunk=st.integers(1, 4), coin=st.booleans(), seed=st.integers(0, 99))
def test_every_utterance_is_written_once_and_in_order(
    woven: Weave, names: Names, count: int, chunk: int, coin: bool, seed: int
) -> None:
    made = task(chunk={"utterances": chunk}, alternate="coin" if coin else "strict")
    if count <= chunk:
        with pytest.raises(Unusable, match="too_few_utterances"):
            woven(made, passage(count), seed)
        return
    words = shown(woven(made, passage(count), seed), names).split()
    order = [int(word[1:]) for word, _ in groupby(word for word in words if word[0] in "wh" and word[1:].isdigit())]
    assert order == list(range(count))
    modalities = [word for word in words if word in ("text", "speech")]
    assert all(a != b for a, b in pairwise(modalities))
    if not coin:
        assert len(modalities) == -(-count // chunk)


def test_a_drawn_modality_follows_the_seed_and_a_coin_gives_more_than_alternation(woven: Weave, names: Names) -> None:
    drawn = [shown(woven(task(), passage(3), seed), names) for seed in range(40)]
    assert drawn == [shown(woven(task(), passage(3), seed), names) for seed in range(40)]
    assert len(Counter(drawn)) == 2
    assert len({shown(woven(task(alternate="coin"), passage(3), seed), names) for seed in range(99)}) == 8


def test_a_text_that_is_missing_refuses_the_recording_where_it_would_be_written(woven: Weave, names: Names) -> None:
    with pytest.raises(Unusable, match="no_transcript"):
        woven(task(first="text"), passage(3, lost_text=2))
    assert shown(woven(task(first="text"), passage(3, lost_text=1)), names) == "bos text w0 speech h1 h1 end text w2"
    with pytest.raises(Unusable, match="no_transcript"):
        woven(task(first="text", chunk={"utterances": 2}), passage(3, lost_text=1))


@pytest.mark.parametrize("chunk", [{}, {"utterances": 1, "seconds": 2.0}, {"utterances": 0}, {"seconds": 0.0}])
def test_a_chunk_has_one_length(chunk: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        task(chunk=chunk)
