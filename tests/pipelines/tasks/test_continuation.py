"""The utterances of a recording one after the other, and a prompt before them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.pipelines.tasks.test_utterances import passage, shown
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.continuation import Task
from weft.schemas.ledger import Unusable

Weave = Callable[..., SampleBuilder]
Names = Callable[[int], str]


def task(**given: Any) -> Task:
    return Task.model_validate({"sources": ("talks",), **given})


def test_all_utterances_are_one_stream_in_one_pair_of_markers(woven: Weave, names: Names) -> None:
    made = woven(task(say="hubert", open="speech", close="end"), passage(3))
    assert shown(made, names) == "bos speech h0 h0 h1 h1 h2 h2 end"
    assert all(span.loss for span in made.segments[1:])


def test_text_goes_on_after_a_spoken_prompt(woven: Weave, names: Names) -> None:
    prompt = {"say": "hubert", "open": "speech", "close": "end", "utterances": 2}
    made = task(say="text", open="text", prompt=prompt, loss="rest")
    sample = woven(made, passage(4))
    assert shown(sample, names) == "bos speech h0 h0 end speech h1 h1 end text w2 w3"
    assert [names(i) for s in sample.segments if s.loss for i in sample.ids[s.begin : s.end]] == ["text", "w2", "w3"]
    assert made.streams == ("hubert",) and made.markers == {"speech", "end", "text"}
    assert all(s.loss for s in woven(task(say="text", prompt=prompt), passage(4)).segments[1:])


def test_a_recording_without_anything_after_its_prompt_is_refused(woven: Weave) -> None:
    with pytest.raises(Unusable) as fault:
        woven(task(say="text", prompt={"say": "hubert", "utterances": 3}), passage(3))
    assert fault.value.reason == "too_few_utterances"


def test_what_follows_a_prompt_of_latent_audio_is_written_as_one(monkeypatch: pytest.MonkeyPatch, woven: Weave) -> None:
    """The prompt's latents are of the prompt alone: the texts after it have a space between them."""
    written: list[str] = []
    monkeypatch.setattr(SampleBuilder, "latent_audio", lambda *_: None)
    monkeypatch.setattr(SampleBuilder, "text", lambda self, text, *_, **__: written.append(text))
    woven(task(say="text", prompt={"say": "audio"}), passage(4))
    assert written == ["w1 w2 w3"]
