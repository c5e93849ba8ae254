"""Estimated tokens of a task: codes whose equal neighbours become one are fewer than frames, others are not."""

import pytest

from weft.jobs.commands import make_pipeline, read_pipeline
from weft.jobs.estimates import Use
from weft.jobs.holdings import Holding
from weft.jobs.token_rates import KEPT_BY_DEDUP, TEXT_RATE

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
        ({"use": "ratio", "of": ["text", "fsq"], "sizes": [1, 4]}, 25 + TEXT_RATE),
        ({"use": "utterances", "speech": {"say": "fsq"}}, (25 + TEXT_RATE) / 2),
    ],
    ids=["deduplicated", "every-frame", "merged", "with-text", "text-or-speech"],
)
def test_tokens_of_a_second_of_speech(task: dict[str, object], expected: float) -> None:
    pipeline = make_pipeline({**RECIPE, "tasks": {"one": {"sources": ["read"], **task}}})
    held = Holding(items=1, records=4, seconds=1.0, lengths={4: 1})
    assert Use(pipeline, "one", "read").tokens(held) == pytest.approx(expected, rel=1e-3)


def test_an_image_supplies_its_placeholders_beside_its_caption() -> None:
    pipeline = read_pipeline("step-audio-aqaa-small")
    held = Holding(items=10, read=10, records=10, bytes=400)
    assert Use(pipeline, "images", "pictures").tokens(held) == 10 * 256 + 100
    assert Use(pipeline, "text", "text").tokens(held) == 100
