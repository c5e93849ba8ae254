"""Estimated tokens of a task: codes whose equal neighbours become one are fewer than frames, others are not."""

import pytest

from weft.jobs.commands import make_pipeline, read_pipeline
from weft.jobs.estimates import KEPT_BY_DEDUP, TOKENS_A_WORD, WORDS_A_SECOND, tokens_of
from weft.jobs.holdings import Holding

TEXT = WORDS_A_SECOND * TOKENS_A_WORD
RECIPE = {
    "name": "some",
    "sources": {"read": {"use": "folder", "path": "."}},
    "tokenizers": {"linguistic": {"use": "linguistic"}, "fsq": {"use": "fsq"}, "hubert": {"use": "hubert"}},
    "streams": {"dual": {"merge": "groups", "of": ["linguistic", "fsq"], "sizes": [2, 3]}},
    "text": {"use": "bpe"},
    "align": {"use": "none"},
}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"use": "speech", "stream": "hubert"}, 25 * KEPT_BY_DEDUP),
        ({"use": "speech", "stream": "fsq"}, 25),
        ({"use": "speech", "stream": "dual"}, 25 + 1 / 0.06),
        ({"use": "ratio", "of": ["text", "fsq"], "sizes": [1, 4]}, 25 + TEXT),
        ({"use": "utterances", "speech": {"say": "fsq"}}, (25 + TEXT) / 2),
    ],
    ids=["deduplicated", "every-frame", "merged", "with-text", "text-or-speech"],
)
def test_tokens_of_a_second_of_speech(task: dict[str, object], expected: float) -> None:
    pipeline = make_pipeline({**RECIPE, "tasks": {"one": {"sources": ["read"], **task}}})
    assert tokens_of(pipeline, pipeline.tasks["one"], Holding(seconds=1.0)) == pytest.approx(expected, rel=1e-3)


def test_an_image_supplies_its_placeholders_beside_its_caption() -> None:
    pipeline = read_pipeline("step-audio-aqaa-small")
    held = Holding(items=10, read=10, records=10, bytes=400)
    assert tokens_of(pipeline, pipeline.tasks["images"], held) == 10 * 256 + 100
    assert tokens_of(pipeline, pipeline.tasks["text"], held) == 100
